"""``usseg compare``: train variants of a task under one protocol and say which is better."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from usseg_monai.errors import UsageError

_EXAMPLE = """example: usseg compare fetal_head --vary optimizer=Adam,SGD --vary learning_rate=1e-3,1e-4 --epochs 20 --data hc18 -o variants
Every combination is trained. The same command goes on where an interrupted comparison stopped."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "compare",
        description="Train every combination of some settings under one protocol. OUT gets a table, plots and a verdict with its interval.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument(
        "--vary", metavar="KEY=A,B", action="append", required=True, help="a key of configs/train.json and its values; may be repeated"
    )
    parser.add_argument("--epochs", metavar="N", type=int, required=True, help="epochs of each training")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="data set, datalist, or folder of images and masks")
    parser.add_argument("-o", "--out", metavar="OUT", type=Path, required=True, help="folder for the results")
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="values that all variants share")


def run(args: argparse.Namespace) -> int:
    """Compare and print the verdict."""
    from usseg_monai.training.compare import compare
    from usseg_monai.training.overrides import parse_overrides

    vary = {key: values.split(",") for key, values in map(_split, args.vary)}
    print(compare(args.task, vary, args.epochs, args.data, args.out, parse_overrides(args.overrides)))
    return 0


def _split(word: str) -> tuple[str, str]:
    key, equals, values = word.partition("=")
    if not (key and equals and values):
        raise UsageError(f"--vary {word!r}: write KEY=A,B, for example learning_rate=1e-3,1e-4")
    return key, values
