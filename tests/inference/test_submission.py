"""The competition's test images by number, and masks on another grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.inference.submission import find_numbered_images, resize_mask


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
    with pytest.raises(UsageError, match=r"1_2\.tif: its name is no number"):
        find_numbered_images([touch(tmp_path, "1.tif", "1_2.tif")])


def test_two_images_of_one_number(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="have one number: give each image once"):
        find_numbered_images([touch(tmp_path, "a/1.tif", "b/01.tif")])


def test_a_link_out_of_the_folder(tmp_path: Path) -> None:
    outside = touch(tmp_path / "outside", "1.tif") / "1.tif"
    folder = touch(tmp_path / "in", "2.tif")
    (folder / "1.tif").symlink_to(outside)
    with pytest.raises(ImageError, match="a link that points out of"):
        find_numbered_images([folder])


@pytest.mark.parametrize("shape", [(420, 580), (184, 256), (5, 7), (1000, 3)])
def test_resizing_takes_the_nearest_pixel(shape: tuple[int, int]) -> None:
    mask = np.random.default_rng(0).integers(0, 2, (42, 58)).astype(np.uint8)
    resized = resize_mask(mask, shape)
    assert resized.shape == shape
    for row, col in ((0, 0), (shape[0] - 1, shape[1] - 1), (shape[0] // 3, shape[1] // 2)):
        source = int((row + 0.5) * 42 / shape[0]), int((col + 0.5) * 58 / shape[1])
        assert resized[row, col] == mask[source]


def test_a_mask_of_the_size_stays_as_it_is() -> None:
    mask = np.eye(9, dtype=np.uint8)
    assert resize_mask(mask, (9, 9)) is mask
