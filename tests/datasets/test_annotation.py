"""Tests of usseg_monai.datasets.annotation; filling itself is tested in test_outline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.datasets.samples import write_png
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.errors import ImageError


def box(rows: slice, cols: slice, shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    picture = np.zeros(shape, np.uint8)
    picture[rows, cols] = 255
    return picture


def test_a_mask_and_an_outline_are_read_filled(tmp_path: Path) -> None:
    filled = box(slice(5, 20), slice(8, 30))
    outline = filled.copy()
    outline[6:19, 9:29] = 0
    for picture in (filled, outline):
        mask = read_annotation(write_png(tmp_path / "a.png", picture), (30, 40))
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, filled != 0)


def test_several_files_are_united_and_none_is_empty(tmp_path: Path) -> None:
    first = write_png(tmp_path / "a.png", box(slice(2, 9), slice(3, 9)))
    second = write_png(tmp_path / "b.png", box(slice(7, 20), slice(5, 30)))
    united = read_annotation([str(first), str(second)], (30, 40))
    np.testing.assert_array_equal(united, (box(slice(2, 9), slice(3, 9)) | box(slice(7, 20), slice(5, 30))) != 0)
    assert not read_annotation((), (30, 40)).any()


def test_small_pieces_far_apart_stay_as_they_are(tmp_path: Path) -> None:
    pieces = box(slice(2, 4), slice(3, 5)) | box(slice(20, 22), slice(33, 35))
    np.testing.assert_array_equal(read_annotation(write_png(tmp_path / "a.png", pieces), (30, 40)), pieces != 0)


def test_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.png has 30 rows x 40 columns: its image has 30 x 41"):
        read_annotation(write_png(tmp_path / "a.png", box(slice(2, 9), slice(3, 9))), (30, 41))


def test_an_open_outline_names_its_file(tmp_path: Path) -> None:
    line = np.zeros((30, 30), np.uint8)
    line[3, 3:25] = line[3:25, 3] = 255
    with pytest.raises(ImageError, match=r"open\.png: .*encloses nothing"):
        read_annotation(write_png(tmp_path / "open.png", line), (30, 30))


def test_a_contour_in_a_text_file(tmp_path: Path) -> None:
    contour = tmp_path / "IM-0001-0048-icontour-manual.txt"
    contour.write_text("3.0 2.0\n8.0 2.0\n8.0 8.0\n3.0 8.0\n")
    np.testing.assert_array_equal(read_annotation(contour, (30, 40)), box(slice(2, 9), slice(3, 9)) != 0)
    contour.write_text("3.0 2.0\n8.0 2.0\n")
    with pytest.raises(ImageError, match=r"icontour-manual\.txt: 2 different points: a contour needs at least 3"):
        read_annotation(contour, (30, 40))
