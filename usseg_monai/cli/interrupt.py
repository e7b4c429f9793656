"""Handles Ctrl-C: the first one starts an orderly shutdown, further ones do not disturb it."""

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

_PATIENCE_SECONDS = 5.0  # for the shutdown; after that, another Ctrl-C ends the process at once


@contextmanager
def orderly_interrupts() -> Iterator[None]:
    """Raise `KeyboardInterrupt` at the first SIGINT only; a further one after some seconds ends the process at once.

    A process that ignores SIGINT, such as one started in the background, keeps ignoring it.
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
        # After an interrupt the process is about to end: another one would hit Python during its shutdown.
        signal.signal(signal.SIGINT, signal.default_int_handler if first is None else signal.SIG_IGN)
