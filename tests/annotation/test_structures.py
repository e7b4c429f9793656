from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.annotation.predictions import TWO_LESIONS, predicted
from tests.tiny import ellipse
from usseg_monai.annotation.structures import image_columns, known_texts, predicted_class, structure_columns, structures
from usseg_monai.tasks import TASKS
from usseg_monai.tasks.record import Column


def test_each_lesion_is_an_object_with_the_numbers_of_its_row() -> None:
    found = predicted("breast", TWO_LESIONS)
    first, second, specks = structures(found)
    assert first.values["area_px"] == first.mask.sum() == 25 * 40 - 5 * 10 and not first.mask[42, 55]
    assert second.values["area_px"] == second.mask.sum() == 15 * 20 and second.mask[5, 10] and second.mask[19, 29]
    assert specks.values == {} and specks.mask.sum() == 2 and specks.mask[2, 60] and specks.mask[58, 2]
    assert [one.values for one in (first, second)] == list(found.measurement.parts)


def test_pieces_beyond_the_measured_ones_are_not_lost() -> None:
    mask = np.zeros((40, 200), np.uint8)
    for left in range(0, 200, 8):  # 25 pieces of one size; 20 are measured
        mask[10:16, left : left + 6] = 1
    found = structures(predicted("breast", mask))
    assert len(found) == 21 and found[20].values == {} and found[20].mask.sum() == 5 * 36
    assert [one.mask.argmax(axis=1).max() for one in found[:20]] == list(range(0, 160, 8))  # from the left, as they are equally large
    assert all(one.mask.sum() == 36 for one in found[:20])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("mask", [TWO_LESIONS, ellipse(), np.ones((20, 30), np.uint8), np.zeros((20, 30), np.uint8)])
def test_together_they_are_the_mask(task: str, mask: np.ndarray) -> None:
    found = structures(predicted(task, mask))
    assert all(one.mask.dtype == np.bool_ and one.mask.shape == mask.shape and one.mask.any() for one in found)
    assert np.array_equal(sum((one.mask.astype(int) for one in found), np.zeros(mask.shape, int)), mask)


def test_a_task_with_one_structure_gives_one_object() -> None:
    found = predicted("fetal_head", TWO_LESIONS)
    (one,) = structures(found)
    assert one.values == found.measurements and one.mask.sum() == TWO_LESIONS.sum()


@pytest.mark.parametrize("task", TASKS)
def test_every_column_has_a_place(task: str) -> None:
    record = TASKS[task]
    assert {*structure_columns(record), *image_columns(record)} == {*record.columns}


def test_the_class_is_the_most_probable_one() -> None:
    said: dict[str, Any] = {"normal_probability": 0.2, "benign_probability": 0.35, "malignant_probability": 0.45}
    found = predicted("breast", TWO_LESIONS, **said)
    assert predicted_class(found) == found.measurements["predicted_class"] == "malignant"
    assert predicted_class(predicted("breast", TWO_LESIONS)) is None  # nothing was said
    assert predicted_class(predicted("nerve", TWO_LESIONS, presence_probability=0.9)) is None


def test_unknown_is_left_out_and_zero_is_not() -> None:
    columns = [Column(name, "") for name in ("count", "ratio", "word", "unknown")]
    assert known_texts(columns, {"count": 0, "ratio": 1 / 3, "word": "yes", "unknown": None, "other": 1}) == {
        "count": "0",
        "ratio": "0.333333",
        "word": "yes",
    }
