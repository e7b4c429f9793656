"""Data structure of a target."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

__all__ = ["Target"]

Make = Callable[[Random], Any]


@dataclass(frozen=True)
class Target:
    """A reader of user-supplied input.

    Attributes:
        name: as on the command line.
        what: description of its input.
        inputs: number of inputs, out of a million for all targets.
        maker: imports what is needed and makes the seeds; returns a function from a random generator to an input.
        check: runs an input and asserts what must hold; gets the path of a file that it may write, in its own folder. Raises
            `UssegError` for refused inputs; any other exception is a finding.
    """

    name: str
    what: str
    inputs: int
    maker: Callable[[], Make]
    check: Callable[[Any, Path], None]
