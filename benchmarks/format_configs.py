"""One layout for the JSON files of bundles and recipes: values that fit on a line are on one line.

    python -m benchmarks.format_configs [--check] [FILE ...]

Without files, all configs of the repository are formatted. A list or an object is written on one line if it fits within `COLUMNS` and is
simple: it holds plain values, or containers of plain values, but no list of objects. Everything else has one entry per line. The
order of the keys and the spelling of the numbers are unchanged, so the meaning of the files is, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usseg_monai.files.write import write_text

REPOSITORY = Path(__file__).resolve().parents[1]
CONFIGS = ("bundles/*/configs/*.json", "usseg_monai/teaching/configs/*/*.json")
COLUMNS = 140
"""Maximum length of a line with a list or an object."""

_INDENT = "    "
_MOST_LEVELS = 2
"""Maximum nesting of containers on one line: an object with a list, not one with an object with a list."""


class _Number(float):
    """A number with its digits as spelled in the file."""

    text: str

    def __new__(cls, text: str) -> _Number:
        number = super().__new__(cls, text)
        number.text = text
        return number


def format_config(text: str) -> str:
    """Format a JSON text.

    Raises:
        ValueError: not JSON, or an object has the same key twice.

    >>> print(format_config('{"size": [1e-5,\\n 2], "steps": [{"keys": "image"}, {"keys": "label"}]}'), end="")
    {
        "size": [1e-5, 2],
        "steps": [
            {"keys": "image"},
            {"keys": "label"}
        ]
    }
    """
    content = json.loads(text, parse_float=_Number, parse_int=_Number, object_pairs_hook=_unique)
    return _expanded(content, "") + "\n"


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice in one object: only the last one counts, leave the others out")
        found[key] = value
    return found


def _expanded(value: Any, indent: str) -> str:
    """A value over several lines; the first continues a line, the others are indented."""
    if not isinstance(value, (dict, list)) or not value:
        return _inline(value)
    inner = indent + _INDENT
    entries = [(f"{_inline(key)}: ", each) for key, each in value.items()] if isinstance(value, dict) else [("", each) for each in value]
    lines = [f"{inner}{key}{_fitted(each, inner, len(inner) + len(key))}" for key, each in entries]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return "\n".join([opening, ",\n".join(lines), indent + closing])


def _fitted(value: Any, indent: str, column: int) -> str:
    """A value on one line, if it is simple and ends, with a comma, within `COLUMNS`; else over several lines."""
    if _levels(value) <= _MOST_LEVELS:
        line = _inline(value)
        if column + len(line) < COLUMNS:
            return line
    return _expanded(value, indent)


def _levels(value: Any) -> int:
    """Nesting depth of containers; a list of objects counts as too deep for a line."""
    if not isinstance(value, (dict, list)):
        return 0
    if isinstance(value, list) and any(isinstance(each, dict) for each in value):
        return _MOST_LEVELS + 1
    return 1 + max((_levels(each) for each in (value.values() if isinstance(value, dict) else value)), default=0)


def _inline(value: Any) -> str:
    if isinstance(value, _Number):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_inline(key)}: {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def main(argv: Sequence[str] | None = None) -> int:
    """Format the files, or list unformatted ones; returns 1 if ``--check`` finds any, or a file is not JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.format_configs", description="Format the JSON files of bundles and recipes."
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="files to format (default: all configs of the repository)")
    parser.add_argument("--check", action="store_true", help="change nothing; report files that are not formatted")
    args = parser.parse_args(argv)
    bad = 0
    for file in args.files or [file for pattern in CONFIGS for file in sorted(REPOSITORY.glob(pattern))]:
        text = file.read_text(encoding="utf-8")
        try:
            formatted = format_config(text)
        except ValueError as error:
            print(f"{file}: {error}", file=sys.stderr)
            bad += 1
            continue
        if formatted == text:
            continue
        if args.check:
            print(f"{file}: not formatted; run python -m benchmarks.format_configs", file=sys.stderr)
            bad += 1
        else:
            write_text(file, formatted)
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
