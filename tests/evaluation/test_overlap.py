"""Dice of arrays whose overlap is known."""

from __future__ import annotations

import numpy as np

from usseg_monai.evaluation.overlap import dice


def test_dice() -> None:
    left, right = np.zeros((4, 4)), np.zeros((4, 4))
    assert dice(left, right) == 1.0
    left[:2] = 1
    assert dice(left, right) == 0.0
    right[1:3] = 255
    assert dice(left, right) == 0.5
