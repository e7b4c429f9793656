"""Renders pictures and numbers as one HTML page: of a run, of an evaluation, of the demo.

The page is self-contained (pictures as data, outlines as vectors) and opens from a file, without a server. It has one chapter per task and
takes everything from the task's record, so that every chapter has the same form. The markup is in `page.html` and `parts.html`, the style
in `style.css`; the only script, `page.js`, sorts and filters what is there. Jinja escapes every text; the functions below are used by the
templates.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from usseg_monai.files.table import Value, cell_text
from usseg_monai.geometry.boundary import boundaries
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging.drawing import colors
from usseg_monai.imaging.drawing.display import to_display
from usseg_monai.imaging.image import GreyImage
from usseg_monai.measuring.result import Status
from usseg_monai.report import words
from usseg_monai.report.caption import SEVERITY_COLORS
from usseg_monai.report.columns import shown_columns
from usseg_monai.report.model import Case, Chapter, Misses, Picture, Report, rank
from usseg_monai.report.tiles import tiles
from usseg_monai.tasks import Column, Task

if TYPE_CHECKING:
    from jinja2 import Environment
    from PIL.Image import Image

__all__ = ["SHADES", "jpeg", "outlined", "render_report", "shades"]

_LONGEST_SIDE = 1200  # pixels of a picture
_LINES = {"found": colors.FOUND, "measured": colors.MEASURED, "truth": colors.TRUTH}
_MEANINGS = {"found": "outline found", "measured": "what is measured", "truth": "true outline, dashed"}
SHADES: Mapping[str, colors.Color] = {**_LINES, **{severity.name: color for severity, color in SEVERITY_COLORS.items()}}
"""Colours of lines and statuses, by the names that style sheets know them by."""


def render_report(report: Report) -> str:
    """Return the page as HTML."""
    return _environment().get_template("page.html").render(report=report, shades=shades())


def shades() -> dict[str, str]:
    """`SHADES` in CSS notation."""
    return {name: colors.css(color) for name, color in SHADES.items()}


def outlined(
    image: GreyImage,
    mask: MaskArray | None,
    outlines: Iterable[npt.NDArray[np.float64]] = (),
    true_mask: MaskArray | None = None,
) -> Picture:
    """A picture with its outlines as vectors.

    Args:
        image: displayed from its darkest to its brightest value; a large one is reduced.
        mask: what was found; its edge is drawn if there are no outlines.
        outlines: what was measured, as of `usseg_monai.measuring.result.Measurement`.
        true_mask: its edge is drawn, too.
    """
    from PIL import Image

    measured = list(outlines)
    true = () if true_mask is None else boundaries(true_mask)
    found = () if mask is None or measured else boundaries(mask)
    lines = [(kind, line) for kind, several in (("truth", true), ("found", found), ("measured", measured)) for line in several]
    rows, cols = image.pixels.shape
    shown = Image.fromarray(to_display(image.pixels))
    shown.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    return Picture(jpeg(shown, quality=88), (rows, cols), lines)


def jpeg(picture: Image, quality: int) -> bytes:
    """A picture as JPEG."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()


@cache
def _environment() -> Environment:
    """The templates of this package, with the functions that they use. They escape every text."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # late: only a page needs it

    folder = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    functions = (
        anchor,
        bars,
        base64_text,
        cell_text,
        columns_of,
        dice_columns,
        legend,
        main_column,
        misses_in_words,
        points,
        rank,
        table_columns,
        tiles,
    )
    environment.globals |= {
        **{name: getattr(words, name) for name in words.__all__},
        **{function.__name__: function for function in functions},
    }
    return environment


def anchor(task: Task, case: Case) -> str:
    """The id of a picture, for links within the page."""
    return f"{task.name}-" + "".join(letter if letter.isalnum() else "-" for letter in case.name)


def legend(report: Report) -> list[tuple[str, str]]:
    """Kind and meaning of the lines; the true outline only if there is one."""
    pictures = [case.picture for chapter in report.chapters for case in chapter.cases if case.picture is not None]
    with_truth = any(kind == "truth" for picture in pictures for kind, _ in picture.outlines)
    return [(kind, text) for kind, text in _MEANINGS.items() if with_truth or kind != "truth"]


def misses_in_words(misses: Misses) -> str:
    """The kinds of misses, each followed by the names of the pictures."""
    names: dict[str, list[str]] = {}
    for miss in misses.missed:
        names.setdefault(miss.how, []).append(miss.name)
    text = "; ".join(f"{how}: {words.listed(pictures)}" for how, pictures in names.items())
    return text[:1].upper() + text[1:]


def columns_of(chapter: Chapter, case: Case) -> list[Column]:
    """The columns beside a picture; none if no structure was found."""
    if case.status in (Status.EMPTY, Status.FAILED):
        return []
    return shown_columns(chapter.task, chapter.highlights, case.values)


def table_columns(chapter: Chapter) -> list[Column]:
    """The columns of a chapter's table, each in the first unit that any of its cases has; those without any value are left out."""
    values: dict[str, Value] = {}
    for case in chapter.cases:
        values |= {name: value for name, value in case.values.items() if value is not None}
    return [column for column in shown_columns(chapter.task, chapter.highlights, values) if column.name in values]


def main_column(chapter: Chapter) -> str:
    """The column of the table that is compared with the truth: the first for which that is known; empty if there is none."""
    known = {name for case in chapter.cases for name in case.truth}
    return next((column.name for column in table_columns(chapter) if column.name in known), "")


def dice_columns(chapter: Chapter) -> list[tuple[str, str]]:
    """Heading and attribute of the table's columns of Dice, the true one and the expected one, as far as they are known."""
    both = (("Dice", "dice"), ("Expected Dice", "confidence"))
    return [(name, attribute) for name, attribute in both if any(getattr(case, attribute) is not None for case in chapter.cases)]


def bars(case: Case, task: Task) -> Iterator[tuple[str, float, float, bool]]:
    """The network's outputs for the whole image: column, value, length of the bar in percent, and whether that class is the true one."""
    for name in task.outputs:
        value = case.values.get(name)
        if isinstance(value, (int, float)):
            yield name, value, 100 * min(max(value, 0), 1), case.truth.get(name) == 1


def points(outline: npt.NDArray[np.float64]) -> str:
    """A polyline for SVG; the origin of outlines is the centre of the first pixel, that of the drawing its corner."""
    return " ".join(f"{col + 0.5:.1f},{row + 0.5:.1f}" for row, col in outline)


def base64_text(data: bytes) -> str:
    """Encode bytes in base64, for data URLs."""
    return base64.b64encode(data).decode("ascii")
