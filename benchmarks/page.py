"""Figures of the page: starting, looking, correcting, memory, many users, and what leaves the machine.

Drives the Chromium of this machine, in which no name but this machine's own address can be resolved. Prints a Markdown table and exits
with 1 if a bar is missed:

    python -m benchmarks.page [--update-docs]
"""

from __future__ import annotations

import argparse
import http.client
import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distribution, requires
from pathlib import Path
from typing import Any

import numpy as np
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PIL import Image

from benchmarks.readme import insert_table
from usseg_monai.files.png import encode_png
from usseg_monai.tasks import TASKS, has_weights, load
from usseg_monai.tasks.fetal_head.showcase import SAMPLES
from usseg_monai.web.wire import packed, split

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs" / "app.md"
HEAD = SAMPLES / "741_HC.png"
WAIT_MS = 120_000
USERS = 20
LARGE = (4000, 5000)
TWO_PICTURES_MS = 33.4  # of a screen with 60 pictures a second, whose times are told to a tenth of a millisecond


@dataclass(frozen=True)
class Figure:
    """One line of the table: what was measured, its value, and the largest allowed value."""

    what: str
    value: float
    bar: float
    unit: str

    @property
    def held(self) -> bool:
        return self.value <= self.bar


@dataclass(frozen=True)
class App:
    """A running ``usseg app``."""

    process: subprocess.Popen[str]
    url: str
    seconds: float

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def memory_mb(self, name: str) -> float:
        """``VmRSS`` or ``VmHWM`` of the server, in 10**6 bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+)", text)
        return int(found[1]) * 1024 / 1e6 if found else float("nan")

    def post(self, call: str, body: bytes) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("POST", f"/call/{call}", body, {"x-usseg": "page"})
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{call}: {answer.status} {data[:200]!r}")
        return data


@contextmanager
def running(temporary: str) -> Iterator[App]:
    started = time.perf_counter()
    command = [sys.executable, "-m", "usseg_monai", "app", "--no-browser"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": temporary})
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        seconds = time.perf_counter() - started
        yield App(process, re.findall(r"http\S+", line)[0], seconds)
    finally:
        process.terminate()
        process.wait(20)


def distributions_of(extra: str) -> set[str]:
    """Names of what an extra needs besides what prediction needs."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    small = (REPOSITORY / "requirements-predict.txt").read_text(encoding="utf-8").splitlines()
    known = [line for line in small if line and not line.startswith("#")]
    return _closure(project["optional-dependencies"][extra]) - _closure(known)


def _closure(requirements: list[str]) -> set[str]:
    found: set[str] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += map(Requirement, requires(name) or ())
    return found


def megabytes(names: set[str]) -> float:
    """On disk, compiled modules included."""
    files = [file for name in names for file in distribution(name).files or ()]
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file()) / 1e6


def timed(page: Any, action: Callable[[], object]) -> float:
    """Seconds from an action to the next result that is shown."""
    before = page.get_attribute("html", "data-shown")
    started = time.perf_counter()
    action()
    page.wait_for_selector(f"html:not([data-shown='{before}'])[data-state]", timeout=WAIT_MS)
    return time.perf_counter() - started


def settle(page: Any) -> None:
    page.wait_for_timeout(150)
    page.wait_for_selector("html[data-settled=true]", timeout=WAIT_MS)


