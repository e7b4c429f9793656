"""``usseg tasks``: what can be found and measured."""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import Any

from usseg_monai.tasks import TASKS, Task, bundle_path

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
    """What people want to know of a task before they use it."""
    classes = f", class probabilities ({', '.join(task.classes)})" if task.classes else ""
    release = f"released, {task.weights_sha256[:12]}" if _has_weights(task) else "not in this installation"
    return [
        f"finds: {', '.join(task.labels[1:])}{classes}",
        f"table: {len(task.columns)} columns of its own",
        f"weights: {release}; {task.weights_license}",
    ]


def _has_weights(task: Task) -> bool:
    return (bundle_path(task.name) / "models" / "model.onnx").is_file()


def _facts(task: Task) -> dict[str, Any]:
    """The public part of a record; where its code lies is nobody's interface."""
    facts = dataclasses.asdict(task)
    del facts["measurement"], facts["bundle"]
    return facts | {"has_weights": _has_weights(task)}
