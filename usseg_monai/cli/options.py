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
    parser.add_argument("inputs", metavar=inputs, nargs="+", help="files, folders (searched with all below them), globs")
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
    parser.add_argument("--threads", metavar="N", type=int, help="files in work at a time (default: one for each core)")
    parser.add_argument("--max-pixels", metavar="N", type=int, help="refuse frames of more than N pixels (default: 16777216)")
    parser.add_argument("--resume", action="store_true", help="skip the files that an earlier run with the same options is done with")
    parser.add_argument("--json", action="store_true", help="print the summary for machines")


def batch_options(args: argparse.Namespace) -> dict[str, Any]:
    """Values of those options by the names of `usseg_monai.inference.batch.Options`."""
    from usseg_monai.errors import UsageError
    from usseg_monai.imaging import Limits, parse_spacing

    if args.max_pixels is not None and args.max_pixels < 1:
        raise UsageError(f"--max-pixels {args.max_pixels}: it must be 1 or more")
    return {
        "spacing_mm": None if args.spacing_mm is None else parse_spacing(args.spacing_mm),
        "spacing_csv": args.spacing_csv,
        "epicardium": args.epicardium,
        "threads": args.threads,
        "resume": args.resume,
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
            report(done, total)

        summary = run_batch(args.task, args.inputs, args.output, options, on_progress, given_masks=given_masks)
    if summary.left_out:
        count = len(summary.left_out)
        what = "1 file is by its name a mask" if count == 1 else f"{count} files are by their names masks"
        print(f"usseg: {what} of images beside: left out ({summary.left_out[0]}{', ...' if count > 1 else ''})", file=sys.stderr)
    if args.json:
        print(json.dumps({"task": args.task, "output": str(args.output), **dataclasses.asdict(summary)}))
    else:
        _print(summary, args.output)
    return 1 if summary.failed else 0


def _print(summary: Summary, output: Path) -> None:
    """What became of a batch; of a single frame, what was measured as well."""
    if len(summary.rows) == 1:
        for column, value in summary.rows[0].items():
            if value not in (None, "") and column not in ("file", "frame"):
                print(f"{column}: {value:.6g}" if isinstance(value, float) else f"{column}: {value}")
    for study in summary.studies:
        print(f"{study['study']}: {'; '.join(_known(study))}")
    skipped = f", {summary.skipped} skipped" if summary.skipped else ""
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
