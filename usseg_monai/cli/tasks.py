"""``usseg tasks``: what can be found and measured."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from usseg_monai.tasks import TASKS, Task

_EXAMPLE = "example: usseg tasks --json"


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser("tasks", description="List the tasks: what each finds, and the columns of its table.", epilog=_EXAMPLE)
    parser.add_argument("--json", action="store_true", help="print the records for machines, with every column and its meaning")


def run(args: argparse.Namespace) -> int:
    """Print the tasks."""
    if args.json:
        print(json.dumps([_facts(task) for task in TASKS.values()], indent=2))
    else:
        for task in TASKS.values():
            print(f"{task.name}  {task.title}")
            print(f"    weights: {task.weights_license}")
    return 0


def _facts(task: Task) -> dict[str, Any]:
    """The public part of a record; where its code lies is nobody's interface."""
    facts = dataclasses.asdict(task)
    del facts["measurement"], facts["bundle"]
    return facts
