"""The bootstrap interval against theory and against what groups are for."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.evaluation.bootstrap import bootstrap_mean_interval


def test_independent_values_give_the_textbook_interval() -> None:
    values = np.random.default_rng(1).normal(10, 2, size=400)
    interval = bootstrap_mean_interval(values, [str(number) for number in range(400)])
    assert interval is not None
    half = 1.96 * values.std() / 20
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.03)


def test_copies_in_one_group_do_not_narrow_it() -> None:
    values = np.random.default_rng(2).normal(size=50)
    groups = [str(number) for number in range(50)]
    assert bootstrap_mean_interval(np.repeat(values, 9), np.repeat(groups, 9).tolist()) == pytest.approx(
        bootstrap_mean_interval(values, groups)
    )


def test_it_is_repeatable_and_needs_two_groups() -> None:
    values, groups = [1.0, 2.0, 4.0], ["a", "a", "b"]
    assert bootstrap_mean_interval(values, groups) == bootstrap_mean_interval(values, groups)
    assert bootstrap_mean_interval([1.0, 2.0], ["a", "a"]) is None
    assert bootstrap_mean_interval([], []) is None


def test_every_value_needs_a_group() -> None:
    with pytest.raises(ValueError, match="2 values have 1 groups"):
        bootstrap_mean_interval([1.0, 2.0], ["a"])
