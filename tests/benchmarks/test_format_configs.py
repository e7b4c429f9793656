"""The layout of the bundles' JSON files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.format_configs import COLUMNS, CONFIGS, REPOSITORY, format_config, main

FILES = [file for pattern in CONFIGS for file in sorted(REPOSITORY.glob(pattern))]
MOST_LINES = 380

scalars = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)
contents = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5))


@settings(max_examples=200, deadline=None)
@given(contents, st.sampled_from([None, 2, 4]))
def test_content_and_order_stay_and_a_second_pass_changes_nothing(content: object, indent: int | None) -> None:
    formatted = format_config(json.dumps(content, indent=indent))
    assert json.dumps(json.loads(formatted)) == json.dumps(content)
    assert format_config(formatted) == formatted


def test_numbers_keep_their_digits() -> None:
    assert format_config('{"a": 1e-05, "b": 0.00001, "c": 1.0, "d": -0.50, "e": 9007199254740993}').splitlines()[1:-1] == [
        '    "a": 1e-05,',
        '    "b": 0.00001,',
        '    "c": 1.0,',
        '    "d": -0.50,',
        '    "e": 9007199254740993',
    ]


@pytest.mark.parametrize(("letters", "lines"), [(COLUMNS - 14, 4), (COLUMNS - 13, 6)])
def test_a_list_fills_the_line_to_its_last_column(letters: int, lines: int) -> None:
    """Indent, key, brackets, quotes and the last comma count."""
    formatted = format_config(json.dumps({"k": ["x" * letters], "l": 0}))
    assert max(len(line) for line in formatted.splitlines() if '"k"' in line) <= COLUMNS
    assert len(formatted.splitlines()) == lines


def test_what_is_not_simple_has_a_line_for_each_entry() -> None:
    assert format_config('{"a": [{"b": 1}], "c": {"d": {"e": {"f": 1}}}, "g": {}, "h": []}').splitlines() == [
        "{",
        '    "a": [',
        '        {"b": 1}',
        "    ],",
        '    "c": {',
        '        "d": {"e": {"f": 1}}',
        "    },",
        '    "g": {},',
        '    "h": []',
        "}",
    ]


def test_a_key_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="the key 'a' stands twice"):
        format_config('{"a": 1, "a": 2}')


def test_check_reports_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad, broken = (tmp_path / name for name in ("good.json", "bad.json", "broken.json"))
    good.write_text('{\n    "a": [1, 2]\n}\n')
    bad.write_text('{"a": [1,\n2]}')
    assert main(["--check", str(good)]) == 0
    assert main(["--check", str(bad)]) == 1 and bad.read_text() == '{"a": [1,\n2]}'
    assert "bad.json: not formatted; run python -m benchmarks.format_configs" in capsys.readouterr().err
    assert main([str(bad)]) == 0 and bad.read_text() == good.read_text()
    broken.write_text("{")
    assert main([str(broken)]) == 1 and broken.read_text() == "{"


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.parent.name}-{file.stem}")
def test_the_repositorys_configs_are_formatted(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert format_config(text) == text
    assert len(text.splitlines()) <= MOST_LINES, "a reader must be able to hold a config in his head"


def test_every_bundle_is_looked_at() -> None:
    assert len({file.parent.parent for file in FILES}) >= 4
