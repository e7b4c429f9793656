"""The page shows every case with its numbers, escapes what it shows, and needs nothing from outside."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from usseg_monai.files.table import Value
from usseg_monai.imaging.drawing.colors import css
from usseg_monai.imaging.image import GreyImage
from usseg_monai.measuring.result import Severity, Status
from usseg_monai.report.caption import SEVERITY_COLORS
from usseg_monai.report.model import SHEET_FROM, Case, Chapter, Miss, Misses, Report, Section, rank
from usseg_monai.report.page import outlined, render_report
from usseg_monai.report.words import DISCLAIMER, HEADINGS
from usseg_monai.tasks import Column, get_task
from usseg_monai.tasks.showcase import Figure, Tolerance

TASK = get_task("fetal_head")
HC = "head_circumference_mm"
OUTLINE = np.array([[10.0, 20.0], [10.0, 60.0], [40.0, 60.0], [40.0, 20.0]])


def _case(name: str, hc: float | None, truth: float | None = None, status: Status = Status.OK, message: str = "") -> Case:
    values: dict[str, Value] = {column.name: None for column in TASK.columns}
    values |= {HC: hc, "gestational_age_hadlock_weeks": 20.25, "angle_deg": 12.0}
    pixels = np.tile(np.arange(80, dtype=np.float32), (50, 1)) * 30 - 100
    picture = outlined(GreyImage(pixels, (0.2, 0.2)), None, (OUTLINE,) if hc else ())
    return Case(name, status, message, values, truth={} if truth is None else {HC: truth}, picture=picture)


def _page(*cases: Case, tolerance: Tolerance | None = None, chapter: str = "Heads", notes: tuple[str, ...] = (), **more: object) -> str:
    section = Section("Pictures", "Some pictures.", cases, tolerance)
    chapters = [Chapter(TASK, chapter, (HC, "gestational_age_hadlock_weeks"), [section], notes)]
    options: dict[str, object] = {"title": "Demo", "lead": "What it is.", "chapters": chapters, **more}
    return render_report(Report(**options))  # type: ignore[arg-type]


class _Nesting(HTMLParser):
    """Fails on tags that do not close in the order they opened."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_every_case_is_shown_with_its_numbers() -> None:
    page = _page(_case("a.png", 181.26, 180.0), _case("b.png", 99.0), _case("c.png", None, status=Status.EMPTY, message="nothing found"))
    assert "not known" not in page and "<dl></dl>" in page  # nothing to measure
    assert "not known" in _page(_case("d.png", None, status=Status.LOW_CONFIDENCE))
    for text in (
        "a.png",
        "b.png",
        "c.png",
        "181.3 mm",
        "true 180.0",
        "+1.3",
        "+0.7 %",
        "99.0 mm",
        "nothing found",
        "20.2 weeks",
    ):
        assert text in page, text
    assert page.count("<article") == page.count("<svg") == 3
    assert page.count("<polygon") == 2
    for column in TASK.columns:
        assert page.count(f">{column.name}</th>") == 3


def test_the_page_is_well_formed_and_says_what_it_must() -> None:
    page = _page(_case("a.png", 181.0), notes=("Images: van den Heuvel et al., CC BY 4.0",), facts=[("version", "1.2.3")])
    parser = _Nesting()
    parser.feed(page)
    assert parser.open == []
    assert page.startswith("<!DOCTYPE html>")
    for text in (DISCLAIMER, "van den Heuvel", "CC BY 4.0", "version 1.2.3", TASK.title, "prefers-color-scheme"):
        assert text in page


