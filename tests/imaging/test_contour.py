"""Contour text files: the pixel-centre convention, held to the labels of the Sunnybrook data, and every way to be no contour."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from usseg_monai.errors import ImageError
from usseg_monai.imaging import read_mask
from usseg_monai.imaging.contour import fill_contour, read_contour, read_contour_mask

PATIENTS = {"SC-HF-I-1": "training/labels/SC-HF-I-01", "SC-HF-I-5": "validation/labels/SC-HF-I-05"}


@pytest.mark.parametrize("patient", PATIENTS)
def test_filled_contours_are_the_labels_of_the_png_copy(patient: str, data_root: Path) -> None:
    root = data_root / "sunnybrook"
    files = sorted((root / "contours" / patient / "i-contours").glob("*.txt"))
    assert len(files) == 18
    for file in files:
        number = re.findall(r"\d+", file.name)[1]
        label = read_mask(root / "png" / f"{PATIENTS[patient]}-IM-0001-{number}.dcm.png")
        assert np.array_equal(read_contour_mask(file, (256, 256)), label), file.name


def test_masks_reach_half_a_pixel_beyond_their_contour(data_root: Path) -> None:
    shares = []
    for file in sorted((data_root / "sunnybrook" / "contours").rglob("*icontour*.txt")):
        row, col = read_contour(file).T
        enclosed = abs(np.dot(row, np.roll(col, -1)) - np.dot(col, np.roll(row, -1))) / 2
        shares.append(read_contour_mask(file, (256, 256)).sum() / enclosed)
    assert 1.04 < np.mean(shares) < 1.07


def test_x_runs_along_the_columns(tmp_path: Path) -> None:
    file = tmp_path / "c.txt"
    file.write_text("6 1\n9 1\n\n9 2\r\n6.0 2.0\n")
    assert read_contour(file).tolist() == [[1, 6], [1, 9], [2, 9], [2, 6]]
    rows, cols = np.nonzero(read_contour_mask(file, (5, 12)))
    assert (rows.min(), rows.max(), cols.min(), cols.max(), len(rows)) == (1, 2, 6, 9, 8)


@settings(max_examples=60, deadline=None)
@given(st.floats(30, 50), st.floats(30, 50), st.floats(3, 25), st.floats(3, 25))
def test_the_area_of_an_ellipse(row: float, col: float, down: float, right: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    mask = fill_contour(np.stack([row + down * np.sin(turn), col + right * np.cos(turn)], axis=1), (80, 80))
    assert 0.99 * np.pi * down * right <= mask.sum() <= np.pi * (down + 1.2) * (right + 1.2)
    rows, cols = np.nonzero(mask)
    # Pillow cuts the fractions of coordinates off, which moves each edge by 0 to 1 pixel towards the origin.
    assert rows.mean() == pytest.approx(row - 0.5, abs=0.55) and cols.mean() == pytest.approx(col - 0.5, abs=0.55)


def test_a_contour_that_leaves_the_picture_is_cut(tmp_path: Path) -> None:
    mask = fill_contour(np.array([[-5, -5], [-5, 3], [3, 3], [3, -5]], float), (10, 12))
    assert mask.shape == (10, 12) and mask[:4, :4].all() and mask.sum() == 16


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "the file is empty (0 bytes)"),
        ("\n", "0 different points: a contour needs at least 3"),
        ("1 2\n3 4\n", "2 different points"),
        ("1 2\n3 4\n1 2\n3 4\n", "2 different points"),
        ("1 2\n3 4\nhello world\n", "line 3: 'hello world' must be a point 'x y'"),
        ("1 2 3\n", "line 1: '1 2 3' must be a point"),
        ("1\n", "line 1: '1' must be a point"),
        ("nan 2\n3 4\n5 6\n", "line 1: 'nan 2' must be a point"),
        ("1 2\n3 1e300\n5 6\n", "line 2: '3 1e300' must be a point"),
        ("1,2\n3,4\n5,6\n", "line 1: '1,2' must be a point"),
        ("300 300\n310 300\n310 310\n", "lies outside of its picture of 20 rows x 30 columns"),
        ("é 1\n", "cannot be read as a contour"),
        ("1 2\n" * 300_000, "more than 1048576 bytes"),
    ],
)
def test_what_is_no_contour(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "IM-0001-0048-icontour-manual.txt"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ImageError, match=re.escape(words)) as error:
        read_contour_mask(file, (20, 30))
    assert "\n" not in str(error.value) and str(file) in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read as a contour"):
        read_contour(tmp_path / "none.txt")


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=60))
def test_any_bytes_are_a_contour_or_an_error(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("bytes") / "c.txt"
    file.write_bytes(data)
    try:
        assert read_contour(file).shape[0] >= 3
    except ImageError as error:
        assert str(file) in str(error)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(ImageError, match="not a regular file"):
        read_contour(tmp_path / "pipe.txt")
