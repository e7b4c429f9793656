"""Checks that a shard's folder still holds every input, row and file that its account file lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from usseg_monai.errors import OutputError, quoted
from usseg_monai.files.table import read_text_cell
from usseg_monai.inputs.naming import frame_output
from usseg_monai.measuring.result import Status
from usseg_monai.runs.accounts import ACCOUNTS, STATES, Account, read_accounts
from usseg_monai.runs.clips import clip_files, is_clip
from usseg_monai.runs.earlier import study_names
from usseg_monai.runs.outputs import output_files
from usseg_monai.runs.record import read_run_record
from usseg_monai.runs.table import TABLE, part_table
from usseg_monai.runs.table_rows import TableRows
from usseg_monai.tasks import Task
from usseg_monai.tasks.record import CLIP_TABLE, STUDY_FOLDER, STUDY_TABLE

__all__ = ["check_shard"]


def check_shard(folder: Path, task: Task, save: Sequence[str]) -> None:
    """Check the rows and files of a finished shard against its account file.

    Args:
        folder: folder of the shard.
        task: task that it was run for.
        save: kinds of files that it wrote.

    Raises:
        OutputError: something is missing, or was not written by the run.
    """
    counts: Counter[str] = Counter()
    clips: list[str] = []
    with ExitStack() as files:
        table = files.enter_context(TableRows(folder / TABLE))
        parts = files.enter_context(TableRows(part_table(folder / TABLE, task))) if task.part_name else None
        for item in read_accounts(folder):
            counts[item.state] += 1
            rows = list(table.of(item.file))
            if [row[1] for row in rows] != [str(frame) for frame in range(len(item.frames))]:
                raise _rows_missing(folder / TABLE, item, len(rows), len(item.frames))
            if parts is not None and (found := len(list(parts.of(item.file)))) != item.parts:
                raise _rows_missing(part_table(folder / TABLE, task), item, found, item.parts)
            for file in _files(folder, item, rows, save):
                _check_file(file)
            if is_clip(task, item.frames):
                clips.append(item.file)
            for file in clip_files(folder, task, item.output, item.frames, () if item.state == "failed" else save):
                _check_file(file)
        table.check_ended()
        if parts is not None:
            parts.check_ended()
    listed = {state: counts[state] for state in STATES}
    counted = read_run_record(folder)["counts"]
    if listed != {state: counted.get(state) for state in STATES}:
        raise OutputError(f"{folder}: {ACCOUNTS} lists {_words(listed)}, run.json counts {_words(counted)}; run the shard again")
    if task.study:
        _check_studies(folder)
    _check_clips(folder, clips)


def _rows_missing(table: Path, item: Account, found: int, expected: int) -> OutputError:
    return OutputError(f"{table}: {found} of {expected} rows of {quoted(item.file)} are there; run the shard again")


def _files(folder: Path, item: Account, rows: Sequence[Sequence[str]], save: Sequence[str]) -> Iterator[Path]:
    """Files that the run wrote for an input."""
    for frame, row in enumerate(rows):
        if row[2] != Status.FAILED.value:
            yield from output_files(folder, frame_output(item.output, frame, len(rows)), save).values()


def _check_file(file: Path) -> None:
    try:
        if file.stat().st_size > 0:
            return
        reason = "it is empty"
    except OSError as error:
        reason = str(error.strerror)
    raise OutputError(f"{file}: a result of the shard is missing ({reason}); run its command again with --resume")


def _check_studies(folder: Path) -> None:
    written = set(study_names(folder / STUDY_FOLDER))
    listed: set[str] = set()
    if (folder / STUDY_TABLE).exists():  # not written if there are no studies
        with TableRows(folder / STUDY_TABLE) as table:
            listed = {read_text_cell(row[0]) for row in table.rest()}
    if written != listed:
        name = min(written ^ listed)
        missing = STUDY_TABLE if name in written else STUDY_FOLDER
        raise OutputError(f"{folder}: the study {quoted(name)} is missing in {missing}; run the command of the shard again with --resume")


def _check_clips(folder: Path, clips: Sequence[str]) -> None:
    listed = []
    if (folder / CLIP_TABLE).exists():  # not written if there are no clips
        with TableRows(folder / CLIP_TABLE) as table:
            listed = [read_text_cell(row[0]) for row in table.rest()]
    if listed != list(clips):
        raise OutputError(f"{folder / CLIP_TABLE}: {len(listed)} of {len(clips)} clips are listed; run the command of the shard again")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts.get(state, 0)} {state}" for state in STATES)
