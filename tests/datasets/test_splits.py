"""The split rule never changes: a changed hash would move test images into training."""

from __future__ import annotations

from collections import Counter

import pytest

from usseg_monai.datasets.splits import split_of


@pytest.mark.parametrize(
    ("task", "group", "split"),
    [
        ("fetal_head", "000", "train"),
        ("fetal_head", "005", "validation"),
        ("fetal_head", "015", "test"),
        ("fetal_head", "392", "train"),
        ("nerve", "1", "train"),
        ("breast", "malignant (145)", "test"),
        ("fetal_head", "é", "train"),
    ],
)
def test_the_place_of_a_group_is_fixed_for_ever(task: str, group: str, split: str) -> None:
    assert split_of(task, group) == split


def test_the_parts_have_their_share() -> None:
    counts = Counter(split_of("any", str(number)) for number in range(20_000))
    assert counts["train"] / 20_000 == pytest.approx(0.75, abs=0.01)
    assert counts["validation"] / 20_000 == pytest.approx(0.10, abs=0.01)
    assert counts["test"] / 20_000 == pytest.approx(0.15, abs=0.01)


def test_tasks_are_split_independently() -> None:
    groups = [str(number) for number in range(100)]
    assert [split_of("one", group) for group in groups] != [split_of("other", group) for group in groups]
