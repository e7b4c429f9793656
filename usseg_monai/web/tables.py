"""Tables and masks to take away, in the formats of a run's results."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

from usseg_monai.errors import UsageError, quoted
from usseg_monai.files.png import encode_png
from usseg_monai.files.table import Row, table_text
from usseg_monai.imaging.formats.nifti_mask import MaskGrid, write_nifti_mask
from usseg_monai.runs.table import column_names, part_column_names
from usseg_monai.tasks import Task, get_task
from usseg_monai.web.decoding import LIMITS, MOST_FRAMES
from usseg_monai.web.wire import Data, mask_of, place_of, spacing_of, split

__all__ = ["CORRECTED", "mask_nifti", "mask_png", "row_of", "table"]

CORRECTED = "corrected"
"""Last column of the page's table: ``yes`` where the mask was corrected by hand."""

_LONGEST_TEXT = 2000


def row_of(task: Task, value: object) -> Row:
    """A row of the results table that the page sends back.

    Raises:
        UsageError: a column is missing, or a value is neither text nor a number.
    """
    return _row(column_names(task), value)


def _row(columns: tuple[str, ...], value: object) -> Row:
    if not isinstance(value, dict) or not set(columns) <= value.keys():
        raise UsageError(f"row {quoted(value)}: it needs the columns of the results table")
    for name in columns:
        cell = value[name]
        number = isinstance(cell, (int, float)) and not isinstance(cell, bool) and math.isfinite(cell)
        if not (cell is None or number or (isinstance(cell, str) and len(cell) <= _LONGEST_TEXT)):
            raise UsageError(f"row, {name} {quoted(cell)}: it must be text, a number, or null")
    return {name: value[name] for name in columns}


def table(message: bytes) -> str:
    """The rows of all pictures as CSV, with the digits of ``results.csv``; texts cannot be taken for formulas.

    Args:
        message: ``task``, and ``rows``, each with `CORRECTED`; with ``parts`` true, rows of the table of parts.

    Raises:
        UsageError: the message cannot be used.
    """
    text, _ = split(message)
    task = get_task(str(text.get("task")))
    rows = text.get("rows")
    if not isinstance(rows, list) or len(rows) > 100 * MOST_FRAMES:
        raise UsageError("rows: give a list")
    if text.get("parts") is True and not task.part_name:
        raise UsageError(f"{task.name} has no table of parts")
    columns = part_column_names(task) if text.get("parts") is True else (*column_names(task), CORRECTED)
    return table_text(columns, [_row(columns, row) for row in rows])


def mask_png(message: bytes) -> bytes:
    """A mask as PNG, 0 and 255; raises `UssegError`."""
    text, data = split(message)
    mask, _ = mask_of(text, data, LIMITS)
    return encode_png(mask * np.uint8(255))


def mask_nifti(message: bytes) -> bytes:
    """Masks as compressed NIfTI with pixel size and place.

    Args:
        message: ``rows``, ``cols``, ``spacing_mm``, and ``places``: of each mask, slices of the first phase first; ``slices``, their number
            in each phase; then the masks.

    Raises:
        UssegError: the message cannot be used.
    """
    text, data = split(message)
    places, slices = text.get("places"), text.get("slices")
    if not isinstance(places, list) or not 0 < len(places) <= MOST_FRAMES:
        raise UsageError(f"places: give a list of 1 to {MOST_FRAMES}")
    if type(slices) is not int or slices < 1 or len(places) % slices:
        raise UsageError(f"slices {quoted(slices)}: {len(places)} masks are not so many slices")
    rest: Data = data
    masks = []
    for _ in places:
        mask, rest = mask_of(text, rest, LIMITS)
        masks.append(mask)
    known = [place_of(place) for place in places]
    grid = MaskGrid(
        (masks[0].shape[0], masks[0].shape[1]),
        slices,
        len(places) // slices,
        spacing_of(text.get("spacing_mm")),
        known[0],
        known[slices - 1],
    )
    with tempfile.TemporaryDirectory(prefix="usseg-") as folder:
        file = Path(folder, "mask.nii.gz")
        write_nifti_mask(file, grid, masks)
        return file.read_bytes()
