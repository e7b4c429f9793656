"""Commands and programs of the tutorial and the how-to pages run as they stand, one after the other."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from tests.docs.shown import blocks, make_workplace, run

DOCS = REPOSITORY / "docs"
PAGES = [DOCS / "start" / "first_picture.md", *sorted((DOCS / "how_to").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_the_page_shows_runs(page: Path, tmp_path: Path) -> None:
    place = make_workplace(tmp_path)
    found = blocks(page)
    assert found
    for language, text in found:
        shown = "\n".join(line for line in text.splitlines() if not line.startswith("python -m monai.bundle"))  # the README's test runs it
        printed = run(language, shown, place)
        assert printed.strip() or language == "bash"


def test_the_tutorial_shows_what_is_printed(tmp_path: Path) -> None:
    text = PAGES[0].read_text(encoding="utf-8")
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    printed = run(*blocks(PAGES[0])[0], make_workplace(tmp_path))
    for name in ("head_circumference_mm", "confidence"):
        expected, found = (float(re.findall(rf"^{name}: (.+)$", each, re.MULTILINE)[0]) for each in (shown, printed))
        assert found == pytest.approx(expected, rel=0.01)
    assert printed.splitlines()[0] == shown.splitlines()[0]
    assert printed.splitlines()[-1] == shown.splitlines()[-1]


def test_the_example_of_the_measurements_is_right() -> None:
    outcome = doctest.testfile(str(DOCS / "measurements.md"), module_relative=False)
    assert outcome.attempted > 3 and outcome.failed == 0
