"""Data structure of a task's record."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from usseg_monai.geometry.types import Spacing
    from usseg_monai.measuring.result import Measurement

__all__ = ["CLIP_FOLDER", "CLIP_TABLE", "SLICE_COLUMNS", "STUDY_FOLDER", "STUDY_TABLE", "UNITS", "UNSPECIFIC", "Column", "Task", "load"]


UNITS = {"mm": "mm", "mm2": "mm²", "ml": "ml", "px": "px", "percent": "%", "weeks": "weeks", "deg": "°", "g": "g"}
"""Written units, by the last word of a column's name."""

STUDY_TABLE = "studies.csv"
"""File name of the table of studies, for tasks that combine frames into studies."""

STUDY_FOLDER = "studies"
"""Name of the results folder with one study's files."""

CLIP_TABLE = "clips.csv"
"""File name of the table of clips, for tasks that sum up the frames of a clip."""

CLIP_FOLDER = "clips"
"""Name of the results folder with one table of frames per clip, and the annotated clips."""

SLICE_COLUMNS = ("slice", "phase", "position_mm", "time_ms")
"""First columns of a study's table of slices. The others include ``file`` and ``frame``, and may include ``rows`` and ``cols``."""

UNSPECIFIC = ("", "OT", "SC", "XC")
"""DICOM modalities that do not identify the kind of scanner: empty, other, secondary capture, photograph."""


