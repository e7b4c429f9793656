"""Separates the log of MONAI's engines during training from the command's own output."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

__all__ = ["engine_log"]


@contextlib.contextmanager
def engine_log() -> Iterator[None]:
    """Redirect the engines' log to standard error, suppress the libraries' warnings, and suppress the tracebacks that the engines would log
    on Ctrl-C."""
    previous = signal.signal(signal.SIGINT, _interrupt)
    try:
        with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        signal.signal(signal.SIGINT, previous)
        logging.disable(logging.NOTSET)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    logging.disable()
    raise KeyboardInterrupt
