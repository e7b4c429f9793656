"""What earlier runs left in an output folder, and its removal.

A run that finds the results of earlier ones removes them before it begins, except those that it goes on with: a folder never holds results
of two runs. What no run wrote is never removed: results are known by name, from the journal and the run record.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path, PurePath
from typing import Any

from usseg_monai.errors import OutputError
from usseg_monai.imaging import is_temporary
from usseg_monai.inference.inputs import frame_output
from usseg_monai.inference.journal import read_head, read_outputs
from usseg_monai.inference.lock import HeldFolder
from usseg_monai.inference.outputs import FOLDERS, output_files, volume_file
from usseg_monai.inference.results import TABLE, part_table
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.inference.run_record import is_run_record, read_run_record
from usseg_monai.inference.stacks import FOLDER as STUDIES
from usseg_monai.inference.stacks import TABLE as STUDY_TABLE
from usseg_monai.tasks import TASKS

__all__ = ["earlier_facts", "refuse_foreign_results", "remove_output", "remove_results", "study_names", "tidy"]

_MISSING = 64  # frames in a row that are not there: more are not looked for
_MOST_FRAMES = 100_000  # a number of frames beyond it is damaged
_STUDY_FILES = ("_areas.csv", "_volumes.csv", "_volume.png")
_AREAS_BEGIN = b"slice,phase,"  # of a table of areas


def earlier_facts(folder: Path) -> dict[str, Any] | None:
    """What the run record in a folder says of the run; ``None`` where there is none."""
    with suppress(OutputError), read_run_record(folder) as (facts, _):
        return facts
    return None


def refuse_foreign_results(folder: Path, save: Collection[str]) -> None:
    """Refuse a folder in which files would be overwritten that no run wrote; masks may be manual ground truth.

    Raises:
        OutputError: there is such a file, or one of the folders of results is a link.
    """
    for name in (*FOLDERS.values(), STUDIES):
        if (folder / name).is_symlink():
            raise OutputError(f"{folder / name} is a link, which is not followed: remove it, or give another output folder")
    if is_run_record(folder / RUN_RECORD) or read_head(folder) is not None:
        return
    if (folder / RUN_RECORD).exists():
        raise OutputError(f"{folder / RUN_RECORD} is not the record of a run and would be overwritten: give another output folder")
    tables = [TABLE, STUDY_TABLE, *(part_table(Path(TABLE), task).name for task in TASKS.values() if task.part_name)]
    for name in tables:
        if (folder / name).exists():
            raise OutputError(f"{folder / name} was written by no run and would be overwritten: give another output folder")
    for name in (*(FOLDERS[kind] for kind in save), STUDIES):
        place = folder / name
        if place.is_dir() and any(place.iterdir()):
            raise OutputError(f"{place} holds files of another origin, which could be overwritten: give another output folder")


def study_names(folder: Path) -> Iterator[str]:
    """Names of the studies that have files in a folder of studies, as the table of studies writes them."""
    for study in _studies(folder):
        yield Path(study).relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def tidy(held: HeldFolder) -> None:
    """Remove the temporary files of killed runs; raises `OutputError` where a folder of results has a link to a folder in it."""
    folder = held.path
    if held.used:
        _remove_temporaries(str(folder), os.listdir(folder))
    for name in (*FOLDERS.values(), STUDIES):
        for here, folders, files in os.walk(folder / name):
            for inner in folders:
                if os.path.islink(place := os.path.join(here, inner)):
                    raise OutputError(f"{place} is a link, which is not followed: remove it, or give another output folder")
            if held.used:
                _remove_temporaries(here, files)


def remove_results(folder: Path, keep: Collection[int] = ()) -> None:
    """Remove the results of all earlier runs; the tables, the journal and the run record, which begin anew, stay.

    Args:
        folder: of the results.
        keep: hashes of the names of those that stay, as in `usseg_monai.inference.inputs.Input.output`.

    Raises:
        OutputError: a file cannot be removed.
    """
    removed = False
    for output, frames in _outputs(folder):
        if hash(output) not in keep:
            removed |= remove_output(folder, output, frames)
    tables = [STUDY_TABLE, *(part_table(Path(TABLE), task).name for task in TASKS.values() if task.part_name)]
    for name in tables:
        _remove(folder / name)
    _remove_studies(folder / STUDIES, keep)
    for name in (*FOLDERS.values(), STUDIES) if removed else (STUDIES,):
        for here, _, _ in os.walk(folder / name, topdown=False):
            with suppress(OSError):  # it is not empty
                os.rmdir(here)


def remove_output(folder: Path, output: str, frames: int | None = None) -> bool:
    """Remove the masks, overlays, probabilities and the NIfTI file of one input, and say whether there were any.

    Args:
        folder: of the results.
        output: name of the input's results.
        frames: number of its frames; ``None`` where it is not known.

    Raises:
        OutputError: one cannot be removed.
    """
    volume = _remove(volume_file(folder, output))
    if frames == 1:
        return _remove_frame(folder, output) or volume
    if frames is not None:
        return sum(_remove_frame(folder, frame_output(output, frame, frames)) for frame in range(frames)) > 0 or volume
    found = _remove_frame(folder, output) or volume
    missing = 0
    for frame in count():
        there = _remove_frame(folder, frame_output(output, frame, 2))
        found, missing = found or there, 0 if there else missing + 1
        if missing == _MISSING:
            return found
    raise AssertionError("count ends never")


def _outputs(folder: Path) -> Iterator[tuple[str, int | None]]:
    """Names and numbers of frames of all that earlier runs wrote, some more than once; a damaged name never leads out of the folder."""
    for output, frames in chain(read_outputs(folder), _recorded(folder)):
        parts = PurePath(output).parts
        if parts and ".." not in parts and not PurePath(output).is_absolute():
            yield output, frames if frames is not None and frames <= _MOST_FRAMES else None


def _recorded(folder: Path) -> Iterator[tuple[str, int | None]]:
    with suppress(OutputError), read_run_record(folder) as (_, inputs):
        for item in inputs:
            if item.output:
                yield item.output, item.frames


def _remove_frame(folder: Path, output: str) -> bool:
    return sum(_remove(file) for file in output_files(folder, output, FOLDERS).values()) > 0


def _remove(file: Path) -> bool:
    try:
        os.unlink(file)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise OutputError(f"{file}: a result of an earlier run cannot be removed ({error.strerror}); give another output folder") from error
    return True


def _remove_studies(folder: Path, keep: Collection[int]) -> None:
    """Remove the files of all studies: those beside a table of areas, and the masks of stacks, which are made anew."""
    for study in list(_studies(folder)):
        name = Path(study).relative_to(folder).as_posix()
        if hash(name) not in keep:  # that is a file's own name
            _remove(volume_file(folder.parent, name))
        for ending in _STUDY_FILES[::-1]:  # the table of areas last: it is what the others are known by
            _remove(Path(study + ending))


def _studies(folder: Path) -> Iterator[str]:
    """Paths of the files of each study, without their endings."""
    for here, _, files in os.walk(folder):
        for name in files:
            if name.endswith(_STUDY_FILES[0]) and _begins_with(Path(here, name), _AREAS_BEGIN):
                yield os.path.join(here, name.removesuffix(_STUDY_FILES[0]))


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