def load(reference: str) -> Any:
    """Import the object that a task's record names as ``module:object``. Names keep the import of records light.

    >>> load("usseg_monai.tasks.record:UNITS")["ml"]
    'ml'
    """
    module, name = reference.split(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class Column:
    """One column of the results table; the last word of its name is the unit, see `UNITS`."""

    name: str
    description: str


@dataclass(frozen=True)
class Option:
    """A folder that a user may give beside the images: ``--NAME DIR`` on the command line.

    Attributes:
        name: of the option, and of the keyword argument that passes it to the task's code.
        description: what the folder holds.
    """

    name: str
    description: str

    @property
    def flag(self) -> str:
        """The option on the command line.

        >>> Option("outer_contours", "contours").flag
        '--outer-contours'
        """
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class Task:
    """Everything the shared code needs to know about a task.

    Attributes:
        name: as on the command line.
        title: one line for display.
        modality: of its pictures, as in DICOM.
        labels: names of the mask's values, background first.
        columns: the task's own result columns, in order.
        measurement: ``module:function`` of ``(mask, spacing_mm, **outputs) -> Measurement``; named, not imported, to keep imports light.
        bundle: folder of the bundle.
        weights_license: what the training data's licence allows for the weights.
        weights_redistributable: whether that licence allows redistribution; only then the package includes the weights.
        weights_sha256: SHA-256 of ``models/model.onnx`` as released.
        checkpoint_sha256: likewise of ``models/model.pt``, from which that graph was exported.
        trust_sha256: likewise of ``models/model.trust``, the fitted trust of these weights.
        outputs: numbers that the network predicts besides the mask; each is also a column and a keyword argument of the measurement.
        classes: of a whole image, in the order of the network's class index; empty for tasks that do not classify.
        part_name: one word for each of several structures in an image; empty for tasks that measure one structure.
        part_columns: columns of the table of parts, in order.
        low_confidence: expected Dice, 0 to 1, below which a mask needs a look.
        study: ``module:object`` that combines frames into studies (`usseg_monai.tasks.study`); empty for tasks without studies.
        study_title: what the studies hold, in a few words, for help texts.
        study_columns: columns of the table of studies, in order.
        study_files: endings of the names of one study's files, first that of the table of slices, which every study has: one row per
            frame, columns as in `SLICE_COLUMNS`.
        clip: ``module:object`` that sums up the frames of a clip (`usseg_monai.tasks.clip`); empty for tasks that do not.
        clip_columns: columns of the table of clips, in order.
        clip_frame_columns: columns of the table of one clip's frames, in order.
        showcase: ``module:object`` that ``usseg demo`` shows (`usseg_monai.tasks.showcase`); may be empty.
        submission: ``module:object`` of the competition whose table can be written (`usseg_monai.tasks.submission`); may be empty.
        mask_of_axes: ``module:function`` of ``(axes, shape, spacing_mm) -> mask``, the mask whose measurement has given axes
            (`usseg_monai.measuring.result.Measurement.axes`), for tasks that are corrected by moving the ends of the axes; may be empty.
        patient: ``module:function`` that compares numbers of a whole patient (`usseg_monai.tasks.patient`); may be empty.
        codes: ``module:object`` with the codes of its DICOM objects (`usseg_monai.tasks.codes`); empty for a task that makes none.
        options: folders that may be given beside the images; in tasks with studies they are passed to `study`.
    """

    name: str
    title: str
    modality: str
    labels: tuple[str, ...]
    columns: tuple[Column, ...]
    measurement: str
    bundle: str
    weights_license: str
    weights_redistributable: bool
    weights_sha256: str
    checkpoint_sha256: str
    trust_sha256: str
    low_confidence: float
    outputs: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    part_name: str = ""
    part_columns: tuple[Column, ...] = ()
    study: str = ""
    study_title: str = ""
    study_columns: tuple[Column, ...] = ()
    study_files: tuple[str, ...] = ()
    clip: str = ""
    clip_columns: tuple[Column, ...] = ()
    clip_frame_columns: tuple[Column, ...] = ()
    submission: str = ""
    showcase: str = ""
    mask_of_axes: str = ""
    patient: str = ""
    codes: str = ""
    options: tuple[Option, ...] = ()

    @property
    def heading(self) -> str:
        """The first words of the title.

        >>> from usseg_monai.tasks import get_task
        >>> get_task("left_ventricle").heading
        'Left ventricle in short-axis cine MRI'
        """
        return self.title.partition(":")[0]

    @property
    def weights_remedy(self) -> str:
        """What a message advises when the released weights are missing or damaged.

        >>> from usseg_monai.tasks import get_task
        >>> get_task("left_ventricle").weights_remedy
        'install the package again'
        """
        if self.weights_redistributable:
            return "install the package again"
        return "they do not come with the package: 'usseg weights add SOURCE' copies them from a checkout of the repository, or a zip of it"

    @property
    def released_sha256(self) -> dict[str, str]:
        """SHA-256 of each released file, by its name in the bundle's ``models``."""
        return {"model.onnx": self.weights_sha256, "model.pt": self.checkpoint_sha256, "model.trust": self.trust_sha256}

    def accepts(self, modality: str) -> bool:
        """Whether a picture with this DICOM modality can belong to the task.

        >>> from usseg_monai.tasks import get_task
        >>> [get_task("fetal_head").accepts(modality) for modality in ("US", "SC", "", "MR", "CT")]
        [True, True, True, False, False]
        """
        return modality.upper() in (self.modality, *UNSPECIFIC)

    def measure(self, mask: npt.NDArray[Any], spacing_mm: float | Spacing | None, **outputs: float) -> Measurement:
        """Measure a mask ``(rows, cols)``; nonzero is structure.

        Args:
            mask: of one image.
            spacing_mm: millimetres between its pixel centres, ``(row, col)`` or one number for both, or ``None`` if unknown.
            outputs: what the network predicted besides the mask, by the names in ``outputs``; none for user-supplied masks.
        """
        result: Measurement = load(self.measurement)(mask, spacing_mm, **outputs)
        return result

    def measure_answer(self, mask: npt.NDArray[Any], spacing_mm: Spacing | None, said: Mapping[str, float]) -> Measurement:
        """Measure a network's mask, and qualify the numbers by the network's trust outputs.

        Args:
            mask: of one image, ``(rows, cols)``.
            spacing_mm: of that image.
            said: all numbers that the network predicted besides the mask, by name; those neither in ``outputs`` nor in
                `usseg_monai.measuring.result.TRUST_OUTPUTS` are ignored.
        """
        from usseg_monai.measuring.result import TRUST_OUTPUTS, judge

        outputs, trust = ({name: said[name] for name in names if name in said} for names in (self.outputs, TRUST_OUTPUTS))
        return judge(self.measure(mask, spacing_mm, **outputs), low_confidence=self.low_confidence, **trust)
