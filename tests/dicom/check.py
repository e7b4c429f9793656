"""Checks of objects that the tests share."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

needs_dciodvfy = pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy is not installed (Debian: dicom3tools)")


def reread(dataset: Dataset) -> Dataset:
    """What another program reads of an object."""
    file = io.BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    file.seek(0)
    return pydicom.dcmread(file)


def errors(dataset: Dataset, folder: Path) -> list[str]:
    """What dciodvfy calls an error."""
    file = folder / "checked.dcm"
    dataset.save_as(file, enforce_file_format=True)
    done = subprocess.run(["dciodvfy", "-new", str(file)], capture_output=True, text=True, timeout=60, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def items(dataset: Dataset) -> Iterator[Dataset]:
    """All items of a report's tree, in order."""
    yield dataset
    for item in dataset.get("ContentSequence", ()):
        yield from items(item)


def numbers(dataset: Dataset) -> dict[str, tuple[float, str]]:
    """Value and unit of each number of a report, by the meaning of its concept."""
    found = {}
    for item in items(dataset):
        if item.get("ValueType") == "NUM":
            value = item.MeasuredValueSequence[0]
            unit = value.MeasurementUnitsCodeSequence[0].CodeValue
            found[str(item.ConceptNameCodeSequence[0].CodeMeaning)] = float(value.NumericValue), str(unit)
    return found


def texts(dataset: Dataset) -> list[str]:
    """Every text and meaning of a report."""
    found = []
    for item in items(dataset):
        found += [str(item.TextValue)] if "TextValue" in item else []
        found += [str(code.CodeMeaning) for code in item.get("ConceptCodeSequence", ())]
    return found
