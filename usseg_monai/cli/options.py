"""What the commands that read many files have in common."""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usseg_monai.inference.batch import Options, Summary
    from usseg_monai.inference.results import Row

__all__ = ["add_batch_options", "batch_options", "run_batch_command"]


def add_batch_options(parser: argparse.ArgumentParser, inputs: str) -> None:
    """Add task, inputs, output folder, spacing and what else holds for every batch."""
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument(
        "inputs",
        metavar=inputs,
        nargs="+",
        help="files, folders (searched with all below them), globs; a .txt with a path a line, a datalist (.json), or - for standard input",
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--spacing-mm", metavar="R,C", help="millimetres between rows and between columns, for files that do not say, for example 0.2,0.2"
    )
    parser.add_argument(
        "--spacing-csv", metavar="FILE", type=Path, help="table of spacings, as HC18's: columns 'filename' and 'pixel size(mm)'"
    )
    parser.add_argument(
        "--epicardium", metavar="DIR", type=Path, help="epicardial contours of one stack of the left ventricle, as text, for its mass"
    )
    parser.add_argument(
        "--any-modality", action="store_true", help="do files too whose DICOM header names another modality than the task's"
    )
    parser.add_argument("--threads", metavar="N", type=int, help="files in work at a time (default: one for each core)")
    parser.add_argument("--max-pixels", metavar="N", type=int, help="refuse frames of more than N pixels (default: 16777216)")
    parser.add_argument("--resume", action="store_true", help="skip the files that an earlier run with the same options is done with")
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
    parser.add_argument("--json", action="store_true", help="print the summary and the rows for machines")


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
    """Run a batch with progress, say what became of it, and return the exit code: 1 where an input failed."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.inference.batch import run_batch

    # Decoders remark on damaged files, some quoting their bytes; what matters of it stands in the row's message.
    warnings.simplefilter("ignore")
    logging.getLogger("pydicom").setLevel(logging.ERROR)
    with progress("files") as report:

        def on_progress(done: int, total: int, row: Row | None) -> None:
            if row is not None and row["status"] == "failed":
                file = str(row["file"])  # the message may begin with the bare name
                print(f"usseg: {file}: {str(row['message']).removeprefix(f'{Path(file).name}: ')}", file=sys.stderr)
            report(done, None if options.resume and row is None else total)  # what is skipped is no part of the rate

        summary = run_batch(args.task, args.inputs, args.output, options, on_progress, given_masks=given_masks)
    for remark in summary.remarks:
        print(f"usseg: {remark}", file=sys.stderr)
    if summary.left_out:
        count = len(summary.left_out)
        what = "1 file is by its name a mask" if count == 1 else f"{count} files are by their names masks"
        print(f"usseg: {what} of images beside: left out ({summary.left_out[0]}{', ...' if count > 1 else ''})", file=sys.stderr)
    if args.json:
        _print_json(summary, args.task, args.output)
    else:
        _print(summary, args.output)
    return 1 if summary.failed else 0


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
    """What became of a batch; of a single frame, what was measured as well."""
    if summary.frames == 1:
        from usseg_monai.inference.batch import TABLE
        from usseg_monai.inference.results import read_table

        for column, value in next(read_table(output / TABLE)).items():
            if value not in (None, "") and column not in ("file", "frame"):
                print(f"{column}: {value:.6g}" if isinstance(value, float) else f"{column}: {value}")
    for study in summary.studies:
        print(f"{study['study']}: {'; '.join(_known(study))}")
    skipped = f", {summary.skipped} skipped" if summary.skipped else ""
    for reason, count in summary.without_picture.items():
        skipped += f", {count} skipped: {reason}"
    print(f"{summary.done} done, {summary.failed} failed{skipped} in {summary.seconds:.1f} s: {output}")


def _known(study: Row) -> list[str]:
    """What a person wants to read of a study: its numbers that have a unit, and the message."""
    from usseg_monai.tasks import UNITS

    lines = []
    for column, value in study.items():
        words, _, unit = column.rpartition("_")
        if unit in UNITS and isinstance(value, (int, float)):
            lines.append(f"{words.replace('_', ' ')} {value:.1f} {UNITS[unit]}")
    return [", ".join(lines)] * bool(lines) + [str(study["message"])] * bool(study["message"])
