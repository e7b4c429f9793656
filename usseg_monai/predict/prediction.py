"""The result for one image, and its conversions for Python programs and notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import UsageError, did_you_mean
from usseg_monai.files.table import Value
from usseg_monai.geometry.types import EqualByContent, MaskArray
from usseg_monai.imaging.image import GreyImage
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.tasks.record import Task

__all__ = ["PICTURES", "Prediction"]

PICTURES = ("mask", "overlay", "probability")
"""Pictures that can be saved as PNG."""

_FULL = 65535  # probability 1 in a 16-bit PNG


@dataclass(frozen=True, eq=False, repr=False)
class Prediction(EqualByContent):
    """The result for one image. A notebook shows its overlay and numbers.

    Two predictions are equal if all their attributes are equal, arrays element by element.

    Attributes:
        image: the image as read, with the spacing that was used.
        mask: uint8 ``(rows, cols)``, same size as the image, background 0, structure 1.
        probability: float32 ``(rows, cols)``, 0 to 1.
        measurement: the measured values and their status.
        task: the task.

    >>> from usseg_monai.tasks import get_task
    >>> mask = np.zeros((60, 90), np.uint8)
    >>> mask[20:40, 30:60] = 1
    >>> task = get_task("nerve")
    >>> found = Prediction(GreyImage(mask * np.float32(200), (0.1, 0.1)), mask, mask.astype(np.float32), task.measure(mask, 0.1), task)
    >>> found
    <Prediction of nerve: ok, area 6.0 mm², equivalent diameter 2.8 mm, 60 x 90 pixels of 0.1 x 0.1 mm>
    >>> found.to_dict()["measurements"]["area_mm2"], found.overlay().dtype
    (6.0, dtype('uint8'))
    """

    image: GreyImage
    mask: MaskArray
    probability: npt.NDArray[np.float32]
    measurement: Measurement
    task: Task

    @property
    def measurements(self) -> Mapping[str, Value]:
        """Measured values by result column of the task; ``None`` if unknown."""
        return self.measurement.values

    @property
    def status(self) -> Status:
        """How far the measurements can be trusted."""
        return self.measurement.status

    @property
    def message(self) -> str:
        """One-line explanation of the status; empty if there is nothing to add."""
        return self.measurement.message

    @property
    def confidence(self) -> float | None:
        """Expected Dice of the mask, 0 to 1; ``None`` if the weights do not provide it."""
        return self.measurement.confidence

    def to_dict(self) -> dict[str, Any]:
        """All values as JSON types: names as in the results table, ``None`` for unknown values, no arrays.

        ``file`` is the name of the file without its folders, ``None`` for an array; ``spacing_mm`` is ``[row, col]``.
        """
        source, spacing_mm = self.image.source, self.image.spacing_mm
        return {
            "task": self.task.name,
            "file": None if source.format == "array" else source.path.name,
            "frame": source.frame,
            "shape": list(self.mask.shape),
            "spacing_mm": None if spacing_mm is None else list(spacing_mm),
            "status": self.status.value,
            "message": self.message,
            **self.measurement.trust,
            "measurements": dict(self.measurement.values),
            "parts": [dict(part) for part in self.measurement.parts],
        }

    def overlay(self) -> npt.NDArray[np.uint8]:
        """RGB picture ``(rows, cols, 3)``: the image, enlarged if small, with the outline drawn in and the measurements below."""
        from usseg_monai.imaging.drawing.overlay import draw_overlay  # late: saving masks needs no drawing
        from usseg_monai.report.caption import caption, marks

        return draw_overlay(self.image, self.mask, marks(self.measurement), caption=caption(self.task, self.measurement))

    def save(self, file: str | Path, picture: str = "overlay") -> None:
        """Write one picture to a PNG file, completely or not at all; folders are created as needed.

        Args:
            file: target; a name that ends with ``.json`` gets the numbers of `to_dict` instead of a picture.
            picture: ``overlay``, RGB; ``mask``, 8 bit, background 0, structure 255; ``probability``, 16 bit, 65535 for 1.

        Raises:
            UsageError: unknown picture, or a name that ends with neither ``.png`` nor ``.json``.
            OutputError: the file cannot be written.
        """
        suffix = Path(file).suffix.lower()
        if picture not in PICTURES:
            raise UsageError(f"unknown picture {picture!r}: the pictures are {', '.join(PICTURES)}{did_you_mean(picture, PICTURES)}")
        if suffix == ".json":
            import json

            from usseg_monai.files.write import write_text

            write_text(Path(file), json.dumps(self.to_dict(), indent=2) + "\n")
        elif suffix != ".png":
            raise UsageError(f"{file}: pictures are written as PNG, numbers as JSON; give a name that ends with .png or .json")
        else:
            self._write_picture(Path(file), picture)

    def _write_picture(self, file: Path, picture: str) -> None:
        from usseg_monai.files.png import write_png  # late: many programs write nothing

        if picture == "mask":
            write_png(file, (self.mask != 0) * np.uint8(255))
        elif picture == "overlay":
            write_png(file, self.overlay())
        else:
            write_png(file, np.rint(self.probability.clip(0, 1) * _FULL).astype(np.uint16))

    def __repr__(self) -> str:
        rows, cols = self.mask.shape
        spacing = "" if self.image.spacing_mm is None else " of {:.3g} x {:.3g} mm".format(*self.image.spacing_mm)
        return f"<Prediction of {self.task.name}: {', '.join((self.status.value, *self._numbers()))}, {rows} x {cols} pixels{spacing}>"

    def _repr_png_(self) -> bytes:
        """The overlay as PNG, for notebooks."""
        from usseg_monai.files.png import encode_png

        return encode_png(self.overlay())

    def _repr_html_(self) -> str:
        """The overlay and the numbers, for notebooks."""
        from base64 import b64encode
        from html import escape

        lines = [f"{self.task.title}: {self.status.value.replace('_', ' ')}", *self._numbers(), self.message]
        if self.confidence is not None:
            lines.insert(1, f"expected Dice {self.confidence:.2f}")
        picture = b64encode(self._repr_png_()).decode()
        numbers = "".join(f"<li>{escape(line)}</li>" for line in lines if line)
        return f'<img alt="{escape(lines[0])}" src="data:image/png;base64,{picture}" style="max-width: 100%"/><ul>{numbers}</ul>'

    def _numbers(self) -> list[str]:
        """The measurements for human readers, one text per value."""
        from usseg_monai.report.caption import describe  # late, like drawing

        return describe(self.task, self.measurement)
