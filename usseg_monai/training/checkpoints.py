"""Where an interrupted training goes on."""

from __future__ import annotations

from pathlib import Path

__all__ = ["newest_checkpoint"]


def newest_checkpoint(folder: str) -> str | None:
    """Path of the checkpoint of the last whole epoch in ``folder``, or ``None`` for a fresh start.

    >>> newest_checkpoint("no such folder") is None
    True
    """
    found = sorted(Path(folder).glob("*_epoch=*.pt"), key=lambda path: int(path.stem.rpartition("=")[2]))
    return str(found[-1]) if found else None
