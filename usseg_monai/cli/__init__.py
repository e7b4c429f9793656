"""The command ``usseg``: one module a command, imported only when that command is chosen.

Exit codes: 0 all done, 1 some inputs failed or nothing could be done, 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from usseg_monai import __version__
from usseg_monai.errors import UsageError, UssegError

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "tasks": "list what can be found and measured",
    "predict": "find and measure structures in images",
    "measure": "measure masks that come from elsewhere",
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

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: arguments without the program's name; those of the process unless given.

    >>> main(["tasks"])  # doctest: +ELLIPSIS
    fetal_head ...
    0
    """
    try:
        args = _parse(list(sys.argv[1:] if argv is None else argv))
        code: int = args.run(args)
        sys.stdout.flush()
        return code
    except UssegError as error:
        print(f"usseg: {error}", file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("usseg: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Puts the summary beside every command: argparse measures their names without their indent, and breaks the line after the longest."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


def _parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments, importing nothing but the module of the command that they name."""
    parser = argparse.ArgumentParser(
        prog="usseg",
        description="Find structures in 2-D medical images and measure them. Not a medical device.",
        epilog="example: usseg predict fetal_head images/ -o results\n'usseg COMMAND --help' tells more about one command.",
        formatter_class=_HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"usseg {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = arguments[0] if arguments else ""
    if command not in COMMANDS:
        for name, summary in COMMANDS.items():
            subparsers.add_parser(name, help=summary)
        return parser.parse_args(arguments)  # --help, --version, or an error
    module = importlib.import_module(f"usseg_monai.cli.{command}")
    module.add_parser(subparsers)
    chosen: argparse.ArgumentParser = subparsers.choices[command]
    chosen.set_defaults(run=module.run)
    return chosen.parse_intermixed_args(arguments[1:])  # options may stand between positional arguments
