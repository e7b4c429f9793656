"""The interface of all engines; callers do not depend on which one runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from usseg_monai.geometry.types import GreyArray, MaskArray

__all__ = ["Answer", "BatchEngine", "Engine"]

Answer = tuple[MaskArray, npt.NDArray[np.float32], Mapping[str, float]]
"""A network's answer for one image, ``(mask, probability, extras)``:

- mask: uint8 ``(rows, cols)`` on the image's own grid, background 0, structure 1;
- probability: of the structure, float32 on the same grid, 0 to 1;
- extras: further outputs of the task by name, one number each; may be empty.
"""


class Engine(Protocol):
    """Runs a task's network on decoded grey values.

    Attributes:
        name: as on the command line, ``onnx`` or ``torch``.
        device: where it runs: ``cpu``, ``cuda`` ...
        weights_sha256: SHA-256 of the weights file.
    """

    name: str
    device: str
    weights_sha256: str

    def __call__(self, pixels: GreyArray) -> Answer:
        """Segment grey values, float32 ``(rows, cols)`` of any size and range."""
        ...


class BatchEngine(Engine, Protocol):
    """An engine that runs several images, of any sizes, in one pass of the network."""

    def batch(self, images: Sequence[GreyArray]) -> list[Answer]:
        """Segment several images; returns one answer per image, in order."""
        ...
