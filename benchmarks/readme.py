"""Insert the benchmarks' tables into README.md."""

from __future__ import annotations

__all__ = ["insert_table"]


def insert_table(text: str, name: str, table: str) -> str:
    """Put a table between the markers ``<!-- NAME:begin -->`` and ``<!-- NAME:end -->`` of a Markdown text, replacing the old one.

    Raises:
        ValueError: the text lacks a marker.

    >>> insert_table("above <!-- speed:begin -->old<!-- speed:end --> below", "speed", "new").splitlines()
    ['above <!-- speed:begin -->', 'new', '<!-- speed:end --> below']
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    head, found_begin, rest = text.partition(begin)
    _, found_end, tail = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"the text lacks the markers {begin} and {end}: put them where the table belongs")
    return f"{head}{begin}\n{table}\n{end}{tail}"
