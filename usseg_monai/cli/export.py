"""``usseg export``: write the deployed graph of a task as one file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from usseg_monai.cli.parser import with_task
from usseg_monai.errors import UsageError, UssegError

__all__ = ["add_parser", "run"]

_EXAMPLE = "example: usseg export TASK --checkpoint runs/head/model.pt -o head.onnx"


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "export",
        description="Write a task's network with its scaling and thresholding as one self-contained ONNX file: grey image in, mask out.",
        epilog=with_task(_EXAMPLE),
    )
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, required=True, help="the ONNX file to write")
    parser.add_argument("--checkpoint", metavar="FILE", type=Path, help="weights to export (default: the bundle's models/model.pt)")
    parser.add_argument(
        "--precision",
        choices=("float32", "int8"),
        default="float32",
        help="of the network's computation: int8, as in the released graphs, takes two thirds of the time on most CPUs and half of the "
        "space (default: %(default)s)",
    )
    parser.add_argument("--data", metavar="DIR", type=Path, help="data set of the training, from whose training part int8 is calibrated")
    parser.add_argument("--json", action="store_true", help="print a JSON summary")


def run(args: argparse.Namespace) -> int:
    """Export and print the file's SHA-256."""
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401

        from usseg_monai.weights.export import export_onnx
    except ModuleNotFoundError as error:
        raise UssegError(f"exporting needs {error.name}: pip install 'usseg-monai[train]'") from error
    if args.precision == "int8" and args.data is None:
        raise UsageError("--precision int8 needs --data DIR: the data set of the training")
    if args.precision != "int8" and args.data is not None:
        raise UsageError("--data belongs to --precision int8: give both or neither")
    if args.precision == "int8":
        from usseg_monai.weights.quantize import calibration_images, export_int8

        sha256 = export_int8(args.task, args.checkpoint, calibration_images(args.data), args.output)
    else:
        sha256 = export_onnx(args.task, args.checkpoint, args.output)
    print(json.dumps({"task": args.task, "file": str(args.output), "sha256": sha256}) if args.json else f"{args.output}  SHA-256 {sha256}")
    return 0
