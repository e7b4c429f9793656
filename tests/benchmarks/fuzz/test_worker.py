"""What breaks the contract is found, wherever it leaves the process that runs it."""

from __future__ import annotations

import ctypes
import faulthandler
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from benchmarks.fuzz import worker
from benchmarks.fuzz.target import Target
from benchmarks.fuzz.worker import Part, run_range
from usseg_monai.errors import ImageError

BAD = 7
"""Number of the input that misbehaves."""


def _escape() -> None:
    raise KeyError("nobody expects this")


def _refuse_in_two_lines() -> None:
    raise ImageError("one line\nand another")


def _refuse_for_memory() -> None:
    raise ImageError("damaged") from MemoryError()


def _take_long() -> None:
    end = time.process_time() + 1.5
    while time.process_time() < end:
        pass


def _take_memory() -> None:
    """Far above the bar: systems count resident pages coarsely, and the process may free what it inherited."""
    np.ones(300_000_000, np.uint8)


def _crash() -> None:
    faulthandler.disable()  # of the tests
    ctypes.string_at(0)


def _never_end() -> None:
    while True:
        pass


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], Part]:
    """Runs twenty inputs, one of which does what it is given, another is refused as it should be."""
    context = multiprocessing.get_context("fork")  # so that the process knows the target of the test
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: context)
    monkeypatch.setattr(worker, "SECONDS_AT_MOST", 1.0)
    monkeypatch.setattr(worker, "MEGABYTES_AT_MOST", 100.0)
    monkeypatch.setattr(worker, "_ENDLESS", 4.0)

    def run(misbehave: Callable[[], None]) -> Part:
        bad, refused = (worker.generator("test", 3, number).random() for number in (BAD, BAD + 2))

        def check(case: Any, path: Path) -> None:
            if case == refused:
                raise ImageError("no picture")
            if case == bad:
                misbehave()

        target = Target("test", "numbers", 20, lambda: Random.random, check)
        monkeypatch.setattr(worker, "TARGETS", {"test": target})
        whole = Part()
        for part in run_range(target, 3, 0, 20):
            whole.add(part)
        return whole

    return run


@pytest.mark.parametrize(
    ("misbehave", "kind", "what"),
    [
        (_escape, "escaped", "KeyError: 'nobody expects this' (test_worker.py"),
        (_refuse_in_two_lines, "message", "one line\\nand another"),
        (_refuse_for_memory, "memory", "4096 MB asked for"),
        (_take_long, "slow", " s"),
        (_take_memory, "memory", " MB"),
        (_crash, "crashed", "SIGSEGV"),
        (_never_end, "hung", "SIGPROF"),
    ],
)
def test_findings(ran: Callable[[Callable[[], None]], Part], misbehave: Callable[[], None], kind: str, what: str) -> None:
    part = ran(misbehave)
    assert part.inputs == 20
    assert [(finding.number, finding.kind) for finding in part.findings] == [(BAD, kind)]
    assert what in part.findings[0].what


def test_good_inputs_are_counted_and_measured(ran: Callable[[Callable[[], None]], Part]) -> None:
    part = ran(lambda: None)
    assert (part.inputs, part.refused, part.findings) == (20, 1, [])
    assert part.slowest[0] < 0.1 and 0 <= part.slowest[1] < 20


def test_a_target_that_cannot_be_prepared_is_no_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    context = multiprocessing.get_context("fork")
    monkeypatch.setattr(multiprocessing, "get_context", lambda _: context)

    def maker() -> Any:
        raise ImportError("no library")

    target = Target("test", "nothing", 1, maker, lambda case, path: None)
    monkeypatch.setattr(worker, "TARGETS", {"test": target})
    with pytest.raises(RuntimeError, match=r"(?s)test could not make its inputs; seeds:.*no library"):
        list(run_range(target, 3, 0, 1))
