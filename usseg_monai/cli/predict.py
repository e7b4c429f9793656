"""``usseg predict``: find and measure structures in images."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

_EXAMPLE = """examples:
  usseg predict fetal_head image.png -o results --spacing-mm 0.2,0.2
  usseg predict fetal_head images/ -o results --spacing-csv images/pixel_size.csv --save mask,overlay --resume
  usseg predict auto images/ -o results     proposes the task whose training images these are most like, and goes on with it

Exit codes: 0 all done, 1 some inputs failed or the run could not go on, 2 wrong use, 130 interrupted."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from usseg_monai.cli.options import add_batch_options

    parser = subparsers.add_parser(
        "predict",
        description="Find and measure a task's structure in images. OUT gets masks/, overlays/, results.csv (one row per frame) and "
        "run.json; for the breast also lesions.csv (one row per lesion); for stacks of the left ventricle (DICOM, NIfTI) also studies.csv "
        "and studies/: volumes, ejection fraction, volume curve.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_batch_options(parser, "INPUT")
    parser.add_argument(
        "--save",
        metavar="KINDS",
        default="mask,overlay",
        help="what to write: mask, overlay, probability, nifti (masks as NIfTI on the grid of file or stack, beside the PNG) "
        "(default: mask,overlay)",
    )
    parser.add_argument("--engine", choices=("auto", "onnx", "torch"), default="auto", help="what runs the network (default: auto)")
    parser.add_argument("--device", metavar="DEVICE", default="auto", help="auto, cpu, or for the engine torch cuda (default: auto)")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="another network in place of the released one: ONNX, or for torch .pt")
    parser.add_argument("--config", metavar="NAME", action="append", default=[], help="for torch: a config over inference.json")
    parser.add_argument("--batch-size", metavar="N", type=int, default=1, help="images at a time through the engine torch (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Predict; the exit code is 1 where an input failed."""
    from usseg_monai.cli.options import batch_options, run_batch_command
    from usseg_monai.inference.batch import Options, check_options
    from usseg_monai.tasks import TASKS

    options = Options(
        **batch_options(args),
        engine=args.engine,
        device=args.device,
        weights=args.weights,
        configs=tuple(args.config),
        batch_size=args.batch_size,
        save=tuple(filter(None, args.save.split(","))),
    )
    if args.task == "auto":
        check_options(dataclasses.replace(options, epicardium=None, configs=()), next(iter(TASKS.values())))  # what holds for every task
        args.task = _proposed(args)
    return run_batch_command(args, options)


def _proposed(args: argparse.Namespace) -> str:
    """The task that the images themselves propose; says why."""
    from usseg_monai.errors import ImageError, UsageError
    from usseg_monai.inference.outputs import no_inputs
    from usseg_monai.inference.proposal import propose_task

    if "-" in args.inputs:
        raise UsageError("auto reads the inputs twice, which standard input cannot be: write the list to a file, or name the task")
    proposal = propose_task(args.inputs, leave_out=no_inputs(args.output), follow_links=args.follow_links)
    what = f"{proposal.images} image{'s' * (proposal.images > 1)} looked at"
    figures = ", ".join(f"{task} {value:.2f}" for task, value in proposal.unlikeness.items())
    if proposal.task is None:
        raise ImageError(f"unlike the training images of all tasks ({what}; unlikeness: {figures}; 1 is the limit): name the task to go on")
    print(f"usseg: proposed task: {proposal.task} ({what}; unlikeness: {figures}; 1 is the limit)", file=sys.stderr)
    return proposal.task
