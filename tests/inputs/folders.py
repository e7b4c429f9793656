"""Folders of empty files, and what is found in them."""

from __future__ import annotations

from pathlib import Path

from usseg_monai.inputs.naming import Input


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def named(found: list[Input]) -> dict[str, str]:
    return {item.file: item.output for item in found}