def brush_ms(page: Any) -> float:
    """Time between two pictures while the brush is drawn, at 95 %."""
    page.click('[data-tool="brush"]')
    box = page.locator("#stage canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.evaluate("import('/static/app.js').then(({ stage }) => { stage.frameTimes = []; })")
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(150):
        page.mouse.move(x + 120 * np.sin(step / 9), y + 90 * np.cos(step / 13))
        page.wait_for_timeout(4)
    page.mouse.up()
    times = page.evaluate(
        "import('/static/app.js').then(({ stage }) => { const all = stage.frameTimes; stage.frameTimes = null; return all; })"
    )
    page.click('[data-tool="move"]')
    settle(page)
    return float(np.quantile(np.diff(times), 0.95))


_TIME_MOVES = """
window.movedToShown = [];
let moved = null;
addEventListener("pointermove", () => (moved ??= performance.now()), true);
new MutationObserver(() => {
  if (moved !== null) window.movedToShown.push(performance.now() - moved);
  moved = null;
}).observe(document.documentElement, { attributeFilter: ["data-shown"] });
"""
"""Times from a move of the pointer to the next numbers, within the page."""


def drag_ms(page: Any) -> float:
    """Time from a step of a handle to the numbers that belong to it, median."""
    page.click('[data-tool="axes"]')
    box = page.locator(".handle").nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(_TIME_MOVES)
    for step in range(1, 21):
        before = page.get_attribute("html", "data-shown")
        page.mouse.move(x + step, y + step)
        page.wait_for_selector(f"html:not([data-shown='{before}'])", timeout=WAIT_MS)
    times: list[float] = page.evaluate("window.movedToShown")
    page.mouse.up()
    settle(page)
    return statistics.median(times)


def large_picture() -> bytes:
    with Image.open(HEAD) as image:
        pixels = np.asarray(image.convert("L").resize((LARGE[1], LARGE[0])))
    return encode_png(np.ascontiguousarray(pixels))


def looked_at(app: App, figures: list[Figure]) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    foreign: list[str] = []
    violations: list[str] = []
    axe = Axe()
    with sync_playwright() as driver:
        options = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        browser = driver.chromium.launch(executable_path=chromium, args=options)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.on("request", lambda request: None if request.url.startswith((app.url, "blob:")) else foreign.append(request.url))
        ready = []
        for _ in range(3):
            page.goto(app.url)
            page.wait_for_selector("html[data-ready]", timeout=WAIT_MS)
            ready.append(float(page.get_attribute("html", "data-ready") or "nan") / 1000)
        figures.append(Figure("page ready, median of 3", statistics.median(ready), 1.0, "s"))
        slowest = 0.0
        for task in filter(has_weights, TASKS):
            button = f'[data-sample="{task}/{load(TASKS[task].showcase).groups[0].folder}"]'
            for _ in range(2):  # the second time the sample is drawn and the network loaded
                if page.locator("#home").is_visible():
                    page.click("#home")
                seconds = timed(page, partial(page.click, button))
                settle(page)
                page.wait_for_selector("#busy:text-is('')", state="attached", timeout=WAIT_MS)
            slowest = max(slowest, seconds)
        figures.append(Figure("sample click to numbers, warm, slowest task", slowest, 1.0, "s"))
        page.click("#home")
        page.select_option("#task", "fetal_head")
        page.set_input_files("#files", str(HEAD))
        page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
        settle(page)
        figures.append(Figure("numbers follow a drag, 800 x 540, median", drag_ms(page), 100, "ms"))
        figures.append(Figure("brush, 800 x 540, between pictures at 95 %", brush_ms(page), TWO_PICTURES_MS, "ms"))
        page.click("#home")
        page.select_option("#task", "auto")
        file: Any = {"name": "large.png", "mimeType": "image/png", "buffer": large_picture()}
        seconds = timed(page, lambda: page.set_input_files("#files", file))
        page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
        figures.append(Figure("20 megapixels, task found out: result", seconds, 10, "s"))
        figures.append(Figure("20 megapixels: peak of the server", app.memory_mb("VmHWM"), 700, "MB"))
        settle(page)
        figures.append(Figure("brush, 20 megapixels, between pictures at 95 %", brush_ms(page), TWO_PICTURES_MS, "ms"))
        time.sleep(60)
        figures.append(Figure("20 megapixels: server a minute later", app.memory_mb("VmRSS"), 400, "MB"))
        kept = page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") + len(context.cookies())
        figures.append(Figure("foreign requests, storage, cookies", len(foreign) + kept, 0, ""))
        context.close()
        looks: list[Any] = [(1280, "light"), (1280, "dark"), (390, "light"), (320, "dark")]
        for width, scheme in looks:
            context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            page = context.new_page()
            page.goto(app.url)
            page.wait_for_selector("html[data-ready]", timeout=WAIT_MS)
            violations += [rule["id"] for rule in axe.run(page).response["violations"]]
            page.set_input_files("#files", str(HEAD))
            page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
            violations += [rule["id"] for rule in axe.run(page).response["violations"]]
            wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
            violations += ["wider than the window"] if wide > room else []
            context.close()
        figures.append(Figure("violations of axe, overflow: start and result, light, dark, 390 and 320 px", len(violations), 0, ""))
        browser.close()


def many_users(app: App, figures: list[Figure]) -> None:
    """Predictions of different pictures at once."""
    with Image.open(HEAD) as image:
        grey = np.asarray(image.convert("L"))
    crops = [np.ascontiguousarray(grey[: 400 + 5 * number, : 600 + 7 * number]) for number in range(USERS)]

    def ask(crop: np.ndarray) -> bool:
        rows, cols = crop.shape
        head = {"task": "fetal_head", "rows": rows, "cols": cols, "type": "u1", "file": f"{rows}x{cols}.png"}
        text, mask = split(app.post("predict", packed(head, [crop.tobytes()])))
        return text["row"]["file"] == head["file"] and len(mask) == crop.size

    waits = []
    with ThreadPoolExecutor(USERS) as pool:
        answers = [pool.submit(ask, crop) for crop in crops]
        while not all(answer.done() for answer in answers):
            started = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", app.port, timeout=60)
            connection.request("GET", "/health")
            connection.getresponse().read()
            connection.close()
            waits.append(time.perf_counter() - started)
            time.sleep(0.02)
    figures.append(Figure(f"{USERS} users at once: mixed up", sum(not answer.result() for answer in answers), 0, ""))
    figures.append(Figure(f"{USERS} users at once: /health, slowest", max(waits), 0.2, "s"))


def measuring_ms(app: App) -> float:
    rows, cols = np.ogrid[:540, :800]
    mask = (((rows - 270) / 200) ** 2 + ((cols - 400) / 260) ** 2 <= 1).astype(np.uint8)
    body = packed({"task": "fetal_head", "rows": 540, "cols": 800, "spacing_mm": [0.2, 0.2], "corrected": True}, [mask.tobytes()])
    times = []
    for _ in range(30):
        started = time.perf_counter()
        app.post("measure", body)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update-docs", action="store_true", help="write the table into docs/app.md")
    args = parser.parse_args()
    figures: list[Figure] = []
    names = distributions_of("web")
    figures.append(Figure("extra `[web]` on disk, without what prediction needs", megabytes(names), 15, "MB"))
    figures.append(Figure("its packages", len(names), 10, ""))
    with tempfile.TemporaryDirectory() as temporary:
        starts = []
        for _ in range(3):
            with running(temporary) as app:
                starts.append(app.seconds)
        figures.append(Figure("command to listening, median of 3", statistics.median(starts), 1.5, "s"))
        with running(temporary) as app:
            figures.append(Figure("measure after a change, 800 x 540, median", measuring_ms(app), 50, "ms"))
            looked_at(app, figures)
            many_users(app, figures)
        left = os.listdir(temporary)
        figures.append(Figure(f"temporary files left{': ' * bool(left)}{', '.join(left)}", len(left), 0, ""))
    table = io.StringIO()
    print("| What | Found | Bar |", "| --- | ---: | ---: |", sep="\n", file=table)
    for figure in figures:
        digits = 0 if figure.unit == "" or figure.value >= 100 else 2 if figure.unit == "s" else 1
        missed = "" if figure.held else " **missed**"
        print(f"| {figure.what} | {figure.value:.{digits}f} {figure.unit}{missed} | {figure.bar:g} {figure.unit} |", file=table)
    print(table.getvalue())
    if args.update_docs:
        DOCS.write_text(insert_table(DOCS.read_text(encoding="utf-8"), "page", table.getvalue().strip()), encoding="utf-8")
    return int(not all(figure.held for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
