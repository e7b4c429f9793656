"""Whether the folder of a shard still holds all that its run record lists: every input, row and file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from usseg_monai.errors import OutputError, quoted
from usseg_monai.inference.earlier import study_names
from usseg_monai.inference.inputs import frame_output
from usseg_monai.inference.outputs import output_files
from usseg_monai.inference.results import TABLE, part_table, read_text_cell
from usseg_monai.inference.run_record import STATES, InputRecord, read_run_record
from usseg_monai.inference.stacks import FOLDER as STUDIES
from usseg_monai.inference.stacks import TABLE as STUDY_TABLE
from usseg_monai.inference.table_rows import TableRows
from usseg_monai.measurements.result import Status
from usseg_monai.tasks import Task

__all__ = ["check_shard"]


def check_shard(folder: Path, task: Task, save: Sequence[str]) -> None:
    """Compare the inputs, rows and files of a finished shard.

    Args:
        folder: of the shard.
        task: that it was run for.
        save: kinds of files that it wrote.

    Raises:
        OutputError: something is missing, or more than the run wrote.
    """
    counts: Counter[str] = Counter()
    with ExitStack() as files:
        facts, inputs = files.enter_context(read_run_record(folder))
        table = files.enter_context(TableRows(folder / TABLE))
        parts = files.enter_context(TableRows(part_table(folder / TABLE, task))) if task.part_name else None
        for item in inputs:
            counts[item.state] += 1
            rows = list(table.of(item.file))
            if [row[1] for row in rows] != [str(frame) for frame in range(item.frames)]:
                raise _rows_missing(folder / TABLE, item, len(rows), item.frames)
            if parts is not None and (found := len(list(parts.of(item.file)))) != item.parts:
                raise _rows_missing(part_table(folder / TABLE, task), item, found, item.parts)
            for file in _files(folder, item, rows, save):
                _check_file(file)
        table.check_ended()
        if parts is not None:
            parts.check_ended()
    listed = {state: counts[state] for state in STATES}
    if listed != {state: facts["counts"].get(state) for state in STATES}:
        raise OutputError(f"{folder}: run.json lists {_words(listed)}, and counts {_words(facts['counts'])}; run the shard again")
    if task.study:
        _check_studies(folder)


def _rows_missing(table: Path, item: InputRecord, found: int, expected: int) -> OutputError:
    return OutputError(f"{table}: {found} of {expected} rows of {quoted(item.file)} are there; run the shard again")


def _files(folder: Path, item: InputRecord, rows: Sequence[Sequence[str]], save: Sequence[str]) -> Iterator[Path]:
    """Files that the run wrote for an input."""
    for frame, row in enumerate(rows):
        if row[2] != Status.FAILED.value:
            yield from output_files(folder, frame_output(item.output, frame, item.frames), save).values()


def _check_file(file: Path) -> None:
    try:
        if file.stat().st_size > 0:
            return
        reason = "it is empty"
    except OSError as error:
        reason = str(error.strerror)
    raise OutputError(f"{file}: a result of the shard is missing ({reason}); run its command again with --resume")


def _check_studies(folder: Path) -> None:
    written = set(study_names(folder / STUDIES))
    listed: set[str] = set()
    if (folder / STUDY_TABLE).exists():  # it is not written where there are none
        with TableRows(folder / STUDY_TABLE) as table:
            listed = {read_text_cell(row[0]) for row in table.rest()}
    if written != listed:
        name = min(written ^ listed)
        missing = STUDY_TABLE if name in written else STUDIES
        raise OutputError(f"{folder}: the study {quoted(name)} is missing in {missing}; run the command of the shard again with --resume")


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{counts.get(state, 0)} {state}" for state in STATES)
