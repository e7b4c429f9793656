"""Interrupts at chosen lines of a module."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, ModuleType
from typing import Any

__all__ = ["interrupted"]


def interrupted(module: ModuleType, line: int, action: Callable[[], object]) -> bool:
    """Run an action with an interrupt before a line of the module, counted from 1 as they run; whether it came."""
    came = False

    def tracer(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        nonlocal line, came
        if frame.f_code.co_filename != module.__file__:
            return None
        if event == "line":
            line -= 1
            if line == 0:
                came = True
                raise KeyboardInterrupt
        return tracer

    before = sys.gettrace()  # that of coverage
    sys.settrace(tracer)
    with suppress(KeyboardInterrupt):
        action()
    sys.settrace(before)
    return came
