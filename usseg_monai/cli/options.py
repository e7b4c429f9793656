"""What the commands that read many files have in common."""

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

if TYPE_CHECKING:
    from usseg_monai.inference.batch import Options, Summary
    from usseg_monai.inference.results import Row

_OPEN_FILES = 40  # of Python, the libraries and the results
_OPEN_FILES_PER_THREAD = 4

__all__ = ["add_batch_options", "batch_options", "run_batch_command"]


def add_batch_options(parser: argparse.ArgumentParser, inputs: str) -> None:
    """Add task, inputs, output folder, spacing and what else holds for every batch."""
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument(
        "inputs",
        metavar=inputs,
        nargs="+",
        help="files, folders (searched recursively), globs; a .txt with one path per line, a datalist (.json), or - for standard input",
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--spacing-mm",
        metavar="R,C",
        help="millimetres between rows and between columns, for files without a pixel size, as 0.2,0.15; one number: square pixels",
    )
    parser.add_argument(
        "--spacing-csv", metavar="FILE", type=Path, help="table of pixel sizes, as HC18's: columns 'filename' and 'pixel size(mm)'"
    )
    parser.add_argument(
        "--epicardium", metavar="DIR", type=Path, help="epicardial contours of one stack of the left ventricle, as text, for its mass"
    )
    parser.add_argument(
        "--any-modality", action="store_true", help="do files too whose DICOM header names another modality than the task's"
    )
    parser.add_argument("--threads", metavar="N", type=int, help="files processed concurrently (default: one per core)")
    parser.add_argument("--max-pixels", metavar="N", type=int, help="refuse frames of more than N pixels (default: 16777216)")
    parser.add_argument("--resume", action="store_true", help="skip files that an earlier run with the same options finished")
    parser.add_argument(
        "--follow-links",
        action="store_true",
        help="follow links in folders wherever they point, as in folders made of links (DataLad, DVC); else they may not leave the folder",
    )
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="only the I-th of N parts of the inputs, each into an OUT of its own, for 'usseg merge' (docs/large_runs.md)",
    )
    parser.add_argument("--absolute", action="store_true", help="write absolute paths to run.json (default: names only)")
    parser.add_argument("--json", action="store_true", help="print a JSON summary with all rows")
    talk = parser.add_mutually_exclusive_group()
    talk.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    talk.add_argument("-v", "--verbose", action="store_true", help="print one line per frame")


def batch_options(args: argparse.Namespace) -> dict[str, Any]:
    """Values of those options by the names of `usseg_monai.inference.batch.Options`."""
    from usseg_monai.errors import UsageError
    from usseg_monai.imaging import Limits, parse_spacing
    from usseg_monai.inference.shards import parse_shard

    if args.max_pixels is not None and args.max_pixels < 1:
        raise UsageError(f"--max-pixels {args.max_pixels}: it must be 1 or more")
    return {
        "spacing_mm": None if args.spacing_mm is None else parse_spacing(args.spacing_mm),
        "spacing_csv": args.spacing_csv,
        "epicardium": args.epicardium,
        "any_modality": args.any_modality,
        "threads": args.threads,
        "resume": args.resume,
        "absolute": args.absolute,
        "follow_links": args.follow_links,
        "shard": None if args.shard is None else parse_shard(args.shard),
        "limits": Limits() if args.max_pixels is None else Limits(max_pixels=args.max_pixels),
    }


def run_batch_command(args: argparse.Namespace, options: Options, *, given_masks: bool = False) -> int:
    """Run a batch with progress, say what its outcome is, and return the exit code: 1 where an input failed."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.inference.batch import available_cores, run_batch

    # Decoders remark on damaged files, some quoting their bytes; what matters of it stands in the row's message.
    warnings.simplefilter("ignore")
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    _check_open_files(options.threads or available_cores())
    reached = (0, 0)
    with ExitStack() as closing:
        report = (lambda done, total: None) if args.quiet else closing.enter_context(progress("files"))

        def on_progress(done: int, total: int, row: Row | None) -> None:
            nonlocal reached
            reached = done, total
            if row is not None and (row["status"] == "failed" or args.verbose):
                _say(_row_line(row))
            report(done, None if options.resume and row is None else total)  # what is skipped is no part of the rate

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
            what = "1 file is by its name a mask" if count == 1 else f"{count} files are by their names masks"
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
    """A row of the table as a line: file, status if it did not fail, message."""
    from usseg_monai.errors import printable

    file, message = str(row["file"]), str(row["message"])
    message = message.removeprefix(f"{printable(Path(file).name)}: ")  # it may begin with the bare name
    if row["status"] == "failed":
        return f"{file}: {message}"
    frame = f", frame {row['frame']}" if row["frame"] else ""
    return f"{file}{frame}: {row['status']}" + (f"; {message}" if message else "")


def _how_to_go_on(args: argparse.Namespace, done: int, total: int) -> str:
    words = [*args.words, *(["--resume"] if not args.resume else [])]
    state = f"{done} of {total} files are done; " if total else ""
    return f"{state}go on with: {shlex.join(['usseg', *words])}"


def _check_open_files(threads: int) -> None:
    """Raise `OutputError` where this process may not open as many files as a batch needs."""
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


def _print_json(summary: Summary, task: str, output: Path) -> None:
    """The summary as one JSON object with the rows of the tables, one after the other: of a million images there are many."""
    from usseg_monai.inference.batch import TABLE
    from usseg_monai.inference.results import part_table, read_table
    from usseg_monai.tasks import get_task

    print(json.dumps({"task": task, "output": str(output), **dataclasses.asdict(summary)})[:-1], end="")
    rows = output / TABLE
    tables = {"rows": rows} | ({"parts": part_table(rows, get_task(task))} if get_task(task).part_name else {})
    for name, table in tables.items():
        print(f', "{name}": [', end="")
        for number, row in enumerate(read_table(table)):
            print(", " * bool(number) + json.dumps(row), end="")
        print("]", end="")
    print("}")


def _print(summary: Summary, output: Path) -> None:
    """The outcome of a batch; of a single frame, what was measured as well."""
    from usseg_monai.errors import printable

    lines = []
    if summary.frames == 1:
        from usseg_monai.inference.batch import TABLE
        from usseg_monai.inference.results import read_table

        for column, value in next(read_table(output / TABLE)).items():
            if value not in (None, "") and column not in ("file", "frame"):
                lines.append(f"{column}: {value:.6g}" if isinstance(value, float) else f"{column}: {value}")
    lines += map(study_line, summary.studies)
    lines.append(f"results in {output}, {summary.seconds:.1f} s")
    lines += outcome_lines(summary)
    for line in lines:
        print(printable(line))
