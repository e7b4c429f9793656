"""Environments in which only the wheel of this package is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


def environment_of(wheel: Path, folder: Path, libraries: Sequence[str]) -> Path:
    """Make an environment with the wheel and the libraries of this one, and return its interpreter.

    Args:
        wheel: of this package.
        folder: of the environment, empty.
        libraries: names of modules of the libraries; the folders that hold them are shared as they are.
    """
    venv.create(folder, with_pip=False)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True, timeout=240)
    (packages,) = folder.rglob("site-packages")
    specs = [find_spec(name) for name in libraries]
    places = {str(Path(spec.origin).parents[1]) for spec in specs if spec and spec.origin}
    (packages / "libraries.pth").write_text("\n".join(sorted(places)) + "\n")
    return python


def without_this_one() -> dict[str, str]:
    """The environment's variables, without those that lead to the packages of this run."""
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")}
