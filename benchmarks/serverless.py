"""How long the page without a server takes for a picture, warm, as a multiple of the native runtime on one thread.

    python -m benchmarks.serverless [--runs 15]

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

from usseg_monai.imaging import read_image
from usseg_monai.predict.engines.onnx import OnnxEngine
from usseg_monai.web.export import export_page

MOST_TIMES = 6.0
"""Bar of the median ratio."""

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


def main() -> int:
    """Print the ratios; 1 if one is beyond the bar."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description="Warm time of the page without a server, as a multiple of the native runtime.")
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
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
