"""What Ctrl-C does: the first one ends the work in order, the next ones do not disturb that."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["INTERRUPTED", "orderly_interrupts"]

INTERRUPTED = 130
"""Exit code: 128 + SIGINT, as shells report it."""

_PATIENCE_SECONDS = 5.0  # that the end may take, before another Ctrl-C ends the process at once


@contextmanager
def orderly_interrupts() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the first SIGINT only; a further one after some seconds ends the process at once.

    A process that ignores SIGINT, as one started in the background, goes on to ignore it.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    first: float | None = None

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
            raise KeyboardInterrupt
        if time.monotonic() - first > _PATIENCE_SECONDS:
            os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        # The process is about to end after an interrupt: another one would find Python half taken down.
        signal.signal(signal.SIGINT, signal.default_int_handler if first is None else signal.SIG_IGN)
