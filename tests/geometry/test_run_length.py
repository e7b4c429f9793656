"""Run-length codes: by hand, there and back, bad ones, and Kaggle's own."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from usseg_monai.errors import ImageError
from usseg_monai.geometry.run_length import decode_run_length, encode_run_length
from usseg_monai.imaging import read_mask

masks = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1))


def pixel_by_pixel(mask: npt.NDArray[np.uint8]) -> str:
    """The rule of the competition, read literally."""
    code: list[int] = []
    previous = 0
    for number, pixel in enumerate(mask.flatten(order="F"), start=1):
        if pixel and not previous:
            code += [number, 0]
        if pixel:
            code[-1] += 1
        previous = int(pixel)
    return " ".join(map(str, code))


@settings(max_examples=100, deadline=None)
@given(masks)
def test_there_and_back(mask: npt.NDArray[np.uint8]) -> None:
    code = encode_run_length(mask)
    assert code == pixel_by_pixel(mask)
    decoded = decode_run_length(code, mask.shape)
    assert decoded.dtype == np.uint8 and np.array_equal(decoded, mask)


@pytest.mark.parametrize(
    ("code", "shape", "mask"),
    [
        ("", (2, 2), [[0, 0], [0, 0]]),
        ("1 4", (2, 2), [[1, 1], [1, 1]]),
        ("2 1", (2, 2), [[0, 0], [1, 0]]),
        ("1 1 3 1", (2, 2), [[1, 1], [0, 0]]),
        (" 1 2\t3 1\n", (2, 2), [[1, 1], [1, 0]]),  # runs that touch
    ],
)
def test_codes_by_hand(code: str, shape: tuple[int, int], mask: list[list[int]]) -> None:
    assert decode_run_length(code, shape).tolist() == mask


@pytest.mark.parametrize("values", [np.array([[True, False]]), np.array([[255, 0]]), np.array([[0.5, 0.0]])])
def test_any_kind_of_mask_is_encoded(values: npt.NDArray[np.generic]) -> None:
    assert encode_run_length(values) == "1 1"


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1", "has 1 numbers: each start needs a length"),
        ("1 2 3", "has 3 numbers"),
        ("1 2 2 1", "not overlap"),
        ("5 1 1 1", "must ascend"),
        ("0 1", "pixels 1 to 6 of 2x3"),
        ("1 0", "one or more long"),
        ("6 2", "pixels 1 to 6"),
        ("7 1", "pixels 1 to 6"),
        ("999999999999999999 999999999999999999", "pixels 1 to 6"),
        ("9" * 30 + " 1", "whole numbers"),
        ("-1 2", "whole numbers"),
        ("1.0 2", "whole numbers"),
        ("1,2", "whole numbers"),
        ("nan 1", "whole numbers"),
        ("² 1", "whole numbers"),
        ("x" * 100, r"'x{30,40}\.\.\."),
    ],
)
def test_bad_codes_are_refused_in_one_line(code: str, message: str) -> None:
    with pytest.raises(ImageError, match=message) as error:
        decode_run_length(code, (2, 3))
    assert "\n" not in str(error.value)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789 -.x", max_size=20) | st.lists(st.integers(0, 14), max_size=6).map(lambda v: " ".join(map(str, v))))
def test_any_text_is_a_mask_or_an_error(code: str) -> None:
    try:
        mask = decode_run_length(code, (3, 4))
    except ImageError:
        return
    numbers = [int(word) for word in code.split()]
    assert mask.sum() == sum(numbers[1::2]) and set(np.unique(mask)) <= {0, 1}


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 2)), np.zeros((0, 3)), np.array([[np.nan]])])
def test_bad_masks_are_refused(bad: npt.NDArray[np.float64]) -> None:
    with pytest.raises(ImageError):
        encode_run_length(bad)


def test_a_later_run_may_not_overlap_either() -> None:
    with pytest.raises(ImageError, match="runs must ascend and not overlap"):
        decode_run_length("1 1 3 2 4 1", (2, 3))


def test_kaggles_codes_are_its_masks(data_root: Path) -> None:
    folder = data_root / "nerve" / "original"
    compared = 0
    with (folder / "train_masks.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            file = folder / "train" / f"{row['subject']}_{row['img']}_mask.tif"
            if file.is_file():
                mask = read_mask(file)
                assert np.array_equal(decode_run_length(row["pixels"], (420, 580)), mask)
                assert encode_run_length(mask) == row["pixels"]
                compared += 1
    assert compared >= 51