def test_nothing_comes_from_outside() -> None:
    page = _page(_case("a.png", 181.0), commands=[("Do", "usseg tasks")])
    assert page.count("<script") == 1 and "url(" not in page and "@import" not in page and "<link" not in page
    references = re.findall(r"(?:href|src)=['\"]([^'\"]*)", page.partition("<script")[0])
    assert references and all(reference.startswith(("#", "data:image/")) for reference in references)


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "a' onload='alert(1)", 'a"><b>', "a&amp;b"])
def test_names_and_messages_are_escaped(bad: str) -> None:
    page = _page(
        _case(bad, 181.0, message=bad),
        title=bad,
        lead=bad,
        chapter=bad,
        notes=(bad,),
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
    assert [case.keeps(tolerance) for case in (good, bad, unknown)] == [True, False, False]
    assert not _case("no truth.png", 100.0).keeps(tolerance)
    page = _page(good, bad, unknown, tolerance=tolerance)
    assert "1 of 3" in page
    assert page.count(">within 3 %<") == 2 and page.count("not within 3 %") == 4  # in the table and on the card


def test_tiles_average_what_is_known() -> None:
    page = _page(_case("a.png", 101.0, 100.0), _case("b.png", 97.0, 100.0), _case("c.png", 50.0))
    assert "<b>2.0 mm</b>" in page and "<b>3</b>" in page


CLASSIFIER = replace(
    TASK,
    name="tumour",
    labels=("background", "tumour"),
    columns=(Column("area_mm2", "area"), *(Column(f"{name}_probability", name) for name in ("benign", "malignant"))),
    outputs=("benign_probability", "malignant_probability"),
    classes=("benign", "malignant"),
)


def _tumour(name: str, malignant: float | None, truth: Mapping[str, float]) -> Case:
    rest = None if malignant is None else 1 - malignant
    values: dict[str, Value] = {"area_mm2": 12.0, "benign_probability": rest, "malignant_probability": malignant}
    image = GreyImage(np.zeros((30, 40), np.float32))
    mask = np.zeros((30, 40), np.uint8)
    mask[10:20, 10:30] = 1
    return Case(name, Status.OK, "", values, truth={"area_mm2": 10.0, **truth}, picture=outlined(image, mask))


def _tumours(*cases: Case, **more: object) -> str:
    chapter = Chapter(CLASSIFIER, "Tumours", ("area_mm2",), [Section("Real", "Real ones.", cases, **more)])  # type: ignore[arg-type]
    return render_report(Report("Demo", "What it is.", [chapter, Chapter(TASK, "Heads", (HC,), [])]))


def test_class_probabilities_are_bars_and_the_true_class_is_said() -> None:
    truth = {"benign_probability": 0.0, "malignant_probability": 1.0}
    page = _tumours(_tumour("a.png", 0.874, truth), _tumour("b.png", 0.25, truth), _tumour("c.png", None, {}))
    assert page.count("<div class=bars>") == 2
    assert "width:87.4%" in page and "width:12.6%" in page and ">0.87<" in page
    assert page.count("Malignant <small>true</small>") == 2 and "Benign <small>true" not in page
    assert "<b>1 of 2</b><span>most probable class is the true one</span>" in page


def test_without_an_outline_the_edge_of_the_mask_is_drawn() -> None:
    page = _tumours(_tumour("a.png", 0.5, {}))
    (points,) = re.findall("<polygon class=found points='([^']*)'", page)
    assert set(points.split()) >= {"10.5,10.0", "30.0,19.5"}  # pixel edges, halfway between corners


def test_chapters_are_linked_and_pictures_of_one_name_are_told_apart() -> None:
    page = _tumours(_tumour("a.png", 0.5, {}))
    assert "<a href='#tumour'>Tumours</a><a href='#fetal_head'>Heads</a>" in page
    assert "href='#tumour-a-png'" in page and "id='tumour-a-png'" in page
    assert "<nav>" not in _page(_case("a.png", 181.0))


def test_figures_stand_beside_their_numbers() -> None:
    figure = Figure("Stack <1>", {"ejection_fraction_percent": 31.6, "edv_ml": None}, {"ejection_fraction_percent": 30.0}, b"png", "short")
    page = _tumours(_tumour("a.png", 0.5, {}), figures=[figure])
    for text in ("Stack &lt;1&gt;", "31.6 %", "true 30.0", "not known", "short", "data:image/png;base64,cG5n"):
        assert text in page, text


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
    flat = replace(case, picture=outlined(GreyImage(np.full((50, 80), 7, np.float32)), None))
    assert "data:image/jpeg" in _page(flat)


def test_the_true_outline_is_drawn_where_it_is_known() -> None:
    case = _case("a.png", 181.0)
    mask = np.zeros((50, 80), np.uint8)
    mask[5:20, 5:30] = 1
    assert "true outline" not in _page(case)
    page = _page(replace(case, picture=outlined(GreyImage(np.zeros((50, 80), np.float32)), mask, [OUTLINE], mask)))
    assert (
        "true outline" in page
        and page.count("<polygon class=truth") == page.count("<polygon class=measured") == 1
        and "class=found points" not in page
    )


def _missing(misses: Misses | None) -> str:
    chapter = Chapter(TASK, "Heads", (HC,), [Section("Pictures", "Some.", [_case("a.png", 99.0)], misses=misses)])
    return render_report(Report("Demo", "What it is.", [chapter]))


def test_misses_are_counted_and_named() -> None:
    many = [*(Miss(f"{number}.png", "nothing was outlined") for number in range(6)), Miss("<b>.png", "far off")]
    page = _missing(Misses(9, many))
    assert "<strong>Missed: 7 of 9.</strong> Nothing was outlined: 0.png, 1.png, 2.png and 3 more; far off: &lt;b&gt;.png.</p>" in page
    assert "<b>7 of 9</b><span>missed</span>" in page
    assert "Missed: none of 9." in _missing(Misses(9, []))
    assert "issed" not in _missing(None)  # nothing is said where nothing is known


@pytest.mark.parametrize(("percent", "words"), [(9.0, ">within 9 %<"), (7.9, ">not within 7.9 %<"), (None, "")])
def test_figures_are_held_against_their_tolerance(percent: float | None, words: str) -> None:
    truth = {"edv_ml": 100.0, "esv_ml": 50.0}
    figure = Figure("Stack", {"edv_ml": 108.0, "esv_ml": 48.0}, truth, b"png", tolerance_percent=percent)
    page = _tumours(_tumour("a.png", 0.5, {}), figures=[figure])
    assert words in page and ("within" in page) is (percent is not None)
    assert "<b>108.0 ml</b><span>Edv, true 100.0</span>" in page  # in sight before the table
    assert not replace(figure, values={"edv_ml": 100.0, "esv_ml": None}, tolerance_percent=50).holds()


def test_on_a_phone_rows_are_cards_whose_numbers_have_labels() -> None:
    page = _page(_case("a.png", 181.26, 180.0), tolerance=Tolerance(HC, 3.0))
    (row,) = re.findall("<tr data-status='ok'><th scope=row><a [^>]*>a.png</a></th>(.*?)</tr>", page, re.DOTALL)
    assert re.findall("data-label='?([^'>]*)", row) == [
        "Status",
        "Head circumference, mm",
        "True value, mm",
        "Difference, mm",
        "Relative",
        "Gestational age (Hadlock), weeks",
        "Message",
    ]
    narrow = page[page.index("@media (max-width: 44rem)") :]
    for rule in (".wide tr { display: grid", "content: attr(data-label)", "white-space: pre-wrap"):
        assert rule in narrow


@pytest.mark.parametrize("status", Status)
def test_statuses_have_the_colours_of_overlays(status: Status) -> None:
    page = _page(_case("a.png", 181.0, status=status))
    color = css(SEVERITY_COLORS[status.severity])
    assert f"badge {status.severity.name}' title='{HEADINGS[status]}'>{status.value.replace('_', ' ')}<" in page
    assert (
        f"--{status.severity.name}: {color};" in page
        and f".{status.severity.name} {{ background: var(--{status.severity.name}); }}" in page
    )


def test_the_ranks_of_statuses_follow_their_severity() -> None:
    order = [*Severity]
    assert [order.index(status.severity) for status in sorted(Status, key=rank)] == sorted(
        (order.index(status.severity) for status in Status), reverse=True
    )


def test_many_pictures_are_a_contact_sheet_with_one_number_each() -> None:
    few, many = (_page(*(_case(f"{number}.png", 181.0) for number in range(count))) for count in (SHEET_FROM - 1, SHEET_FROM))
    assert "<div class='cards'>" in few and few.count("All values") == SHEET_FROM - 1
    assert "<div class='cards sheet'>" in many and "All values" not in many
    assert many.count("<dt>Head circumference</dt>") == SHEET_FROM and "<dt>Gestational" not in many


def test_statuses_can_be_filtered_if_there_are_several() -> None:
    assert "<fieldset>" not in _page(_case("a.png", 181.0), _case("b.png", 181.0))
    page = _page(_case("a.png", 181.0), _case("b.png", None, status=Status.FAILED), _case("c.png", 99.0))
    assert re.findall("<input type=checkbox checked data-status='([^']*)'>", page) == ["failed", "ok"]
    assert re.findall("</span> ([0-9]+)</label>", page) == ["1", "2"]


def test_the_table_has_the_columns_that_are_known() -> None:
    page = _page(_case("a.png", 181.0))
    heads = re.findall("<th scope=col[^>]*><button type=button>([^<]*)", page)
    assert heads == ["Picture", "Status", "Head circumference, mm", "Gestational age (Hadlock), weeks", "Message"]
    judged = replace(_case("a.png", 181.0, 180.0), confidence=0.874, dice=0.91)
    page = _page(judged, _case("b.png", 99.0))
    heads = re.findall("<th scope=col[^>]*><button type=button>([^<]*)", page)
    assert heads[2:7] == ["Dice", "Expected Dice", "Head circumference, mm", "True value, mm", "Difference, mm"]
    assert "data-label='Expected Dice'>0.87</td>" in page and "data-label='Dice'></td>" in page
    assert "<b>0.910</b><span>mean Dice</span>" in page


def test_a_large_picture_is_reduced_and_its_outline_stays() -> None:
    large = outlined(GreyImage(np.tile(np.arange(3000, dtype=np.float32), (1500, 1))), None, [OUTLINE])
    with Image.open(io.BytesIO(large.jpeg)) as picture:
        assert picture.size == (1200, 600)
    assert "viewBox='0 0 3000 1500'" in _page(replace(_case("a.png", 181.0), picture=large))
