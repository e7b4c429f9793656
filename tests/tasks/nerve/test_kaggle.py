"""Masks on another grid, and their code."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.tasks.nerve.kaggle import resize_mask


@pytest.mark.parametrize("shape", [(420, 580), (184, 256), (5, 7), (1000, 3)])
def test_resizing_takes_the_nearest_pixel(shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).integers(0, 2, (42, 58)).astype(np.uint8)
    resized = resize_mask(mask, shape)
    assert resized.shape == shape
    for row, col in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 3, shape[1] // 2)):
        source = int((row + 0.5) * 42 / shape[0]), int((col + 0.5) * 58 / shape[1])
        assert resized[row, col] == mask[source]


def test_a_mask_of_the_size_stays_as_it_is() -> None:
    mask = np.eye(9, dtype=np.uint8)
    assert resize_mask(mask, (9, 9)) is mask
