"""Data structures that every data set reader returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from usseg_monai.datasets.splits import Split, split_of
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import bare_name

__all__ = ["Case", "Dataset", "Source", "name_remark"]


@dataclass(frozen=True)
class Case:
    """One image with its annotation.

    Attributes:
        image: the picture.
        label: the annotation, as `usseg_monai.datasets.annotation` reads it; several files are united; no file means known to be empty.
        group: exam, patient, subject or lesion that a split must keep together.
        spacing_mm: ``(row, col)`` as stated by the data set; ``None`` if only the file may state it.
        measured: reference values published with the data, by result column (``head_circumference_mm``).
        category: class of the whole image, one of the task's classes; ``None`` where unknown or not applicable.
        source: data set that the image came from, where several are read together.
        name: of the image in the data set's release, where its file name alone is not unique; see `key`.
        phase: of the heart beat, from 0, where the data set states it.
        notes: other information on the image, in words (``objection``, ``annotation``); every case of a data set has the same keys.
    """

    image: Path
    label: Path | tuple[Path, ...]
    group: str
    spacing_mm: Spacing | None = None
    measured: Mapping[str, float] = field(default_factory=dict)
    category: str | None = None
    source: str | None = None
    name: str = ""
    phase: int | None = None
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Name of the image, unique in its data set and the same in every layout of it: ``name``, or else its file's without suffixes.

        >>> Case(Path("png/SC-N-02-IM-0001-0048.dcm.png"), (), "SC-N-02").key
        'SC-N-02-IM-0001-0048'
        """
        return self.name or bare_name(self.image)


@dataclass(frozen=True)
class Dataset:
    """Everything found in a data set's folder.

    Attributes:
        name: the data set's name.
        task: the annotations' task, also the salt of the split; ``None`` for a user's own folder.
        cases: annotated images, by name.
        remarks: one line for everything that is missing or unexpected.
        left_out: annotated images that belong to no part of the split, as the remarks say.
    """

    name: str
    task: str | None
    cases: tuple[Case, ...]
    remarks: tuple[str, ...] = ()
    left_out: tuple[Case, ...] = ()

    def split_of(self, case: Case) -> Split:
        """Part of the split that a case's group belongs to."""
        return split_of(self.task or self.name, case.group)


@dataclass(frozen=True)
class Source:
    """A data set that can be read, as the registry lists it.

    Attributes:
        name: on the command line.
        title: common name; also the name of the data set that is read.
        task: of its annotations; ``None`` for a user's own folder.
        content: a few words for help texts.
        terms: licence or terms of use, in a few words.
        read: reads a folder; raises `UsageError` where there is nothing to read.
        recognise: whether a folder has its layout.
    """

    name: str
    title: str
    task: str | None
    content: str
    terms: str
    read: Callable[[Path], Dataset]
    recognise: Callable[[Path], bool]


def name_remark(what: str, names: Sequence[str], show: int = 5) -> list[str]:
    """Remark that counts files and names the first of them; no remark for no files.

    >>> name_remark("images without a mask", ["a.png", "b.png"], show=1)
    ['2 images without a mask: a.png and 1 more']
    """
    if not names:
        return []
    more = f" and {len(names) - show} more" if len(names) > show else ""
    return [f"{len(names)} {what}: {', '.join(names[:show])}{more}"]
