"""``usseg weights``: add weights that may not be distributed with the package."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from usseg_monai.tasks import TASKS, get_task, has_weights

__all__ = ["add_parser", "run"]

_EXAMPLE = """example: usseg weights add usseg-monai-main.zip

Exit codes: 0 all weights are here, 1 some are still missing."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "weights",
        description="Copy released weights into this installation. Weights whose training data's terms restrict redistribution are in the "
        "repository, not in the package. Files are identified by their SHA-256; nothing is downloaded.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("action", choices=("add",), help="add: copy the weights that are missing here")
    parser.add_argument("source", metavar="SOURCE", type=Path, help="a checkout of the repository, a folder of weights, or a zip of either")


def run(args: argparse.Namespace) -> int:
    """Copy, and print the copied files with their terms."""
    from usseg_monai.weights.install import add_weights

    written = add_weights(args.source)
    for task, files in written.items():
        print(f"{task}: {', '.join(file.name for file in files)} in {files[0].parent}")
        print(f"    terms: {get_task(task).weights_license}")
    if not written:
        print("nothing to add: the weights of every task are here")
    missing = [task for task in TASKS if not has_weights(task)]
    if missing:
        print(f"still missing: {', '.join(missing)}")
    return int(bool(missing))
