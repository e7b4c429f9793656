"""Tests of usseg_monai.transforms.save."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from monai.data import MetaTensor
from PIL import Image

from usseg_monai.transforms.save import SaveMaskd


def mask(path: Path) -> MetaTensor:
    """Mask ``(1, W, H)`` of a 53x37 picture with its structure at the top right."""
    pixels = torch.zeros(1, 53, 37, dtype=torch.uint8)
    pixels[:, 40:50, 2:8] = 1
    return MetaTensor(pixels, meta={"filename_or_obj": str(path)})


def save(path: Path, root: Path, out: Path) -> None:
    SaveMaskd("pred", output_dir=str(out), data_root_dir=str(root))({"pred": mask(path)})


def test_writes_an_8_bit_png_that_lies_as_the_picture_does(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", tmp_path / "in", tmp_path / "out")
    with Image.open(tmp_path / "out" / "a.png") as written:
        assert written.mode == "L" and written.size == (53, 37)
        pixels = np.asarray(written)
    assert set(np.unique(pixels)) == {0, 255}
    assert pixels[5, 45] == 255 and int((pixels > 0).sum()) == 60


def test_names_follow_the_folders_of_the_images(tmp_path: Path) -> None:
    """The same name in two folders gives two files; dots in a name stay."""
    names = ["one/a.png", "two/a.png", "two/1.2.840.113.dcm"]
    for name in names:
        save(tmp_path / "in" / name, tmp_path / "in", tmp_path / "out")
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png"))
    assert written == ["one/a.png", "two/1.2.840.113.png", "two/a.png"]
