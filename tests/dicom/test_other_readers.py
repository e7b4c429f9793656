"""Objects read by programs of others: dcmqi, which reads segmentations and reports for 3D Slicer, and DCMTK's dsrdump."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pydicom.dataset import Dataset

from tests.dicom.check import items
from tests.dicom.sources import CASES, heart, maker
from usseg_monai.dicom.obstetric import obstetric_report
from usseg_monai.dicom.report import report
from usseg_monai.dicom.segmentation import segmentations

needs_dsrdump = pytest.mark.skipif(shutil.which("dsrdump") is None, reason="dsrdump is not installed (Debian: dcmtk)")


def program(name: str) -> Path:
    """One of dcmqi's programs."""
    folder = Path(str(pytest.importorskip("dcmqi").__file__)).parent / "bin"
    return folder / name


def saved(dataset: Dataset, folder: Path) -> Path:
    file = folder / "made.dcm"
    dataset.save_as(file, enforce_file_format=True)
    return file


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def volume(dataset: Dataset, folder: Path) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """The only segment as dcmqi reads it, ``(cols, rows, slices)``, with its affine in NIfTI's axes."""
    nibabel = pytest.importorskip("nibabel")
    run(program("segimage2itkimage"), "--inputDICOM", saved(dataset, folder), "--outputDirectory", folder, "-t", "nii", "-p", "read")
    found = nibabel.load(next(folder.glob("read-1.nii*")))
    return np.asarray(found.dataobj, np.uint8), found.affine


def test_dcmqi_reads_the_volume_of_each_phase_where_it_lies(tmp_path: Path) -> None:
    case = heart()
    made = segmentations(case, maker("left_ventricle"))
    assert len(made) == 2
    for number, phase in enumerate(made):
        folder = tmp_path / str(number)
        folder.mkdir()
        voxels, affine = volume(phase.dataset, folder)
        shots = [shot for shot in case.shots[5 * number : 5 * number + 5] if shot.mask.any()]
        wanted = set()
        for shot in shots:
            right, down = np.split(np.array(shot.elements.ImageOrientationPatient, float), 2)
            for row, col in np.argwhere(shot.mask):
                point = np.array(shot.elements.ImagePositionPatient, float) + 1.5 * (col * right + row * down)
                wanted.add(tuple(np.round(point, 3).tolist()))
        places = (np.argwhere(voxels) @ affine[:3, :3].T + affine[:3, 3]) * (-1, -1, 1)  # NIfTI's first two axes point the other way
        assert {tuple(np.round(place, 3).tolist()) for place in places} == wanted


def measured(dataset: Dataset) -> list[tuple[str, float, str]]:
    """Meaning, value and unit of each measurement of a report, sorted."""
    found = []
    for item in items(dataset):
        if item.get("ValueType") == "NUM" and item.RelationshipType == "CONTAINS":
            (value,), (concept,) = item.MeasuredValueSequence, item.ConceptNameCodeSequence
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            found.append((str(concept.CodeMeaning), float(value.NumericValue), str(unit)))
    return sorted(found)


@pytest.mark.parametrize("name", ["heart", "lesions"])
def test_dcmqi_reads_the_numbers_of_a_report(name: str, tmp_path: Path) -> None:
    build, task = CASES[name]
    made = report(build(), maker(task)).dataset
    run(program("tid1500reader"), "--inputDICOM", saved(made, tmp_path), "--outputMetadata", tmp_path / "read.json")
    groups = json.loads((tmp_path / "read.json").read_text())["Measurements"]
    read = [
        (item["quantity"]["CodeMeaning"], float(item["value"]), item["units"]["CodeValue"])
        for group in groups
        for item in group["measurementItems"]
    ]
    assert sorted(read) == measured(made) != []


def printed(dataset: Dataset, folder: Path) -> list[tuple[str, float, str]]:
    """What dsrdump prints of each measurement, sorted."""
    found = re.findall(r'contains NUM:\(,,"(.+?)"\)="(.+?)" \((.+?),UCUM', run("dsrdump", saved(dataset, folder)))
    return sorted((meaning, float(value), unit) for meaning, value, unit in found)


@needs_dsrdump
@pytest.mark.parametrize("name", CASES)
def test_dsrdump_prints_the_numbers_of_a_report(name: str, tmp_path: Path) -> None:
    build, task = CASES[name]
    made = report(build(), maker(task)).dataset
    assert printed(made, tmp_path) == measured(made)


@needs_dsrdump
def test_dsrdump_prints_the_obstetric_report(tmp_path: Path) -> None:
    made = obstetric_report(CASES["head"][0](), maker("fetal_head"))
    assert made is not None
    assert printed(made.dataset, tmp_path) == measured(made.dataset) != []
