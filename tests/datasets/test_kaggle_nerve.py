"""Kaggle's nerve set: official, reduced, both, and what contradicts itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.samples import NERVE_FRAMES, disc, make_kaggle_nerve, write_png
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.datasets.kaggle_nerve import TABLE, is_kaggle_nerve, read_kaggle_nerve
from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image

COUNTS = (
    "5 images in train: the official release has 5635",
    f"5 rows in {TABLE}: the official release has 5635",
    "1 images in test: the official release has 5508",
)


def make_reduced(root: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        write_png(root / "images" / f"{name}.png", disc(20, 30, (10, 15), 6) * 100)
        write_png(root / "masks" / f"{name}_mask.png", disc(20, 30, (10, 15), 6) * 255)
    return root


def test_the_official_layout(tmp_path: Path) -> None:
    root = make_kaggle_nerve(tmp_path)
    dataset = read_kaggle_nerve(root)
    assert (dataset.name, dataset.task, dataset.remarks) == ("Kaggle nerve", "nerve", COUNTS)
    assert [(case.image.name, case.group, case.source) for case in dataset.cases] == [
        (f"{subject}_{number}.tif", str(subject), "original") for subject, number in NERVE_FRAMES
    ]
    assert [dataset.split_of(case) for case in dataset.cases] == ["train", "train", "train", "test", "validation"]
    drawn = [bool(read_annotation(case.label, (40, 60)).any()) for case in dataset.cases]
    assert drawn == list(NERVE_FRAMES.values())


def test_the_original_of_a_frame_comes_before_its_reduced_copy(tmp_path: Path) -> None:
    make_kaggle_nerve(tmp_path / "original")
    make_reduced(tmp_path / "reduced", ("1_1", "1_30", "10_2"))
    dataset = read_kaggle_nerve(tmp_path)
    found = {case.image.stem: case.source for case in dataset.cases}
    assert found == {**{f"{subject}_{number}": "original" for subject, number in NERVE_FRAMES}, "1_30": "reduced", "10_2": "reduced"}
    (tmp_path / "original" / "train" / "1_1_mask.tif").unlink()
    assert {case.image.stem: case.source for case in read_kaggle_nerve(tmp_path).cases}["1_1"] == "reduced"


@pytest.mark.parametrize("place", ["", "reduced"])
def test_a_reduced_copy_alone(tmp_path: Path, place: str) -> None:
    make_reduced(tmp_path / "reduced", ("1_1", "7_1"))
    dataset = read_kaggle_nerve(tmp_path / place)
    assert [case.group for case in dataset.cases] == ["1", "7"]
    assert dataset.remarks == ()


def test_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    dataset = read_kaggle_nerve(make_reduced(tmp_path, ("10_1", "2_10", "2_9")))
    assert [case.image.stem for case in dataset.cases] == ["2_9", "2_10", "10_1"]


def test_one_person_under_two_numbers_is_one_group(tmp_path: Path) -> None:
    dataset = read_kaggle_nerve(make_reduced(tmp_path, ("17_7", "18_44")))
    assert {case.group for case in dataset.cases} == {"17"}


def test_what_the_table_calls_empty_needs_no_mask(tmp_path: Path) -> None:
    root = make_kaggle_nerve(tmp_path)
    (root / "train" / "1_2_mask.tif").unlink()
    case = next(case for case in read_kaggle_nerve(root).cases if case.image.name == "1_2.tif")
    assert case.label == ()


@pytest.mark.parametrize(
    ("damage", "remark"),
    [
        (lambda root: (root / "train/1_1_mask.tif").unlink(), "1 images without a mask, left out: 1_1.tif"),
        (lambda root: (root / "train/1_1_mask.tif").write_text("x"), "1 masks that cannot be read, left out: 1_1_mask.tif"),
        (
            lambda root: write_png(root / "train/1_2_mask.tif", disc() * 255),
            f"1 frames left out whose mask and {TABLE} contradict each other: 1_2.tif",
        ),
        (
            lambda root: write_png(root / "train/1_1_mask.tif", disc() * 0),
            f"1 frames left out whose mask and {TABLE} contradict each other: 1_1.tif",
        ),
        (lambda root: (root / TABLE).unlink(), f"0 rows in {TABLE}: the official release has 5635"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_is_read(tmp_path: Path, damage: Callable[[Path], object], remark: str) -> None:
    root = make_kaggle_nerve(tmp_path)
    damage(root)
    dataset = read_kaggle_nerve(root)
    assert remark in dataset.remarks
    assert len(dataset.cases) >= 4


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        read_kaggle_nerve(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="found 0 images in train, 0 in images, 0 rows"):
        read_kaggle_nerve(tmp_path)
    assert not is_kaggle_nerve(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,pixels\n", "has the columns"),
        ("subject,img,pixels\n1,one,\n", "line 2: subject '1' and image 'one' must be whole numbers"),
        ("subject,img,pixels\n1\n", "line 2: .*None must be whole numbers"),
        ("\xff\xfe\x00", "has the columns"),
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    root = make_kaggle_nerve(tmp_path)
    (root / TABLE).write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        read_kaggle_nerve(root)


def test_commands_know_the_layout_by_its_looks(tmp_path: Path) -> None:
    items = load_datalist(make_kaggle_nerve(tmp_path), "training")
    assert [Path(item["image"]).name for item in items] == ["1_1.tif", "1_2.tif", "2_1.tif"]
    assert items[0]["source"] == "original"


def test_the_real_frames(data_root: Path) -> None:
    root = data_root / "nerve"
    assert is_kaggle_nerve(root)
    dataset = read_kaggle_nerve(root)
    originals = [case for case in dataset.cases if case.source == "original"]
    empty = [case for case in originals if not read_annotation(case.label, (420, 580)).any()]
    assert len({case.image.stem for case in dataset.cases}) == len(dataset.cases)
    assert {len(case.group.split("_")) for case in dataset.cases} == {1}
    assert not any("contradict" in remark for remark in dataset.remarks)
    if len(dataset.cases) == 1990:  # the part of the release that this project is tested with
        assert (len(originals), len(empty), len({case.group for case in dataset.cases})) == (51, 26, 37)


def test_real_subjects_17_and_18_are_one_person(data_root: Path) -> None:
    folder = data_root / "nerve" / "reduced" / "images"
    first, second = (read_image(folder / name).pixels for name in ("17_7.jpg", "18_44.jpg"))
    assert np.array_equal(first, second)
