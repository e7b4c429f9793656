"""Pages of paper with results, as PDF: picture, numbers, status, weights and disclaimer."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np

from usseg_monai import __version__
from usseg_monai.geometry.types import GreyArray, MaskArray, Spacing
from usseg_monai.imaging import GreyImage
from usseg_monai.imaging.drawing.colors import css
from usseg_monai.imaging.drawing.overlay import Marks, draw_result, magnification
from usseg_monai.measuring.result import Measurement
from usseg_monai.report.caption import SEVERITY_COLORS, describe, marks
from usseg_monai.report.words import DISCLAIMER, HEADINGS
from usseg_monai.tasks import Task

__all__ = ["Sheet", "draw_sheets"]

_WIDTH, _HEIGHT, _MARGIN = 595.28, 841.89, 48.0  # A4, in points
_PICTURE_HEIGHT = 400.0
_LINE = 15.0
_LETTERS = 92  # of a line of 10 points
_MOST_LINES = 16
_LARGEST_SIDE = 1600  # pixels of the picture on paper


@dataclass(frozen=True, eq=False)
class Sheet:
    """What stands on one page.

    Attributes:
        task: of the measurement.
        name: of the picture; letters that the standard fonts of PDF lack become question marks.
        pixels: grey values ``(rows, cols)``.
        mask: of the same size.
        measurement: of the mask.
        spacing_mm: ``(row, col)`` that was used, ``None`` if unknown.
        weights: version of the weights.
        corrected: whether the mask was corrected by hand.
    """

    task: Task
    name: str
    pixels: GreyArray
    mask: MaskArray
    measurement: Measurement
    spacing_mm: Spacing | None
    weights: str
    corrected: bool = False


def draw_sheets(sheets: Sequence[Sheet]) -> bytes:
    """One page for each sheet, at least one; the same sheets give the same bytes."""
    from reportlab.pdfgen.canvas import Canvas

    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(_WIDTH, _HEIGHT), invariant=1)
    first = sheets[0]
    canvas.setTitle(f"{first.task.heading}: {_latin(first.name)}")
    canvas.setAuthor(f"usseg-monai {__version__}")
    for sheet in sheets:
        _draw(canvas, sheet)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def _draw(canvas: Any, sheet: Sheet) -> None:
    from reportlab.lib.colors import HexColor
    from reportlab.lib.utils import ImageReader

    picture, size = _picture(sheet, -(-max(sheet.pixels.shape) // _LARGEST_SIDE))
    top = _HEIGHT - _MARGIN
    canvas.setFont("Helvetica-Bold", 15)
    canvas.drawString(_MARGIN, top - 12, _latin(sheet.task.heading))
    canvas.setFont("Helvetica", 10)
    canvas.drawString(_MARGIN, top - 30, _latin(sheet.name)[:_LETTERS])
    width = min(_WIDTH - 2 * _MARGIN, _PICTURE_HEIGHT * size[0] / size[1])
    height = width * size[1] / size[0]
    top -= 44 + height
    canvas.drawImage(ImageReader(io.BytesIO(picture)), _MARGIN, top, width, height)
    top -= 26
    status = sheet.measurement.status
    canvas.setFillColor(HexColor(css(SEVERITY_COLORS[status.severity])))
    canvas.rect(_MARGIN, top - 2, 10, 10, stroke=0, fill=1)
    canvas.setFillColor(HexColor("#000000"))
    canvas.setFont("Helvetica-Bold", 12)
    canvas.drawString(_MARGIN + 18, top - 2, HEADINGS[status] + (", corrected by hand" if sheet.corrected else ""))
    canvas.setFont("Helvetica", 10)
    for line in list(_lines(sheet))[:_MOST_LINES]:
        top -= _LINE
        canvas.drawString(_MARGIN, top - 4, _latin(line))
    canvas.setFont("Helvetica-Bold", 10)
    canvas.drawString(_MARGIN, _MARGIN + 14, DISCLAIMER)
    canvas.setFont("Helvetica", 8)
    canvas.drawString(_MARGIN, _MARGIN, f"usseg-monai {__version__}, weights of {sheet.task.name} {sheet.weights[:12]}")


def _picture(sheet: Sheet, step: int) -> tuple[bytes, tuple[int, int]]:
    """The picture with its outline as JPEG, and its width and height; only every so many pixels of a large one."""
    from PIL import Image

    shown = marks(sheet.measurement)
    lines = Marks(
        [outline / step for outline in shown.outlines],
        [axis / step for axis in shown.axes],
        numbered=[(row / step, col / step) for row, col in shown.numbered],
    )
    image = GreyImage(np.ascontiguousarray(sheet.pixels[::step, ::step]))
    drawn = draw_result(image, np.ascontiguousarray(sheet.mask[::step, ::step]), lines, factor=magnification(image.pixels.shape))
    file = io.BytesIO()
    Image.fromarray(drawn).save(file, "JPEG", quality=90)
    return file.getvalue(), (drawn.shape[1], drawn.shape[0])


def _lines(sheet: Sheet) -> Iterator[str]:
    measurement = sheet.measurement
    if measurement.message:
        yield from wrap(measurement.message, _LETTERS)
    if measurement.confidence is not None:
        yield f"Expected Dice {measurement.confidence:.2f}"
    for text in describe(sheet.task, measurement):
        yield from wrap(text[:1].upper() + text[1:], _LETTERS)
    size = sheet.spacing_mm
    yield "Pixel size unknown" if size is None else f"Pixel size {size[0]:.6g} x {size[1]:.6g} mm"


def _latin(text: str) -> str:
    """The text in the letters that the standard fonts of PDF have; others become question marks."""
    return text.encode("cp1252", "replace").decode("cp1252")
