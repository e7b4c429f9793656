"""Lesions counted, numbered and measured, their statuses, and the real masks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.tasks.masks import dented, filled
from tests.values import numbers
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import read_mask
from usseg_monai.measuring.result import Status
from usseg_monai.tasks.breast.measure import MOST_LESIONS, SMALLEST_PX, measure
from usseg_monai.tasks.breast.record import BREAST

SHAPE = (140, 180)
BENIGN = {"normal_probability": 0.1, "benign_probability": 0.7, "malignant_probability": 0.2}
NORMAL = {"normal_probability": 0.6, "benign_probability": 0.3, "malignant_probability": 0.1}


def oval(row: float = 60, col: float = 90, down: float = 14, right: float = 25) -> np.ndarray:
    rows, cols = np.indices(SHAPE)
    result: np.ndarray = np.hypot((rows - row) / down, (cols - col) / right) <= 1
    return result


def box(down: int, right: int) -> np.ndarray:
    mask = np.zeros(SHAPE, np.bool_)
    mask[30 : 30 + down, 40 : 40 + right] = True
    return mask


def test_every_column_of_the_task_is_present() -> None:
    columns, part_columns = [c.name for c in BREAST.columns], [c.name for c in BREAST.part_columns]
    assert columns[-len(part_columns) :] == part_columns
    for mask, spacing in ((oval(), (0.1, 0.1)), (oval(), None), (oval(), (0.1, 0.2)), (oval() & False, None)):
        none: dict[str, float] = {}
        for outputs in (BENIGN, none):
            result = BREAST.measure(mask, spacing, **outputs)
            assert list(result.values) == columns
            assert all(list(part) == part_columns for part in result.parts)


def test_a_rectangle_exactly() -> None:
    mask = np.zeros(SHAPE, np.uint8)
    mask[20:60, 41:61] = 255
    values = measure(mask, (0.1, 0.1), **BENIGN).values
    assert {name: values[name] for name in BENIGN} == BENIGN and values["predicted_class"] == "benign"
    assert (values["lesion_count"], values["total_area_px"], values["area_px"]) == (1, 800, 800)
    assert (values["depth_px"], values["width_px"], values["taller_than_wide"]) == (40, 20, "yes")
    assert values["depth_width_ratio"] == pytest.approx(2)
    diagonal = math.hypot(40, 19)  # the corners of pixels are cut
    assert (values["long_axis_px"], values["long_axis_mm"], values["area_mm2"]) == pytest.approx((diagonal, diagonal / 10, 8))
    assert abs(values["angle_deg"]) == pytest.approx(math.degrees(math.atan2(40, 19)))  # type: ignore[arg-type]
    assert (values["center_row_px"], values["center_col_px"]) == (39.5, 50.5)
    unknown = measure(mask, None).values
    assert (unknown["long_axis_px"], unknown["depth_width_ratio"]) == pytest.approx((diagonal, 2))
    assert unknown["short_axis_px"] == pytest.approx(values["short_axis_px"])
    for spacing, side in (((0.2, 0.2), 0.2), ((5.0, 5.0), 5.0)):
        assert measure(mask, spacing).values["long_axis_px"] == pytest.approx(diagonal)
        assert measure(mask, spacing).values["long_axis_mm"] == pytest.approx(side * diagonal)


def test_depth_and_width_are_millimetres_where_pixels_are_not_square() -> None:
    result = measure(oval(down=20, right=25), (0.2, 0.1))
    values = result.values
    assert numbers(values)["depth_px"] < numbers(values)["width_px"]
    assert values["depth_width_ratio"] == pytest.approx(2 * 20 / 25, rel=0.03) and values["taller_than_wide"] == "yes"
    assert values["long_axis_mm"] == pytest.approx(8, abs=0.3) and values["long_axis_px"] is None
    assert "pixels are not square: no axes in pixels" in result.message
    assert values["total_area_mm2"] == values["area_mm2"] == pytest.approx(oval(down=20, right=25).sum() * 0.02)


def test_lesions_are_numbered_from_the_largest_and_specks_left_out() -> None:
    small, large, speck = oval(30, 30, 8, 10), oval(90, 110, 20, 30), oval(20, 160, 3, 3)
    result = measure(small | large | speck, (0.1, 0.1))
    assert result.status == Status.MULTIPLE_STRUCTURES
    assert "2 lesions" in result.message and "left out 1 smaller than 5 %" in result.message
    assert [part["area_px"] for part in result.parts] == [large.sum(), small.sum()]
    assert result.values["lesion_count"] == 2 and result.values["total_area_px"] == large.sum() + small.sum()
    assert all(result.values[name] == value for name, value in result.parts[0].items())
    assert dict(result.parts[1]) == dict(measure(small, (0.1, 0.1)).parts[0])


@pytest.mark.parametrize(
    ("mask", "outputs", "status", "words"),
    [
        (oval(), BENIGN, Status.OK, ""),
        (oval(), {}, Status.OK, ""),
        (oval() & False, {}, Status.EMPTY, "no lesion found"),
        (oval() & False, NORMAL, Status.EMPTY, "no lesion found"),
        (oval() & False, BENIGN, Status.LOW_CONFIDENCE, "no lesion was outlined, though benign is the most probable class"),
        (oval(), NORMAL, Status.LOW_CONFIDENCE, "though normal is the most probable class"),
        (oval(down=3), BENIGN, Status.LOW_CONFIDENCE, "narrower than 8 pixels"),
        (box(SMALLEST_PX - 1, 20), BENIGN, Status.LOW_CONFIDENCE, "narrower than 8 pixels"),
        (box(SMALLEST_PX, 20), BENIGN, Status.OK, ""),
        (box(20, SMALLEST_PX - 1), BENIGN, Status.LOW_CONFIDENCE, "narrower than 8 pixels"),
        (box(20, SMALLEST_PX), BENIGN, Status.OK, ""),
        (oval(row=5), BENIGN, Status.TOUCHES_BORDER, "a lesion leaves the picture"),
    ],
)
def test_statuses(mask: np.ndarray, outputs: dict[str, float], status: Status, words: str) -> None:
    result = measure(mask, (0.1, 0.1), **outputs)
    assert result.status == status
    assert words in result.message if words else result.message == ""


def test_spacing_may_be_an_array() -> None:
    assert measure(oval(), np.array([0.1, 0.2])).values == measure(oval(), (0.1, 0.2)).values  # type: ignore[arg-type]


def test_noise_is_no_hundred_lesions() -> None:
    mask = np.zeros((400, 400), np.uint8)
    mask[::2, ::2] = 1
    mask[10:20, 10:30] = 1
    result = measure(mask, None)
    assert result.values["lesion_count"] == 1 and result.status is Status.OK  # the rest are specks beside it
    mask[10:20, 10:30] = 0
    result = measure(mask, None)
    assert (result.values["lesion_count"], len(result.parts), result.status) == (MOST_LESIONS, MOST_LESIONS, Status.LOW_CONFIDENCE)
    assert "pieces of similar size: noise, not lesions; the 20 largest were measured" in result.message


def test_without_spacing_there_are_no_millimetres() -> None:
    result = measure(oval(), None)
    assert {name for name, value in result.values.items() if name.endswith(("_mm", "_mm2")) and value is not None} == set()
    assert result.message == "pixel size unknown: give it to get millimetres"


def test_a_class_needs_all_probabilities() -> None:
    assert measure(oval(), None, malignant_probability=0.9).values["predicted_class"] is None


@settings(max_examples=50, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.integers(0, 1)), st.booleans())
def test_any_mask_gives_a_status_and_finite_numbers(noise: np.ndarray, known: bool) -> None:
    result = measure(noise, (0.2, 0.1) if known else None)
    assert (result.status == Status.EMPTY) == (not noise.any())
    assert result.values["lesion_count"] == len(result.parts)
    assert result.values["total_area_px"] <= noise.sum()
    areas = [numbers(part)["area_px"] for part in result.parts]
    assert areas == sorted(areas, reverse=True)
    for part in (result.values, *result.parts):
        assert all(value is None or isinstance(value, str) or math.isfinite(value) for value in part.values())


@pytest.mark.parametrize("name", BENIGN)
@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_what_is_no_probability_is_refused(name: str, probability: float) -> None:
    with pytest.raises(UsageError, match=name.replace("_", " ")):
        measure(oval(), None, **{name: probability})


def test_bad_masks_and_spacing_are_refused() -> None:
    with pytest.raises(ImageError, match="2-D"):
        measure(np.zeros((3, 3, 3)), None)
    with pytest.raises(UsageError, match="pixel spacing"):
        measure(oval(), (0.0, 1.0))


def test_real_lesions_malignant_ones_are_taller_and_less_smooth(data_root: Path) -> None:
    root = data_root / "busi" / "Dataset_BUSI_with_GT"
    shapes = {}
    for category in ("benign", "malignant"):
        masks = sorted((root / category).glob("*_mask.png"))[::5]
        results = [measure(read_mask(file), None) for file in masks]
        assert len(results) > 30
        assert Status.EMPTY not in {result.status for result in results}
        shapes[category] = {
            name: float(np.mean([float(result.values[name]) for result in results]))  # type: ignore[arg-type]
            for name in ("depth_width_ratio", "circularity_ratio", "solidity_ratio", "roughness_ratio", "lobulations")
        }
    benign, malignant = shapes["benign"], shapes["malignant"]
    assert malignant["depth_width_ratio"] > benign["depth_width_ratio"]
    assert malignant["circularity_ratio"] < benign["circularity_ratio"] and malignant["solidity_ratio"] < benign["solidity_ratio"]
    assert malignant["roughness_ratio"] > benign["roughness_ratio"] and malignant["lobulations"] > benign["lobulations"]


def test_many_doubts_are_counted_and_not_all_spelled_out() -> None:
    """Twenty lesions a thousandth of a millimetre long: one line stays readable."""
    mask = np.zeros((120, 160), np.uint8)
    for number in range(20):
        row, col = 4 + 28 * (number // 5), 4 + 30 * (number % 5)
        mask[row : row + 20, col : col + 20] = 1
    result = measure(mask, (1e-4, 1e-4))
    assert result.status is Status.LOW_CONFIDENCE and result.values["lesion_count"] == 20
    assert result.message.count("check the pixel size") == 3
    assert "17 more such doubts" in result.message and len(result.message) < 1000


@pytest.mark.parametrize(
    ("mask", "long_axis_mm", "doubt"),
    [
        (filled(400, 20), 1.001, ""),
        (filled(400, 20), 0.999, "long axis of the lesion 1.0 mm is not in 1 to 100 mm"),
        (filled(400, 20), 99.9, ""),
        (filled(400, 20), 100.1, "long axis of the lesion 100.1 mm is not in 1 to 100 mm"),
        (dented(160), 20.0, ""),
        (dented(161), 20.0, "fills 60 % of its convex hull, less than 60 %"),
        (filled(16_000, 96), 20.0, ""),
        (filled(16_001, 96), 20.0, "covers 80 % of the picture, not 0 to 80 %"),
    ],
)
def test_bounds_just_inside_and_just_outside(mask: np.ndarray, long_axis_mm: float, doubt: str) -> None:
    one = measure(mask, (1.0, 1.0)).values["long_axis_mm"]
    assert isinstance(one, float)
    result = measure(mask, (long_axis_mm / one, long_axis_mm / one))
    assert (result.status is Status.LOW_CONFIDENCE) == bool(doubt)
    assert doubt in result.message if doubt else result.message == ""


def test_doubts_name_the_lesion() -> None:
    mask = np.zeros((200, 200), np.bool_)
    mask[10:70, 10:70] = True
    mask[100:130, 100:130] = True
    mask[108:122, 108:122] = False
    assert "the lesion 2 has a hole of 22 %" in measure(mask, (0.2, 0.2)).message  # 196 of 900 pixels
    mask[:90] = False
    assert "the lesion has a hole of 22 %" in measure(mask, (0.2, 0.2)).message


@pytest.mark.parametrize(("pieces", "doubted"), [(20, False), (21, True)])
def test_twenty_lesions_are_measured_and_one_more_is_noise(pieces: int, doubted: bool) -> None:
    mask = np.zeros((100, 400), np.bool_)
    for number in range(pieces):
        mask[20:30, 5 + 15 * number : 15 + 15 * number] = True
    result = measure(mask, (0.2, 0.2))
    assert len(result.parts) == 20
    assert (result.status is Status.LOW_CONFIDENCE) == doubted
