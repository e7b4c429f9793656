"""Makes the objects of a run from its records, tables, masks and sources: a second pass, the implementation of ``usseg dicom``.

It needs nothing that only the process of the run knew: so it also works after ``--resume``, for merged shards, and for masks that were
corrected by hand, which are measured again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydicom.dataset import Dataset

from usseg_monai.dicom.case import Case, Maker, Probability, Shot, Study
from usseg_monai.dicom.common import Made
from usseg_monai.dicom.headers import Header, read_header, share_frame_of_reference
from usseg_monai.dicom.make import check_kinds, make_objects
from usseg_monai.dicom.sources import Sources
from usseg_monai.errors import ImageError, OutputError, UsageError, UssegError, printable
from usseg_monai.files.table import Row, Value, cell_text, read_table, write_table
from usseg_monai.files.write import atomic_path
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging import GreyImage, read_image, read_mask
from usseg_monai.inputs.naming import frame_output
from usseg_monai.measuring.result import TRUST_OUTPUTS, Measurement, Status
from usseg_monai.runs.accounts import Account, read_accounts
from usseg_monai.runs.lock import lock_folder
from usseg_monai.runs.objects import OBJECT_COLUMNS, OBJECTS_FOLDER, OBJECTS_TABLE, remove_objects
from usseg_monai.runs.outputs import output_files
from usseg_monai.runs.record import read_run_record
from usseg_monai.runs.table import row_spacing
from usseg_monai.tasks import Task, get_task
from usseg_monai.tasks.record import STUDY_FOLDER, STUDY_TABLE

__all__ = ["PHASES", "Outcome", "make_run"]

PHASES = ("ed,es", "all")
"""Phases of a stack that get objects: end diastole and end systole, or all."""

_FULL = 65535  # probability 1 in a 16-bit PNG
_NO_PICTURE = "the run could not use it"


@dataclass
class Outcome:
    """What was made.

    Attributes:
        folder: of the objects.
        objects: rows of the table of objects.
        sources: number of files and stacks that objects were made of.
        corrected: names of those whose masks were corrected by hand.
        skipped: number of inputs without objects, by reason.
        failed: reason by name of the input or stack.
        cures: number of files and stacks with each cure of a header.
    """

    folder: Path
    objects: list[Row] = field(default_factory=list)
    sources: int = 0
    corrected: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    cures: Counter[str] = field(default_factory=Counter)


class _Frame(NamedTuple):
    account: Account
    number: int
    place: str = ""


class _Job(NamedTuple):
    """One case to be made: its name, and its frames; of a stack the phases and the numbers."""

    name: str
    frames: Sequence[_Frame]
    phases: Mapping[str, Sequence[int]] | None = None
    study: Study | None = None


def make_run(
    folder: Path,
    sources: Sequence[str | Path],
    kinds: Collection[str] = ("seg", "sr"),
    *,
    seg: str = "binary",
    phases: str = "ed,es",
    follow_links: bool = False,
) -> Outcome:
    """Make the objects of a run in its folder ``dicom/``, in place of those that were made before.

    Args:
        folder: output folder of the run.
        sources: what the run read: files, folders, globs, lists.
        kinds: objects to make, of `usseg_monai.dicom.tables.KINDS`.
        seg: type of segmentations.
        phases: of stacks, one of `PHASES`.
        follow_links: as for the run.

    Returns:
        What was made. A source that cannot be used is in `Outcome.failed`.

    Raises:
        UsageError: a wrong option, or one that the task does not have.
        ImageError: the sources name no file.
        OutputError: the folder is no folder of a run, or cannot be written to.
    """
    if phases not in PHASES:
        raise UsageError(f"phases {phases!r}: must be {' or '.join(PHASES)}")
    record = read_run_record(folder)
    maker = Maker(get_task(str(record["task"])), str(record.get("weights_sha256") or ""))
    check_kinds(kinds, maker, seg)
    if record.get("engine") == "none":
        raise UsageError(f"{folder} holds measurements of given masks: give the folder of the run that made them, with its masks corrected")
    found = Sources(folder, sources, follow_links=follow_links)
    outcome = Outcome(folder / OBJECTS_FOLDER)
    with lock_folder(folder):
        remove_objects(folder)
        names: set[str] = set()
        for job in _jobs(folder, maker.task, phases, outcome):
            try:
                case = _case(folder, maker, job, found)
                made = make_objects(case, maker, kinds, seg=seg)
            except (OutputError, UsageError):
                raise
            except UssegError as error:
                _refuse(outcome, job, error)
                continue
            except Exception as error:  # headers are of any kind, and highdicom raises anything
                reason = printable(" ".join(str(error).split())[:120]) or type(error).__name__
                outcome.failed[job.name] = f"no objects can be made of its header ({reason})"
                continue
            _write(outcome, job, case, made, names)
        if outcome.objects:
            write_table(outcome.folder / OBJECTS_TABLE, OBJECT_COLUMNS, outcome.objects)
    return outcome


def _refuse(outcome: Outcome, job: _Job, error: UssegError) -> None:
    if str(error).startswith("not a DICOM file"):
        outcome.skipped[str(error)] += 1
    else:
        outcome.failed[job.name] = str(error)


def _write(outcome: Outcome, job: _Job, case: Case, made: Sequence[Made], names: set[str]) -> None:
    for thing in made:
        name = "_".join(filter(None, (job.name, thing.kind, thing.part)))
        while name in names:
            name += "_"
        names.add(name)
        with atomic_path(outcome.folder / f"{name}.dcm") as temporary:
            thing.dataset.save_as(temporary, enforce_file_format=True)
        outcome.objects.append(_row(f"{name}.dcm", thing.kind, job.name, thing.dataset))
    outcome.sources += 1
    outcome.cures.update(case.cures)
    if any(shot.corrected for shot in case.shots):
        outcome.corrected.append(job.name)


def _row(file: str, kind: str, source: str, dataset: Dataset) -> Row:
    uids = (str(dataset[keyword].value) for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID"))
    return dict(zip(OBJECT_COLUMNS, (file, kind, source, *uids), strict=True))


def _jobs(folder: Path, task: Task, phases: str, outcome: Outcome) -> Iterator[_Job]:
    """The cases of a run: its whole stacks, then every file that is in none."""
    stacks = _stacks(folder, task, phases) if task.study else {}
    members = {member: name for name, stack in stacks.items() for member in stack.members}
    frames: dict[str, dict[tuple[str, int], _Frame]] = {name: {} for name in stacks}
    for account in read_accounts(folder):
        usable = [index for index, rows in enumerate(account.frames) if rows.row["status"] != Status.FAILED.value]
        if account.state == "failed" and not usable:
            outcome.skipped[_NO_PICTURE] += 1
        alone = []
        for index in usable:
            name = members.get((account.file, index))
            if name is None:
                alone.append(_Frame(account, index))
            else:
                frames[name][account.file, index] = _Frame(account, index)
        if alone:
            yield _Job(account.output, alone)
    for name, stack in stacks.items():
        ordered: list[_Frame] = []
        parts: dict[str, Sequence[int]] = {}
        for phase, keys in stack.phases.items():
            there = [frames[name][key]._replace(place=f"{phase}, slice {number}") for number, key in enumerate(keys) if key in frames[name]]
            parts[phase] = range(len(ordered), len(ordered) + len(there))
            ordered += there
        if ordered:
            yield _Job(name, ordered, parts, Study(name, stack.values))


class _Stack(NamedTuple):
    """A whole stack in the tables of studies: its frames (file, frame), those of each phase by slice, and its numbers."""

    members: frozenset[tuple[str, int]]
    phases: dict[str, list[tuple[str, int]]]
    values: Mapping[str, Value]


def _stacks(folder: Path, task: Task, phases: str) -> dict[str, _Stack]:
    """The whole stacks of a run, of files with one frame each. Stacks without volumes are treated as single files."""
    table = folder / STUDY_TABLE
    stacks = {}
    for row in read_table(table) if table.is_file() else ():
        ends = [(row.get(f"{name}_phase"), name.replace("_", " ")) for name in ("end_diastole", "end_systole")]
        file = folder / STUDY_FOLDER / f"{row['study']}{task.study_files[0]}"
        if any(not isinstance(phase, int) for phase, _ in ends) or not file.is_file():
            continue
        rows = [slice_ for slice_ in read_table(file) if isinstance(slice_["phase"], int)]
        names = {phase: f"{name}" for phase, name in reversed(ends)}
        if phases == "all":
            names = {number: names.get(number, f"phase {number}") for number in sorted({_whole(slice_["phase"]) for slice_ in rows})}
        found: dict[str, list[tuple[str, int]]] = {name: [] for name in names.values()}
        for slice_ in sorted(rows, key=lambda slice_: _whole(slice_["slice"])):
            if (phase := _whole(slice_["phase"])) in names:
                found[names[phase]].append((str(slice_["file"]), _whole(slice_["frame"])))
        members = frozenset((str(slice_["file"]), _whole(slice_["frame"])) for slice_ in read_table(file))
        if len({name for name, _ in members}) == len(members):
            stacks[str(row["study"])] = _Stack(members, found, row)
    return stacks


def _whole(value: Value) -> int:
    return value if isinstance(value, int) else -1


def _case(folder: Path, maker: Maker, job: _Job, sources: Sources) -> Case:
    paths = {frame.account.file: sources.find(frame.account) for frame in job.frames}
    headers = {file: read_header(path) for file, path in paths.items()}
    if job.phases is not None:
        headers = dict(zip(headers, share_frame_of_reference(list(headers.values())), strict=True))
    shots, made = [], 0.0
    for frame in job.frames:
        files = output_files(folder, frame_output(frame.account.output, frame.number, len(frame.account.frames)), ("mask", "probability"))
        with suppress(OSError):
            made = max(made, files["mask"].stat().st_mtime)
        shots.append(_shot(maker, frame, headers[frame.account.file], files, paths[frame.account.file]))
    return Case(datetime.fromtimestamp(made), shots, job.phases, job.study)


def _shot(maker: Maker, frame: _Frame, header: Header, files: Mapping[str, Path], source: Path) -> Shot:
    if not files["mask"].is_file():
        raise ImageError(f"its mask {files['mask'].name} is missing: run 'usseg predict' with --save mask")
    mask = read_mask(files["mask"])
    row = frame.account.frames[frame.number].row
    spacing = row_spacing(row)
    measurement, corrected = measured(maker.task, mask, spacing, row)
    probability = partial(_probability, files["probability"]) if files["probability"].is_file() else None
    image = partial(_image, source, frame.number, spacing)
    return Shot(header, frame.number, mask, measurement, spacing, corrected, frame.place, image, probability)


def measured(task: Task, mask: MaskArray, spacing: Spacing | None, row: Row) -> tuple[Measurement, bool]:
    """Measure a mask again, and say whether it was corrected since the run measured it.

    Args:
        task: of the run.
        mask: ``(rows, cols)``, as it is now.
        spacing: that the run used.
        row: of the results.

    Returns:
        The measurement. If its numbers are those of the row, status, message and trust are the row's; else the network did not see the
        structure like this, and they are those of a mask alone.
    """
    said = {name: float(value) for name in task.outputs if isinstance(value := row[name], (int, float))}
    found = task.measure(mask, spacing, **said)
    if any(_shown(found.values[column.name]) != _shown(row[column.name]) for column in task.columns):
        return task.measure(mask, spacing), True
    trust: dict[str, Any] = {name: float(value) if isinstance(value := row.get(name), (int, float)) else None for name in TRUST_OUTPUTS}
    return replace(found, status=Status(str(row["status"])), message=str(row["message"] or ""), **trust), False


def _shown(value: Value) -> str:
    """The value as tables show it."""
    return cell_text(float(value)) if isinstance(value, (int, float)) else str(value)


def _image(path: Path, frame: int, spacing: Spacing | None) -> GreyImage:
    return replace(read_image(path, frame=frame), spacing_mm=spacing)


def _probability(path: Path) -> Probability:
    return np.asarray(read_image(path).pixels / _FULL, np.float32)
