"""``usseg submission``: predictions in the form that a competition takes."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

_EXAMPLE = """example: usseg submission nerve test/ -o submission.csv

Exit codes: 0 all done, 1 some images failed (their code is empty), 2 wrong use."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "submission",
        description="Predict the test images of Kaggle's Ultrasound Nerve Segmentation and write the table that it takes: a run-length "
        "code an image (580x420 pixels, counted from 1 down the columns), empty where no nerve is found.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", help="nerve")
    parser.add_argument("images", metavar="IMAGES", nargs="+", help="images named by their number (1.tif), or their folder")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="table to write")
    parser.add_argument("--engine", choices=("auto", "onnx", "torch"), default="auto", help="what runs the network (default: auto)")
    parser.add_argument("--device", metavar="DEVICE", default="auto", help="auto, cpu, or for the engine torch cuda (default: auto)")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="another network in place of the released one: ONNX, or for torch .pt")
    parser.add_argument("--threads", metavar="N", type=int, help="images processed concurrently (default: one per core)")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the table; the exit code is 1 where an image failed."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.errors import UsageError, printable
    from usseg_monai.inference.batch import available_cores
    from usseg_monai.inference.predictor import Predictor, check_engine, engine_name
    from usseg_monai.inference.submission import TASK, find_numbered_images, write_submission

    if args.task != TASK:
        raise UsageError(f"no submission for {args.task!r}: the competition that is known is that of {TASK!r}")
    threads = available_cores() if args.threads is None else args.threads
    if threads < 1:
        raise UsageError(f"--threads {threads}: it must be 1 or more")
    check_engine(TASK, args.engine, args.device, 1, ())
    images = find_numbered_images(args.images)
    # The deployed graph runs for several images at once, one thread each; torch takes one at a time, with all threads.
    network_threads = 1 if engine_name(args.engine, args.device) == "onnx" else threads
    predictor = Predictor(TASK, engine=args.engine, device=args.device, threads=network_threads, weights=args.weights)
    with progress("images") as report:
        failures = write_submission(predictor, images, args.output, threads=threads, on_progress=report)
    for path, reason in failures.items():
        name = printable(path.name)
        print(f"usseg: {name}: {printable(reason).removeprefix(f'{name}: ')}", file=sys.stderr)
    if args.json:
        print(json.dumps({"output": str(args.output), "images": len(images), "failed": len(failures)}))
    else:
        print(printable(f"{len(images) - len(failures)} done, {len(failures)} failed: {args.output}"))
    return 1 if failures else 0
