"""Sunnybrook Cardiac Data, left ventricles in short-axis cine MRI: DICOM files with contours, and the copy in PNG.

Radau, Lu, Connelly, Paul, Dick, Wright, "Evaluation framework for algorithms segmenting short axis cardiac MRI", MIDAS Journal, Cardiac MR
Left Ventricle Segmentation Challenge, 2009, https://doi.org/10.54294/g80ruo. Data: CC0 1.0. How to get it: docs/data.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.errors import UsageError
from usseg_monai.files.table import csv_rows

__all__ = ["SUNNYBROOK", "OfficialSet", "is_sunnybrook", "official_set", "read_sunnybrook"]

OfficialSet = Literal["training", "validation", "online"]

_PATIENT = re.compile(r"SC-(HF-I|HF-NI|HYP|N)-0*(\d{1,9})(?!\d)")
_PNG_NAME = re.compile(rf"({_PATIENT.pattern})-IM-\d+-(\d+)(?:\.dcm)?\.png")
_CONTOUR_ENDING = "-icontour-manual.txt"
_CONTOUR_NAME = re.compile(r"IM-\d+-0*(\d+)-icontour-manual\.txt")
_DICOM_NAME = re.compile(r"(?:IM-\d+-)?0*(\d+)\.dcm")
_SHORT_AXIS = "CINESAX"  # the official archive has a separate folder for each view
_PATIENTS = "patients.csv"
_PATIENTS_A_SET = 15
_PHASES = 20
_PNG_FOLDERS = ("png/training", "png/validation")

_OFFICIAL: Mapping[OfficialSet, Mapping[str, Collection[int]]] = {
    "training": {"HF-I": {1, 2, 4, 40}, "HF-NI": {3, 4, 34, 36}, "HYP": {1, 3, 38, 40}, "N": {2, 3, 40}},
    "validation": {"HF-I": {5, 6, 7, 8}, "HF-NI": {7, 11, 31, 33}, "HYP": {6, 7, 8, 37}, "N": {5, 6, 7}},
}
"""Patients of the challenge's sets; the remaining 15 form the set that was scored online."""


def official_set(group: str) -> OfficialSet:
    """The set of the 2009 challenge that a patient belongs to. Parts of a datalist: `usseg_monai.datasets.splits`.

    >>> official_set("SC-HF-I-01"), official_set("SC-HF-I-05"), official_set("SC-N-09")
    ('training', 'validation', 'online')
    """
    match = _PATIENT.fullmatch(group)
    return next((part for part, numbers in _OFFICIAL.items() if match and int(match[2]) in numbers[match[1]]), "online")


def is_sunnybrook(root: Path) -> bool:
    """Whether a folder holds the PNG copy, or contours in text files beside DICOM files."""
    return any((root / folder / "images").is_dir() for folder in _PNG_FOLDERS) or next(_contour_files(root), None) is not None


