"""The form in which every reader of a data set hands over what it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from usseg_monai.data.splits import Split, split_of
from usseg_monai.imaging.image import Spacing

__all__ = ["Case", "Dataset", "name_remark"]


@dataclass(frozen=True)
class Case:
    """One image with its annotation.

    Attributes:
        image: the picture.
        label: the annotation, as `usseg_monai.data.annotation` reads it; several files are united, none means: known to be empty.
        group: what must not be torn apart by a split: exam, patient, subject, lesion.
        spacing_mm: ``(row, col)`` as the data set tells it, ``None`` where only the file may know.
        measured: reference values published with the data, by result column (``head_circumference_mm``).
        category: what the image as a whole is, one of the task's classes; ``None`` where that is not known or not asked.
        source: data set that the image came from, where several are read together.
        notes: what else is told of the image, in words (``objection``, ``annotation``); the same keys in every case of a data set.
    """

    image: Path
    label: Path | tuple[Path, ...]
    group: str
    spacing_mm: Spacing | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    category: str | None = None
    source: str | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """Everything found in a data set's folder.

    Attributes:
        name: the data set's name.
        task: salt of the split, and the task that the annotations are for; ``None`` for a user's own folder.
        cases: annotated images, by name.
        remarks: one line for everything that is missing or unexpected.
    """

    name: str
    task: str | None
    cases: tuple[Case, ...]
    remarks: tuple[str, ...] = ()

    def split_of(self, case: Case) -> Split:
        """Part that a case belongs to, by its group."""
        return split_of(self.task or self.name, case.group)


def name_remark(what: str, names: Sequence[str], show: int = 5) -> list[str]:
    """Say what some files are and name the first of them; nothing where there are none.

    >>> name_remark("images without a mask", ["a.png", "b.png"], show=1)
    ['2 images without a mask: a.png and 1 more']
    """
    if not names:
        return []
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return [f"{len(names)} {what}: {', '.join(names[:show])}{more}"]
