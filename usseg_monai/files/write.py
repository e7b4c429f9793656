"""Atomic writing of files: a file exists whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from usseg_monai.errors import OutputError

__all__ = ["atomic_path", "is_temporary", "write_text"]

_TEMPORARY = re.compile(r"\.[0-9a-f]{16}(\..*)?")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary file name beside `path`, renamed to `path` when the block succeeds, removed when it fails.

    Folders are made as needed. A link at `path` is replaced, never followed. The block must only write: its `OSError` becomes an
    `OutputError`.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "new" / "a.txt"
    >>> with atomic_path(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")  # the suffix stays: some writers choose the format by it
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path}: cannot be written ({error.strerror or error}); give another output folder, or make room in this one"
        ) from error
    finally:
        with suppress(OSError):  # after success it no longer exists
            temporary.unlink()


def is_temporary(name: str) -> bool:
    """Whether a file name is one that `atomic_path` makes: such a file was left by a killed process.

    >>> is_temporary(".0123456789abcdef.png"), is_temporary("accounts.jsonl"), is_temporary("0123456789abcdef.png")
    (True, False, False)
    """
    return _TEMPORARY.fullmatch(name) is not None


def write_text(path: str | Path, text: str) -> None:
    """Write text in UTF-8 with its line ends unchanged; raises `OutputError` like `write_png`.

    File names may hold bytes that are not UTF-8; they are written as ``\\udcXX``.
    """
    with atomic_path(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))
