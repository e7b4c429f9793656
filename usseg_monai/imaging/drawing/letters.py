"""Text in pictures, in Pillow's built-in font."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from usseg_monai.imaging.drawing.colors import Color

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

__all__ = ["draw_text", "fit", "readable", "text_width", "wrap"]

_RAISED = {"²": "2", "³": "3"}
"""Superscripts that the font lacks, drawn as small raised digits."""

_RAISED_SIZE = 0.65
_OTHERWISE = {"–": "-", "—": "-", "×": "x", "≥": ">=", "≤": "<=", "µ": "u", "\u00a0": " ", "\u202f": " "}
_NO_LETTER = "\u0378"  # an unassigned code point: the font draws it like every character that it lacks
_MORE = "…"


@lru_cache(maxsize=64)
def _font(size: int) -> FreeTypeFont | ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


@lru_cache(maxsize=1024)
def _length(words: str, size: int) -> float:
    return _font(size).getlength(words)


@lru_cache(maxsize=1024)
def _has(letter: str) -> bool:
    font = _font(20)
    return letter == " " or bytes(font.getmask(letter)) != bytes(font.getmask(_NO_LETTER))


def readable(text: str) -> str:
    """The text on one line, in characters that the font has; others become ``?``.

    >>> readable("3 ≥ 2\\nmm²"), readable("Größe 5 × 4"), readable("心")
    ('3 >= 2 mm²', 'Gr??e 5 x 4', '?')
    """
    letters = (_OTHERWISE.get(letter, letter) for letter in " ".join(text.split()))
    return "".join(letter if len(letter) > 1 or letter in _RAISED or _has(letter) else "?" for letter in letters)


def text_width(text: str, size: int) -> float:
    """Width in pixels of a text that is drawn in this font size."""
    return sum(_length(words, run_size) for words, run_size, _ in _runs(text, size))


def draw_text(draw: ImageDraw, place: tuple[float, float], text: str, size: int, color: Color) -> None:
    """Draw a readable text.

    Args:
        draw: of the picture.
        place: ``(x, y)``, left end and baseline of the text.
        text: as `readable` returns it.
        size: font size in pixels.
        color: of the text.
    """
    x, y = place
    for words, run_size, rise in _runs(text, size):
        draw.text((x, y - rise), words, font=_font(run_size), fill=color, anchor="ls")
        x += _length(words, run_size)


def _runs(text: str, size: int) -> Iterator[tuple[str, int, float]]:
    """Pieces of a text with their font size and how far they are raised."""
    start = 0
    for end, letter in enumerate(text):
        if letter in _RAISED:
            if end > start:
                yield text[start:end], size, 0.0
            yield _RAISED[letter], max(1, round(_RAISED_SIZE * size)), 0.3 * size
            start = end + 1
    if start < len(text):
        yield text[start:], size, 0.0


def fit(text: str, size: int, width: float) -> str:
    """As much of a text as fits, with an ellipsis if it was cut.

    >>> fit("short", 14, 200), fit("x" * 100, 14, 60).endswith("…")
    ('short', True)
    """
    if text_width(text, size) <= width:
        return text
    low, high = 0, len(text)
    while low < high:  # the most letters that fit
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text_width(text[:middle].rstrip() + _MORE, size) <= width else (low, middle - 1)
    return text[:low].rstrip() + _MORE


def wrap(text: str, size: int, width: float, lines: int) -> list[str]:
    """Wrap a text into lines that fit; what exceeds the number of lines is cut, with an ellipsis.

    Args:
        text: as `readable` returns it.
        size: font size in pixels.
        width: largest width of a line, in pixels.
        lines: largest number of lines, at least 1.

    >>> wrap("one two three four five", 14, 70, 2)
    ['one two', 'three four…']
    """
    words, found = text.split(), list[str]()
    while words and len(found) < lines - 1:
        count = 1
        while count < len(words) and text_width(" ".join(words[: count + 1]), size) <= width:
            count += 1
        found.append(fit(" ".join(words[:count]), size, width))
        words = words[count:]
    return [*found, fit(" ".join(words), size, width)] if words else found
