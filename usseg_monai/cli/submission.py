"""``usseg submission``: write predictions in a competition's format."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from usseg_monai.tasks import TASKS, load

__all__ = ["add_parser", "run"]

_EXAMPLE = """example: usseg submission {} test/ -o submission.csv

Exit codes: 0 all done, 1 some images failed (their code is empty), 2 wrong use."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    competitions = {task.name: load(task.submission) for task in TASKS.values() if task.submission}
    parser = subparsers.add_parser(
        "submission",
        description="Predict the test images of a competition and write them in its table format. "
        + " ".join(f"{name}: {submission.competition}." for name, submission in competitions.items()),
        epilog=_EXAMPLE.format(next(iter(competitions), "TASK")),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", help=", ".join(competitions))
    parser.add_argument("images", metavar="IMAGES", nargs="+", help="images named by number (1.tif), or their folder")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="table to write")
    parser.add_argument(
        "--engine", choices=("auto", "onnx", "torch"), default="auto", help="onnx (8 bits), torch (float32) (default: auto)"
    )
    parser.add_argument("--device", metavar="DEVICE", default="auto", help="auto, cpu, or for the engine torch cuda (default: auto)")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="network to use instead of the released one: ONNX, or for torch .pt")
    parser.add_argument("--threads", metavar="N", type=int, help="images processed concurrently (default: one per core)")
    parser.add_argument("--json", action="store_true", help="print the counts as JSON")


def run(args: argparse.Namespace) -> int:
    """Write the table; the exit code is 1 if an image failed."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.errors import UsageError, printable
    from usseg_monai.predict.predictor import Predictor, check_engine, network_threads
    from usseg_monai.runs.options import available_cores
    from usseg_monai.runs.submission import find_numbered_images, write_submission

    competitions = [task.name for task in TASKS.values() if task.submission]
    if args.task not in competitions:
        raise UsageError(f"no submission for {args.task!r}: tasks with a competition: {', '.join(competitions)}")
    submission = load(TASKS[args.task].submission)
    threads = available_cores() if args.threads is None else args.threads
    if threads < 1:
        raise UsageError(f"--threads {threads}: it must be 1 or more")
    check_engine(args.task, args.engine, args.device, 1, ())
    images = find_numbered_images(args.images)
    of_network = network_threads(args.engine, args.device, threads, len(images))
    predictor = Predictor(args.task, engine=args.engine, device=args.device, threads=of_network, weights=args.weights)
    with progress("images") as report:
        failures = write_submission(predictor, submission, images, args.output, threads=threads, on_progress=report)
    for path, reason in failures.items():
        name = printable(path.name)
        print(f"usseg: {name}: {printable(reason).removeprefix(f'{name}: ')}", file=sys.stderr)
    if args.json:
        print(json.dumps({"output": str(args.output), "images": len(images), "failed": len(failures)}))
    else:
        print(printable(f"{len(images) - len(failures)} done, {len(failures)} failed: {args.output}"))
    return 1 if failures else 0
