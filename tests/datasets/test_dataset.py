"""The form in which data sets are handed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.datasets.dataset import Case, Dataset, name_remark
from usseg_monai.datasets.splits import split_of


@pytest.mark.parametrize(("task", "salt"), [("fetal_head", "fetal_head"), (None, "mine")])
def test_a_case_is_split_by_its_group_under_task_or_name(task: str | None, salt: str) -> None:
    cases = tuple(Case(Path(f"{number}.png"), (), f"exam{number // 2}") for number in range(60))
    dataset = Dataset("mine", task, cases)
    assert [dataset.split_of(case) for case in cases] == [split_of(salt, case.group) for case in cases]
    assert all(dataset.split_of(left) == dataset.split_of(right) for left, right in zip(cases[::2], cases[1::2], strict=True))


@pytest.mark.parametrize(
    ("names", "remark"),
    [
        ([], []),
        (["a"], ["1 files: a"]),
        (list("abcde"), ["5 files: a, b, c, d, e"]),
        (list("abcdef"), ["6 files: a, b, c, d, e and 1 more"]),
    ],
)
def test_remarks_name_the_first_few(names: list[str], remark: list[str]) -> None:
    assert name_remark("files", names) == remark
