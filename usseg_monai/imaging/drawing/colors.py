"""The colours of pictures: each has one meaning, and all are distinguishable with any colour vision.

All but the greys are from the palette of M. Okabe and K. Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

__all__ = ["BACKGROUND", "DIM", "FOUND", "GOOD", "LOOK", "MEASURED", "NEUTRAL", "TEXT", "TRUTH", "UNBELIEVABLE", "Color", "css"]

Color = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

FOUND: Color = (86, 180, 233)
"""Outline of the structure that was found: sky blue."""

MEASURED: Color = (240, 228, 66)
"""What the numbers refer to, the fitted ellipse and the axes: yellow."""

TRUTH: Color = (204, 121, 167)
"""An expert's annotation, or a phantom's ground truth: reddish purple."""

GOOD: Color = (0, 158, 115)
"""A result without known problems: bluish green."""

LOOK: Color = (230, 159, 0)
"""A result to be checked before use: orange."""

UNBELIEVABLE: Color = (213, 94, 0)
"""A result that must not be trusted: vermilion."""

NEUTRAL: Color = (187, 193, 200)
"""Nothing was found, which may be right: grey."""

BACKGROUND: Color = (22, 27, 34)
TEXT: Color = (240, 243, 246)
DIM: Color = (160, 168, 178)


def css(color: Color) -> str:
    """A colour in CSS notation.

    >>> css(LOOK)
    '#e69f00'
    """
    return "#{:02x}{:02x}{:02x}".format(*color)
