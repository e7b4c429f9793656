"""One colour, one meaning, for any colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from usseg_monai.imaging.drawing import colors

MEANINGS = {name: getattr(colors, name) for name in ("FOUND", "MEASURED", "TRUTH", "GOOD", "LOOK", "UNBELIEVABLE", "NEUTRAL")}

# G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, IEEE TVCG 15 (2009) 1291: severity 1.0, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])


def lab(color: colors.Color, vision: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D65 of an sRGB colour as somebody with that vision sees it."""
    share = np.array(color) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ (vision @ linear).clip(0, 1) / TO_XYZ.sum(axis=1)
    cube = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * cube[1] - 16, 500 * (cube[0] - cube[1]), 200 * (cube[1] - cube[2])])


@pytest.mark.parametrize("vision", VISIONS)
def test_meanings_are_told_apart(vision: str) -> None:
    for (first, one), (second, other) in combinations(MEANINGS.items(), 2):
        assert np.linalg.norm(lab(one, VISIONS[vision]) - lab(other, VISIONS[vision])) > 12, (first, second)


def test_lines_are_seen_on_any_grey() -> None:
    for name in ("FOUND", "MEASURED", "TRUTH"):
        assert max(MEANINGS[name]) - min(MEANINGS[name]) > 80, name  # no grey
