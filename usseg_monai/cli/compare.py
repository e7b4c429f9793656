"""``usseg compare``: train variants of a task under one protocol and report which is better."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from usseg_monai.cli.parser import with_task

__all__ = ["add_parser", "run"]

_EXAMPLE = """example: usseg compare TASK --vary optimizer=Adam,SGD --vary learning_rate=1e-3,1e-4 --epochs 20 --data hc18 -o variants
Every combination is trained. The same command resumes an interrupted comparison."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "compare",
        description="Train every combination of some settings under one protocol. OUT gets a table, plots and a verdict with its interval.",
        epilog=with_task(_EXAMPLE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument(
        "--vary", metavar="KEY=A,B", action="append", required=True, help="a key of configs/train.json and its values; may be repeated"
    )
    parser.add_argument("--epochs", metavar="N", type=int, required=True, help="epochs per training")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="data set, datalist, or folder of images and masks")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument("--json", action="store_true", help="print a JSON summary")
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="values that all variants share")


def run(args: argparse.Namespace) -> int:
    """Compare and print the verdict."""
    from usseg_monai.cli.engine_log import engine_log
    from usseg_monai.cli.progress import progress
    from usseg_monai.training.comparison.compare import compare, parse_vary
    from usseg_monai.training.overrides import parse_overrides

    vary, overrides = parse_vary(args.vary), parse_overrides(args.overrides)
    with progress("epochs") as report, engine_log():
        report(0, None)  # loading takes a while
        comparison = compare(args.task, args.data, args.output, vary, args.epochs, overrides, report=report)
    if args.json:
        print(json.dumps({"verdict": comparison.verdict, "output": str(args.output)}))
    else:
        print(f"{comparison.verdict}\nwritten to {args.output}")
    return 0
