"""Reading BrEaST-Lesions-USG: layouts, classes, pixel sizes, and what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.samples import make_breast_lesions_usg
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.breast_lesions_usg import CENTIMETRES_BELOW, TABLE, read_breast_lesions_usg
from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image


def table(root: Path, size: object, column: str = "Pixel_size,Rows", category: str = "benign") -> Path:
    make_breast_lesions_usg(root)
    (root / TABLE).write_text(f"Image_filename,{column},Classification\ncase001.png,{size},9,{category}\n")
    return root


def test_classes_sizes_and_lesions(tmp_path: Path) -> None:
    dataset = read_breast_lesions_usg(make_breast_lesions_usg(tmp_path))
    assert [(case.key, case.group, case.category) for case in dataset.cases] == [
        ("case001", "case001", "benign"),
        ("case002", "case002", "malignant"),
        ("case003", "case003", "normal"),
    ]
    assert [len(case.label) if isinstance(case.label, tuple) else 1 for case in dataset.cases] == [2, 1, 0]
    assert {case.spacing_mm for case in dataset.cases} == {(0.1, 0.1)}
    assert dataset.remarks == ("3 images: the official release has 256",)


@pytest.mark.parametrize(("size", "expected"), [(CENTIMETRES_BELOW, 0.02), (0.0199, 0.199), (0.0078, 0.078), (0.0781, 0.0781)])
def test_centimetres_are_known_by_their_size(tmp_path: Path, size: float, expected: float) -> None:
    case = read_breast_lesions_usg(table(tmp_path, size)).cases[0]
    assert case.spacing_mm == pytest.approx((expected, expected))


def test_a_reduced_copy_has_a_column_of_its_own(tmp_path: Path) -> None:
    case = read_breast_lesions_usg(table(tmp_path, "0.05,0.2", "Pixel_size,Pixel_size_reduced_mm,Rows")).cases[0]
    assert case.spacing_mm == (0.2, 0.2)


def test_an_empty_cell_is_no_pixel_size(tmp_path: Path) -> None:
    assert read_breast_lesions_usg(table(tmp_path, "")).cases[0].spacing_mm is None


@pytest.mark.parametrize("size", ["wide", "-0.1", "0", "5000"])
def test_a_pixel_size_that_cannot_be(tmp_path: Path, size: str) -> None:
    with pytest.raises(UsageError, match=f"line 2: pixel size '{size}' must be a positive number of millimetres"):
        read_breast_lesions_usg(table(tmp_path, size))


def test_an_unknown_class(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2: class 'cyst' must be one of normal, benign, malignant"):
        read_breast_lesions_usg(table(tmp_path, 0.1, category="cyst"))


def test_without_the_table_a_normal_image_is_not_known(tmp_path: Path) -> None:
    (make_breast_lesions_usg(tmp_path) / TABLE).unlink()
    dataset = read_breast_lesions_usg(tmp_path)
    assert [(case.key, case.category, case.spacing_mm) for case in dataset.cases] == [("case001", None, None), ("case002", None, None)]
    assert f"no {TABLE}: classes and pixel sizes are unknown" in dataset.remarks
    assert "1 images without a mask, left out: case003.png" in dataset.remarks


def test_the_real_set(data_root: Path) -> None:
    dataset = read_breast_lesions_usg(data_root / "breast_lesions_usg")
    assert len(dataset.cases) == len({case.group for case in dataset.cases}) == 173
    for case in dataset.cases:
        assert case.spacing_mm is not None and 0.05 < case.spacing_mm[0] < 0.5
    normal = next(case for case in dataset.cases if case.category == "normal")
    assert not read_annotation(normal.label, read_image(normal.image).pixels.shape).any()
