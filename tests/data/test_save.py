"""Tests of usseg_monai.data.save."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import SaveImaged
from PIL import Image

from usseg_monai.data.save import SaveMaskd


def mask() -> MetaTensor:
    """Mask ``(1, W, H)`` of a 53x37 picture with its structure at the top right."""
    pixels = torch.zeros(1, 53, 37, dtype=torch.uint8)
    pixels[:, 40:50, 2:8] = 1
    return MetaTensor(pixels, meta={"filename_or_obj": "elsewhere/picture.jpg"})


def test_writes_an_8_bit_png_that_lies_as_the_picture_does(tmp_path: Path) -> None:
    SaveMaskd("pred", output_dir=str(tmp_path / "out"))({"pred": mask(), "output": "a"})
    with Image.open(tmp_path / "out" / "a.png") as written:
        assert written.mode == "L" and written.size == (53, 37)
        pixels = np.asarray(written)
    assert set(np.unique(pixels)) == {0, 255}
    assert pixels[5, 45] == 255 and int((pixels > 0).sum()) == 60


def test_names_are_those_of_the_items(tmp_path: Path) -> None:
    """Folders are kept and made, dots in a name stay, and the image's own name plays no part."""
    names = ["one/a", "two/a", "two/1.2.840.113"]
    for name in names:
        SaveMaskd("pred", output_dir=str(tmp_path))({"pred": mask(), "output": name})
    written = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["one/a.png", "two/1.2.840.113.png", "two/a.png"]


def test_passes_the_item_on(tmp_path: Path) -> None:
    item: dict[Hashable, Any] = {"pred": mask(), "output": "a"}
    result = SaveMaskd("pred", output_dir=str(tmp_path))(item)
    assert result.keys() == item.keys()
    assert torch.equal(result["pred"], item["pred"])


def test_is_a_saver_to_applications_that_leave_savers_out() -> None:
    assert issubclass(SaveMaskd, SaveImaged)
