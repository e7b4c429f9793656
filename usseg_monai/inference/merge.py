"""The shards of a run, each in a folder of its own, to one folder: as if one run had done it all.

Each shard says in its ``run.json`` which part of which list of inputs it was, with the digest of its weights and options; all must agree,
all must be there, all must be finished. Rows come in the order of that list. Files are linked where the file system can, else copied. The
journals are joined too, so that ``--resume`` goes on in the merged folder. Nothing is held in memory but a file's rows.
"""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any, TextIO

from usseg_monai.errors import OutputError, UsageError
from usseg_monai.imaging import atomic_path
from usseg_monai.inference.earlier import refuse_foreign_results, remove_results, tidy
from usseg_monai.inference.journal import NAME as JOURNAL
from usseg_monai.inference.journal import first_line, read_head, shared_salt
from usseg_monai.inference.lock import HeldFolder, lock_folder
from usseg_monai.inference.outputs import FOLDERS
from usseg_monai.inference.results import TABLE, csv_line, part_table, read_text_cell
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.inference.run_record import STATES, InputRecord, RunRecord, open_run_record, read_run_record
from usseg_monai.inference.shard_check import check_shard
from usseg_monai.inference.shards import Shard
from usseg_monai.inference.stacks import FOLDER as STUDIES
from usseg_monai.inference.stacks import TABLE as STUDY_TABLE
from usseg_monai.inference.table_rows import TableRows
from usseg_monai.tasks import get_task

__all__ = ["Merged", "merge_shards"]

_SAME = ("task", "options_digest", "bundle_version")  # what all shards must have in common


@dataclass(frozen=True)
class Merged:
    """What was merged.

    Attributes:
        done, failed, skipped: numbers of inputs, as in `usseg_monai.inference.batch.Summary`; skipped are masks beside their images, too.
    """

    done: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class _Part:
    """A shard's folder, and what its run record says of the run."""

    folder: Path
    facts: dict[str, Any]
    inputs: Iterator[InputRecord]

    @property
    def shard(self) -> Shard:
        return Shard(self.facts["shard"]["index"], self.facts["shard"]["count"])


def merge_shards(folders: Sequence[Path], output: Path) -> Merged:
    """Join the folders of all shards of a run into one.

    Args:
        folders: of the shards, in any order.
        output: folder to write to, other than these.

    Raises:
        UsageError: the folders are not the shards of one run.
        OutputError: a shard is not there, or unfinished, or the output cannot be written.
    """
    if output.resolve() in {folder.resolve() for folder in folders}:
        raise UsageError(f"{output} is one of the shards: merge into another folder")
    with ExitStack() as open_shards:
        parts = [_Part(folder, *open_shards.enter_context(read_run_record(folder))) for folder in folders]
        _check(parts)
        parts.sort(key=lambda part: part.shard.index)
        save = parts[0].facts["options"]["save"]
        for part in parts:
            check_shard(part.folder, get_task(parts[0].facts["task"]), save)
        refuse_foreign_results(output, save)
        started = min(datetime.fromisoformat(part.facts["started"]) for part in parts)
        total = sum(part.facts["counts"][state] for part in parts for state in STATES)
        with lock_folder(output) as held:
            tidy(held)
            remove_results(output)
            with open_run_record(output, _common(parts), started, total) as record:
                held.watch(output / RUN_RECORD)
                try:
                    _merge(parts, held, record)
                    held.check()
                    record.end("finished")
                except BaseException:
                    with suppress(OutputError):
                        record.end("failed")
                    raise
                return Merged(*(record.counts[state] for state in STATES))


def _check(parts: Sequence[_Part]) -> None:
    """Raise what keeps folders from being the finished shards of one run."""
    for part in parts:
        facts, folder = part.facts, part.folder
        if not facts.get("shard"):
            raise UsageError(f"{folder} is no shard: give folders that were written with --shard")
        if facts["state"] != "finished":
            left = facts["counts"]["not_reached"]
            raise OutputError(
                f"{folder}: shard {part.shard} is {facts['state']}, {left} inputs were not reached; run its command again with --resume"
            )
    first = parts[0]
    for part in parts[1:]:
        for fact in _SAME:
            if part.facts[fact] != first.facts[fact]:
                raise UsageError(
                    f"{part.folder} and {first.folder} differ in {fact.replace('_', ' ')} ({part.facts[fact]} and {first.facts[fact]}): "
                    "merge shards of one task, with the same weights, options and version"
                )
        if part.shard.count != first.shard.count:
            raise UsageError(f"{part.folder} is shard {part.shard}, {first.folder} shard {first.shard}: give the shards of one command")
        if _inputs(part) != _inputs(first):
            raise UsageError(
                f"{part.folder} and {first.folder} are shards of other inputs, {_inputs(part)} and {_inputs(first)}: where files come and "
                "go between the shards, give all of them one list of files"
            )
    found = [part.shard.index for part in parts]
    twice = [str(part.shard) for part in parts if found.count(part.shard.index) > 1]
    missing = sorted(set(range(1, first.shard.count + 1)) - set(found))
    if twice:
        raise UsageError(f"shard {twice[0]} is given twice: give each shard once")
    if missing:
        raise UsageError(f"{len(missing)} of {first.shard.count} shards are missing, shard {missing[0]} first: give the folders of all")


