"""BUS-BRA: the official layout, its table, and what is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.datasets.samples import disc, make_busbra, write_png
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.busbra import TABLE, is_busbra, read_busbra
from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image


@pytest.mark.parametrize("capitals", [True, False])
def test_the_official_layout(tmp_path: Path, capitals: bool) -> None:
    root = make_busbra(tmp_path)
    if not capitals:
        (root / "Images").rename(root / "images")
        (root / "Masks").rename(root / "masks")
    dataset = read_busbra(root)
    assert (dataset.name, dataset.task, dataset.remarks) == ("BUS-BRA", "breast", ("3 images: the official release has 1875",))
    assert [(case.image.name, case.category, case.group, case.source) for case in dataset.cases] == [
        ("bus_0001-l.png", "malignant", "bus_0001", "BUS-BRA"),
        ("bus_0001-r.png", "malignant", "bus_0001", "BUS-BRA"),
        ("bus_0002-l.png", "benign", "bus_0002", "BUS-BRA"),
    ]
    assert all(case.notes == {"objection": "", "annotation": ""} for case in dataset.cases)
    assert read_annotation(dataset.cases[0].label, (92, 128)).any()


@pytest.mark.parametrize(
    ("damage", "remark"),
    [
        (lambda root: (root / "Masks/mask_0001-l.png").unlink(), "1 images without a mask, left out: bus_0001-l.png"),
        (lambda root: write_png(root / "Images/bus_0009-l.png", disc()), "1 images without a mask, left out: bus_0009-l.png"),
        (
            lambda root: (
                write_png(root / "Images/bus_0009-l.png", disc()),
                write_png(root / "Masks/mask_0009-l.png", disc()),
            ),
            f"1 images without a row in {TABLE}, left out: bus_0009-l.png",
        ),
        (lambda root: (root / "Images/bus_0001-l.png").unlink(), f"1 rows of {TABLE} without an image: bus_0001-l"),
    ],
)
def test_what_is_missing_is_told_and_the_rest_is_read(tmp_path: Path, damage: Callable[[Path], object], remark: str) -> None:
    damage(make_busbra(tmp_path))
    dataset = read_busbra(tmp_path)
    assert remark in dataset.remarks
    assert {"bus_0001-r.png", "bus_0002-l.png"} <= {case.image.name for case in dataset.cases}


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        read_busbra(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="found 0 images, 0 rows"):
        read_busbra(tmp_path)
    assert not is_busbra(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ID,Case\n", "has the columns"),
        ("ID,Pathology\nbus_0001-l,Benign?\n", "line 2: pathology 'Benign\\?' must be benign or malignant"),
        ("ID,Pathology\nbus_0001-l\n", "line 2: pathology None must be"),
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (make_busbra(tmp_path) / TABLE).write_text(content)
    with pytest.raises(UsageError, match=message):
        read_busbra(tmp_path)


def test_the_real_images(data_root: Path) -> None:
    dataset = read_busbra(data_root / "busbra")
    assert {case.category for case in dataset.cases} == {"benign", "malignant"}
    assert not any("left out" in remark or "without" in remark for remark in dataset.remarks)
    for case in dataset.cases[::40]:
        assert read_annotation(case.label, read_image(case.image).pixels.shape).any()
    if len(dataset.cases) == 627:  # the part of the release that this project is tested with
        assert len({case.group for case in dataset.cases}) == 356
