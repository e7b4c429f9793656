"""The page in a real browser that can reach nothing but this machine: looking, correcting, taking away."""

from __future__ import annotations

import base64
import csv
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.web.conftest import SCHEMES, WINDOWS, Server, check_usable, in_browser, window
from tests.web.test_archives import zipped
from usseg_monai.cli import main
from usseg_monai.files.png import encode_png
from usseg_monai.imaging import read_mask
from usseg_monai.predict.predictor import Predictor
from usseg_monai.report.words import quantity
from usseg_monai.tasks import TASKS, has_weights, load
from usseg_monai.tasks.fetal_head.showcase import SAMPLES

pytestmark = in_browser
HERE = [task for task in TASKS if has_weights(task)]
HEAD = SAMPLES / "741_HC.png"
WAIT_MS = 90_000


class Opened:
    """A page with what it asked for and what went wrong in it."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page, self.asked, self.errors = page, list[str](), list[str]()
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(server.url)
        page.wait_for_selector("html[data-state=start]", timeout=WAIT_MS)

    def sample(self, task: str, group: str) -> None:
        self.page.click(f'[data-sample="{task}/{group}"]')
        self.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)

    def give(self, *files: Any) -> None:
        self.page.set_input_files("#files", list(files))

    def settle(self) -> None:
        """Wait until no call is on its way."""
        self.page.wait_for_timeout(120)
        self.page.wait_for_selector("html[data-settled=true]", timeout=WAIT_MS)

    def number(self, label: str) -> str:
        return str(self.page.locator("#panel dl div", has=self.page.get_by_text(label, exact=True)).locator("dd").inner_text())

    def download(self, kind: str) -> bytes:
        with self.page.expect_download() as coming:
            self.page.click(f"#take-{kind}")
        return Path(coming.value.path()).read_bytes()


@pytest.fixture
def opened(browser: Any, server: Server) -> Iterator[Opened]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    found = Opened(context.new_page(), server)
    yield found
    origin = server.url.split("#")[0]
    kept = found.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie, indexedDB.databases ? 0 : 0]")
    assert kept == [0, 0, "", 0] and not context.cookies()
    assert [url for url in found.asked if not url.startswith((origin, "blob:"))] == []
    assert found.errors == []
    context.close()


@pytest.mark.parametrize("task", HERE)
def test_a_sample_of_each_task_shows_the_numbers_of_python(opened: Opened, task: str) -> None:
    showcase = load(TASKS[task].showcase)
    group = showcase.groups[0]
    sample = next(iter(group.samples()))
    found = Predictor(task).predict(sample.content, spacing_mm=sample.spacing_mm)
    opened.sample(task, group.folder)
    name = next(
        name for name in showcase.highlights if isinstance(found.measurements[name], float) and name.endswith(("_mm", "_mm2", "_px"))
    )
    value = quantity(found.measurements[name], name)
    assert value in opened.page.locator("#panel").inner_text()
    if found.confidence is not None:
        assert f"Expected Dice {found.confidence:.2f}" in opened.page.locator("#panel").inner_text()
    assert opened.page.locator("#disclaimer").is_visible()


def test_a_broken_file_says_why_and_shows_no_numbers(opened: Opened) -> None:
    opened.give({"name": "broken<b>.png", "mimeType": "image/png", "buffer": HEAD.read_bytes()[:5000]})
    opened.page.wait_for_selector("html[data-state=error]", timeout=WAIT_MS)
    text = opened.page.locator("#reasons").inner_text()
    assert text.startswith("broken<b>.png: ") and "--" not in text
    assert opened.page.locator("#start").is_visible() and not opened.page.locator("#panel").is_visible()


def test_the_reasons_of_several_files_stay_in_sight(opened: Opened) -> None:
    broken = [{"name": f"{number}.png", "mimeType": "image/png", "buffer": b"hello"} for number in range(7)]
    head = {"name": "head.png", "mimeType": "image/png", "buffer": HEAD.read_bytes()}
    opened.give(broken[0], head, *broken[1:])
    opened.page.wait_for_selector("#reasons p:has-text('and 3 more')", timeout=WAIT_MS)
    opened.settle()
    assert opened.page.locator("#reasons p").all_inner_texts()[0].startswith("0.png: ")
    opened.give(head)
    opened.settle()
    assert opened.page.locator("#reasons p").count() == 0 and opened.page.locator(".thumb").count() == 2


def test_auto_typed_spacing_and_the_tables(opened: Opened) -> None:
    opened.give(str(HEAD), str(SAMPLES / "116_HC.png"))
    opened.page.wait_for_selector(".thumb >> nth=1", timeout=WAIT_MS)
    opened.page.wait_for_selector("html[data-settled=true]", timeout=WAIT_MS)
    opened.settle()
    assert "found out from the picture" in opened.page.locator("#panel").inner_text()
    assert opened.number("Head circumference").endswith(" px")
    opened.page.fill("#spacing-down", "0.2")
    opened.page.fill("#spacing-across", "0.2")
    opened.page.wait_for_selector("#panel dd:has-text('mm')", timeout=WAIT_MS)
    opened.settle()
    opened.page.click("#spacing-all")
    opened.settle()
    rows = list(csv.DictReader(io.StringIO(opened.download("csv").decode())))
    assert [row["file"] for row in rows] == ["741_HC.png", "116_HC.png"] and {row["spacing_mm_row"] for row in rows} == {"0.2"}
    found = Predictor("fetal_head").predict(HEAD, spacing_mm=0.2)
    assert float(rows[0]["head_circumference_mm"]) == float(f"{found.measurements['head_circumference_mm']:.6g}")
    (first, _) = json.loads(opened.download("json"))
    told = found.to_dict()
    assert {name: first[name] for name in told if name != "message"} == {name: told[name] for name in told if name != "message"}
    assert opened.download("pdf").startswith(b"%PDF") and opened.download("nifti").startswith(b"\x1f\x8b")


def test_a_head_is_corrected_by_keys_alone(opened: Opened, tmp_path: Path) -> None:
    press = opened.page.keyboard.press
    opened.page.focus('[data-sample="fetal_head/hc18"]')
    press("Enter")
    opened.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    opened.page.wait_for_selector(".thumb >> nth=3", timeout=WAIT_MS)
    opened.settle()
    before = float(opened.number("Head circumference").split()[0])
    opened.page.focus('[data-tool="axes"]')
    press("Space")
    for _ in range(60):
        press("Tab")
        if opened.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Long axis, one end":
            break
    else:
        pytest.fail("the handle cannot be reached")
    up = opened.page.evaluate("document.activeElement.getBoundingClientRect().y") < opened.page.evaluate(
        "document.querySelector('.handle').getBoundingClientRect().y"
    )
    for _ in range(3):
        press("Shift+ArrowUp" if up else "Shift+ArrowDown")
    opened.page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
    opened.settle()
    text = opened.page.locator("#panel").inner_text()
    after = float(opened.number("Head circumference").split()[0])
    assert after > before + 1 and "Corrected by hand" in text and "Expected Dice" not in text
    (tmp_path / "mask.png").write_bytes(opened.download("png"))
    measured = TASKS["fetal_head"].measure(read_mask(tmp_path / "mask.png"), 0.104077743987)
    assert quantity(measured.values["head_circumference_mm"], "head_circumference_mm") == f"{after} mm"
    (row, *_) = csv.DictReader(io.StringIO(opened.download("csv").decode()))
    assert row["corrected"] == "yes" and row["confidence"] == ""
    for _ in range(3):
        press("Control+z")
        opened.settle()
    assert float(opened.number("Head circumference").split()[0]) == before and "Expected Dice" in opened.page.locator("#panel").inner_text()


def test_brush_eraser_undo_and_redo(opened: Opened) -> None:
    """Strokes over a lesion, and with the keys."""
    opened.sample("breast", "phantoms")

    def area() -> float:
        return float(opened.number("Area").split()[0])

    before = area()
    box = opened.page.locator("#stage canvas").bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    def stroke(tool: str) -> float:
        opened.page.click(f'[data-tool="{tool}"]')
        opened.page.mouse.move(*middle)
        opened.page.mouse.down()
        opened.page.mouse.move(middle[0] + 150, middle[1] + 80, steps=12)
        opened.page.mouse.up()
        opened.settle()
        return area()

    larger = stroke("brush")
    smaller = stroke("eraser")
    assert larger > before > smaller
    opened.page.click("#undo")
    opened.settle()
    assert area() == larger
    opened.page.click("#undo")
    opened.settle()
    assert area() == before and "Corrected" not in opened.page.locator("#panel").inner_text()
    opened.page.click("#redo")
    opened.settle()
    assert area() == larger
    opened.page.click("#reset")
    opened.settle()
    assert area() == before
    opened.page.click('[data-tool="brush"]')
    opened.page.fill("#tip", "40")
    opened.page.focus("#stage canvas")
    for key in ("Shift+ArrowRight",) * 7 + ("Space",):
        opened.page.keyboard.press(key)
    opened.settle()
    assert area() > before and "Corrected by hand" in opened.page.locator("#panel").inner_text()


class _Held:
    """The call for a sample, held back until the test lets it go."""

    def __init__(self, page: Any, number: int) -> None:
        self.page, self.routes = page, list[Any]()
        page.route(f"**/call/sample?*number={number}", lambda route: self.routes.append(route), times=1)

    def let_go(self) -> None:
        while not self.routes:
            self.page.wait_for_timeout(10)
        with self.page.expect_response("**/call/sample?*"):
            self.routes[0].continue_()


def test_a_correction_stays_in_sight_while_more_samples_come(opened: Opened) -> None:
    held = _Held(opened.page, 1)
    opened.sample("breast", "phantoms")
    opened.page.click('[data-tool="brush"]')
    opened.page.focus("#stage canvas")
    opened.page.keyboard.press("Space")
    opened.page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
    held.let_go()
    opened.page.wait_for_selector(".thumb >> nth=5", timeout=WAIT_MS)
    opened.settle()
    assert opened.page.get_attribute("html", "data-state") == "corrected"
    opened.page.locator(".thumb").nth(1).press("Enter")
    assert opened.page.get_attribute("html", "data-state") == "result"
    assert opened.page.evaluate("document.activeElement.matches('.thumb:nth-child(2)')")  # keys go on from there


def test_the_start_page_stays_while_more_samples_come(opened: Opened) -> None:
    held = _Held(opened.page, 1)
    opened.sample("breast", "phantoms")
    opened.page.click("#home")
    held.let_go()
    opened.settle()
    assert opened.page.get_attribute("html", "data-state") == "start" and opened.page.locator("#start").is_visible()
    opened.sample("fetal_head", "hc18")
    opened.settle()
    assert not opened.page.locator(".thumb", has_text="benign").count()


def test_calipers(opened: Opened) -> None:
    opened.sample("breast", "phantoms")
    opened.page.click('[data-tool="calipers"]')
    long_axis = opened.number("Long axis")
    assert opened.page.locator("#distances strong").first.inner_text() == long_axis
    box = opened.page.locator("#stage canvas").bounding_box()
    opened.page.mouse.move(box["x"] + 200, box["y"] + 20)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + 300, box["y"] + 20, steps=4)
    opened.page.mouse.up()
    assert opened.page.locator("#distances li").count() == 3
    handle = opened.page.locator('[aria-label="Caliper 3, one end"]')
    told = opened.page.locator("#distances strong").nth(2)
    short = float(told.inner_text().split()[0])
    handle.focus()
    opened.page.keyboard.press("Shift+ArrowLeft")
    assert float(told.inner_text().split()[0]) == pytest.approx(1.1 * short, rel=0.02)
    opened.page.click('[aria-label="Remove caliper 3"]')
    assert opened.page.locator("#distances li").count() == 2


def test_volumes_follow_a_correction(opened: Opened) -> None:
    opened.sample("left_ventricle", "cine")
    opened.page.wait_for_selector("#study svg", timeout=3 * WAIT_MS)
    opened.settle()
    study = opened.page.locator("#study")
    systole = opened.page.locator(".phases button", has_text="end systole")
    number = int(systole.inner_text().split(":")[0])
    opened.page.locator("#study circle.hit").nth(number).click()
    assert opened.page.locator("#number").inner_text() == f"{1 + 8 * number} of 64"
    before = study.locator("dd").nth(1).inner_text()
    opened.page.click('[data-tool="brush"]')
    opened.page.focus("#stage canvas")
    opened.page.keyboard.press("Space")
    opened.page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
    opened.settle()
    assert study.locator("dd").nth(1).inner_text() != before
    opened.page.click("#play")
    opened.page.wait_for_timeout(500)
    opened.page.click("#play")
    assert opened.page.locator("#number").inner_text() != f"{1 + 8 * number} of 64"


def test_a_zip_of_pictures_is_one_series(opened: Opened) -> None:
    files = {f"cine/{number}.png": HEAD.read_bytes() for number in (1, 2, 10)}
    opened.give({"name": "cine.zip", "mimeType": "application/zip", "buffer": zipped({**files, "notes.txt": b"x"}).getvalue()})
    opened.page.wait_for_selector("#reasons:has-text('cine.zip: left out: notes.txt')", timeout=WAIT_MS)
    assert opened.page.locator("#number").inner_text() == "1 of 3"
    opened.page.locator("#slider").press("End")
    assert "10.png" in opened.page.locator("#panel").inner_text()


def test_twenty_megapixels(opened: Opened) -> None:
    pixels = np.kron(np.asarray(_grey(HEAD)), np.ones((8, 6), np.uint8))[:4000, :5000]
    picture = np.zeros((4000, 5000), np.uint8)
    picture[: pixels.shape[0], : pixels.shape[1]] = pixels
    opened.page.select_option("#task", "fetal_head")
    opened.give({"name": "large.png", "mimeType": "image/png", "buffer": encode_png(picture)})
    opened.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    assert opened.number("Head circumference").endswith("px")
    opened.page.click('[data-tool="brush"]')
    opened.page.focus("#stage canvas")
    opened.page.keyboard.press("Space")
    opened.page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)


def test_two_users_do_not_meet(browser: Any, server: Server) -> None:
    contexts = [browser.new_context() for _ in range(2)]
    one, other = (Opened(context.new_page(), server) for context in contexts)
    one.give(str(HEAD))
    other.give(str(SAMPLES / "116_HC.png"))
    for user in (one, other):
        user.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    assert "741_HC.png" in one.page.locator("#panel").inner_text() and "116_HC.png" in other.page.locator("#panel").inner_text()
    assert one.number("Head circumference") != other.number("Head circumference")
    for context in contexts:
        context.close()


@pytest.mark.parametrize("size", WINDOWS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_use_it(browser: Any, server: Server, size: str, scheme: str) -> None:
    """No violation of the rules of axe and nothing wider than the window: start, result, corrected, error."""
    context = window(browser, size, scheme)
    opened = Opened(context.new_page(), server)
    check_usable(opened.page, "start")
    opened.sample("breast", "phantoms")
    opened.page.click("#all summary")
    check_usable(opened.page, "result")
    opened.page.click('[data-tool="brush"]')
    opened.page.fill("#tip", "40")
    opened.page.focus("#stage canvas")
    opened.page.keyboard.press("Space")
    opened.page.wait_for_selector("html[data-state=corrected]", timeout=WAIT_MS)
    opened.page.click('[data-tool="calipers"]')
    check_usable(opened.page, "corrected")
    opened.give({"name": "x.png", "mimeType": "image/png", "buffer": b"hello"})
    opened.page.wait_for_selector("#reasons p", timeout=WAIT_MS)
    check_usable(opened.page, "error")
    context.close()


def _grey(file: Path) -> Any:
    from PIL import Image

    return Image.open(file).convert("L")


_GIVE = """([kind, name, bytes]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], name));
  const dropped = () => new DragEvent(kind, { dataTransfer: transfer, cancelable: true });
  const event = kind === "drop" ? dropped() : new ClipboardEvent(kind, { clipboardData: transfer });
  dispatchEvent(event);
}"""


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_files_are_dropped_and_pasted(opened: Opened, kind: str) -> None:
    opened.page.evaluate(_GIVE, [kind, "head.png", base64.b64encode(HEAD.read_bytes()).decode()])
    opened.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    assert "head.png" in opened.page.locator("#panel").inner_text()


_VIEW = "import('/static/app.js').then(({ stage }) => [stage.zoom, stage.left, stage.top])"
_GREYS = """import('/static/app.js').then(({ stage }) => {
  const { data } = stage.display.picture.getContext('2d').getImageData(0, 0, stage.display.cols, stage.display.rows);
  let sum = 0;
  for (let at = 0; at < data.length; at += 4) sum += data[at];
  return sum;
})"""


def test_zoom_pan_and_window(opened: Opened) -> None:
    """By wheel, by drag, by keys, by two fingers, and by sliders."""
    opened.give(str(HEAD))
    opened.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    fit = opened.page.evaluate(_VIEW)
    box = opened.page.locator("#stage canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.page.mouse.move(x, y)
    opened.page.mouse.wheel(0, -400)
    opened.page.wait_for_timeout(100)
    zoomed = opened.page.evaluate(_VIEW)
    assert zoomed[0] > 1.3 * fit[0]
    opened.page.mouse.down()
    opened.page.mouse.move(x + 50, y + 30, steps=3)
    opened.page.mouse.up()
    moved = opened.page.evaluate(_VIEW)
    assert moved[1] == pytest.approx(zoomed[1] + 50) and moved[2] == pytest.approx(zoomed[2] + 30)
    opened.page.focus("#stage canvas")
    for key in ("+", "ArrowLeft", "0"):
        opened.page.keyboard.press(key)
    assert opened.page.evaluate(_VIEW) == fit
    fingers = opened.page.context.new_cdp_session(opened.page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80), ("touchEnd", 0)):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}] if apart else []
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert opened.page.evaluate(_VIEW)[0] == pytest.approx(2 * fit[0], rel=0.05)
    greys = opened.page.evaluate(_GREYS)
    opened.page.click("#look summary")
    opened.page.locator("#level").press("Home")
    assert opened.page.evaluate(_GREYS) > 1.5 * greys
    opened.page.click("#usual")
    assert opened.page.evaluate(_GREYS) == greys


def test_after_everything_is_erased_an_ellipse_can_be_drawn(opened: Opened) -> None:
    """It begins in the middle."""
    opened.page.select_option("#task", "fetal_head")
    opened.give(str(SAMPLES / "116_HC.png"))
    opened.page.wait_for_selector("html[data-state=result]", timeout=WAIT_MS)
    opened.page.click('[data-tool="eraser"]')
    opened.page.fill("#tip", "80")
    box = opened.page.locator("#stage canvas").bounding_box()
    for down in range(40, int(box["height"]), 90):
        opened.page.mouse.move(box["x"] + 5, box["y"] + down)
        opened.page.mouse.down()
        opened.page.mouse.move(box["x"] + box["width"] - 5, box["y"] + down, steps=3)
        opened.page.mouse.up()
    opened.page.wait_for_selector("#panel h2:has-text('Nothing was found')", timeout=WAIT_MS)
    assert opened.page.locator("#panel dl.numbers div").count() == 0
    opened.page.click('[data-tool="axes"]')
    opened.page.focus('[aria-label="Centre of the ellipse"]')
    opened.page.keyboard.press("ArrowRight")
    opened.page.wait_for_selector("#panel dd:has-text('px')", timeout=WAIT_MS)
    opened.settle()
    assert float(opened.number("Head circumference").split()[0]) > 500


def test_the_page_of_a_run_sorts_and_filters(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("116_HC.png", "741_HC.png"):
        shutil.copy(SAMPLES / name, tmp_path / "in")
    (tmp_path / "in" / "broken.png").write_bytes(b"x")
    main(["predict", "fetal_head", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-q", "--report", "--spacing-mm", "0.2"])
    page = browser.new_page(viewport={"width": 390, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "out" / "report.html").as_uri())

    def files() -> list[str]:
        return [row.inner_text() for row in page.locator(".sorts tbody th").all() if row.is_visible()]

    assert files()[0] == "broken.png"
    head = page.locator(".sorts thead button", has_text="Head circumference")
    head.click()
    assert files() == ["116_HC.png", "741_HC.png", "broken.png"]
    head.click()
    assert files() == ["741_HC.png", "116_HC.png", "broken.png"]
    page.uncheck("input[data-status=failed]")
    assert files() == ["741_HC.png", "116_HC.png"]
    check_usable(page, "report")
    assert all(url.startswith(("file:", "data:")) for url in asked)
    page.close()
