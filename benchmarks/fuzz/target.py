"""The form of a target."""

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
    """Something that reads what others made.

    Attributes:
        name: as on the command line.
        what: what it reads, in words.
        inputs: its share of a million.
        maker: imports what is needed and makes the seeds; returns a function from a random generator to an input.
        check: runs an input and asserts what must hold; gets the path of a file that it may write, in a folder of its own. Raises
            `UssegError` for inputs that are refused, everything else is a finding.
    """

    name: str
    what: str
    inputs: int
    maker: Callable[[], Make]
    check: Callable[[Any, Path], None]
