"""Bounded reading of the user's text files: a file that is not a table, list or datalist must not fill the memory before it is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from usseg_monai.errors import UsageError

__all__ = ["LONGEST_LINE", "lines_of", "text_of"]

LONGEST_LINE = 1 << 16
"""Characters; a path has 4096 at most."""


def lines_of(stream: TextIO, name: str, *, most: int) -> Iterator[str]:
    """The lines of a text, each with its end.

    Args:
        stream: the text, opened.
        name: for messages.
        most: largest number of lines.

    Raises:
        UsageError: more lines, or a longer one than `LONGEST_LINE`.

    >>> import io
    >>> list(lines_of(io.StringIO("a\\nb"), "list.txt", most=2))
    ['a\\n', 'b']
    """
    for number in range(1, most + 1):
        line = stream.readline(LONGEST_LINE + 1)
        if not line:
            return
        if len(line) > LONGEST_LINE:
            raise UsageError(f"{name}, line {number}: more than {LONGEST_LINE} characters in one line; is it a text at all?")
        yield line
    if stream.read(1):
        raise UsageError(f"{name}: more than {most} lines; split it")


def text_of(path: Path, *, most: int) -> str:
    """A whole UTF-8 text.

    Args:
        path: of the file.
        most: largest number of characters.

    Raises:
        UsageError: more characters. `OSError` and `UnicodeDecodeError` if it cannot be read or is not text.
    """
    with path.open(encoding="utf-8-sig") as stream:
        text = stream.read(most + 1)
    if len(text) > most:
        raise UsageError(f"{path}: more than {most} characters; split it")
    return text
