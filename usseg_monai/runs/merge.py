"""Joins the folders of all shards of a run into one folder, as if a single run had written it.

The ``run.json`` of each shard states its part of the list of inputs, and the digest of its weights and options. All shards must agree, be
present and be finished. Rows are in the order of the list of inputs. Files are linked if the file system supports it, else copied. The
account files are joined too, so that ``--resume`` works in the merged folder. Only the rows of one file at a time are kept in memory.
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
from usseg_monai.files.table import csv_line, read_text_cell
from usseg_monai.files.write import atomic_path
from usseg_monai.runs.accounts import ACCOUNTS, STATES, Accounts, open_accounts, read_accounts, shared_salt
from usseg_monai.runs.earlier import refuse_foreign_results, remove_results, tidy
from usseg_monai.runs.lock import HeldFolder
from usseg_monai.runs.outputs import FOLDERS
from usseg_monai.runs.place import hold_output, output_folder, read_output
from usseg_monai.runs.record import RunRecord, read_run_record
from usseg_monai.runs.shard_check import check_shard
from usseg_monai.runs.shards import Shard
from usseg_monai.runs.table import TABLE, part_table
from usseg_monai.runs.table_rows import TableRows
from usseg_monai.tasks import get_task
from usseg_monai.tasks.record import CLIP_FOLDER, CLIP_TABLE, STUDY_FOLDER, STUDY_TABLE

__all__ = ["Merged", "merge_shards"]

_SAME = ("task", "options_digest", "bundle_version")  # facts that must be the same in all shards


@dataclass(frozen=True)
class Merged:
    """Counts of a merged run.

    Attributes:
        done, failed, skipped: numbers of inputs, as in `usseg_monai.runs.run.Summary`; ``skipped`` includes masks beside their images.
    """

    done: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class _Part:
    """A shard's folder and its run record."""

    folder: Path
    facts: dict[str, Any]

    @property
    def shard(self) -> Shard:
        return Shard(self.facts["shard"]["index"], self.facts["shard"]["count"])


def merge_shards(shards: Sequence[str | Path], merged: str | Path) -> Merged:
    """Join the folders of all shards of a run into one.

    Args:
        shards: folders of the shards or their addresses, in any order.
        merged: folder to write to, or its address; must not be one of them.

    Raises:
        UsageError: the folders are not the shards of one run.
        OutputError: a shard is missing or unfinished, or the output cannot be written.
    """
    output = output_folder(merged)
    if output.resolve() in {output_folder(shard).resolve() for shard in shards}:
        raise UsageError(f"{merged} is one of the shards: merge into another folder")
    folders = [read_output(shard) for shard in shards]
    parts = [_Part(folder, read_run_record(folder)) for folder in folders]
    _check(parts)
    parts.sort(key=lambda part: part.shard.index)
    save = parts[0].facts["options"]["save"]
    for part in parts:
        check_shard(part.folder, get_task(parts[0].facts["task"]), save)
    refuse_foreign_results(output, save)
    started = min(datetime.fromisoformat(part.facts["started"]) for part in parts)
    total = sum(part.facts["counts"][state] for part in parts for state in STATES)
    with hold_output(merged, resume=False) as held:
        tidy(held)
        record = RunRecord(held, _common(parts), started, total)
        try:
            remove_results(output)
            _merge(parts, held, record)
            held.check()
            record.end("finished")
        except BaseException:
            with suppress(OutputError):
                record.end("failed")
            raise
        return Merged(*(record.counts[state] for state in STATES))


def _check(parts: Sequence[_Part]) -> None:
    """Raise a `UssegError` if the folders are not all the finished shards of one run."""
    for part in parts:
        facts, folder = part.facts, part.folder
        if not facts.get("shard"):
            raise UsageError(f"{folder} is not a shard: give folders that were written with --shard")
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
                f"{part.folder} and {first.folder} are shards of different inputs, {_inputs(part)} and {_inputs(first)}: if files come and "
                "go between the shards, give all of them the same list of files"
            )
    found = [part.shard.index for part in parts]
    twice = [str(part.shard) for part in parts if found.count(part.shard.index) > 1]
    missing = sorted(set(range(1, first.shard.count + 1)) - set(found))
    if twice:
        raise UsageError(f"shard {twice[0]} is given twice: give each shard once")
    if missing:
        raise UsageError(f"{len(missing)} of {first.shard.count} shards are missing, shard {missing[0]} first: give the folders of all")


