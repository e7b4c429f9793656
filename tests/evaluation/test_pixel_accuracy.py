"""Pixel accuracy, and what a mask without anything reaches."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.evaluation.pixel_accuracy import background_accuracy, pixel_accuracy


def test_counts_what_is_right_whatever_the_values() -> None:
    truth = np.zeros((10, 10), np.uint8)
    truth[:2, :5] = 255
    mask = np.zeros((10, 10), bool)
    mask[:2, 1:6] = True
    assert pixel_accuracy(mask, truth) == pytest.approx(0.96)
    assert pixel_accuracy(truth, truth) == 1
    assert pixel_accuracy(truth == 0, truth) == 0


def test_an_empty_mask_is_right_about_the_background() -> None:
    truth = np.zeros((580, 420), np.uint8)
    truth[:27, :] = 1
    assert background_accuracy(truth) == pytest.approx(1 - 27 / 580)
    assert background_accuracy(np.zeros((3, 4))) == 1


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(2, 3\) has a truth of \(3, 2\)"):
        pixel_accuracy(np.zeros((2, 3)), np.zeros((3, 2)))
