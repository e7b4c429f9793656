"""Options and execution shared by the commands that process many files."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import shlex
import sys
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usseg_monai.cli.outcome import outcome_lines, study_line
from usseg_monai.remote.address import is_address
from usseg_monai.tasks import TASKS, Option

if TYPE_CHECKING:
    from usseg_monai.files.table import Row
    from usseg_monai.runs.options import Options
    from usseg_monai.runs.run import Summary

_OPEN_FILES = 40  # for Python, the libraries and the results
_OPEN_FILES_PER_THREAD = 4

__all__ = ["add_batch_options", "batch_options", "output_place", "results_by_task", "run_batch_command"]


def add_batch_options(parser: argparse.ArgumentParser, inputs: str) -> None:
    """Add task, inputs, output folder, spacing and the other options of every batch."""
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument(
        "inputs",
        metavar=inputs,
        nargs="+",
        help="files, folders (searched recursively), globs, addresses (s3://BUCKET/FOLDER, gs://...); a .txt with one of them per line, a "
        "datalist (.json), or - for standard input",
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=output_place, required=True, help="folder for the results, or its address")
    parser.add_argument(
        "--spacing-mm",
        metavar="R,C",
        help="millimetres between rows and between columns, for files without a pixel size, such as 0.2,0.15; one number: square pixels",
    )
    parser.add_argument(
        "--spacing-csv", metavar="FILE", type=Path, help="table of pixel sizes, such as HC18's: columns 'filename' and 'pixel size(mm)'"
    )
    for option in _task_options():
        owners = ", ".join(task.name for task in TASKS.values() if option in task.options)
        parser.add_argument(option.flag, metavar="DIR", type=Path, help=f"for {owners}: {option.description}")
    parser.add_argument(
        "--any-modality", action="store_true", help="also process files whose DICOM header states another modality than the task's"
    )
    parser.add_argument("--threads", metavar="N", type=int, help="files processed concurrently (default: one per core)")
    parser.add_argument("--max-pixels", metavar="N", type=int, help="refuse frames of more than N pixels (default: 16777216)")
    parser.add_argument("--resume", action="store_true", help="skip files that an earlier run with the same options finished")
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="follow links in folders wherever they point, as in DataLad and DVC folders; by default they may not leave the folder",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="process only the I-th of N parts of the inputs, each into its own OUT, for 'usseg merge' (docs/large_runs.md)",
    )
    parser.add_argument("--absolute", action="store_true", help="write absolute paths to accounts.jsonl and run.json (default: names only)")
    parser.add_argument("--json", action="store_true", help="print a JSON summary with all rows")
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    talk.add_argument("-v", "--verbose", action="store_true", help="print one line per frame")


def output_place(text: str) -> str | Path:
    """A folder, or an address as it is: a `Path` would change it.

    >>> output_place("s3://bucket/out"), output_place("out/").as_posix()
    ('s3://bucket/out', 'out')
    """
    return text if is_address(text) else Path(text)


def batch_options(args: argparse.Namespace) -> dict[str, Any]:
    """Values of these options, by attribute of `usseg_monai.runs.options.Options`."""
    from usseg_monai.errors import UsageError
    from usseg_monai.imaging import Limits, parse_spacing
    from usseg_monai.runs.shards import parse_shard

    if args.max_pixels is not None and args.max_pixels < 1:
        raise UsageError(f"--max-pixels {args.max_pixels}: it must be 1 or more")
    return {
        "spacing_mm": None if args.spacing_mm is None else parse_spacing(args.spacing_mm),
        "spacing_csv": args.spacing_csv,
        "task_options": {option.name: given for option in _task_options() if (given := getattr(args, option.name)) is not None},
        "any_modality": args.any_modality,
        "threads": args.threads,
        "resume": args.resume,
        "absolute": args.absolute,
        "follow_links": args.follow_links,
        "shard": None if args.shard is None else parse_shard(args.shard),
        "limits": Limits() if args.max_pixels is None else Limits(max_pixels=args.max_pixels),
    }


def results_by_task() -> str:
    """Additional results of some tasks, as the end of a sentence.

    >>> results_by_task()  # doctest: +ELLIPSIS
    '; for breast also lesions.csv (one row per lesion); for left_ventricle also studies.csv and studies/ (volumes, ...)'
    """
    from usseg_monai.tasks.record import STUDY_FOLDER, STUDY_TABLE

    more = [(task, f"{task.part_name}s.csv (one row per {task.part_name})") for task in TASKS.values() if task.part_name]
    more += [(task, f"{STUDY_TABLE} and {STUDY_FOLDER}/ ({task.study_title})") for task in TASKS.values() if task.study]
    return "".join(f"; for {task.name} also {what}" for task, what in more)


def _task_options() -> list[Option]:
    """The options of all tasks, each once."""
    return list(dict.fromkeys(option for task in TASKS.values() for option in task.options))


def run_batch_command(args: argparse.Namespace, options: Options, *, given_masks: bool = False) -> int:
    """Run a batch with progress, print its outcome, and return the exit code: 1 if an input failed."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.runs.options import available_cores
    from usseg_monai.runs.run import run_batch

    # Decoders warn about damaged files, some quoting their bytes; the row's message has what matters.
    warnings.simplefilter("ignore")
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    _check_open_files(1 if options.on else options.threads or available_cores())
    reached = (0, 0)
    with ExitStack() as closing:
        report = (lambda done, total: None) if args.quiet else closing.enter_context(progress("files"))

        def on_progress(done: int, total: int, row: Row | None) -> None:
            nonlocal reached
            reached = done, total
            if row is not None and (row["status"] == "failed" or args.verbose):
                _say(_row_line(row))
            report(done, None if options.resume and row is None else total)  # skipped files do not count for the rate

        try:
            summary = run_batch(
                args.task,
                args.inputs,
                args.output,
                options,
                on_progress,
                given_masks=given_masks,
                on_redo=lambda why: _say(f"everything is done again: {why}"),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_how_to_go_on(args, *reached)) from None
    if not args.quiet:
        for remark in summary.remarks:
            _say(remark)
        if summary.left_out:
            count = len(summary.left_out)
            what = "1 file is named as a mask" if count == 1 else f"{count} files are named as masks"
            _say(f"{what} of images beside: left out ({summary.left_out[0]}{', ...' if count > 1 else ''})")
    if args.json:
        _print_json(summary, args.task, args.output)
    elif not args.quiet:
        _print(summary, args.output)
    return 1 if summary.failed else 0