def _inputs(part: _Part) -> str:
    """What tells the list of inputs apart that a shard is a part of."""
    facts = part.facts["shard"]
    return f"{facts['inputs']} with the digest {facts['inputs_digest'][:8]}"


def _common(parts: Sequence[_Part]) -> dict[str, Any]:
    """What holds for the merged run, and where it came from."""
    own = ("started", "state", "finished", "seconds", "counts", "versions")  # of each shard, and of the merging
    facts = {name: value for name, value in parts[0].facts.items() if name not in own}
    shards = [
        {"output": part.folder.resolve().name} | {name: part.facts[name] for name in ("seconds", "counts", "versions")} for part in parts
    ]
    return {**facts, "shard": None, "shards": shards}


def _merge(parts: Sequence[_Part], held: HeldFolder, record: RunRecord) -> None:
    task, output = get_task(parts[0].facts["task"]), held.path
    for part in parts:
        for name in (*FOLDERS.values(), STUDIES):
            _link_all(part.folder, name, held)
    salt = shared_salt(parts[0].facts["shard"]["inputs_digest"])
    with atomic_path(output / JOURNAL) as temporary, temporary.open("wb") as journal:
        journal.write(first_line(parts[0].facts["options_digest"], salt).encode())
        for part in parts:
            if read_head(part.folder) == (part.facts["options_digest"], salt):  # what no journal holds is done again
                with (part.folder / JOURNAL).open("rb") as lines:
                    lines.readline()
                    shutil.copyfileobj(lines, journal)
    _merge_rows(parts, output, [TABLE] + ([part_table(Path(TABLE), task).name] if task.part_name else []), record)
    if task.study:
        _merge_studies(parts, output)


def _merge_rows(parts: Sequence[_Part], output: Path, tables: Sequence[str], record: RunRecord) -> None:
    """Join tables of which each shard has rows in the order of its inputs, and account for these."""
    with ExitStack() as files:
        rows = [[files.enter_context(TableRows(part.folder / name)) for name in tables] for part in parts]
        joined = [files.enter_context(_replacing(output / name)) for name in tables]
        for file, table in zip(joined, rows[0], strict=True):
            file.write(csv_line(table.header))
        numbered = [zip(part.inputs, repeat(index)) for index, part in enumerate(parts)]
        for item, index in heapq.merge(*numbered, key=lambda entry: -1 if entry[0].number is None else entry[0].number):
            for file, table in zip(joined, rows[index], strict=True):
                file.writelines(map(csv_line, table.of(item.file)))
            record.add(item)
        for table in chain.from_iterable(rows):
            table.check_ended()


def _merge_studies(parts: Sequence[_Part], output: Path) -> None:
    """Join the tables of studies, in the order of their names, as a run writes them."""
    header: list[str] = []
    studies: list[list[str]] = []
    for part in parts:
        if (part.folder / STUDY_TABLE).exists():  # it is not written where there are none
            with TableRows(part.folder / STUDY_TABLE) as table:
                header = table.header
                studies += table.rest()
    if header:
        with _replacing(output / STUDY_TABLE) as file:
            file.writelines(map(csv_line, [header, *sorted(studies, key=lambda row: read_text_cell(row[0]).split("/"))]))


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of another when it is whole."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield file


def _link_all(source: Path, name: str, held: HeldFolder) -> None:
    """Link, or else copy, all files below one of a shard's folders."""
    for here, _, names in os.walk(source / name):
        for file in names:
            if not file.startswith("."):
                path = Path(here, file)
                target = path.relative_to(source)
                with held.writing(target) as folder, atomic_path(folder / target) as temporary:
                    try:
                        os.link(path, temporary)
                    except OSError:  # another drive, or one without links
                        shutil.copyfile(path, temporary)
