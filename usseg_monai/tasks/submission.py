"""Data structure of a competition's table, which ``usseg submission`` writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usseg_monai.geometry.types import MaskArray

__all__ = ["Submission"]


@dataclass(frozen=True)
class Submission:
    """A competition whose test images are named by number.

    Attributes:
        competition: its name and the content of its table, for the help text.
        header: first line of the table.
        encode: converts an image's mask to its cell in the table; a row is the image's number, a comma and that cell.
    """

    competition: str
    header: str
    encode: Callable[[MaskArray], str]
