"""Errors are put where they mean something, and a test that notices one is told from a test that does not."""

from __future__ import annotations

import pytest

from benchmarks.mutation import mirror, mutant, places

SOURCE = "def f(x: int | None, *, y: float = 1.5) -> bool:\n    return x < 8 and not y\n"


def test_errors_of_a_line() -> None:
    made = [found for place in places(SOURCE) if (found := mutant(SOURCE, *place)) is not None]
    changes = {found.change.partition(" -> ")[2] for found in made if found.line == 2}
    assert {"return x <= 8 and not y", "return x < 9 and not y", "return x < 7 and not y", "return x < 8 or not y"} <= changes
    assert len({found.source for found in made}) == len(made)


def test_annotations_and_marks_of_parameters_are_left_alone() -> None:
    made = [found for place in places(SOURCE) if (found := mutant(SOURCE, *place)) is not None]
    assert {found.change.rpartition("y: float = ")[2] for found in made if found.line == 1} == {"2.5) -> bool:", "0.5) -> bool:"}


@pytest.mark.parametrize(
    ("module", "test"),
    [("usseg_monai/tasks/nerve/measure.py", "tests/tasks/nerve/test_measure.py"), ("usseg_monai/errors.py", "tests/test_errors.py")],
)
def test_mirrors(module: str, test: str) -> None:
    assert mirror(module).replace("//", "/") == test
