"""HC18's official layout: real, whole in small, and damaged in every way that we tell the user of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.datasets.samples import PIXEL_SIZE_MM, make_hc18
from usseg_monai.datasets.hc18 import fill_outline, is_hc18, read_hc18
from usseg_monai.errors import UsageError

TABLE = "training_set_pixel_size_and_HC.csv"


def test_the_layout_is_read(tmp_path: Path) -> None:
    root = make_hc18(tmp_path)
    dataset = read_hc18(root)
    assert (dataset.name, dataset.task) == ("HC18", "fetal_head")
    by_name = {case.image.name: case for case in dataset.cases}
    assert sorted(by_name) == ["000_2HC.png", "000_HC.png", "001_HC.png", "005_HC.png", "015_HC.png"]
    case = by_name["000_2HC.png"]
    assert case.group == "000"
    assert case.label == root / "training_set" / "000_2HC_Annotation.png"
    assert case.spacing_mm == (PIXEL_SIZE_MM, PIXEL_SIZE_MM)
    assert case.measured == {"head_circumference_mm": 150.80}
    assert [dataset.split_of(by_name[name]) for name in ("000_HC.png", "005_HC.png", "015_HC.png")] == ["train", "validation", "test"]


def test_what_is_missing_against_the_release_is_told(tmp_path: Path) -> None:
    remarks = read_hc18(make_hc18(tmp_path)).remarks
    assert remarks == (
        "5 images in training_set: the official release has 999",
        "5 annotations in training_set: the official release has 999",
        f"5 rows in {TABLE}: the official release has 999",
        "1 images in test_set: the official release has 335",
    )


def test_the_official_counts_give_no_remark(tmp_path: Path) -> None:
    names = [f"{number:03d}_HC" for number in range(999)]
    training, test = tmp_path / "training_set", tmp_path / "test_set"
    training.mkdir()
    test.mkdir()
    for name in names:
        (training / f"{name}.png").touch()
        (training / f"{name}_Annotation.png").touch()
    for name in names[:335]:
        (test / f"{name}.png").touch()
    rows = "".join(f"{name}.png,0.1,100\r\n" for name in names)
    (tmp_path / TABLE).write_text("filename,pixel size(mm),head circumference (mm)\r\n" + rows)
    dataset = read_hc18(tmp_path)
    assert len(dataset.cases) == 999
    assert dataset.remarks == ()


@pytest.mark.parametrize(
    ("damage", "remark"),
    [
        (lambda root: (root / "training_set/001_HC_Annotation.png").unlink(), "1 images without an annotation, left out: 001_HC.png"),
        (lambda root: (root / "training_set/001_HC.png").unlink(), "1 annotations without an image: 001_HC_Annotation.png"),
        (lambda root: (root / "training_set/Thumbs.db").touch(), "1 unexpected files in training_set: Thumbs.db"),
        (lambda root: (root / "test_set/notes.txt").touch(), "1 unexpected files in test_set: notes.txt"),
        (
            lambda root: (root / TABLE).write_text((root / TABLE).read_text().replace("001_HC.png", "901_HC.png")),
            f"1 images without a row in {TABLE}, left out: 001_HC.png",
        ),
    ],
)
def test_what_is_unexpected_is_told_and_the_rest_is_read(tmp_path: Path, damage: object, remark: str) -> None:
    root = make_hc18(tmp_path)
    assert callable(damage)
    damage(root)
    dataset = read_hc18(root)
    assert remark in dataset.remarks
    assert len(dataset.cases) >= 4


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        read_hc18(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"no annotated HC18 image.*found 0 images, 0 annotations, 0 rows"):
        read_hc18(tmp_path)
    assert not is_hc18(tmp_path)


def test_a_wrong_table_is_an_error(tmp_path: Path) -> None:
    root = make_hc18(tmp_path)
    text = (root / TABLE).read_text()
    (root / TABLE).write_text(text.replace("150.80", "-1", 1))
    with pytest.raises(UsageError, match=r"line 2: .*'-1' must be positive"):
        read_hc18(root)
    (root / TABLE).write_text(text.replace(",150.80", "", 1))
    with pytest.raises(UsageError, match=r"line 2: .*None must be positive"):
        read_hc18(root)
    (root / TABLE).write_text("name;size\n")
    with pytest.raises(UsageError, match=r"has the columns \['name;size'\]"):
        read_hc18(root)
    (root / TABLE).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read as a table"):
        read_hc18(root)


def test_the_real_images(hc18: Path) -> None:
    assert is_hc18(hc18)
    dataset = read_hc18(hc18)
    exams = len({case.group for case in dataset.cases})
    if len(dataset.cases) == 839:  # the part of the release that this project is tested with
        assert exams == 675
        assert len(dataset.remarks) == 4
    else:
        assert 0.75 * len(dataset.cases) < exams < 0.85 * len(dataset.cases)


@pytest.mark.parametrize("name", ["186_HC", "346_HC", "352_2HC", "628_2HC", "787_HC", "000_HC"])
def test_real_outlines_also_those_that_leave_the_picture(hc18: Path, name: str) -> None:
    outline = np.asarray(Image.open(hc18 / "training_set" / f"{name}_Annotation.png")) != 0
    mask = fill_outline(outline)
    rows, cols = np.nonzero(outline)
    box = (np.ptp(rows) + 1) * (np.ptp(cols) + 1)
    assert 0.7 < mask.sum() / box < 0.85  # an ellipse fills pi/4 of its box, a little less where it is turned
    for line in (*mask, *mask.T):
        assert np.count_nonzero(np.diff(line)) <= 2  # convex: one run a row and column
