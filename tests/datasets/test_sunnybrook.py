"""Sunnybrook: the real sets, small ones in both forms, and damage that the user is told of."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.samples import disc, write_png
from tests.imaging.samples import dicom_bytes
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import load_datalist, read_dataset
from usseg_monai.datasets.sunnybrook import _group, is_sunnybrook, official_set, read_sunnybrook
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.evaluation.overlap import dice
from usseg_monai.imaging import read_image

CONTOUR = "\n".join(f"{30 + 12 * np.cos(turn):.2f} {20 + 12 * np.sin(turn):.2f}" for turn in np.linspace(0, 6.2, 60))


def make_png(root: Path) -> Path:
    """Slices of two patients of the challenge's training set and one of its validation set."""
    for part, names in {"training": ("HF-I-01-IM-0001-0048", "HF-I-02-IM-0001-0020"), "validation": ("N-05-IM-0001-0100",)}.items():
        for name in names:
            write_png(root / "png" / part / "images" / f"SC-{name}.dcm.png", disc() * 100 + 20)
            write_png(root / "png" / part / "labels" / f"SC-{name}.dcm.png", disc() * 255)
    return root


def make_dicom(root: Path, image: str = "dicom/SCD0000101/{}.dcm", contour: str = "contours/SC-HF-I-1/i-contours/{}") -> Path:
    """Three slices of one patient, two of them with a contour of the cavity, one with the epicardium's too."""
    for number, name in ((47, "47"), (48, "48"), (49, "49")):
        file = root / image.format(name if "IM-" not in image else f"{number:04d}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(dicom_bytes(disc() * 100, PixelSpacing=[1.25, 1.5], Modality="MR"))
    for name in ("IM-0001-0048-icontour-manual.txt", "IM-0001-0049-icontour-manual.txt", "IM-0001-0049-ocontour-manual.txt"):
        file = root / contour.format(name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(CONTOUR)
    (root / "patients.csv").write_text("PatientID,OriginalID,Gender,Age,Pathology\r\nSCD0000101,SC-HF-I-1,Male,53,x\r\n")
    return root


def test_the_real_png_copy(data_root: Path) -> None:
    root = data_root / "sunnybrook"
    assert is_sunnybrook(root)
    dataset = read_dataset("sunnybrook", root)
    assert (dataset.name, dataset.task, len(dataset.cases)) == ("Sunnybrook", "left_ventricle", 504)
    assert dataset.remarks == ("14 patients in png/validation: the official set has 15",)
    sets = {part: {case.group for case in dataset.cases if part in case.image.parts} for part in ("training", "validation")}
    assert [len(groups) for groups in sets.values()] == [15, 14]
    assert all(official_set(group) == part for part, groups in sets.items() for group in groups)
    assert all(case.spacing_mm is None for case in dataset.cases)


def test_the_real_dicom_files_show_what_the_png_copy_shows(data_root: Path) -> None:
    root = data_root / "sunnybrook"
    png = {(case.group, re.findall(r"\d{4}", case.image.name)[1]): case for case in read_sunnybrook(root, images="png").cases}
    cases = read_sunnybrook(root, images="dicom").cases
    assert len(cases) == 56 and {case.group for case in cases} == {"SC-HF-I-01", "SC-HF-I-04", "SC-HF-I-05"}
    spacings_mm = {"SC-HF-I-01": (1.3672, 1.3672), "SC-HF-I-04": (1.2891, 1.2891), "SC-HF-I-05": (1.3672, 1.3672)}
    for case in cases[::5]:
        twin = png[case.group, f"{int(case.image.stem):04d}"]
        image = read_image(case.image)
        assert image.spacing_mm == pytest.approx(spacings_mm[case.group], abs=1e-4)
        correlation = np.corrcoef(image.pixels.ravel(), read_image(twin.image).pixels.ravel())[0, 1]
        assert correlation > 0.95
        assert dice(read_annotation(case.label, (256, 256)), read_annotation(twin.label, (256, 256))) == 1


def test_png(tmp_path: Path) -> None:
    dataset = read_sunnybrook(make_png(tmp_path))
    assert [case.group for case in dataset.cases] == ["SC-HF-I-01", "SC-HF-I-02", "SC-N-05"]
    assert dataset.cases[0].label == tmp_path / "png/training/labels/SC-HF-I-01-IM-0001-0048.dcm.png"
    assert dataset.remarks[0] == "2 patients in png/training: the official set has 15"


@pytest.mark.parametrize(
    "places",
    [
        {},
        {"image": "SCD_IMAGES_01/SCD0000101/CINESAX_300/IM-0003-{}.dcm", "contour": "c/SC-HF-I-01/contours-manual/IRCCI-expert/{}"},
        {"image": "SC-HF-I-01/{}.dcm", "contour": "SC-HF-I-01/contours/{}"},
    ],
)
def test_dicom_with_contours(places: dict[str, str], tmp_path: Path) -> None:
    root = make_dicom(tmp_path, **places)
    other = root / "SCD_IMAGES_01" / "SCD0000101" / "CINELAX_301"  # another view counts for nothing
    if "CINESAX" in places.get("image", ""):
        other.mkdir(parents=True)
        (other / "IM-0004-0048.dcm").write_bytes(b"")
    assert is_sunnybrook(root)
    dataset = read_sunnybrook(root)
    assert [(case.group, int(re.findall(r"\d+", case.image.stem)[-1])) for case in dataset.cases] == [
        ("SC-HF-I-01", 48),
        ("SC-HF-I-01", 49),
    ]
    assert dataset.remarks == ()
    case = dataset.cases[0]
    assert read_image(case.image).spacing_mm == (1.25, 1.5)
    assert dice(read_annotation(case.label, (40, 60)), disc()) > 0.95


def test_a_folder_with_both_gives_no_slice_twice(tmp_path: Path) -> None:
    root = make_dicom(make_png(tmp_path))
    assert {case.image.suffix for case in read_sunnybrook(root).cases} == {".png"}
    assert {case.image.suffix for case in read_sunnybrook(root, images="dicom").cases} == {".dcm"}
    assert len(load_datalist(root, "training")) == 1


def remove(file: str) -> Callable[[Path], object]:
    return lambda root: (root / file).unlink()


@pytest.mark.parametrize(
    ("damage", "remark"),
    [
        (
            remove("dicom/SCD0000101/48.dcm"),
            "1 contours without their image, left out: contours/SC-HF-I-1/i-contours/IM-0001-0048-icontour-manual.txt",
        ),
        (
            lambda root: (root / "contours/SC-HF-I-1").rename(root / "contours/SC-N-40"),
            "1 patients with contours but without images or a row in patients.csv, left out: SC-N-40",
        ),
        (remove("patients.csv"), "1 patients with contours but without images or a row in patients.csv, left out: SC-HF-I-01"),
    ],
)
def test_what_is_missing_of_the_dicom_form_is_told(damage: Callable[[Path], object], remark: str, tmp_path: Path) -> None:
    root = make_dicom(tmp_path)
    make_dicom(root, "dicom/SC-N-06/{}.dcm", "contours/SC-N-06/i-contours/{}")
    damage(root)
    assert remark in read_sunnybrook(root).remarks


def test_what_is_missing_of_the_png_form_is_told(tmp_path: Path) -> None:
    root = make_png(tmp_path)
    (root / "png/training/labels/SC-HF-I-02-IM-0001-0020.dcm.png").unlink()
    (root / "png/validation/images/SC-N-05-IM-0001-0100.dcm.png").unlink()
    write_png(root / "png/training/images/odd.png", disc())
    write_png(root / "png/training/labels/odd.png", disc())
    dataset = read_sunnybrook(root)
    assert len(dataset.cases) == 1
    assert dataset.remarks[1:3] == (
        "1 images without a label in png/training, left out: SC-HF-I-02-IM-0001-0020.dcm.png",
        "1 unexpected files in png/training, left out: odd.png",
    )
    assert "1 labels without an image in png/validation: SC-N-05-IM-0001-0100.dcm.png" in dataset.remarks


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda root: [file.unlink() for file in root.rglob("*.dcm")], "no slice with its contour"),
        (lambda root: (root / "patients.csv").write_text("a,b\n1,2\n"), "no column 'OriginalID'"),
        (lambda root: (root / "patients.csv").write_bytes(b"\xff\xfe\x00"), "cannot be read as a table"),
    ],
)
def test_damage_that_ends_it(damage: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    root = make_dicom(tmp_path)
    damage(root)
    with pytest.raises(UsageError, match=words) as error:
        read_sunnybrook(root)
    assert "\n" not in str(error.value)


def test_no_folder_and_another_data_set(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        read_sunnybrook(tmp_path / "none")
    assert not is_sunnybrook(tmp_path)
    with pytest.raises(UsageError, match=r"no slice with its contour .*found nothing"):
        read_sunnybrook(tmp_path)


def test_a_contour_with_too_few_points_is_told_when_it_is_read(tmp_path: Path) -> None:
    root = make_dicom(tmp_path)
    (root / "contours/SC-HF-I-1/i-contours/IM-0001-0048-icontour-manual.txt").write_text("1 2\n3 4\n")
    case = read_sunnybrook(root).cases[0]
    with pytest.raises(ImageError, match="2 different points: a contour needs at least 3"):
        read_annotation(case.label, (40, 60))


def test_a_number_of_thousands_of_digits_is_no_patient() -> None:
    assert _group("SC-HF-I-" + "7" * 5000) is None
    assert _group("x SC-HF-I-00007 y") == "SC-HF-I-07"