def read_sunnybrook(root: Path, *, images: Literal["png", "dicom"] | None = None) -> Dataset:
    """Read the slices whose endocardium was drawn.

    Two layouts are supported; any part of one is enough:

    1. ``png/training`` and ``png/validation``, each with ``images/SC-HF-I-01-IM-0001-0048.dcm.png`` and the filled contour under the same
       name in ``labels/``. No spacing.
    2. DICOM files in one folder per patient, ``SCD0000101/48.dcm`` or ``SCD0000101/CINESAX_300/IM-0001-0048.dcm``, and contours as text
       in another, ``SC-HF-I-1/.../IM-0001-0048-icontour-manual.txt``, anywhere below the root; ``patients.csv`` (``PatientID,OriginalID``)
       maps one to the other. The files state their spacing. Only cavities are labels, not the epicardium (``ocontour``).

    Both hold the same slices. From a folder with both, only the PNG copy is read, so that no slice occurs twice.

    A group is a patient, such as ``SC-HF-I-01``. Picture n of a patient is slice ``(n - 1) // 20`` in phase ``(n - 1) % 20``. The name of a
    case is that of the patient with that of the contour, ``SC-HF-I-01-IM-0001-0048``, in both layouts. No picture is opened.

    Args:
        root: the folder.
        images: the layout to read; by default the PNG copy if there is one.

    Raises:
        UsageError: no folder, no slice with its contour, or a table that is not the data set's.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give the one that holds png/, or dicom/, contours/ and {_PATIENTS} (docs/data.md)")
    png = images == "png" or (images is None and any((root / folder / "images").is_dir() for folder in _PNG_FOLDERS))
    cases, remarks = _read_png(root) if png else _read_dicom(root)
    if not cases:
        what = "png/training/images/SC-HF-I-01-IM-0001-0048.dcm.png with a file of the same name in png/training/labels/"
        if not png:
            what = f"SCD0000101/48.dcm with SC-HF-I-1/i-contours/IM-0001-0048-icontour-manual.txt and a row in {_PATIENTS}"
        raise UsageError(f"no slice with its contour in {root}: expected {what}; found {'; '.join(remarks) or 'nothing'} (docs/data.md)")
    return Dataset(SUNNYBROOK.title, SUNNYBROOK.task, tuple(cases), tuple(remarks))


def _group(text: str) -> str | None:
    """Patient named in a text, zero-padded: contours have ``SC-HF-I-1``, pictures ``SC-HF-I-01``."""
    match = _PATIENT.search(text)
    return f"SC-{match[1]}-{int(match[2]):02d}" if match else None


def _number(name: str) -> int:
    """Number of a picture of the PNG copy."""
    match = _PNG_NAME.fullmatch(name)
    assert match is not None
    return int(match[match.lastindex or 1])


def _phase(number: int) -> int:
    return (number - 1) % _PHASES


def _read_png(root: Path) -> tuple[list[Case], list[str]]:
    cases: list[Case] = []
    remarks: list[str] = []
    for folder in _PNG_FOLDERS:
        images, labels = ({path.name: path for path in _png_files(root / folder / kind)} for kind in ("images", "labels"))
        strange = sorted(name for name in images.keys() | labels.keys() if not _PNG_NAME.fullmatch(name))
        both = sorted(name for name in images.keys() & labels.keys() if _PNG_NAME.fullmatch(name))
        cases += [Case(images[name], labels[name], str(_group(name)), phase=_phase(_number(name))) for name in both]
        patients = {_group(name) for name in both}
        if len(patients) != _PATIENTS_A_SET:
            remarks.append(f"{len(patients)} patients in {folder}: the official set has {_PATIENTS_A_SET}")
        remarks += name_remark(f"images without a label in {folder}, left out", sorted(images.keys() - labels.keys()))
        remarks += name_remark(f"labels without an image in {folder}", sorted(labels.keys() - images.keys()))
        remarks += name_remark(f"unexpected files in {folder}, left out", strange)
    return cases, remarks


def _png_files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.iterdir()) if path.suffix == ".png") if folder.is_dir() else iter(())


def _read_dicom(root: Path) -> tuple[list[Case], list[str]]:
    folders = _image_folders(root, _read_patients(root / _PATIENTS))
    numbered = {group: dict(_numbered(folder)) for group, folder in folders.items()}
    cases: list[Case] = []
    without_patient: set[str] = set()
    without_image: list[str] = []
    for contour, number in sorted(_contour_files(root)):
        group = _group(contour.parent.relative_to(root).as_posix())
        if group is None or group not in numbered:
            without_patient.add(group or contour.parent.name)
        elif number not in numbered[group]:
            without_image.append(contour.relative_to(root).as_posix())
        else:
            name = f"{group}-{contour.name.removesuffix(_CONTOUR_ENDING)}"
            cases.append(Case(numbered[group][number], contour, group, name=name, phase=_phase(number)))
    remarks = [
        *name_remark("contours without their image, left out", without_image),
        *name_remark(f"patients with contours but without images or a row in {_PATIENTS}, left out", sorted(without_patient)),
        *name_remark("patients with images but without contours, left out", sorted(numbered.keys() - {case.group for case in cases})),
    ]
    return cases, remarks


def _contour_files(root: Path) -> Iterator[tuple[Path, int]]:
    """Endocardial contours and the numbers of their pictures."""
    for path in root.rglob("*-icontour-manual.txt"):
        if match := _CONTOUR_NAME.fullmatch(path.name):
            yield path, int(match[1])


def _image_folders(root: Path, patients: Mapping[str, str]) -> dict[str, Path]:
    """Group -> folder of its DICOM files; the folder's name is a patient in the table, or as in the contours' names."""
    folders: dict[str, Path] = {}
    for path in sorted(path for path in root.rglob("SC*") if path.is_dir()):
        group = patients.get(path.name) or _group(path.name)
        if group is not None and next(_numbered(path), None) is not None:
            folders.setdefault(group, path)
    return folders


def _numbered(folder: Path) -> Iterator[tuple[int, Path]]:
    """DICOM files of a patient's short-axis cine, with their numbers."""
    views = sorted(path for path in folder.iterdir() if path.is_dir() and path.name.startswith(_SHORT_AXIS))
    for place in views or [folder]:
        for path in sorted(place.iterdir()):
            if match := _DICOM_NAME.fullmatch(path.name):
                yield int(match[1]), path


def _read_patients(path: Path) -> dict[str, str]:
    """Identifier of the pictures -> group; empty if the file is absent."""
    if not path.is_file():
        return {}
    with csv_rows(path) as rows:
        missing = {"PatientID", "OriginalID"} - set(rows.fieldnames or ())
        if missing:
            raise UsageError(f"{path}: no column {min(missing)!r}; the table needs PatientID and OriginalID")
        named = ((row["PatientID"], _group(row["OriginalID"] or "")) for row in rows)
        return {patient: group for patient, group in named if patient and group}


SUNNYBROOK = Source(
    name="sunnybrook",
    title="Sunnybrook",
    task="left_ventricle",
    content="short-axis cine MRI of the heart",
    terms="CC0 1.0",
    read=read_sunnybrook,
    recognise=is_sunnybrook,
)
