"""From showcases to files, predictions and the sections of a page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from usseg_monai.demo.showcase import Group, Sample, Showcase
from usseg_monai.imaging import atomic_path, read_frames, read_mask, write_text
from usseg_monai.imaging.spacing import FILENAME_COLUMN, SPACING_COLUMN
from usseg_monai.inference.batch import TABLE, Options, Summary, run_batch
from usseg_monai.inference.inputs import find_inputs, frame_output
from usseg_monai.inference.outputs import FOLDERS
from usseg_monai.inference.report import Case, Section
from usseg_monai.inference.results import Row, read_table
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.measurements.result import Measurement, Status
from usseg_monai.tasks import Task, get_task

__all__ = ["Predicted", "Written", "predict", "write_samples"]

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
    section = Section(group.title, group.text, cases, group.tolerance, group.figures(written.folder))
    record: dict[str, Any] = json.loads((written.folder / RUN_RECORD).read_text(encoding="utf-8"))
    return Predicted(section, summary, record)


def _case(written: Written, sample: Sample, frame: int, rows: Sequence[Row]) -> Case:
    """A picture of the page, from its row of the table and the mask that was written."""
    rows = [row for row in rows if row["file"] == sample.name]
    row = next(row for row in rows if row["frame"] == frame)
    (item,) = find_inputs([written.images / sample.name])
    file = written.folder / FOLDERS["mask"] / f"{frame_output(item.output, frame, len(rows))}.png"
    mask = read_mask(file) if file.is_file() else None
    outlines = () if mask is None else written.task.measure(mask, None).outlines
    values = {column.name: row[column.name] for column in written.task.columns}
    measurement = Measurement(values, Status(row["status"]), str(row["message"]), outlines)
    image = next(islice(read_frames(written.images / sample.name), frame, None))
    name = sample.name if len(rows) == 1 else f"{sample.name}, frame {frame}"
    return Case(name, image, measurement, sample.truth, mask)


def _spacing_table(samples: Iterable[Sample]) -> str:
    """The samples' pixel sizes as a table of `usseg_monai.imaging.read_spacing_csv`, which knows square pixels."""
    lines = [(FILENAME_COLUMN, SPACING_COLUMN), *((sample.name, repr(sample.spacing_mm[0])) for sample in samples if sample.spacing_mm)]
    return "".join(f"{name},{spacing}\n" for name, spacing in lines)
