"""Letters that can be drawn, and texts that keep to their room."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from usseg_monai.imaging.drawing.letters import draw_text, fit, readable, text_width, wrap
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import UNITS

SIZE = 20
SHOWN = sorted(set("".join([*UNITS.values(), *(status.value for status in Status), "0123456789.,;:()%/+-=±°²…·' ACEHILNORTUVWX"])))


def ink(text: str, size: int = SIZE) -> np.ndarray:
    """Whether each pixel of a picture has ink, for a text whose baseline is in row 40."""
    canvas = Image.new("RGB", (400, 60))
    draw_text(ImageDraw.Draw(canvas), (10, 40), text, size, (255, 255, 255))
    return np.asarray(canvas)[..., 0] > 100


@pytest.mark.parametrize("letter", [letter for letter in SHOWN if letter != " "])
def test_every_letter_of_results_is_drawn_as_itself(letter: str) -> None:
    assert readable(letter) == letter
    font = ImageFont.load_default(SIZE)
    box = bytes(font.getmask("\u0378"))  # what the font has for letters that it lacks
    assert letter in "²" or bytes(font.getmask(letter)) != box
    assert ink(letter).any()


def test_a_raised_two_is_a_small_two_above_the_line() -> None:
    plain, raised = (np.nonzero(ink(text)) for text in ("2", "²"))
    assert np.ptp(raised[0]) < 0.8 * np.ptp(plain[0])
    assert raised[0].max() < plain[0].max() - 3 and raised[0].min() <= plain[0].min() + 1
    assert text_width("mm²", SIZE) > text_width("mm", SIZE) + 3


@pytest.mark.parametrize(("text", "shown"), [("a\n b\t\x1b[0m", "a b ?[0m"), ("µm ≥ 3", "um >= 3"), ("žena 心", "?ena ?"), ("", "")])
def test_what_cannot_be_drawn_is_replaced(text: str, shown: str) -> None:
    assert readable(text) == shown


@pytest.mark.parametrize("width", [0, 5, 40, 133, 1000])
@pytest.mark.parametrize("text", ["head circumference 251.3 mm", "one-word-that-is-very-long-and-has-no-place-to-break", "a b c"])
def test_texts_keep_to_their_room(text: str, width: int) -> None:
    ellipsis = text_width("…", SIZE)
    assert text_width(fit(text, SIZE, width), SIZE) <= max(width, ellipsis)
    for lines in (1, 3):
        wrapped = wrap(text, SIZE, width, lines)
        assert 1 <= len(wrapped) <= lines
        assert all(text_width(line, SIZE) <= max(width, ellipsis) for line in wrapped)
    if width == 1000:
        assert wrapped == [text]


def test_wrapped_words_are_all_there() -> None:
    text = "the head leaves the picture: the hidden part is extrapolated"
    assert " ".join(wrap(text, SIZE, 150, 20)) == text
    cut = wrap(text, SIZE, 150, 2)
    assert len(cut) == 2 and cut[1].endswith("…") and text.startswith(" ".join(cut).removesuffix("…").rstrip())
    assert wrap("", SIZE, 150, 2) == []
