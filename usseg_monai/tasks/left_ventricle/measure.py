"""Cavity of the left ventricle: areas from masks of short-axis slices, volumes and function from areas.

Convention. The cavity ends at the endocardium; papillary muscles and trabeculae count as blood, as in the Sunnybrook contours (Radau et
al., MIDAS Journal, 2009) and as the SCMR's guidelines allow (Schulz-Menger et al., J Cardiovasc Magn Reson 22:19, 2020).

Volumes are sums of slices, each area times the distance between slices (summation of discs, called Simpson's method in cardiac MRI;
same guidelines). Nothing is added for apex or base: a volume is what the masks show, except for slices of the atrium (`atrial_slices`).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import UsageError
from usseg_monai.files.table import Value
from usseg_monai.measuring.plausible import elongation, shape_doubts, share_doubts
from usseg_monai.measuring.region import measure_region
from usseg_monai.measuring.result import Measurement, Status

__all__ = [
    "MYOCARDIUM_G_PER_ML",
    "Function",
    "atrial_slices",
    "coherence",
    "measure",
    "myocardial_mass_g",
    "ventricular_function",
    "volume_curve",
]

MYOCARDIUM_G_PER_ML = 1.05
"""Density of myocardium (Vinnakota and Bassingthwaighte, Am J Physiol Heart Circ Physiol 286:H1742, 2004: 1.053 g/ml)."""

EQUIVALENT_DIAMETER_MM = (2.0, 100.0)
"""Plausible cavities. The apex of a small heart at end systole has a few millimetres; a left ventricle is severely dilated from about 69 mm
on (Lang et al., J Am Soc Echocardiogr 18:1440, 2005)."""

PICTURE_PERCENT = (0.0, 50.0)
"""Plausible share of the picture: 4.4 % at most in the Sunnybrook data, a third in pictures cropped to the heart."""

SMALLEST_PX = 8
"""Minimum pixels of a cavity; fewer are a speck. At least 10 in the Sunnybrook data."""

SOLIDITY = 0.85
"""Minimum share of the convex hull that the cavity fills: 0.97 in the Sunnybrook data, as papillary muscles are within the contour."""

ELONGATION = 3.0
"""Maximum ratio of a cavity's length to its width in a short-axis slice: 2.0 in the Sunnybrook data."""

END_DIASTOLIC_VOLUME_ML = (2.0, 1000.0)
"""Plausible ventricles, from newborns' to several times the largest normal ones, which have about 220 ml (Kawel-Boehm et al., J Cardiovasc
Magn Reson 22:87, 2020)."""

ATRIAL_SHARE = 1 / 3
"""Maximum share of the slices with a cavity that are assigned to the atrium."""

_UNKNOWN: dict[str, Value] = dict.fromkeys(
    ("area_mm2", "equivalent_diameter_mm", "area_px", "equivalent_diameter_px", "center_row_px", "center_col_px")
)


def measure(mask: npt.NDArray[Any], spacing_mm: float | tuple[float, float] | None) -> Measurement:
    """Measure the cavity in one short-axis slice: its largest piece.

    Args:
        mask: ``(rows, cols)``; nonzero is cavity.
        spacing_mm: millimetres between pixel centres, ``(row, col)`` or one number for both, or ``None`` if unknown.

    Returns:
        All columns of the task ``left_ventricle``, and the status with its reason. An empty mask is not a fault: slices beyond apex and
        base have no cavity.

    Raises:
        ImageError: a mask that is not 2-D, has no pixels, or values that are not finite numbers.
        UsageError: spacing that is not two positive, finite numbers.

    >>> rows, cols = np.mgrid[:100, :100]
    >>> result = measure((rows - 50) ** 2 + (cols - 40) ** 2 <= 20**2, (1.5, 1.5))
    >>> result.status.value, round(result.values["area_mm2"]), round(result.values["equivalent_diameter_mm"])
    ('ok', 2828, 60)
    """
    cavity = measure_region(mask, spacing_mm)
    if cavity is None:
        return Measurement(dict(_UNKNOWN), Status.EMPTY, "no cavity found")
    pixels = int(cavity.runs.lengths.sum())
    doubts = [] if pixels >= SMALLEST_PX else [f"a cavity of {pixels} pixels: below {SMALLEST_PX} it is a speck"]
    doubts += cavity.size_doubts(EQUIVALENT_DIAMETER_MM)
    doubts += share_doubts("cavity", cavity.runs, PICTURE_PERCENT)
    doubts += shape_doubts("cavity", cavity.runs, SOLIDITY)
    if (long := elongation(cavity.runs, cavity.spacing_mm)) > ELONGATION:
        doubts.append(f"the cavity is {long:.3g} times as long as wide, more than {ELONGATION:g} times: short-axis slices show it round")
    return cavity.conclude(cavity.values, doubts, "the cavity leaves the picture: its hidden part is not measured")


