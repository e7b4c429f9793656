"""``usseg info``: facts about an installation for a bug report."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.tasks import TASKS, Task, bundle_path

__all__ = ["add_parser", "run"]

_EXAMPLE = "example: usseg info --json > info.json"
_NO_WORD = " ;<>=!~[("
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "info",
        description="Print versions, platform, threads and weights for a bug report. Paths only with --paths.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.add_argument("--paths", action="store_true", help="print the folders of Python, package and bundles, too")


def run(args: argparse.Namespace) -> int:
    """Print the facts."""
    facts = _facts(args.paths)
    print(json.dumps(facts, indent=2) if args.json else "\n".join(_lines(facts)))
    return 0


def _facts(paths: bool) -> dict[str, Any]:
    from usseg_monai.runs.options import available_cores

    facts: dict[str, Any] = {
        "usseg_monai": __version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "platform": platform.platform(),
        "threads": {"cores": os.cpu_count(), "usable": available_cores()}
        | {name: os.environ[name] for name in _THREAD_VARIABLES if name in os.environ},
        "libraries": {name: _version(name) for name in _libraries()},
        "providers": _providers(),
        "weights": {name: _weights(task) for name, task in TASKS.items()},
    }
    if paths:
        folders = {name: str(bundle_path(name)) for name in TASKS}
        facts["paths"] = {"python": sys.executable, "usseg_monai": str(Path(__file__).resolve().parents[1]), **folders}
    return facts


def _lines(facts: dict[str, Any]) -> Iterable[str]:
    """The facts for human readers, one per line."""
    yield f"usseg-monai {facts['usseg_monai']}, {facts['python']}, {facts['platform']}"
    yield "threads: " + ", ".join(f"{name} {value}" for name, value in facts["threads"].items())
    yield "libraries: " + ", ".join(f"{name} {found or 'missing'}" for name, found in facts["libraries"].items())
    yield f"ONNX Runtime providers: {', '.join(facts['providers']) or 'none'}"
    for name, weights in facts["weights"].items():
        files = ", ".join(f"{file} {found['state']} {found['sha256']}".rstrip() for file, found in weights["files"].items())
        yield f"{name}: {files}; {weights['license']}"
    for name, folder in facts.get("paths", {}).items():
        yield f"{name} in {folder}"


def _libraries() -> list[str]:
    """Names of all libraries that the package or one of its extras requires, except developer tools."""
    try:
        lines = requires("usseg-monai") or []
    except PackageNotFoundError:  # a checkout on the path that is not installed
        lines = ["numpy", "onnxruntime", "pillow", "pydicom", "torch", "monai"]
    used = (line for line in lines if "extra ==" not in line or "extra == 'train'" in line or "extra == 'codecs'" in line)
    return sorted({_name(line) for line in used} - {"usseg-monai"})


def _name(requirement: str) -> str:
    """The library's name in a requirement.

    >>> _name("pillow>=12.3"), _name("onnx>=1.21; extra == 'train'")
    ('pillow', 'onnx')
    """
    return requirement[: min((requirement.index(sign) for sign in _NO_WORD if sign in requirement), default=len(requirement))]


def _version(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _providers() -> list[str]:
    """Execution providers that ONNX Runtime could use."""
    try:
        import onnxruntime
    except ImportError:
        return []
    found: list[str] = onnxruntime.get_available_providers()
    return found


def _weights(task: Task) -> dict[str, Any]:
    """State of each weights file of a task, and the licence of the released ones."""
    folder = bundle_path(task.name) / "models"
    return {
        "files": {name: _state(folder / name, expected) for name, expected in task.released_sha256.items()},
        "license": task.weights_license,
    }


def _state(file: Path, released: str) -> dict[str, str]:
    """State ``released``, ``own`` or ``missing``, and the first digits of the SHA-256."""
    try:
        with file.open("rb") as stream:
            sha256 = hashlib.sha256(stream.read()).hexdigest()
    except OSError:
        return {"state": "missing", "sha256": ""}
    return {"state": "released" if sha256 == released else "own", "sha256": sha256[:12]}
