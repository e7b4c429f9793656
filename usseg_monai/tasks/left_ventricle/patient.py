"""Volumes and ejection fraction of a patient from annotated slices of two phases, as found and as drawn.

Data sets with contours have them at end diastole and end systole only, and for slices that show the cavity. These numbers are therefore
sums over the annotated slices: areas times the distance between neighbouring slices. Whole stacks are measured by
`usseg_monai.tasks.left_ventricle.study`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle.frames import SAME_POSITION_MM
from usseg_monai.tasks.patient import PatientImage

__all__ = ["compare_patient", "slice_distance_mm"]

_EDV, _ESV, _EF = "end_diastolic_volume_ml", "end_systolic_volume_ml", "ejection_fraction_percent"


def compare_patient(images: Sequence[PatientImage]) -> dict[str, tuple[float | None, float]]:
    """Ejection fraction, and the volumes where slice positions and pixel sizes are known: found (``None``: unknown) and drawn.

    End diastole and end systole are the phases with the largest and smallest drawn sum. The fraction needs neither pixel size nor distance,
    as long as both are the same for all slices. If an image has no usable mask, nothing is found: a sum without it would be another
    number.

    Args:
        images: annotated slices of one patient.

    Returns:
        Column -> (found, drawn); empty with fewer than two known phases, or if nothing was drawn.

    >>> areas = [(100.0, 0), (50.0, 8)]
    >>> compare_patient([PatientImage({"area_px": 0.9 * area}, {"area_px": area}, phase=phase) for area, phase in areas])
    {'ejection_fraction_percent': (50.0, 50.0)}
    """
    if any(image.phase is None for image in images):
        return {}
    drawn, found = (_sums(images, "area_px", numbers) for numbers in (_drawn, _found))
    if len(drawn) < 2 or not max(drawn.values()) > 0:
        return {}
    diastole, systole = max(drawn, key=drawn.__getitem__), min(drawn, key=drawn.__getitem__)
    failed = any(image.failed for image in images)
    fraction = _fraction(drawn[diastole], drawn[systole])
    assert fraction is not None
    numbers: dict[str, tuple[float | None, float]] = {}
    distance = slice_distance_mm([image.place for image in images if not image.failed])
    if distance is not None and all("area_mm2" in image.drawn or not image.drawn.get("area_px") for image in images):
        drawn_mm2, found_mm2 = (_sums(images, "area_mm2", numbers) for numbers in (_drawn, _found))
        for name, phase in ((_EDV, diastole), (_ESV, systole)):
            numbers[name] = None if failed else _millilitres(found_mm2[phase], distance), _millilitres(drawn_mm2[phase], distance)
    numbers[_EF] = None if failed else _fraction(found[diastole], found[systole]), fraction
    return numbers


def slice_distance_mm(places: Sequence[Place | None]) -> float | None:
    """Median distance between neighbouring slices; ``None`` if a position is unknown, or with a single slice."""
    positions = []
    for place in places:
        if place is None or place.position_mm is None or place.normal is None:
            return None
        positions.append(float(np.dot(place.position_mm, place.normal)))
    steps = np.diff(sorted(positions))
    steps = steps[steps > SAME_POSITION_MM]
    return float(np.median(steps)) if len(steps) else None


def _drawn(image: PatientImage) -> Mapping[str, float]:
    return image.drawn


def _found(image: PatientImage) -> Mapping[str, float]:
    return image.found


def _sums(images: Sequence[PatientImage], column: str, numbers: Callable[[PatientImage], Mapping[str, float]]) -> dict[int, float]:
    """Sum of a column over the images of each phase; an unknown area is that of an empty mask, 0."""
    sums: dict[int, float] = defaultdict(float)
    for image in images:
        assert image.phase is not None
        sums[image.phase] += numbers(image).get(column, 0.0)
    return sums


def _fraction(diastolic: float, systolic: float) -> float | None:
    return 100 * (1 - systolic / diastolic) if diastolic > 0 else None


def _millilitres(area_mm2: float, distance_mm: float) -> float:
    return area_mm2 * distance_mm / 1000