@dataclass(frozen=True)
class Function:
    """Function of a ventricle over one heart beat.

    Attributes:
        end_diastole: index of the phase with the largest volume; the first of several.
        end_systole: index of the phase with the smallest volume; the first of several.
        end_diastolic_volume_ml: EDV.
        end_systolic_volume_ml: ESV.
    """

    end_diastole: int
    end_systole: int
    end_diastolic_volume_ml: float
    end_systolic_volume_ml: float

    @property
    def stroke_volume_ml(self) -> float:
        """EDV - ESV."""
        return self.end_diastolic_volume_ml - self.end_systolic_volume_ml

    @property
    def ejection_fraction_percent(self) -> float:
        """100 x (EDV - ESV) / EDV."""
        return 100 * (self.stroke_volume_ml / self.end_diastolic_volume_ml)  # evaluated in this order, it never exceeds 100


def volume_curve(areas_mm2: npt.ArrayLike, distance_mm: float) -> npt.NDArray[np.float64]:
    """Volume of each phase in ml: the sum of its slices' areas times the slice distance.

    Args:
        areas_mm2: ``(slices, phases)``; 0 where a slice shows no cavity.
        distance_mm: between the centres of neighbouring slices: thickness plus gap.

    Raises:
        UsageError: areas that are not 2-D, or not finite numbers of at least 0; a distance that is not positive.

    >>> volume_curve([[1000, 500], [800, 300]], 10.0)
    array([18.,  8.])
    """
    areas = np.asarray(areas_mm2, np.float64)
    if areas.ndim != 2 or areas.size == 0:
        raise UsageError(f"areas have shape {areas.shape}: they must be (slices, phases), at least one of each")
    if not (np.isfinite(areas).all() and (areas >= 0).all()):
        raise UsageError("areas must be finite numbers of mm2 from 0 on: give 0 where a slice shows no cavity")
    if not (math.isfinite(distance_mm) and distance_mm > 0):
        raise UsageError(f"slice distance {distance_mm} mm: it must be a positive number")
    with np.errstate(over="ignore"):
        volumes: npt.NDArray[np.float64] = areas.sum(axis=0) * (distance_mm / 1000)
    if not np.isfinite(volumes).all():
        raise UsageError(f"areas up to {areas.max():g} mm2, {distance_mm:g} mm apart: too large for volumes; give mm2 and mm")
    return volumes


def coherence(areas_mm2: npt.ArrayLike) -> float:
    """How far slices contract together, 0 to 1: the range of their summed area over the sum of their ranges.

    Checks the order of the phases: if it is wrong, slices contract at different times, and the ejection fraction is too small. Three
    Sunnybrook patients, with 3 to 20 phases in order, have 0.79 to 0.94; with the phases of each slice in random order, 0.3 to 0.5, and
    below 0.69 in 19 of 20 draws.

    Args:
        areas_mm2: ``(slices, phases)``, without the atrium's slices.

    >>> coherence([[900, 400, 600], [300, 100, 200]]), coherence([[900, 400, 600], [100, 300, 200]])
    (1.0, 0.42857142857142855)
    """
    areas = np.asarray(areas_mm2, np.float64)
    apart = np.ptp(areas, axis=1).sum()
    return float(np.ptp(areas.sum(axis=0)) / apart) if apart > 0 else 1.0


