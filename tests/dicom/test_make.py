"""All objects of all cases: valid, the same whenever they are made, and refused where they cannot be."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.dicom.check import errors, needs_dciodvfy
from tests.dicom.sources import CASES, head, maker
from usseg_monai.dicom.common import MANUFACTURER
from usseg_monai.dicom.make import make_objects
from usseg_monai.dicom.tables import KINDS, TRANSFER_SYNTAX
from usseg_monai.errors import UsageError


def kinds_of(task: str) -> list[str]:
    return [kind for kind in KINDS if kind != "obgyn" or task == "fetal_head"]


@needs_dciodvfy
@pytest.mark.parametrize("name", CASES)
def test_dciodvfy_finds_no_error(name: str, tmp_path: Path) -> None:
    build, task = CASES[name]
    for made in make_objects(build(), maker(task), kinds_of(task)):
        assert not errors(made.dataset, tmp_path), made.kind


@pytest.mark.parametrize("name", CASES)
def test_what_is_made_twice_is_the_same_to_the_byte_and_all_are_of_one_study(name: str) -> None:
    build, task = CASES[name]
    files: list[list[bytes]] = [[], []]
    for number in range(2):
        for made in make_objects(build(), maker(task), kinds_of(task)):
            file = io.BytesIO()
            made.dataset.save_as(file, enforce_file_format=True)
            files[number].append(file.getvalue())
            source = build().shots[0].elements
            assert made.dataset.SOPClassUID in KINDS[made.kind].classes and made.dataset.SeriesNumber == KINDS[made.kind].series_number
            assert made.dataset.file_meta.TransferSyntaxUID == TRANSFER_SYNTAX[0]
            assert made.dataset.StudyInstanceUID == source.StudyInstanceUID and made.dataset.PatientID == "P1"
            assert made.dataset.ManufacturerModelName == MANUFACTURER and made.dataset.SeriesDescription.startswith(MANUFACTURER)
    assert files[0] == files[1] and len(set(files[0])) == len(files[0]) > 0


def test_instances_and_series_have_identifiers_of_their_own() -> None:
    made = make_objects(head(), maker("fetal_head"), kinds_of("fetal_head"))
    assert len({thing.dataset.SOPInstanceUID for thing in made}) == len({thing.dataset.SeriesInstanceUID for thing in made}) == len(made)
    assert all(len(thing.dataset.SOPInstanceUID) <= 64 for thing in made)


def test_what_cannot_be_made_is_refused() -> None:
    with pytest.raises(UsageError, match=r"cannot make 'segs': what can be made is seg, sr.*did you mean 'seg'"):
        make_objects(head(), maker("fetal_head"), ["segs"])
    with pytest.raises(UsageError, match="segmentation 'binry': the types are"):
        make_objects(head(), maker("fetal_head"), ["seg"], seg="binry")
