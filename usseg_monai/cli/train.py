"""``usseg train``: train a task's bundle on a data set."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

from usseg_monai.cli.parser import with_task

__all__ = ["add_parser", "run"]

_EXAMPLE = """example: usseg train TASK --data hc18 -o runs/head max_epochs=60 learning_rate=1e-3 optimizer#weight_decay=0.05
The same command resumes an interrupted training."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "train",
        description="Train the network of a task on a data set. OUT gets the best weights (model.pt), curves and TensorBoard's files.",
        epilog=with_task(_EXAMPLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="data set, datalist, or folder of images and masks")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--config",
        metavar="NAME",
        action="append",
        default=[],
        help="config that overrides train.json: its name, such as teaching_recipe, or a file",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON summary")
    parser.add_argument(
        "overrides", metavar="key=value", nargs="*", help="new values for the bundle's configs/train.json; a#b is key b within a"
    )


def run(args: argparse.Namespace) -> int:
    """Train and print the outcome."""
    from usseg_monai.cli.engine_log import engine_log
    from usseg_monai.cli.progress import progress
    from usseg_monai.training.overrides import parse_overrides
    from usseg_monai.training.run import train

    overrides = parse_overrides(args.overrides)
    with progress("iterations") as report, engine_log():
        report(0, None)  # loading takes a while
        result = train(args.task, args.data, args.output, overrides, configs=args.config, report=report)
    if args.json:
        print(json.dumps(dataclasses.asdict(result), default=str))
    else:
        best = "" if result.metric is None else f", best {result.metric_name} {result.metric:.4f}"
        print(f"{result.epochs} epochs{best}: {result.checkpoint}")
    return 0
