"""How long the page without a server takes for a picture, warm, as a multiple of the native runtime on one thread.

    python -m benchmarks.serverless [--runs 15]
    python -m benchmarks.serverless --bits 8 10 12 16

The second form needs no browser: it rounds the weights of each graph to fewer bits, by channel, computes in single precision as before, and
prints their size and the share of pixels on which the masks of the page's samples then differ.

Chromium and the native runtime look at the same samples in turn, so that a busy machine slows both. The browser's time includes the way to
its worker and back.
"""

from __future__ import annotations

import argparse
import functools
import http.server
import json
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from usseg_monai.geometry.types import GreyArray, MaskArray
from usseg_monai.imaging import read_image
from usseg_monai.predict.engines.onnx import OnnxEngine
from usseg_monai.tasks import TASKS, bundle_path, load
from usseg_monai.web.export import export_page, exported_tasks

MOST_TIMES = 6.0
"""Bar of the median ratio."""

MOST_DIFFERENT = 1e-5
"""Bar of the share of pixels on which masks may differ from those of the command."""

_RUN = """async ([task, at]) => {
  const { runNetwork } = await import(new URL("static/serverless/network.js", document.baseURI).href);
  const { decoded } = await import(new URL("static/serverless/pictures.js", document.baseURI).href);
  const file = new File([await (await fetch(at)).blob()], at);
  const [frame] = (await decoded(file, { max_pixels: 4e7 })).frames;
  const begun = performance.now();
  await runNetwork(task, frame);
  return (performance.now() - begun) / 1000;
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()


def _times(page: Any, folder: Path, task: Any, sample: str, runs: int) -> tuple[list[float], list[float]]:
    """Seconds in the browser and natively, the first run of each left out."""
    engine, pixels = OnnxEngine(task["name"]), read_image(folder / sample).pixels
    browser, native = [], []
    for _ in range(runs + 1):
        browser.append(page.evaluate(_RUN, [task, sample]))
        begun = time.perf_counter()
        engine(pixels)
        native.append(time.perf_counter() - begun)
    return browser[1:], native[1:]


def _rounded(graph: Path, bits: int) -> tuple[bytes, int]:
    """The graph with each channel's weights on a grid of so many bits, and the bytes that they need."""
    model, size = onnx.load(graph), 0
    for weights in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weights)
        if values.dtype != np.float16 or values.ndim < 2:
            continue
        channels = values.reshape(len(values), -1).astype(np.float32)
        step = np.maximum(np.abs(channels).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1), np.finfo(np.float32).tiny)
        near = (np.rint(channels / step) * step).reshape(values.shape)
        weights.CopyFrom(onnx.numpy_helper.from_array(near, weights.name))  # the cast to single precision behind it stays
        size += values.size * bits // 8
    return model.SerializeToString(), size


def _masks(graph: bytes | Path, pictures: list[GreyArray]) -> list[MaskArray]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return [session.run(["mask"], {"pixels": picture.astype(np.float32)})[0] for picture in pictures]


def _fewer_bits(name: str, widths: list[int]) -> None:
    graph = bundle_path(name) / "models" / "model.onnx"
    samples = [sample for group in load(TASKS[name].showcase).groups for sample in group.samples() if sample.name.endswith(".png")]
    pictures = [read_image(sample.content).pixels for sample in samples]
    wanted, pixels = _masks(graph, pictures), sum(picture.size for picture in pictures)
    for bits in widths:
        content, size = _rounded(graph, bits)
        share = sum(int(np.count_nonzero(one != other)) for one, other in zip(wanted, _masks(content, pictures), strict=True)) / pixels
        bar = "within" if share <= MOST_DIFFERENT else "beyond"
        print(f"{name}, weights of {bits} bits: {size / 1e6:.1f} MB, {share:.1e} of {pixels} pixels differ, {bar} {MOST_DIFFERENT:g}")


def main() -> int:
    """Print the ratios; 1 if one is beyond the bar."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Warm time of the page without a server, as a multiple of the native runtime.")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--bits", type=int, nargs="+", default=[], help="compare graphs with weights of so many bits instead")
    args = parser.parse_args()
    runs = args.runs
    if args.bits:
        for name in exported_tasks():
            _fewer_bits(name, args.bits)
        return 0
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
    slow = False
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as driver:
        folder = Path(temporary, "page")
        export_page(folder)
        started = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with _served(folder) as address:
            page = started.new_page()
            page.goto(address)
            facts = json.loads((folder / "facts.json").read_text())
            for task in facts["tasks"]:
                sample = next(group["files"][0]["at"] for group in facts["samples"] if group["task"] == task["name"])
                browser, native = _times(page, folder, task, sample, runs)
                ratio, least = statistics.median(browser) / statistics.median(native), min(browser) / min(native)
                seconds = f"{statistics.median(browser):.3f} s in the browser, {statistics.median(native):.3f} s natively"
                print(f"{task['name']}: {seconds}; ratio {ratio:.1f} by medians, {least:.1f} by minima ({runs} runs; bar {MOST_TIMES:g})")
                slow |= ratio > MOST_TIMES
        started.close()
    return int(slow)


if __name__ == "__main__":
    raise SystemExit(main())
