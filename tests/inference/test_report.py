"""The page shows every case with its numbers, escapes what it shows, and needs nothing from outside."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from usseg_monai.imaging.image import GreyImage
from usseg_monai.inference.report import Case, Report, Section, Tolerance, render_report
from usseg_monai.measurements.result import Measurement, Status, Value
from usseg_monai.tasks import get_task

TASK = get_task("fetal_head")
HC = "head_circumference_mm"
OUTLINE = np.array([[10.0, 20.0], [10.0, 60.0], [40.0, 60.0], [40.0, 20.0]])


def _case(name: str, hc: float | None, truth: float | None = None, status: Status = Status.OK, message: str = "") -> Case:
    values: dict[str, Value] = {column.name: None for column in TASK.columns}
    values |= {HC: hc, "gestational_age_hadlock_weeks": 20.25, "angle_deg": 12.0}
    pixels = np.tile(np.arange(80, dtype=np.float32), (50, 1)) * 30 - 100
    outlines = (OUTLINE,) if hc else ()
    return Case(name, GreyImage(pixels, (0.2, 0.2)), Measurement(values, status, message, outlines), {} if truth is None else {HC: truth})


def _page(*cases: Case, tolerance: Tolerance | None = None, **changes: object) -> str:
    options: dict[str, object] = {
        "task": TASK,
        "title": "Demo",
        "lead": "What it is.",
        "highlights": (HC, "gestational_age_hadlock_weeks"),
        "sections": [Section("Pictures", "Some pictures.", cases, tolerance)],
        **changes,
    }
    return render_report(Report(**options))  # type: ignore[arg-type]


class _Nesting(HTMLParser):
    """Fails on tags that do not close in the order they opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        while tag == "tr" and self.open[-1] == "th":  # the end of a header cell may be left out
            self.open.pop()
        assert self.open.pop() == tag


def test_every_case_is_shown_with_its_numbers() -> None:
    page = _page(_case("a.png", 181.26, 180.0), _case("b.png", 99.0), _case("c.png", None, status=Status.EMPTY, message="nothing found"))
    for text in (
        "a.png",
        "b.png",
        "c.png",
        "181.3 mm",
        "true 180.0",
        "+1.3",
        "+0.7 %",
        "99.0 mm",
        "not known",
        "nothing found",
        "20.2 weeks",
    ):
        assert text in page, text
    assert page.count("<article") == page.count("<svg") == 3
    assert page.count("<polygon") == 2
    for column in TASK.columns:
        assert page.count(f">{column.name}</th>") == 3


def test_the_page_is_well_formed_and_says_what_it_must() -> None:
    page = _page(_case("a.png", 181.0), notes=["Images: van den Heuvel et al., CC BY 4.0"], facts=[("version", "1.2.3")])
    parser = _Nesting()
    parser.feed(page)
    assert parser.open == []
    assert page.startswith("<!DOCTYPE html>")
    for text in ("Not a medical device", "van den Heuvel", "CC BY 4.0", "version 1.2.3", TASK.weights_license, "prefers-color-scheme"):
        assert text in page


def test_nothing_comes_from_outside() -> None:
    page = _page(_case("a.png", 181.0), commands=[("Do", "usseg tasks")])
    assert "<script" not in page and "url(" not in page and "@import" not in page and "<link" not in page
    references = re.findall(r"(?:href|src)=['\"]([^'\"]*)", page)
    assert references and all(reference.startswith(("#", "data:image/")) for reference in references)


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "a' onload='alert(1)", 'a"><b>', "a&amp;b"])
def test_names_and_messages_are_escaped(bad: str) -> None:
    page = _page(
        _case(bad, 181.0, message=bad),
        title=bad,
        lead=bad,
        notes=[bad],
        facts=[(bad, bad)],
        commands=[(bad, bad)],
    )
    assert bad not in page
    assert "onload='" not in page
    parser = _Nesting()
    parser.feed(page)
    assert parser.open == []


def test_tolerance_is_checked_and_said() -> None:
    tolerance = Tolerance(HC, 3.0)
    good, bad, unknown = _case("good.png", 102.9, 100.0), _case("bad.png", 96.9, 100.0), _case("unknown.png", None, 100.0)
    assert [tolerance.holds(case) for case in (good, bad, unknown)] == [True, False, False]
    assert not tolerance.holds(_case("no truth.png", 100.0))
    page = _page(good, bad, unknown, tolerance=tolerance)
    assert "1 of 3" in page
    assert page.count(">within 3 %<") == 2 and page.count("not within 3 %") == 4  # in the table and on the card


def test_tiles_average_what_is_known() -> None:
    page = _page(_case("a.png", 101.0, 100.0), _case("b.png", 97.0, 100.0), _case("c.png", 50.0))
    assert "<b>2.0 mm</b>" in page and "<b>3</b>" in page


def test_picture_is_stretched_to_all_greys_and_outline_lies_on_pixel_centres() -> None:
    page = _page(_case("a.png", 181.0))
    encoded = re.search(r"data:image/jpeg;base64,([^']+)", page)
    assert encoded
    with Image.open(io.BytesIO(base64.b64decode(encoded.group(1)))) as picture:
        grey = np.asarray(picture)
    assert grey.shape == (50, 80) and grey.min() < 8 and grey.max() > 247
    assert "viewBox='0 0 80 50'" in page
    assert "points='20.5,10.5 60.5,10.5 60.5,40.5 20.5,40.5'" in page  # x, y from row, column


def test_constant_picture() -> None:
    case = _case("a.png", None, status=Status.EMPTY)
    flat = Case(case.name, GreyImage(np.full((50, 80), 7, np.float32)), case.measurement)
    assert "data:image/jpeg" in _page(flat)
