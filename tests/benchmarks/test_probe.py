"""Every error of the probe still has its place in the code."""

from __future__ import annotations

import ast

import pytest

from benchmarks.mutation import REPOSITORY, mirror
from benchmarks.probe import SLIPS, Slip


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip.module}-{slip.old}")
def test_an_error_changes_what_a_module_means(slip: Slip) -> None:
    source = (REPOSITORY / slip.module).read_text(encoding="utf-8")
    assert ast.dump(ast.parse(slip.source())) != ast.dump(ast.parse(source))
    assert (REPOSITORY / mirror(slip.module)).is_file()


def test_a_line_that_is_gone_is_named() -> None:
    with pytest.raises(ValueError, match="0 times, not once: adapt"):
        Slip("usseg_monai/errors.py", "no such line", "").source()


def test_the_probe_has_as_many_errors_as_it_says() -> None:
    assert len(set(SLIPS)) == 38
