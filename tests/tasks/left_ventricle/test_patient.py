"""Numbers of a patient from slices of known areas."""

from __future__ import annotations

import pytest

from usseg_monai.imaging import Place
from usseg_monai.tasks.left_ventricle.frames import SAME_POSITION_MM
from usseg_monai.tasks.left_ventricle.patient import compare_patient, slice_distance_mm
from usseg_monai.tasks.patient import PatientImage

NORMAL = (0.0, 0.6, 0.8)


def place(along: float) -> Place:
    return Place(position_mm=(5.0, 0.6 * along, 0.8 * along), normal=NORMAL)


def image(drawn: float, found: float, phase: int | None, at: Place | None = None) -> PatientImage:
    return PatientImage({"area_px": found, "area_mm2": 4 * found}, {"area_px": drawn, "area_mm2": 4 * drawn}, False, phase, at)


def test_volumes_are_areas_times_the_distance() -> None:
    images = [image(100, 90, 0, place(0)), image(50, 50, 0, place(10)), image(60, 70, 8, place(0)), image(0, 0, 8, place(10))]
    numbers = compare_patient(images)
    assert numbers["end_diastolic_volume_ml"] == pytest.approx((5.6, 6.0))  # 140 and 150 pixels of 4 mm², 10 mm
    assert numbers["end_systolic_volume_ml"] == pytest.approx((2.8, 2.4))
    assert numbers["ejection_fraction_percent"] == pytest.approx((50.0, 60.0))


def test_the_drawn_areas_decide_which_phase_is_which() -> None:
    numbers = compare_patient([image(100, 40, 3), image(50, 80, 1)])
    assert list(numbers) == ["ejection_fraction_percent"]
    assert numbers["ejection_fraction_percent"] == pytest.approx((-100.0, 50.0))


def test_nothing_is_found_in_the_larger_phase() -> None:
    assert compare_patient([image(100, 0, 0), image(50, 10, 1)])["ejection_fraction_percent"] == (None, 50.0)


@pytest.mark.parametrize("images", [[], [image(100, 100, 0)], [image(100, 100, 0), image(50, 50, None)], [image(0, 9, 0), image(0, 9, 1)]])
def test_too_little_for_a_fraction(images: list[PatientImage]) -> None:
    assert compare_patient(images) == {}


def test_distances_between_slices() -> None:
    assert slice_distance_mm([place(8), place(0), place(8), place(16), place(40)]) == pytest.approx(8)
    assert slice_distance_mm([place(0), None]) is None
    assert slice_distance_mm([place(0), Place()]) is None
    assert slice_distance_mm([place(0), place(SAME_POSITION_MM * 0.99)]) is None
    assert slice_distance_mm([place(0), place(SAME_POSITION_MM * 1.01)]) == pytest.approx(SAME_POSITION_MM * 1.01)
