"""Finds and removes what earlier runs left in an output folder.

A run removes the results of earlier runs before it begins, except those that it resumes from: a folder never holds results of two runs.
Files that no run wrote are never removed: the account file lists the names of all results. If it is lost, the names come from the results
table; versions without account files kept them in a journal.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from itertools import chain, count, groupby, product
from pathlib import Path, PurePath
from typing import Any

from usseg_monai.errors import OutputError
from usseg_monai.files.table import read_table
from usseg_monai.files.write import is_temporary
from usseg_monai.inputs.naming import frame_output, output_names
from usseg_monai.inputs.results_folder import RUN_RECORD, is_run_record
from usseg_monai.runs.accounts import ACCOUNTS, read_head, read_outputs
from usseg_monai.runs.changes import describe_changes
from usseg_monai.runs.lock import HeldFolder
from usseg_monai.runs.objects import remove_objects
from usseg_monai.runs.outputs import FOLDERS, REPORT, clip_file, output_files, track_file, volume_file
from usseg_monai.runs.record import read_run_record
from usseg_monai.runs.table import TABLE, part_table
from usseg_monai.tasks import TASKS
from usseg_monai.tasks.record import CLIP_FOLDER, CLIP_TABLE, SLICE_COLUMNS, STUDY_FOLDER, STUDY_TABLE

__all__ = ["refuse_foreign_results", "remove_output", "remove_results", "study_names", "tidy", "why_anew"]

_FOLDERS = tuple(dict.fromkeys((*FOLDERS.values(), CLIP_FOLDER, STUDY_FOLDER)))  # of all results
_MISSING = 64  # consecutive missing frames after which the search ends
_MOST_FRAMES = 100_000  # a larger number of frames means a damaged line
_OLD_JOURNAL = ".journal.jsonl"  # of versions without an account file
_SLICES_BEGIN = ",".join(SLICE_COLUMNS[:2]).encode() + b","  # of a study's table of slices


def why_anew(folder: Path, decisive: Mapping[str, Any]) -> str:
    """Why a run with ``--resume`` starts over; empty if there was no earlier run.

    Args:
        folder: output folder.
        decisive: everything that affects results, as in the run record.
    """
    if not is_run_record(folder / RUN_RECORD):
        return ""
    if (folder / _OLD_JOURNAL).exists():
        return f"{folder} was written by an older version, which kept its accounts in another form"
    with suppress(OutputError):
        if changes := describe_changes(read_run_record(folder).get("decisive", {}), decisive):
            return changes
    return f"{folder / ACCOUNTS}, which lists what was done, is missing or damaged"


def refuse_foreign_results(folder: Path, save: Collection[str]) -> None:
    """Refuse to overwrite files that no run wrote; masks may be manual ground truth.

    Raises:
        OutputError: there is such a file, or a results folder is a link.
    """
    for name in _FOLDERS:
        if (folder / name).is_symlink():
            raise OutputError(f"{folder / name} is a link, which is not followed: remove it, or give another output folder")
    if is_run_record(folder / RUN_RECORD) or read_head(folder) is not None:
        return
    if (folder / RUN_RECORD).exists():
        raise OutputError(f"{folder / RUN_RECORD} is not the record of a run and would be overwritten: give another output folder")
    tables = [TABLE, CLIP_TABLE, STUDY_TABLE, REPORT, *(part_table(Path(TABLE), task).name for task in TASKS.values() if task.part_name)]
    for name in tables:
        if (folder / name).exists():
            raise OutputError(f"{folder / name} was written by no run and would be overwritten: give another output folder")
    for name in (*(FOLDERS[kind] for kind in save), CLIP_FOLDER, STUDY_FOLDER):
        place = folder / name
        if place.is_dir() and any(place.iterdir()):
            raise OutputError(f"{place} holds files of another origin, which could be overwritten: give another output folder")


def study_names(folder: Path) -> Iterator[str]:
    """Names of the studies that have files in a studies folder, as written in the studies table."""
    for study, _ in _studies(folder):
        yield Path(study).relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def tidy(held: HeldFolder) -> None:
    """Remove the temporary files of killed runs; raises `OutputError` if a results folder contains a link to a folder."""
    folder = held.path
    if held.used:
        _remove_temporaries(str(folder), os.listdir(folder))
    for name in _FOLDERS:
        for here, folders, files in os.walk(folder / name):
            for inner in folders:
                if os.path.islink(place := os.path.join(here, inner)):
                    raise OutputError(f"{place} is a link, which is not followed: remove it, or give another output folder")
            if held.used:
                _remove_temporaries(here, files)


def remove_results(folder: Path, keep: Collection[int] = ()) -> None:
    """Remove the results of all earlier runs, except the results table, account file and run record, which the new run replaces.

    Args:
        folder: output folder.
        keep: hashes of the names of the results to keep, see `usseg_monai.inputs.naming.Input.output`.

    Raises:
        OutputError: a file cannot be removed.
    """
    removed = False
    for output, frames in _outputs(folder):
        if hash(output) not in keep:
            removed |= remove_output(folder, output, frames)
    tables = [CLIP_TABLE, STUDY_TABLE, REPORT, *(part_table(Path(TABLE), task).name for task in TASKS.values() if task.part_name)]
    for name in (*tables, _OLD_JOURNAL):
        _remove(folder / name)
    _remove_studies(folder / STUDY_FOLDER, keep)
    remove_objects(folder)
    for name in _FOLDERS if removed else (STUDY_FOLDER,):
        for here, _, _ in os.walk(folder / name, topdown=False):
            with suppress(OSError):  # not empty
                os.rmdir(here)


def remove_output(folder: Path, output: str, frames: int | None = None) -> bool:
    """Remove the masks, overlays, probabilities, NIfTI file and clip of one input; return whether there were any.

    Args:
        folder: output folder.
        output: name of the input's results.
        frames: number of its frames; ``None`` if unknown.

    Raises:
        OutputError: a file cannot be removed.
    """
    whole = sum(_remove(file) for file in (volume_file(folder, output), track_file(folder, output), clip_file(folder, output))) > 0
    if frames == 1:
        return _remove_frame(folder, output) or whole
    if frames is not None:
        return sum(_remove_frame(folder, frame_output(output, frame, frames)) for frame in range(frames)) > 0 or whole
    found = _remove_frame(folder, output) or whole
    missing = 0
    for frame in count():
        there = _remove_frame(folder, frame_output(output, frame, 2))
        found, missing = found or there, 0 if there else missing + 1
        if missing == _MISSING:
            return found
    raise AssertionError("count never ends")


def _outputs(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Names and frame counts of all results of earlier runs, possibly repeated; a damaged name never leads out of the folder."""
    known = read_outputs(folder) if read_head(folder) is not None else chain(_named_in_table(folder), _old_outputs(folder))
    for output, frames in known:
        parts = PurePath(output).parts
        if parts and ".." not in parts and not PurePath(output).is_absolute():
            yield output, frames if frames is not None and frames <= _MOST_FRAMES else None


