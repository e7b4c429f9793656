"""``usseg tasks``: list what can be found and measured."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from usseg_monai.tasks import TASKS, Task, has_weights

__all__ = ["add_parser", "run"]

_EXAMPLE = "example: usseg tasks --json"


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "tasks", description="List the tasks: what each finds and measures, and whether its weights are here.", epilog=_EXAMPLE
    )
    parser.add_argument("--json", action="store_true", help="print the records as JSON, with every column and its meaning")


def run(args: argparse.Namespace) -> int:
    """Print the tasks."""
    if args.json:
        print(json.dumps([_facts(task) for task in TASKS.values()], indent=2))
    else:
        for task in TASKS.values():
            print(f"{task.name}  {task.title}")
            for line in _lines(task):
                print(f"    {line}")
    return 0


def _lines(task: Task) -> list[str]:
    """What users need to know about a task before they use it."""
    classes = f", class probabilities ({', '.join(task.classes)})" if task.classes else ""
    here = has_weights(task.name)
    weights = [f"released, {task.weights_sha256[:12]}" if here else "not in this installation", task.weights_license]
    return [
        f"finds: {', '.join(task.labels[1:])}{classes}",
        f"table: {len(task.columns)} columns of its own",
        f"weights: {'; '.join(weights if here else [*weights, task.weights_remedy])}",
    ]


def _facts(task: Task) -> dict[str, Any]:
    """The public part of a record, without the location of its code."""
    facts = dataclasses.asdict(task)
    del facts["measurement"], facts["bundle"]
    return facts | {"has_weights": has_weights(task.name)}
