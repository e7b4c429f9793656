"""Writes the files of showcases, predicts them, and builds the sections of the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from usseg_monai.evaluation.overlap import dice
from usseg_monai.files.table import Row, read_table
from usseg_monai.files.write import atomic_path, write_text
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import read_frames, read_mask
from usseg_monai.imaging.spacing import FILENAME_COLUMN, SPACING_COLUMN
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import frame_output
from usseg_monai.inputs.results_folder import RUN_RECORD
from usseg_monai.report.model import Case, Miss, Misses, Section
from usseg_monai.report.page import outlined
from usseg_monai.runs.options import Options
from usseg_monai.runs.outputs import FOLDERS
from usseg_monai.runs.run import TABLE, Summary, run_batch
from usseg_monai.tasks import Task, get_task
from usseg_monai.tasks.showcase import Group, Sample, Showcase

__all__ = ["MISSED_BELOW", "Predicted", "Written", "predict", "write_samples"]

MISSED_BELOW = 0.5
"""A structure counts as missed if the Dice with the true mask is below this, or the relative error of a number is above 1 minus this."""

_IMAGES, _SPACINGS = "images", "pixel_size.csv"


@dataclass(frozen=True)
class Written:
    """A group whose files are written.

    Attributes:
        task: task to run on them.
        group: the group.
        folder: output folder for its results.
        samples: samples by file name.
    """

    task: Task
    group: Group
    folder: Path
    samples: Mapping[str, Sample]

    @property
    def images(self) -> Path:
        """Folder of the files."""
        return self.folder / _IMAGES

    @property
    def spacing_csv(self) -> Path | None:
        """Table of their pixel sizes, ``None`` if the files need none."""
        return self.images / _SPACINGS if any(sample.spacing_mm for sample in self.samples.values()) else None


@dataclass(frozen=True)
class Predicted:
    """A group that was predicted.

    Attributes:
        section: its section of the page.
        summary: the outcome of its files.
        record: the run record.
    """

    section: Section
    summary: Summary
    record: Mapping[str, Any]


def write_samples(showcase: Showcase, folder: Path) -> list[Written]:
    """Write the files of a showcase to one folder per group below the given one.

    Raises:
        OutputError: a file cannot be written.
    """
    written = []
    for group in showcase.groups:
        samples = {sample.name: sample for sample in group.samples()}
        ready = Written(get_task(showcase.task), group, folder / showcase.task / group.folder, samples)
        for sample in samples.values():
            with atomic_path(ready.images / sample.name) as temporary:
                temporary.write_bytes(sample.content)
        if ready.spacing_csv is not None:
            write_text(ready.spacing_csv, _spacing_table(samples.values()))
        written.append(ready)
    return written


def predict(written: Written, on_progress: Callable[[int], None] = lambda done: None) -> Predicted:
    """Predict the files of a group.

    Args:
        written: from `write_samples`.
        on_progress: called with the number of finished files of the group.
    """
    task, group = written.task, written.group
    options = Options(spacing_csv=written.spacing_csv)
    summary = run_batch(task.name, [written.images], written.folder, options, lambda done, total, row: on_progress(done))
    rows = list(read_table(written.folder / TABLE))
    cases = [_case(written, sample, frame, rows) for sample in written.samples.values() for frame in sample.frames]
    figures = group.figures(written.folder)
    section = Section(group.title, group.text, cases, group.tolerance, figures, _misses(written, rows))
    record: dict[str, Any] = json.loads((written.folder / RUN_RECORD).read_text(encoding="utf-8"))
    return Predicted(section, summary, record)


def _case(written: Written, sample: Sample, frame: int, rows: Sequence[Row]) -> Case:
    """A picture of the page, from its row in the table and the saved mask."""
    row, mask = _result(written, sample, frame, rows)
    outlines = () if mask is None else written.task.measure(mask, None).outlines
    image = next(islice(read_frames(written.images / sample.name), frame, None))
    true_mask = sample.masks.get(frame)
    return Case.of_row(
        _name(sample, frame),
        written.task,
        row,
        truth=sample.truths.get(frame, {}),
        dice=None if mask is None or true_mask is None else dice(mask, true_mask),
        picture=outlined(image, mask, outlines, true_mask),
    )


def _result(written: Written, sample: Sample, frame: int, rows: Sequence[Row]) -> tuple[Row, MaskArray | None]:
    """Row and mask of a frame; ``None`` if there is no mask."""
    rows = [row for row in rows if row["file"] == sample.name]
    (item,) = find_inputs([written.images / sample.name])
    file = written.folder / FOLDERS["mask"] / f"{frame_output(item.output, frame, len(rows))}.png"
    return next(row for row in rows if row["frame"] == frame), read_mask(file) if file.is_file() else None


def _name(sample: Sample, frame: int) -> str:
    return sample.name if len(sample.truths) < 2 else f"{sample.name}, frame {frame}"


def _misses(written: Written, rows: Sequence[Row]) -> Misses | None:
    """The misses among all frames with known truth, shown or not."""
    known = [(sample, frame) for sample in written.samples.values() for frame in sample.truths]
    missed = []
    for sample, frame in known:
        row, mask = _result(written, sample, frame, rows)
        true_mask = sample.masks.get(frame)
        how = _off(row, sample.truths[frame]) if true_mask is None else _apart(mask, true_mask)
        if how:
            missed.append(Miss(_name(sample, frame), how))
    return Misses(len(known), missed) if known else None


def _apart(mask: MaskArray | None, true_mask: MaskArray) -> str:
    """How a mask misses the true one; empty if it does not.

    >>> import numpy as np
    >>> nothing, there = np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)
    >>> _apart(nothing, there), _apart(there, nothing), _apart(nothing, nothing), _apart(there, there)
    ('nothing was outlined', 'something was outlined where there is nothing', '', '')
    """
    found = mask is not None and mask.any()
    if not found or mask is None:
        return "nothing was outlined" if true_mask.any() else ""
    if not true_mask.any():
        return "something was outlined where there is nothing"
    return "" if dice(mask, true_mask) >= MISSED_BELOW else f"less than half of it overlaps with the true one (Dice below {MISSED_BELOW:g})"


def _off(row: Row, truth: Mapping[str, float]) -> str:
    """How numbers miss the true ones, used if there is no true mask; empty if they do not.

    >>> _off({"area_px": 160}, {"area_px": 100.0}), _off({"area_px": 149}, {"area_px": 100.0}), _off({"area_px": None}, {"area_px": 100.0})
    ('a number is off by more than half of the true one', '', 'nothing was outlined')
    """
    values = {name: row[name] for name in truth}
    if any(value is None for value in values.values()):
        return "nothing was outlined"
    apart = [abs(value - truth[name]) / truth[name] for name, value in values.items() if isinstance(value, (int, float))]
    return "a number is off by more than half of the true one" if max(apart, default=0.0) > 1 - MISSED_BELOW else ""


def _spacing_table(samples: Iterable[Sample]) -> str:
    """The samples' pixel sizes as a table for `usseg_monai.imaging.read_spacing_csv`, with square pixels."""
    lines = [(FILENAME_COLUMN, SPACING_COLUMN), *((sample.name, repr(sample.spacing_mm[0])) for sample in samples if sample.spacing_mm)]
    return "".join(f"{name},{spacing}\n" for name, spacing in lines)
