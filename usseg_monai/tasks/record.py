"""The form of a task's record."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from usseg_monai.imaging.image import MaskArray, Spacing
    from usseg_monai.measurements.result import Measurement


UNITS = {"mm": "mm", "mm2": "mm²", "ml": "ml", "px": "px", "percent": "%", "weeks": "weeks", "deg": "°", "g": "g"}
"""Units by the last word of a column's name, as people write them."""

UNSPECIFIC = ("", "OT", "SC", "XC")
"""Modalities of a DICOM header that say nothing of where a picture came from: none, other, secondary capture, photograph."""


@dataclass(frozen=True)
class Column:
    """One column of the results table; the unit stands at the end of the name, as in `UNITS`."""

    name: str
    description: str


@dataclass(frozen=True)
class Task:
    """Everything the shared code needs to know about a task.

    Attributes:
        name: as on the command line.
        title: one line for people.
        modality: that its pictures have, as DICOM names it.
        labels: names of the mask's values, background first.
        columns: the task's own result columns, in order.
        measurement: ``module:function`` of ``(mask, spacing_mm, **outputs) -> Measurement``; named, not imported, to keep this light.
        bundle: folder of the bundle.
        weights_license: what the data's licence allows to do with the weights.
        weights_sha256: SHA-256 of ``models/model.onnx`` as released.
        checkpoint_sha256: likewise of ``models/model.pt``, from which that graph was made.
        trust_sha256: likewise of ``models/model.trust``, which holds what is known of the answers of these weights.
        outputs: numbers that the network gives besides the mask, each a column and a keyword argument of the measurement, too.
        classes: what an image as a whole may be, in the order of the network's class index; empty for tasks that do not classify.
        part_name: what each of several structures in an image is called, in one word; empty for tasks that measure one.
        part_columns: of the table of parts, in order.
        low_confidence: expected Dice below which a mask is to be looked at, 0 to 1.
        study: ``module:function`` that sums frames up into studies (`usseg_monai.inference.studies`); empty for tasks that have none.
        study_columns: of the table of studies, in order.
    """

    name: str
    title: str
    modality: str
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    measurement: str
    bundle: str
    weights_license: str
    weights_sha256: str
    checkpoint_sha256: str
    trust_sha256: str
    low_confidence: float
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    part_name: str = ""
    part_columns: tuple[Column, ...] = ()
    study: str = ""
    study_columns: tuple[Column, ...] = ()

    def accepts(self, modality: str) -> bool:
        """Whether a picture of this modality, as its DICOM header names it, can be one of the task's.

        >>> from usseg_monai.tasks import get_task
        >>> [get_task("fetal_head").accepts(modality) for modality in ("US", "SC", "", "MR", "CT")]
        [True, True, True, False, False]
        """
        return modality.upper() in (self.modality, *UNSPECIFIC)

    def measure(self, mask: MaskArray, spacing_mm: Spacing | None, **outputs: float) -> Measurement:
        """Measure a mask ``(rows, cols)``; nonzero is structure. Spacing ``(row, col)`` in mm or ``None``.

        Args:
            mask: of one image.
            spacing_mm: of that image.
            outputs: what the network said besides the mask, by the names of the attribute ``outputs``; none for masks from elsewhere.
        """
        module, function = self.measurement.split(":")
        result: Measurement = getattr(importlib.import_module(module), function)(mask, spacing_mm, **outputs)
        return result

    def measure_answer(self, mask: MaskArray, spacing_mm: Spacing | None, said: Mapping[str, float]) -> Measurement:
        """Measure a network's mask, and qualify the numbers by what the network thinks of it.

        Args:
            mask: of one image, ``(rows, cols)``.
            spacing_mm: of that image.
            said: all numbers that the network gave besides the mask, by name; what is neither of the attribute ``outputs`` nor of
                `usseg_monai.measurements.trust` is left aside.
        """
        from usseg_monai.measurements.trust import TRUST_OUTPUTS, judge

        outputs, trust = ({name: said[name] for name in names if name in said} for names in (self.outputs, TRUST_OUTPUTS))
        return judge(self.measure(mask, spacing_mm, **outputs), low_confidence=self.low_confidence, **trust)
