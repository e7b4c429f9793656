"""Folders of images and masks as users have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.datasets.folder import folder_group, read_folder
from usseg_monai.errors import UsageError


def make(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def pairs(root: Path, **options: str) -> list[tuple[str, str, str]]:
    cases = read_folder(root, **options).cases
    return [
        (case.image.relative_to(root).as_posix(), case.label.relative_to(root).as_posix(), case.group)
        for case in cases
        if isinstance(case.label, Path)
    ]


def test_two_folders(tmp_path: Path) -> None:
    make(tmp_path, "images/a_1.png", "images/a_2.jpg", "images/b.dcm", "masks/a_1.png", "masks/a_2_mask.png", "masks/b_Annotation.png")
    assert pairs(tmp_path) == [
        ("images/a_1.png", "masks/a_1.png", "a"),
        ("images/a_2.jpg", "masks/a_2_mask.png", "a"),
        ("images/b.dcm", "masks/b_Annotation.png", "b"),
    ]


def test_subfolders_are_groups(tmp_path: Path) -> None:
    make(tmp_path, "images/p1/1.png", "masks/p1/1.png", "images/p2/1.png", "masks/p2/1.png")
    assert [group for *_, group in pairs(tmp_path)] == ["p1", "p2"]


def test_pairs_side_by_side(tmp_path: Path) -> None:
    make(
        tmp_path,
        "x_1.nii.gz",
        "x_1_mask.nii.gz",
        "deep/y.png",
        "deep/y_Annotation.png",
        "notes.txt",
        "mask.png",
        ".hidden.png",
        ".hidden_mask.png",
    )
    assert pairs(tmp_path) == [("deep/y.png", "deep/y_Annotation.png", "deep"), ("x_1.nii.gz", "x_1_mask.nii.gz", "x")]


def test_a_pattern_names_the_groups(tmp_path: Path) -> None:
    make(tmp_path, "images/benign/p1-1.png", "masks/benign/p1-1.png", "images/benign/p2-1.png", "masks/benign/p2-1.png")
    assert [group for *_, group in pairs(tmp_path, group_pattern=r"p\d+")] == ["p1", "p2"]
    assert [group for *_, group in pairs(tmp_path, group_pattern=r"/p(\d+)-")] == ["1", "2"]
    with pytest.raises(UsageError, match=r"'q' is not found in 'benign/p1-1.png'"):
        read_folder(tmp_path, group_pattern="q")
    with pytest.raises(UsageError, match="not a regular expression"):
        read_folder(tmp_path, group_pattern="(")


def test_what_has_no_partner_is_told(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "a_mask.png", "b.png", "c_mask.png")
    assert read_folder(tmp_path).remarks == ("1 images without a mask, left out: b", "1 masks without an image: c")


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder"):
        read_folder(tmp_path / "nowhere")
    make(tmp_path, "a.png", "b_mask.png")
    with pytest.raises(UsageError, match="1 images and 1 masks, none of the same name"):
        read_folder(tmp_path)


def test_two_files_of_one_name_are_an_error(tmp_path: Path) -> None:
    make(tmp_path, "images/a.png", "images/a.jpg", "masks/a.png")
    with pytest.raises(UsageError, match=r"a\.jpg and .*a\.png have one name"):
        read_folder(tmp_path)


def test_names() -> None:
    assert folder_group(Path("exam_3_12.png")) == "exam_3"
    assert folder_group(Path("a/b/c.png")) == "a/b"
    assert folder_group(Path("_1.png")) == "_1"
