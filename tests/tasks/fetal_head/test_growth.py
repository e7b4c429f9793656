"""Formulas against values printed elsewhere."""

from __future__ import annotations

import math

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.tasks.fetal_head.growth import (
    HADLOCK_HC_MM,
    GestationalAge,
    gestational_age_hadlock,
    gestational_age_intergrowth,
    head_circumference_percentile,
)


def known(age: GestationalAge | None) -> GestationalAge:
    assert age is not None
    return age


@pytest.mark.parametrize(
    ("hc_mm", "weeks"),
    [(97, 14), (124, 16), (151, 18), (177, 20), (201, 22), (224, 24), (246, 26), (266, 28), (284, 30), (301, 32), (315, 34), (328, 36)],
)
def test_hadlock_follows_his_table_of_circumference_by_age(hc_mm: float, weeks: float) -> None:
    # the table is his regression the other way round, so the two need not agree better than this
    assert known(gestational_age_hadlock(hc_mm)).weeks == pytest.approx(weeks, rel=0.05)


@pytest.mark.parametrize(
    ("hc_mm", "error"), [(68, 1.19), (144, 1.19), (151, 1.48), (219, 1.48), (224, 2.06), (280, 2.06), (284, 2.98), (325, 2.98), (328, 3.2)]
)
def test_hadlock_errors_by_age(hc_mm: float, error: float) -> None:
    assert known(gestational_age_hadlock(hc_mm)).error_weeks == error


@pytest.mark.parametrize(
    ("hc_mm", "days"),
    [(250, 189.8030), (251, 190.5331), (252, 191.2662), (253, 192.002)],  # printed in the manual of the R package gigs
)
def test_intergrowth_dating(hc_mm: float, days: float) -> None:
    assert 7 * known(gestational_age_intergrowth(hc_mm)).weeks == pytest.approx(days, abs=1e-3)


@pytest.mark.parametrize(("hc_mm", "weeks", "low", "high"), [(98.0, 14, 6, 7), (241.5, 26, 12, 14), (300, 33, 14, 28)])
def test_intergrowth_errors_are_those_of_the_paper(hc_mm: float, weeks: float, low: float, high: float) -> None:
    age = known(gestational_age_intergrowth(hc_mm))
    assert age.weeks == pytest.approx(weeks, abs=1)
    assert low <= 7 * age.error_weeks <= high


@pytest.mark.parametrize("hc_mm", [0, -5, 60, 97, 361, 1e9, math.nan, math.inf])
def test_out_of_range_is_no_number(hc_mm: float) -> None:
    assert gestational_age_intergrowth(hc_mm) is None
    if not HADLOCK_HC_MM[0] <= hc_mm <= HADLOCK_HC_MM[1]:
        assert gestational_age_hadlock(hc_mm) is None


@pytest.mark.parametrize(
    ("weeks", "centiles"),
    [  # 3rd, 5th, 10th, 50th, 90th, 95th, 97th, as printed by INTERGROWTH-21st
        (14, (87.4, 88.7, 90.7, 97.9, 105.0, 107.1, 108.4)),
        (20, (158.5, 160.2, 163.0, 172.5, 182.0, 184.7, 186.5)),
        (27, (234.1, 236.2, 239.4, 250.7, 261.9, 265.1, 267.2)),
        (34, (289.1, 291.5, 295.2, 308.1, 321.0, 324.7, 327.1)),
        (40, (309.6, 312.7, 317.4, 333.9, 350.5, 355.2, 358.3)),
    ],
)
def test_percentiles_are_those_of_the_printed_tables(weeks: float, centiles: tuple[float, ...]) -> None:
    found = [head_circumference_percentile(hc_mm, weeks) for hc_mm in centiles]
    assert found == pytest.approx([3, 5, 10, 50, 90, 95, 97], abs=0.4)  # the tables are rounded to 0.1 mm


def test_percentiles_run_from_0_to_100() -> None:
    assert head_circumference_percentile(1, 20) == pytest.approx(0, abs=1e-9)
    assert head_circumference_percentile(1000, 20) == pytest.approx(100, abs=1e-9)


@pytest.mark.parametrize(("hc_mm", "weeks"), [(180, 13.9), (180, 40.1), (180, math.nan), (0, 20), (-1, 20), (math.nan, 20), (math.inf, 20)])
def test_percentile_refuses_what_the_standard_does_not_hold(hc_mm: float, weeks: float) -> None:
    with pytest.raises(UsageError):
        head_circumference_percentile(hc_mm, weeks)


@pytest.mark.parametrize(("hc_mm", "known"), [(67.99, False), (68.0, True), (360.0, True), (360.01, False)])
def test_hadlock_holds_from_68_to_360_mm(hc_mm: float, known: bool) -> None:
    assert (gestational_age_hadlock(hc_mm) is not None) == known


@pytest.mark.parametrize(
    ("up_to_mm", "error", "beyond"), [(144.0, 1.19, 1.48), (219.0, 1.48, 2.06), (280.0, 2.06, 2.98), (325.0, 2.98, 3.2)]
)
def test_where_hadlocks_errors_change(up_to_mm: float, error: float, beyond: float) -> None:
    ages = [gestational_age_hadlock(hc_mm) for hc_mm in (up_to_mm, up_to_mm + 0.01)]
    assert [age and age.error_weeks for age in ages] == [error, beyond]


@pytest.mark.parametrize(("hc_mm", "known"), [(97.5, False), (98.5, True)])
def test_intergrowth_dates_from_14_weeks_on(hc_mm: float, known: bool) -> None:
    assert (gestational_age_intergrowth(hc_mm) is not None) == known


@pytest.mark.parametrize(("weeks", "known"), [(13.99, False), (14.0, True), (40.0, True), (40.01, False)])
def test_percentiles_hold_from_14_to_40_weeks(weeks: float, known: bool) -> None:
    if known:
        assert 0 <= head_circumference_percentile(200.0, weeks) <= 100
    else:
        with pytest.raises(UsageError, match="from 14 to 40 weeks"):
            head_circumference_percentile(200.0, weeks)
