"""What docs/when_not_to_believe.md says of the statuses, and its pictures."""

from __future__ import annotations

import re

import pytest

from usseg_monai.measuring.result import Status

from .conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
TEXT = (DOCS / "when_not_to_believe.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("status", [status.value for status in Status])
def test_every_status_has_its_line_and_its_section(status: str) -> None:
    assert TEXT.count(f"\n| `{status}` |") == 1
    (section,) = re.findall(rf"\n## `{status}`\n(.*?)(?=\n## |\Z)", TEXT, re.DOTALL)
    assert status == "failed" or "**Do:**" in section


def test_no_section_is_of_a_status_that_is_gone() -> None:
    assert set(re.findall(r"\n## `(\w+)`", TEXT)) == {status.value for status in Status}


def test_pictures_are_those_that_are_there_and_small() -> None:
    shown = re.findall(r"!\[[^]]+\]\((images/failures/[^)]+)\)", TEXT)
    there = sorted((DOCS / "images" / "failures").iterdir())
    assert sorted(shown) == [path.relative_to(DOCS).as_posix() for path in there]
    assert max(path.stat().st_size for path in there) <= 60_000


def test_the_program_prints_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (printed,) = re.findall(r"It prints `([^`]+)`", TEXT)
    exec(program, {})
    assert capsys.readouterr().out.strip() == printed
