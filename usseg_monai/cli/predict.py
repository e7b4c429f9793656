"""``usseg predict``: find and measure structures in images."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usseg_monai.cli.parser import with_task

if TYPE_CHECKING:
    from usseg_monai.runs.elsewhere import Cluster

__all__ = ["add_parser", "run"]

_EXAMPLE = """examples:
  usseg predict TASK image.png -o results --spacing-mm 0.2,0.2
  usseg predict TASK images/ -o results --spacing-csv images/pixel_size.csv --save mask,overlay --resume
  usseg predict auto images/ -o results     proposes the task with the most similar training images, and runs it

Exit codes: 0 all done, 1 some inputs failed or the run could not go on, 2 wrong use, 130 interrupted."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    from usseg_monai.cli.options import add_batch_options, results_by_task

    parser = subparsers.add_parser(
        "predict",
        description="Find and measure a task's structure in images. OUT gets masks/, overlays/, results.csv (one row per frame), "
        f"accounts.jsonl (the outcome of each input) and run.json{results_by_task()}.",
        epilog=with_task(_EXAMPLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_batch_options(parser, "INPUT")
    parser.add_argument(
        "--save",
        metavar="KINDS",
        default="mask,overlay",
        help="what to write: mask, overlay, probability, nifti (masks as NIfTI on the grid of the file or stack, besides PNG), "
        "labelstudio (one task of Label Studio per frame), clip (an MP4 with outlines and numbers per video and DICOM clip) "
        "(default: mask,overlay)",
    )
    parser.add_argument(
        "--report",
        action="store_true",
        help="also write report.html: pictures and numbers on one page, the worst first; its table sorts and filters",
    )
    parser.add_argument(
        "--engine", choices=("auto", "onnx", "torch"), default="auto", help="onnx (8 bits), torch (float32) (default: auto)"
    )
    parser.add_argument("--device", metavar="DEVICE", default="auto", help="auto, cpu, or for the engine torch cuda (default: auto)")
    parser.add_argument("--weights", metavar="FILE", type=Path, help="network to use instead of the released one: ONNX, or for torch .pt")
    parser.add_argument("--config", metavar="NAME", action="append", default=[], help="for torch: config overriding inference.json")
    parser.add_argument(
        "--on",
        metavar="CLUSTER",
        help="cluster whose workers process the files: ray, workers on this machine, or ray:HOST:PORT, a running one; --threads is the "
        "number of workers (docs/large_runs.md)",
    )
    parser.add_argument("--batch-size", metavar="N", type=int, default=1, help="images per pass of the engine torch (default: 1)")


def run(args: argparse.Namespace) -> int:
    """Predict; the exit code is 1 if an input failed."""
    from usseg_monai.cli.options import batch_options, run_batch_command
    from usseg_monai.runs.options import Options, check_options
    from usseg_monai.tasks import TASKS

    options = Options(
        **batch_options(args),
        engine=args.engine,
        device=args.device,
        weights=args.weights,
        configs=tuple(args.config),
        batch_size=args.batch_size,
        save=tuple(filter(None, args.save.split(","))),
        on=None if args.on is None else _cluster(args.on),
    )
    if args.task == "auto":
        check_options(dataclasses.replace(options, task_options={}, configs=()), next(iter(TASKS.values())))  # for every task
        args.task = _proposed(args)
    code = run_batch_command(args, options)
    if args.report:
        from usseg_monai.runs.place import hold_output
        from usseg_monai.runs.report import write_report
        from usseg_monai.tasks import get_task

        with hold_output(args.output, resume=True) as held:
            page = write_report(held.path, get_task(args.task))
        if not args.quiet and not args.json:
            print(f"open {page.resolve().as_uri()}")
    return code


def _cluster(text: str) -> Cluster:
    from usseg_monai.cluster import parse_on

    return parse_on(text)


def _proposed(args: argparse.Namespace) -> str:
    """The task proposed for the images; prints the reason."""
    from usseg_monai.errors import ImageError, UsageError
    from usseg_monai.remote.address import place_of
    from usseg_monai.runs.outputs import no_inputs
    from usseg_monai.runs.place import output_folder
    from usseg_monai.runs.proposal import propose_task

    if "-" in args.inputs:
        raise UsageError("auto reads the inputs twice, standard input can be read once: write the list to a file, or name the task")
    outputs: list[str | Path] = [*no_inputs(output_folder(args.output)), place_of(args.output)]
    proposal = propose_task(args.inputs, leave_out=outputs, follow_links=args.follow_links)
    what = f"{proposal.images} image{'s' * (proposal.images > 1)} looked at"
    figures = ", ".join(f"{task} {value:.2f}" for task, value in proposal.unlikeness.items())
    if proposal.task is None:
        raise ImageError(f"unlike the training images of all tasks ({what}; unlikeness: {figures}; 1 is the limit): name the task to go on")
    print(f"usseg: proposed task: {proposal.task} ({what}; unlikeness: {figures}; 1 is the limit)", file=sys.stderr)
    return proposal.task
