"""Recognises the output folder of a run, whose files are never inputs."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["RECORD_HEAD", "RESULT_FOLDERS", "RUN_RECORD", "is_run_record"]

RUN_RECORD = "run.json"
"""Name of the record that every run leaves."""

RECORD_HEAD = b'{\n "task": "'
"""First bytes of a run record."""

RESULT_FOLDERS = frozenset(("masks", "overlays", "probabilities", "nifti", "labelstudio", "clips", "studies", "dicom"))
"""Names of all results folders that a run may write beside its record."""


def is_run_record(path: Path) -> bool:
    """Whether a file begins like a run record; only its first bytes are read. A link does not count."""
    try:
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            return file.read(len(RECORD_HEAD)) == RECORD_HEAD
    except OSError:
        return False
