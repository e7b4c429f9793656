"""The competition's test images by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.runs.submission import find_numbered_images


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_images_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = find_numbered_images([touch(tmp_path, "10.tif", "9.tif", "007.png")])
    assert list(found) == [7, 9, 10]
    assert found[7] == tmp_path / "007.png"


def test_a_name_that_is_not_a_number(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"1_2\.tif: its name is not a number"):
        find_numbered_images([touch(tmp_path, "1.tif", "1_2.tif")])


def test_two_images_of_one_number(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="have the same number: give each image once"):
        find_numbered_images([touch(tmp_path, "a/1.tif", "b/01.tif")])


def test_a_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside", "1.tif") / "1.tif"
    folder = touch(tmp_path / "in", "2.tif")
    (folder / "1.tif").symlink_to(outside)
    with pytest.raises(ImageError, match="a link that points out of"):
        find_numbered_images([folder])