def _say(line: str) -> None:
    from usseg_monai.errors import printable

    print(f"usseg: {printable(line)}", file=sys.stderr)


def _row_line(row: Row) -> str:
    """A row of the table as one line: file, status unless it failed, message."""
    from usseg_monai.errors import printable

    file, message = str(row["file"]), str(row["message"])
    message = message.removeprefix(f"{printable(Path(file).name)}: ")  # the message may begin with the bare name
    if row["status"] == "failed":
        return f"{file}: {message}"
    frame = f", frame {row['frame']}" if row["frame"] else ""
    return f"{file}{frame}: {row['status']}" + (f"; {message}" if message else "")


def _how_to_go_on(args: argparse.Namespace, done: int, total: int) -> str:
    words = [*args.words, *(["--resume"] if not args.resume else [])]
    state = f"{done} of {total} files are done; " if total else ""
    return f"{state}go on with: {shlex.join(['usseg', *words])}"


def _check_open_files(threads: int) -> None:
    """Raise `OutputError` if this process may not open as many files as a batch needs."""
    from usseg_monai.errors import OutputError

    if os.name != "posix":
        return
    import resource

    needed = _OPEN_FILES + _OPEN_FILES_PER_THREAD * threads
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise OutputError(f"this process may open {hard} files at a time, and needs {needed}: raise the limit, 'ulimit -n {needed}'")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _print_json(summary: Summary, task: str, output: str | Path) -> None:
    """Print the summary as one JSON object; the rows of the tables are streamed, as there may be millions."""
    from usseg_monai.files.table import read_table
    from usseg_monai.runs.place import output_folder
    from usseg_monai.runs.run import TABLE
    from usseg_monai.runs.table import part_table
    from usseg_monai.tasks import get_task

    print(json.dumps({"task": task, "output": str(output), **dataclasses.asdict(summary)})[:-1], end="")
    rows = output_folder(output) / TABLE
    tables = {"rows": rows} | ({"parts": part_table(rows, get_task(task))} if get_task(task).part_name else {})
    for name, table in tables.items():
        print(f', "{name}": [', end="")
        for number, row in enumerate(read_table(table)):
            print(", " * bool(number) + json.dumps(row), end="")
        print("]", end="")
    print("}")


def _print(summary: Summary, output: str | Path) -> None:
    """Print the outcome of a batch; for a single frame, its measurements too."""
    from usseg_monai.errors import printable

    lines = []
    if summary.frames == 1:
        from usseg_monai.files.table import read_table
        from usseg_monai.runs.place import output_folder
        from usseg_monai.runs.run import TABLE

        for column, value in next(read_table(output_folder(output) / TABLE)).items():
            if value not in (None, "") and column not in ("file", "frame"):
                lines.append(f"{column}: {value:.6g}" if isinstance(value, float) else f"{column}: {value}")
    lines += map(study_line, summary.studies)
    lines.append(f"results in {output}, {summary.seconds:.1f} s")
    lines += outcome_lines(summary)
    for line in lines:
        print(printable(line))
