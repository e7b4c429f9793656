"""Gestational age from head circumference, and head circumference for age.

Ages are weeks since the first day of the last menstrual period. None of this is a diagnosis: dating by head circumference
gets less precise with every week; a scan before 14 weeks or a femur length is more precise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from usseg_monai.errors import UsageError

__all__ = [
    "HADLOCK_HC_MM",
    "INTERGROWTH_WEEKS",
    "GestationalAge",
    "gestational_age_hadlock",
    "gestational_age_intergrowth",
    "head_circumference_percentile",
]


@dataclass(frozen=True)
class GestationalAge:
    """An estimate of age.

    Attributes:
        weeks: estimated age.
        error_weeks: two standard deviations of the estimate at that age: 95 of 100 fetuses are within weeks +- error_weeks.
    """

    weeks: float
    error_weeks: float


HADLOCK_HC_MM = (68.0, 360.0)
"""Head circumferences for which Hadlock's formula is tabulated, 12.7 to 42.4 weeks."""

_HADLOCK_ERRORS = ((144.0, 1.19), (219.0, 1.48), (280.0, 2.06), (325.0, 2.98), (HADLOCK_HC_MM[1], 3.2))
"""Pairs of (circumference in mm up to which it holds, two standard deviations in weeks)."""


def gestational_age_hadlock(hc_mm: float) -> GestationalAge | None:
    """Age = 8.96 + 0.540 HC + 0.0003 HC^3 weeks, HC in cm.

    F. Hadlock, R. Deter, R. Harrist, S. Park, "Estimating fetal age: computer-assisted analysis of multiple fetal growth parameters",
    Radiology 152 (1984) 497-501: 361 fetuses of 14 to 42 weeks. Range and errors are those of the scanners' tables for it
    (Hologic SuperSonic MACH, "Obstetrical References", PM.LAB.175-A).

    Args:
        hc_mm: head circumference in mm.

    Returns:
        ``None`` outside `HADLOCK_HC_MM`.

    >>> round(gestational_age_hadlock(177.0).weeks, 1)
    20.2
    """
    if not HADLOCK_HC_MM[0] <= hc_mm <= HADLOCK_HC_MM[1]:
        return None
    hc_cm = hc_mm / 10
    weeks = 8.96 + 0.540 * hc_cm + 0.0003 * hc_cm**3
    return GestationalAge(weeks, next(error for up_to, error in _HADLOCK_ERRORS if hc_mm <= up_to))


INTERGROWTH_WEEKS = (14.0, 40.0)
"""Ages of the fetuses from which INTERGROWTH-21st derived its standards and dating equation."""


def gestational_age_intergrowth(hc_mm: float) -> GestationalAge | None:
    """ln(age in days) = 0.05970 (ln HC)^2 + 6.409e-9 HC^3 + 3.3258, HC in mm: the equation for scans without a femur length.

    A. Papageorghiou, B. Kemp, W. Stones et al., "Ultrasound-based gestational-age estimation in late pregnancy", Ultrasound in
    Obstetrics & Gynecology 48 (2016) 719-726, doi 10.1002/uog.15894: 4229 fetuses. The paper gives the error as 6 to 7 days at 14
    weeks, 12 to 14 days at 26 weeks and more later. Here it is the spread of HC at the estimated age in the same project's standard
    (`head_circumference_percentile`), propagated through the equation: 2 SD(HC) x d(age)/d(HC), which is 6.3 and 12 days at these
    ages and 3.6 weeks at 37 weeks.

    Args:
        hc_mm: head circumference in mm.

    Returns:
        ``None`` if the age would be outside `INTERGROWTH_WEEKS`.

    >>> round(7 * gestational_age_intergrowth(250.0).weeks, 3)
    189.803
    """
    if not 0 < hc_mm < 1000:  # far beyond the range, where the exponential would overflow
        return None
    log = math.log(hc_mm)
    weeks = math.exp(0.05970 * log**2 + 6.409e-9 * hc_mm**3 + 3.3258) / 7
    if not INTERGROWTH_WEEKS[0] <= weeks <= INTERGROWTH_WEEKS[1]:
        return None
    weeks_per_mm = weeks * (2 * 0.05970 * log / hc_mm + 3 * 6.409e-9 * hc_mm**2)
    return GestationalAge(weeks, 2 * _intergrowth_hc_mm(weeks)[1] * weeks_per_mm)


def head_circumference_percentile(hc_mm: float, age_weeks: float) -> float:
    """Percentile of a head circumference among healthy fetuses of that age, by INTERGROWTH-21st; 50 is the median.

    A. Papageorghiou, E. Ohuma, D. Altman et al., "International standards for fetal growth based on serial ultrasound measurements",
    The Lancet 384 (2014) 869-879, doi 10.1016/S0140-6736(14)61490-2; HC is normally distributed at each age.

    Args:
        hc_mm: head circumference in mm.
        age_weeks: known gestational age in weeks, not one computed from this head.

    Returns:
        Percentile, 0 to 100.

    Raises:
        UsageError: an age outside `INTERGROWTH_WEEKS`, or a circumference that is not positive.

    >>> round(head_circumference_percentile(172.5, 20.0))
    50
    """
    if not INTERGROWTH_WEEKS[0] <= age_weeks <= INTERGROWTH_WEEKS[1]:
        raise UsageError(
            f"gestational age {age_weeks} weeks: the standards hold from {INTERGROWTH_WEEKS[0]:g} to {INTERGROWTH_WEEKS[1]:g} weeks"
        )
    if not 0 < hc_mm < math.inf:
        raise UsageError(f"head circumference {hc_mm} mm: it must be a positive number of millimetres")
    median, deviation = _intergrowth_hc_mm(age_weeks)
    return 50 * math.erfc((median - hc_mm) / (deviation * math.sqrt(2)))


def _intergrowth_hc_mm(age_weeks: float) -> tuple[float, float]:
    """Median and standard deviation of HC in mm."""
    log = math.log(age_weeks)
    median = -28.2849 + 1.69267 * age_weeks**2 - 0.397485 * age_weeks**2 * log
    deviation = 1.98735 + age_weeks**3 * (0.0136772 - 0.00726264 * log + 0.000976253 * log**2)
    return median, deviation
