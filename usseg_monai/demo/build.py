"""From showcases to files, predictions and the sections of a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from usseg_monai.demo.showcase import Group, Sample, Showcase
from usseg_monai.imaging import MaskArray, atomic_path, read_frames, read_mask, write_text
from usseg_monai.imaging.spacing import FILENAME_COLUMN, SPACING_COLUMN
from usseg_monai.inference.batch import TABLE, Options, Summary, run_batch
from usseg_monai.inference.inputs import find_inputs, frame_output
from usseg_monai.inference.outputs import FOLDERS
from usseg_monai.inference.report import Case, Miss, Misses, Section
from usseg_monai.inference.results import Row, read_table
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.measurements.result import Measurement, Status
from usseg_monai.tasks import Task, get_task

__all__ = ["MISSED_BELOW", "Predicted", "Written", "predict", "write_samples"]

MISSED_BELOW = 0.5
"""A mask whose Dice with the true one is smaller has missed the structure; so has a number that is off by more than the rest of 1."""

_IMAGES, _SPACINGS = "images", "pixel_size.csv"


@dataclass(frozen=True)
class Written:
    """A group whose files lie ready.

    Attributes:
        task: what is looked for in them.
        group: the group.
        folder: where its results go.
        samples: by file name.
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
        """Table of their pixel sizes, ``None`` for a group whose files need none."""
        return self.images / _SPACINGS if any(sample.spacing_mm for sample in self.samples.values()) else None


@dataclass(frozen=True)
class Predicted:
    """A group that was predicted.

    Attributes:
        section: of the page.
        summary: what became of its files.
        record: the run record.
    """

    section: Section
    summary: Summary
    record: Mapping[str, Any]


def write_samples(showcase: Showcase, folder: Path) -> list[Written]:
    """Write the files of a showcase, each group's to a folder of its own below the given one.

    Raises:
        OutputError: they cannot be written.
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
        written: of `write_samples`.
        on_progress: told how many files of the group are done.
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
    """A picture of the page, from its row of the table and the mask that was written."""
    row, mask = _result(written, sample, frame, rows)
    found = None if mask is None else written.task.measure(mask, None)
    values = {column.name: row[column.name] for column in written.task.columns}
    outlines = () if found is None else found.outlines
    measurement = Measurement(values, Status(row["status"]), str(row["message"]), outlines)
    image = next(islice(read_frames(written.images / sample.name), frame, None))
    return Case(_name(sample, frame), image, measurement, sample.truths.get(frame, {}), mask, sample.masks.get(frame))


def _result(written: Written, sample: Sample, frame: int, rows: Sequence[Row]) -> tuple[Row, MaskArray | None]:
    """Row and mask of a frame; ``None`` where there is no mask."""
    rows = [row for row in rows if row["file"] == sample.name]
    (item,) = find_inputs([written.images / sample.name])
    file = written.folder / FOLDERS["mask"] / f"{frame_output(item.output, frame, len(rows))}.png"
    return next(row for row in rows if row["frame"] == frame), read_mask(file) if file.is_file() else None


def _name(sample: Sample, frame: int) -> str:
    return sample.name if len(sample.truths) < 2 else f"{sample.name}, frame {frame}"


def _misses(written: Written, rows: Sequence[Row]) -> Misses | None:
    """What went wrong, of all frames whose truth is known, shown or not."""
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
    """How a mask misses what is there; empty where it does not.

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
    common = int(((mask > 0) & (true_mask > 0)).sum())
    overlap = 2 * common / (int((mask > 0).sum()) + int((true_mask > 0).sum()))
    return "" if overlap >= MISSED_BELOW else f"less than half of it overlaps with the true one (Dice below {MISSED_BELOW:g})"


def _off(row: Row, truth: Mapping[str, float]) -> str:
    """How numbers miss the truth where the true mask is not at hand; empty where they do not.

    >>> _off({"area_px": 160}, {"area_px": 100.0}), _off({"area_px": 149}, {"area_px": 100.0}), _off({"area_px": None}, {"area_px": 100.0})
    ('a number is off by more than half of the true one', '', 'nothing was outlined')
    """
    values = {name: row[name] for name in truth}
    if any(value is None for value in values.values()):
        return "nothing was outlined"
    apart = [abs(value - truth[name]) / truth[name] for name, value in values.items() if isinstance(value, (int, float))]
    return "a number is off by more than half of the true one" if max(apart, default=0.0) > 1 - MISSED_BELOW else ""


def _spacing_table(samples: Iterable[Sample]) -> str:
    """The samples' pixel sizes as a table of `usseg_monai.imaging.read_spacing_csv`, which knows square pixels."""
    lines = [(FILENAME_COLUMN, SPACING_COLUMN), *((sample.name, repr(sample.spacing_mm[0])) for sample in samples if sample.spacing_mm)]
    return "".join(f"{name},{spacing}\n" for name, spacing in lines)
