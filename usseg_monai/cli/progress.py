"""Progress on standard error: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, Task
    from rich.text import Text

__all__ = ["Report", "progress"]

Report = Callable[[int, "int | None"], None]
"""Callback ``(done, total)``; ``total`` is ``None`` while unknown. Rate and time left count from the first call with a known total."""

_SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def progress(unit: str, *, stream: TextIO | None = None) -> Iterator[Report]:
    """Show progress.

    Args:
        unit: what is counted, in the plural.
        stream: output stream, by default standard error.

    >>> with progress("images") as report:
    ...     report(0, 2)
    ...     report(2, 2)
    """
    stream = stream or sys.stderr
    with ExitStack() as closing:
        yield _bar(unit, stream, closing) if stream.isatty() else _lines(unit, stream)


def _bar(unit: str, stream: TextIO, closing: ExitStack) -> Report:
    """A bar that appears with the first call, unless the total is 1: a single image must not wait for the import of Rich."""
    bar: Progress | None = None

    def report(done: int, total: int | None) -> None:
        nonlocal bar
        if bar is not None:
            bar.update(bar.task_ids[0], completed=done, total=total)
        elif total != 1:
            bar = closing.enter_context(_rich_progress(unit, stream))
            bar.add_task(unit, completed=done, total=total)

    return report


def _rich_progress(unit: str, stream: TextIO) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.1f}/s" if task.speed else "")

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn(unit), RateColumn(), TimeRemainingColumn(), TextColumn("left"))
    return Progress(*columns, console=Console(file=stream))


def _lines(unit: str, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> Report:
    """A report that prints at most one line every `_SECONDS_BETWEEN_LINES`, and none for short tasks."""
    start: tuple[int, float] | None = None
    printed = 0.0

    def report(done: int, total: int | None) -> None:
        nonlocal start, printed
        if total is None:
            return
        now = clock()
        if start is None:
            start, printed = (done, now), now
        elif done > start[0] and now - printed >= _SECONDS_BETWEEN_LINES:
            rate = (done - start[0]) / (now - start[1])
            print(f"usseg: {done} of {total} {unit}, {rate:.1f}/s, {(total - done) / rate:.0f} s left", file=stream, flush=True)
            printed = now

    return report