def ventricular_function(volumes_ml: npt.ArrayLike) -> Function:
    """End diastole and end systole of a volume curve: the largest volume and the smallest.

    Args:
        volumes_ml: ``(phases,)``, as `volume_curve` returns them; at least two.

    Raises:
        UsageError: fewer than two phases, or no volume in any of them.

    >>> function = ventricular_function([120.0, 80.0, 50.0, 90.0])
    >>> function.end_diastole, function.end_systole, round(function.ejection_fraction_percent, 1)
    (0, 2, 58.3)
    """
    volumes = np.asarray(volumes_ml, np.float64)
    if volumes.ndim != 1 or len(volumes) < 2:
        raise UsageError(f"volumes have shape {volumes.shape}: end diastole and end systole need at least two phases")
    if not volumes.max() > 0:
        raise UsageError("no cavity in any phase: there is no ejection fraction")
    diastole, systole = int(volumes.argmax()), int(volumes.argmin())
    return Function(diastole, systole, float(volumes[diastole]), float(volumes[systole]))


def atrial_slices(areas_mm2: npt.ArrayLike) -> list[int]:
    """Slices beyond the base that show the left atrium or the outflow tract: their area does not fall while the ventricle contracts.

    In systole the base moves towards the apex, through the outermost slices of the stack, and the atrium fills. A network that sees single
    slices outlines the atrium as a cavity. The search starts at the basal end, the one with the larger area, and takes slices as long as
    they are no smaller at end systole; at most a third of those with a cavity (`ATRIAL_SHARE`). The apex is never taken: after an infarct
    it may widen in systole.

    Args:
        areas_mm2: ``(slices, phases)`` in the order of their positions, as `volume_curve` takes them; at least two phases.

    Returns:
        Indices, from the outermost slice inwards; none where there is no cavity.

    >>> atrial_slices([[300, 100], [900, 500], [1000, 600], [1100, 1300]])
    [3]
    """
    areas = np.asarray(areas_mm2, np.float64)
    volumes = volume_curve(areas, 1.0)
    if not volumes.max() > 0:
        return []
    function = ventricular_function(volumes)
    diastole, systole = areas[:, function.end_diastole], areas[:, function.end_systole]
    both = diastole + systole
    shown = np.flatnonzero(both).tolist()
    inwards = shown if both[shown[0]] > both[shown[-1]] else shown[::-1]
    return list(itertools.takewhile(lambda index: systole[index] >= diastole[index], inwards[: int(len(shown) * ATRIAL_SHARE)]))


def myocardial_mass_g(epicardial_mm2: npt.ArrayLike, endocardial_mm2: npt.ArrayLike, distance_mm: float) -> float:
    """Mass of the myocardium between epicardium and endocardium of one phase.

    Args:
        epicardial_mm2: area within the epicardium, one per slice.
        endocardial_mm2: area of the cavity in the same slices; 0 where a slice has no cavity.
        distance_mm: as for `volume_curve`.

    Raises:
        UsageError: as `volume_curve`, or an epicardial area that is smaller than its endocardial one.

    >>> round(myocardial_mass_g([2500, 2000], [1500, 1200], 10.0), 2)
    18.9
    """
    epicardial, endocardial = np.asarray(epicardial_mm2, np.float64), np.asarray(endocardial_mm2, np.float64)
    if epicardial.shape != endocardial.shape or (epicardial < endocardial).any():
        raise UsageError("every slice needs an epicardial area that is not smaller than its endocardial one")
    return MYOCARDIUM_G_PER_ML * float(volume_curve((epicardial - endocardial)[:, None], distance_mm)[0])
