"""A bar on a terminal, few plain lines elsewhere."""

from __future__ import annotations

import io

from usseg_monai.cli import progress as module
from usseg_monai.cli.progress import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_bar_on_a_terminal_shows_count_and_rate() -> None:
    terminal = Terminal()
    with progress("images", stream=terminal) as report:
        report(0, None)
        for done in range(11):
            report(done, 10)
    assert "10/10" in terminal.getvalue()
    assert "images" in terminal.getvalue()


def test_no_bar_for_a_single_image() -> None:
    terminal = Terminal()
    with progress("images", stream=terminal) as report:
        report(0, 1)
        report(1, 1)
    assert terminal.getvalue() == ""


def test_short_work_prints_nothing_elsewhere() -> None:
    stream = io.StringIO()
    with progress("images", stream=stream) as report:
        for done in range(101):
            report(done, 100)
    assert stream.getvalue() == ""


def test_one_line_every_few_seconds_with_rate_and_time_left_since_the_start() -> None:
    stream, now = io.StringIO(), 0.0
    report = module._lines("images", stream, clock=lambda: now)
    report(0, None)
    now = 100.0  # the search for files is no part of the rate
    report(40, 100)  # 40 were done by an earlier run
    for done in range(41, 61):
        now += 0.5
        report(done, 100)
    assert stream.getvalue().splitlines() == [
        "usseg: 50 of 100 images, 2.0/s, 25 s left",
        "usseg: 60 of 100 images, 2.0/s, 20 s left",
    ]
