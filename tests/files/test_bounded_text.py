"""Bounds of texts: just within, and just beyond."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.files.bounded_text import LONGEST_LINE, lines_of, text_of


def test_lines_keep_their_ends() -> None:
    assert list(lines_of(io.StringIO("a\n\nb"), "x", most=3)) == ["a\n", "\n", "b"]
    assert list(lines_of(io.StringIO(""), "x", most=0)) == []


def test_too_many_lines() -> None:
    with pytest.raises(UsageError, match="x: more than 2 lines; split it"):
        list(lines_of(io.StringIO("a\n\nb"), "x", most=2))


def test_the_length_of_a_line() -> None:
    line = "a" * (LONGEST_LINE - 1) + "\n"
    assert list(lines_of(io.StringIO(line * 2), "x", most=2)) == [line] * 2
    with pytest.raises(UsageError, match="x, line 2: more than 65536 characters in one line"):
        list(lines_of(io.StringIO(line + "a" + line), "x", most=2))


def test_a_device_without_end_is_left_after_one_line() -> None:
    with Path("/dev/zero").open(encoding="utf-8") as stream, pytest.raises(UsageError, match="line 1: more than"):
        list(lines_of(stream, "zero", most=2))


def test_the_length_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("\ufeffäbc", encoding="utf-8")
    assert text_of(path, most=3) == "äbc"
    with pytest.raises(UsageError, match="more than 2 characters; split it"):
        text_of(path, most=2)