def _inputs(part: _Part) -> str:
    """Identifies the list of inputs that a shard belongs to."""
    facts = part.facts["shard"]
    return f"{facts['inputs']} with the digest {facts['inputs_digest'][:8]}"


def _common(parts: Sequence[_Part]) -> dict[str, Any]:
    """The run record's facts for the merged run, and for its shards."""
    own = ("accounts", "started", "state", "finished", "seconds", "counts", "versions")  # differ between the shards and the merged run
    facts = {name: value for name, value in parts[0].facts.items() if name not in own}
    shards = [
        {"output": part.folder.resolve().name} | {name: part.facts[name] for name in ("seconds", "counts", "versions")} for part in parts
    ]
    return {**facts, "shard": None, "shards": shards}


def _merge(parts: Sequence[_Part], held: HeldFolder, record: RunRecord) -> None:
    first, output = parts[0].facts, held.path
    task = get_task(first["task"])
    salt = shared_salt(first["shard"]["inputs_digest"])
    with open_accounts(output, first["options_digest"], resume=False, salt=salt) as accounts:
        held.watch(output / ACCOUNTS)
        tables = [TABLE] + ([part_table(Path(TABLE), task).name] if task.part_name else [])
        _merge_rows(parts, output, tables, accounts, record)
    for part in parts:  # after the accounts, which list everything that is linked
        for name in dict.fromkeys((*FOLDERS.values(), CLIP_FOLDER, STUDY_FOLDER)):
            _link_all(part.folder, name, held)
    if task.study:
        _merge_studies(parts, output)
    if task.clip:
        _merge_clips(parts, output)


def _merge_rows(parts: Sequence[_Part], output: Path, tables: Sequence[str], accounts: Accounts, record: RunRecord) -> None:
    """Join the shards' tables in the order of the inputs, and write the accounts."""
    with ExitStack() as files:
        rows = [[files.enter_context(TableRows(part.folder / name)) for name in tables] for part in parts]
        joined = [files.enter_context(_replacing(output / name)) for name in tables]
        for file, table in zip(joined, rows[0], strict=True):
            file.write(csv_line(table.header))
        numbered = [zip(read_accounts(part.folder), repeat(index)) for index, part in enumerate(parts)]
        for account, index in heapq.merge(*numbered, key=lambda entry: -1 if entry[0].number is None else entry[0].number):
            for file, table in zip(joined, rows[index], strict=True):
                file.writelines(map(csv_line, table.of(account.file)))
            accounts.add(account)
            record.count(account.state)
        for table in chain.from_iterable(rows):
            table.check_ended()


def _merge_studies(parts: Sequence[_Part], output: Path) -> None:
    """Join the study tables, ordered by study name, as a run writes them."""
    header: list[str] = []
    studies: list[list[str]] = []
    for part in parts:
        if (part.folder / STUDY_TABLE).exists():  # not written if there are no studies
            with TableRows(part.folder / STUDY_TABLE) as table:
                header = table.header
                studies += table.rest()
    if header:
        with _replacing(output / STUDY_TABLE) as file:
            file.writelines(map(csv_line, [header, *sorted(studies, key=lambda row: read_text_cell(row[0]).split("/"))]))


def _merge_clips(parts: Sequence[_Part], output: Path) -> None:
    """Join the tables of clips in the order of the inputs."""
    header: list[str] = []
    clips: list[tuple[int, list[str]]] = []
    for part in parts:
        if (part.folder / CLIP_TABLE).exists():  # not written if there are no clips
            with TableRows(part.folder / CLIP_TABLE) as table:
                header = table.header
                rows = {read_text_cell(row[0]): row for row in table.rest()}
            clips += [
                (account.number, rows[account.file])
                for account in read_accounts(part.folder)
                if account.number is not None and account.file in rows
            ]
    if header:
        with _replacing(output / CLIP_TABLE) as file:
            file.writelines(map(csv_line, [header, *(row for _, row in sorted(clips))]))


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A text file that replaces another once it is complete."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield file


def _link_all(source: Path, name: str, held: HeldFolder) -> None:
    """Link, or else copy, all files below one folder of a shard."""
    for here, _, names in os.walk(source / name):
        for file in names:
            if not file.startswith("."):
                path = Path(here, file)
                target = path.relative_to(source)
                with held.writing(target) as folder, atomic_path(folder / target) as temporary:
                    try:
                        os.link(path, temporary)
                    except OSError:  # another drive, or a file system without links
                        shutil.copyfile(path, temporary)
