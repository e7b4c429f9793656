"""What objects are made from: the measured pictures of one file or one stack, and who measured them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from usseg_monai import __version__
from usseg_monai.dicom.headers import Header, frames_of
from usseg_monai.dicom.uids import digest, make_uid
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.files.table import Value
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging import GreyImage
from usseg_monai.measuring.result import Measurement
from usseg_monai.tasks import Task, load
from usseg_monai.tasks.codes import TaskCodes

__all__ = ["Case", "Maker", "Probability", "Shot", "Study", "image_of"]

Probability = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Maker:
    """Who made the results.

    Attributes:
        task: the task.
        weights_sha256: of the weights; empty for masks that no network made.
        version: of this package.
    """

    task: Task
    weights_sha256: str
    version: str = __version__

    @cached_property
    def codes(self) -> TaskCodes:
        """Codes of the task.

        Raises:
            UsageError: it has none.
        """
        if not self.task.codes:
            raise UsageError(f"{self.task.name} has no codes, so that no DICOM objects can be made of its results: add tasks/NAME/codes.py")
        found: TaskCodes = load(self.task.codes)
        return found

    def uid(self, *parts: object) -> str:
        """An identifier that depends on these parts, the task, the weights and the version."""
        return make_uid(self.task.name, self.weights_sha256, self.version, *parts)


@dataclass(frozen=True, eq=False)
class Shot:
    """One measured picture.

    Attributes:
        header: of its file.
        frame: index from 0 of the frame in the file.
        mask: uint8 ``(rows, cols)``, background 0, structure 1.
        measurement: of the mask.
        spacing_mm: ``(row, col)`` that was used, ``None`` if unknown.
        corrected: whether the mask is not the network's any more.
        place: such as ``end diastole, slice 3``; empty for pictures that are in no stack.
        image: reads the picture; for objects that show it.
        probability: reads the probabilities, float32 ``(rows, cols)``, 0 to 1; for fractional segmentations.

    Raises:
        ImageError: mask and picture differ in size.
    """

    header: Header
    frame: int
    mask: MaskArray
    measurement: Measurement
    spacing_mm: Spacing | None
    corrected: bool = False
    place: str = ""
    image: Callable[[], GreyImage] | None = None
    probability: Callable[[], Probability] | None = None

    def __post_init__(self) -> None:
        rows, cols = int(self.elements.Rows), int(self.elements.Columns)
        if self.mask.shape != (rows, cols):
            raise ImageError(f"the mask has {self.mask.shape[0]} x {self.mask.shape[1]} pixels, the image {rows} x {cols}")
        if not 0 <= self.frame < frames_of(self.elements):
            raise ImageError(f"frame {self.frame} of {frames_of(self.elements)}: the source is not the file that was measured")

    @property
    def elements(self) -> Dataset:
        """The header of its file."""
        return self.header.elements

    @property
    def frame_number(self) -> int | None:
        """Number of its frame from 1; ``None`` in a file of one frame."""
        return self.frame + 1 if frames_of(self.elements) > 1 else None

    @cached_property
    def identity(self) -> str:
        """Depends on the image, the frame, the mask and the status of the result."""
        status = self.measurement.status.value
        return f"{self.elements.SOPInstanceUID} {self.frame} {digest(self.mask)} {self.spacing_mm} {status} {self.corrected}"


@dataclass(frozen=True)
class Study:
    """Numbers of a whole stack.

    Attributes:
        name: of the stack.
        values: its row of the table of studies.
    """

    name: str
    values: Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class Case:
    """The measured pictures that one set of objects describes: those of one file, or of a stack.

    Attributes:
        made: local time at which the results were made; objects carry it, so that making them again gives the same bytes.
        shots: all in one study; of a stack in the order of its slices, phase after phase. At least one.
        phases: of a stack, the name of each phase and the indices of its shots.
        study: numbers of the stack; ``None`` for single files.
    """

    made: datetime
    shots: Sequence[Shot]
    phases: Mapping[str, Sequence[int]] | None = None
    study: Study | None = None

    @property
    def headers(self) -> list[Dataset]:
        """The headers of its files, each once."""
        return list({str(shot.elements.SOPInstanceUID): shot.elements for shot in self.shots}.values())

    @property
    def cures(self) -> list[str]:
        """What was cured, each once."""
        return list(dict.fromkeys(cure for shot in self.shots for cure in shot.header.cures))

    @property
    def identity(self) -> str:
        """Depends on all that the objects depend on, but for who made them."""
        return make_uid(*(shot.identity for shot in self.shots), *(sorted(self.study.values.items()) if self.study else ()))


def image_of(shot: Shot) -> GreyImage:
    """The picture of a shot.

    Raises:
        ImageError: it is not known, or cannot be read.
    """
    if shot.image is None:
        raise ImageError("the picture is not known, which sc and pdf show: make seg, sr or gsps")
    return shot.image()
