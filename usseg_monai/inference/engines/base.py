"""What every engine takes and gives, so that nothing above cares which one runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from usseg_monai.imaging.image import GreyArray, MaskArray

__all__ = ["BatchEngine", "Engine", "EngineOutput"]


@dataclass(frozen=True)
class EngineOutput:
    """What a network says about one image.

    Attributes:
        probability: of the structure, float32 ``(rows, cols)`` on the image's own grid, 0 to 1.
        mask: uint8 ``(rows, cols)``, background 0, structure 1.
        extras: the task's further outputs by name, one number each; empty for tasks that have none.
    """

    probability: npt.NDArray[np.float32]
    mask: MaskArray
    extras: Mapping[str, float] = field(default_factory=dict)


class Engine(Protocol):
    """Runs a task's network on decoded grey values.

    Attributes:
        name: as on the command line, ``onnx`` or ``torch``.
        device: where it runs: ``cpu``, ``cuda`` ...
        weights_sha256: SHA-256 of the file that the weights came from.
    """

    name: str
    device: str
    weights_sha256: str

    def __call__(self, pixels: GreyArray) -> EngineOutput:
        """Segment grey values, float32 ``(rows, cols)`` of any size and range."""
        ...


class BatchEngine(Engine, Protocol):
    """An engine that takes several images, of whatever sizes, through the network together."""

    def batch(self, images: Sequence[GreyArray]) -> list[EngineOutput]:
        """Segment several images; one output each, in their order."""
        ...
