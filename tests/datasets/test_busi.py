"""BUSI: the official layout, the reviewers' table, lesions that are there twice, and what contradicts itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.datasets.samples import make_busi, texture, write_png
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.busi import FOLDER, TABLE, is_busi, read_busi, read_reviewers_groups
from usseg_monai.datasets.dataset import Dataset
from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image

COUNTS = (
    "2 benign images: the official release has 437",
    "2 malignant images: the official release has 210",
    "2 normal images: the official release has 133",
)
NO_TABLE = f"no {TABLE}: images of one lesion are found by their likeness alone, and objections are unknown"
CLASSES = {"benign", "malignant", "normal"}


@pytest.fixture(scope="module")
def real(data_root: Path) -> Dataset:
    return read_busi(data_root / "busi")


def groups_of(dataset: Dataset) -> dict[str, str]:
    return {case.image.stem: case.group for case in dataset.cases}


@pytest.mark.parametrize("place", ["", FOLDER])
def test_the_official_layout(tmp_path: Path, place: str) -> None:
    make_busi(tmp_path)
    dataset = read_busi(tmp_path / place)
    assert (dataset.name, dataset.task, dataset.remarks) == ("BUSI", "breast", (*COUNTS, NO_TABLE))
    assert [(case.image.stem, case.category, case.group) for case in dataset.cases] == [
        (name, name.partition(" ")[0], name)
        for name in ("benign (2)", "benign (10)", "malignant (1)", "malignant (2)", "normal (1)", "normal (2)")
    ]
    assert {case.source for case in dataset.cases} == {"BUSI"}
    assert all(case.notes == {"objection": "", "annotation": ""} for case in dataset.cases)


def test_all_masks_of_an_image_are_its_label(tmp_path: Path) -> None:
    labels = {case.image.stem: case.label for case in read_busi(make_busi(tmp_path)).cases}
    both = read_annotation(labels["benign (10)"], (92, 128))
    assert both.sum() == 2 * read_annotation(labels["benign (2)"], (92, 128)).sum() > 0
    assert labels["normal (2)"] == ()
    assert not any(read_annotation(labels[name], (92, 128)).any() for name in ("normal (1)", "normal (2)"))


def test_the_table_names_groups_and_notes(tmp_path: Path) -> None:
    table = "benign (2).png,one,axilla,text\nbenign (10).png,one,,\nmalignant (1).png,other,needle,\n"
    dataset = read_busi(make_busi(tmp_path, table=table))
    assert dataset.remarks == COUNTS
    assert groups_of(dataset)["benign (2)"] == groups_of(dataset)["benign (10)"] == "one"
    assert groups_of(dataset)["malignant (2)"] == "malignant (2)"
    notes = {case.image.stem: case.notes for case in dataset.cases}
    assert notes["benign (2)"] == {"objection": "axilla", "annotation": "text"}
    assert notes["malignant (2)"] == {"objection": "", "annotation": ""}
    assert read_reviewers_groups(tmp_path) == {"benign (2).png": "one", "benign (10).png": "one", "malignant (1).png": "other"}
    assert groups_of(read_busi(tmp_path / FOLDER)) == groups_of(dataset)


def test_groups_of_the_table_and_near_duplicates_are_united(tmp_path: Path) -> None:
    root = make_busi(tmp_path, table="benign (2).png,one,,\nbenign (10).png,one,,\n")
    again = np.clip(texture(1)[2:, 1:] * 1.1 + 5, 0, 255).astype(np.uint8)  # benign (10), moved and brighter
    write_png(root / FOLDER / "benign" / "benign (11).png", again)
    write_png(root / FOLDER / "benign" / "benign (11)_mask.png", np.zeros_like(again))
    groups = groups_of(read_busi(root))
    assert groups["benign (2)"] == groups["benign (10)"] == groups["benign (11)"] == "benign (11)"
    assert len(set(groups.values())) == 5


def test_a_lesion_in_two_classes_is_left_out_whether_the_table_or_the_picture_says_so(tmp_path: Path) -> None:
    root = make_busi(tmp_path, table="malignant (2).png,same,multiclass,\nnormal (2).png,same,,\n")
    write_png(root / FOLDER / "malignant" / "malignant (1).png", texture(0)[1:, 1:])  # the picture of benign (2)
    dataset = read_busi(root)
    assert set(groups_of(dataset)) == {"benign (10)", "normal (1)"}
    assert dataset.remarks[-1] == (
        "4 images left out whose lesion occurs in two classes: benign (2).png, malignant (1).png, malignant (2).png, normal (2).png"
    )


@pytest.mark.parametrize(
    ("damage", "remark"),
    [
        (lambda folder: (folder / "benign/benign (2)_mask.png").unlink(), "1 images without a mask, left out: benign (2).png"),
        (lambda folder: (folder / "benign/benign (2).png").write_text("x"), "1 images that cannot be read, left out: benign (2).png"),
        (lambda folder: (folder / "benign/benign (2).png").unlink(), "1 masks without an image: benign (2)"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_is_read(tmp_path: Path, damage: Callable[[Path], object], remark: str) -> None:
    damage(make_busi(tmp_path) / FOLDER)
    dataset = read_busi(tmp_path)
    assert remark in dataset.remarks
    assert "benign (2)" not in groups_of(dataset)
    assert len(dataset.cases) == 5


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        read_busi(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="found 0 images and 0 masks"):
        read_busi(tmp_path)
    assert not is_busi(tmp_path)
    assert not is_busi(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("file,group\n", "has the columns"),
        ("filename,group,objection,annotation\nbenign (2).png,,,\n", "line 2: 'benign \\(2\\).png' has no group"),
        ("filename,group,objection,annotation\nbenign (2).png\n", "has no group"),
    ],
)
def test_a_wrong_table_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (make_busi(tmp_path) / TABLE).write_text(content)
    with pytest.raises(UsageError, match=message):
        read_busi(tmp_path)


def test_real_groups_are_never_cut_and_have_one_class(real: Dataset, data_root: Path) -> None:
    reviewers = read_reviewers_groups(data_root / "busi")
    parts: dict[str, set[str]] = {}
    classes: dict[str, set[str | None]] = {}
    for case in real.cases:
        parts.setdefault(reviewers[case.image.name], set()).add(real.split_of(case))
        classes.setdefault(case.group, set()).add(case.category)
    assert {len(found) for found in parts.values()} == {1}
    assert {len(found) for found in classes.values()} == {1}
    assert len(classes) < len(real.cases)


def test_real_lesions_that_contradict_themselves_are_left_out(real: Dataset) -> None:
    kept = groups_of(real).keys()
    assert kept.isdisjoint({"benign (433)", "benign (435)", "malignant (145)"})
    assert not any("multiclass" in case.notes["objection"] for case in real.cases)
    assert Counter(case.notes["objection"] for case in real.cases)["axilla"] > 0
    assert {case.category for case in real.cases} == CLASSES
    if len(kept) == 651:  # the part of the release that this project is tested with
        assert Counter(case.category for case in real.cases) == {"benign": 347, "malignant": 186, "normal": 118}


def test_real_masks_are_empty_where_the_class_is_normal(real: Dataset) -> None:
    for case in real.cases[::7]:
        mask = read_annotation(case.label, read_image(case.image).pixels.shape)
        assert mask.any() == (case.category != "normal"), case.image.name
