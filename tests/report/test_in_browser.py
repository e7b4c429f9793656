"""The page in a real browser: sorting, filtering, no violation of axe, no overflow on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.report.test_page import HC, TASK, _case
from usseg_monai.measuring.result import Status
from usseg_monai.report.model import Chapter, Report, Section
from usseg_monai.report.page import render_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: it comes with the extra dev")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: the page was not tried in a browser (install chromium to try it)"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two groups, the second with a failure."""
    first = [
        replace(_case(f"{name}_with_a_long_name_of_a_file.png", value, 180.0), confidence=0.9) for name, value in (("b", 99), ("a", 181))
    ]
    failed = replace(_case("c.png", None, status=Status.FAILED, message="no picture, " * 9), values={}, picture=None)
    sections = [Section("One", "Some.", first), Section("Two", "", [failed, _case("d.png", 20.0), _case("e.png", 100.0)])]
    report = Report("Pictures", "All.", [Chapter(TASK, "Heads", (HC,), sections, ["A note."])], [("Do", "usseg predict " * 9)])
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render_report(report), encoding="utf-8")
    return path


def opened(browser: Any, file: Path, width: int = 1280, scheme: str = "light") -> Any:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(file.as_uri())
    return page


def names(page: Any) -> list[str]:
    return [text[0] for text in page.locator("table.sorts tbody th[scope=row]:visible").all_inner_texts()]


def test_a_click_sorts_each_group_and_another_one_turns_it(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    assert names(page) == ["b", "a", "c", "d", "e"]
    number = page.get_by_role("button", name="Head circumference, mm")
    number.click()
    assert names(page) == ["b", "a", "d", "e", "c"]  # by value, not by letters; what is unknown comes last
    number.click()
    assert names(page) == ["a", "b", "e", "d", "c"]
    assert page.locator("th[aria-sort=descending]").count() == 1
    page.get_by_role("button", name="Status").click()
    assert names(page)[2:] == ["c", "e", "d"]  # what cannot be believed first
    assert page.locator("tr.group").all_inner_texts() == ["One", "Two"]
    assert page.errors == [] and [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
    page.close()


def test_statuses_are_hidden_and_shown_again(browser: Any, file: Path) -> None:
    page = opened(browser, file)
    box = page.locator("input[data-status=ok]")
    box.uncheck()
    assert names(page) == ["c"] and page.locator("article:visible").count() == 0
    box.check()
    assert len(names(page)) == 5 and page.locator("article:visible").count() == 4
    page.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light"), (320, "dark")])
def test_axe_has_nothing_to_say_and_nothing_overflows(browser: Any, file: Path, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = opened(browser, file, width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    violations = axe.run(page).response["violations"]
    assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []
    page.close()