def _named_in_table(folder: Path) -> Iterator[tuple[str, int | None]]:
    """All names that the results of the inputs in the table may have."""
    with suppress(OutputError):
        for file, rows in groupby(read_table(folder / TABLE), key=lambda row: str(row.get("file", ""))):
            frames = sum(1 for _ in rows)
            yield from ((output, frames) for output in output_names(file))


def _old_outputs(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Names of all results in the journal of an older version."""
    with suppress(OSError), open(os.open(folder / _OLD_JOURNAL, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as lines:
        for line in lines:
            with suppress(ValueError, TypeError, AttributeError, RecursionError):
                facts = json.loads(line)
                if isinstance(output := facts.get("begun", facts.get("output")), str):
                    frames = facts.get("frames")
                    yield output, frames if isinstance(frames, int) else None


def _remove_frame(folder: Path, output: str) -> bool:
    return sum(_remove(file) for file in output_files(folder, output, FOLDERS).values()) > 0


def _remove(file: Path) -> bool:
    try:
        os.unlink(file)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):  # a folder holds results of other inputs
        return False
    except OSError as error:
        raise OutputError(f"{file}: a result of an earlier run cannot be removed ({error.strerror}); give another output folder") from error
    return True


def _remove_studies(folder: Path, keep: Collection[int]) -> None:
    """Remove the files of all studies: those beside a table of slices, and the masks of stacks, which are written again."""
    for study, endings in list(_studies(folder)):
        name = Path(study).relative_to(folder).as_posix()
        if hash(name) not in keep:  # a file of the inputs has this name
            _remove(volume_file(folder.parent, name))
        for ending in endings[::-1]:  # the table of slices last: it identifies the others
            _remove(Path(study + ending))


def _studies(folder: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Path of each study's files without their endings, and these endings."""
    known = {task.study_files for task in TASKS.values() if task.study_files}
    for here, _, files in os.walk(folder):
        for name, endings in product(files, known):
            if name.endswith(endings[0]) and _begins_with(Path(here, name), _SLICES_BEGIN):
                yield os.path.join(here, name.removesuffix(endings[0])), endings


def _begins_with(file: Path, beginning: bytes) -> bool:
    try:
        with open(os.open(file, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as content:
            return content.read(len(beginning)) == beginning
    except OSError:
        return False


def _remove_temporaries(folder: str, names: Collection[str]) -> None:
    for name in filter(is_temporary, names):
        with suppress(OSError):
            os.unlink(os.path.join(folder, name))
