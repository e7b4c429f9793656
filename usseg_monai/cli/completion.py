"""``usseg completion``: scripts for shell completion of commands, options, tasks and files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from usseg_monai.tasks import TASKS

__all__ = ["add_parser", "run"]

_EXAMPLE = "example: usseg completion bash > ~/.local/share/bash-completion/completions/usseg"


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "completion",
        description="Print a script that completes 'usseg' in a shell; docs/development.md says where to put it.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=("bash", "zsh"), help="the shell")


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from usseg_monai.cli import whole_parser

    parser = whole_parser()
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for command in commands.choices.values():
        for action in command._actions:
            _tell(action)
    print(shtab.complete(parser, shell=args.shell))
    return 0


def _tell(action: argparse.Action) -> None:
    """Tell shtab what an argument takes: a file or a task."""
    import shtab

    if action.dest == "task" and action.choices is None:
        action.choices = tuple(TASKS)
    elif action.type is Path or action.dest in ("images", "inputs", "masks", "datalist", "output"):
        action.complete = shtab.FILE  # type: ignore[attr-defined]
