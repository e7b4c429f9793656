"""Phantoms of the left ventricle hold what they promise: areas, volumes, contrast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usseg_monai.errors import UsageError
from usseg_monai.tasks.left_ventricle.measure import measure, ventricular_function, volume_curve
from usseg_monai.tasks.left_ventricle.phantom import StackPhantom, left_ventricle_phantom, left_ventricle_stack_phantom
from usseg_monai.tasks.left_ventricle.record import LEFT_VENTRICLE


@pytest.fixture(scope="module")
def stack() -> StackPhantom:
    return left_ventricle_stack_phantom(3, ejection_fraction_percent=60, slices=6, phases=6)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_the_mask_measures_what_is_true(seed: int) -> None:
    phantom = left_ventricle_phantom(seed)
    measured = measure(phantom.mask, phantom.image.spacing_mm).values
    assert set(phantom.truth) == {column.name for column in LEFT_VENTRICLE.columns}
    for name, true in phantom.truth.items():
        assert measured[name] == pytest.approx(true, rel=0.03, abs=0.2), name


def test_blood_is_brighter_than_muscle_and_lung_is_dark() -> None:
    for seed in range(4):
        phantom = left_ventricle_phantom(seed)
        pixels, inside = phantom.image.pixels, phantom.mask > 0
        row, col = (round(phantom.truth[f"center_{axis}_px"]) for axis in ("row", "col"))
        blood = np.median(pixels[inside])
        ring = np.hypot(*(np.indices(pixels.shape) - np.array([row, col])[:, None, None]))
        radius = phantom.truth["equivalent_diameter_px"] / 2
        muscle = np.median(pixels[(ring > radius + 2.5) & (ring < radius + 5)])
        assert blood > 1.8 * muscle
        assert pixels.min() == 0 and pixels.max() == 255 and np.array_equal(pixels, np.rint(pixels))


def test_the_same_arguments_give_the_same_picture() -> None:
    first, second, other = left_ventricle_phantom(5), left_ventricle_phantom(5), left_ventricle_phantom(6)
    assert np.array_equal(first.image.pixels, second.image.pixels) and first.truth == second.truth
    assert not np.array_equal(first.image.pixels, other.image.pixels)


def test_a_stack_has_the_volumes_it_tells(stack: StackPhantom) -> None:
    areas = [[measure(frame.mask, frame.image.spacing_mm).values["area_mm2"] or 0.0 for frame in phases] for phases in stack.slices]
    function = ventricular_function(volume_curve(areas, stack.truth["slice_distance_mm"]))
    assert function.end_diastolic_volume_ml == pytest.approx(stack.truth["end_diastolic_volume_ml"], rel=0.01)
    assert function.end_systolic_volume_ml == pytest.approx(stack.truth["end_systolic_volume_ml"], rel=0.02)
    assert function.ejection_fraction_percent == pytest.approx(60, abs=0.5)
    assert (function.end_diastole, function.end_systole) == (stack.truth["end_diastole_phase"], stack.truth["end_systole_phase"])
    assert set(stack.truth) == {column.name for column in LEFT_VENTRICLE.study_columns}
    true = stack.truth
    assert true["stroke_volume_ml"] == pytest.approx(true["end_diastolic_volume_ml"] - true["end_systolic_volume_ml"])
    assert 60 < true["mass_g"] < 300


def test_a_stack_knows_where_its_slices_lie(stack: StackPhantom) -> None:
    for index, phases in enumerate(stack.slices):
        places = [frame.image.place for frame in phases if frame.image.place is not None]
        assert [place.position_mm for place in places] == [(0.0, 0.0, 10.0 * index)] * 6
        times = [place.time_ms for place in places if place.time_ms is not None]
        assert len(times) == 6 and all(np.diff(times) > 0)
        assert {place.modality for place in places} == {"MR"}
    assert not stack.slices[-1][0].mask.any() and stack.slices[-2][0].mask.any()


def test_the_chest_stands_still_while_the_heart_beats(stack: StackPhantom) -> None:
    diastole, systole = (stack.slices[1][phase].image.pixels for phase in (0, 2))
    assert np.abs(diastole[:40] - systole[:40]).mean() < 10
    assert np.abs(diastole - systole)[stack.slices[1][0].mask > 0].mean() > 10


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"ejection_fraction_percent": 95}, "10 to 80 %"),
        ({"slices": 2}, "at least 3 slices"),
        ({"phases": 1}, "at least 3 slices and 2 phases"),
        ({"distance_mm": 0}, "0 mm apart"),
        ({"shape": (40, 256)}, "at least 64 rows"),
    ],
)
def test_impossible_stacks_are_refused(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        left_ventricle_stack_phantom(1, **wrong)
