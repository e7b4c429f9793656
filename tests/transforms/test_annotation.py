"""Tests of usseg_monai.transforms.annotation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, EnsureChannelFirstd, LoadImaged

from tests.datasets.samples import write_png
from usseg_monai.data.image_reader import UssegReader
from usseg_monai.errors import ImageError
from usseg_monai.transforms.annotation import LoadAnnotationd


@pytest.fixture
def item(tmp_path: Path) -> dict[str, object]:
    picture = np.zeros((30, 40), np.uint8)
    first, second = picture.copy(), picture.copy()
    first[2:9, 3:9] = 255
    second[7:20, 5:30] = 255
    files = {"image": picture + 7, "first": first, "second": second}
    paths = {name: str(write_png(tmp_path / f"{name}.png", array)) for name, array in files.items()}
    return {"image": paths["image"], "label": [paths["first"], paths["second"]], "group": "a"}


READER: Any = UssegReader()  # MONAI declares the class only, and takes an object too


def load() -> Compose:
    return Compose([LoadImaged("image", reader=READER), EnsureChannelFirstd("image"), LoadAnnotationd("label")])


def test_lies_on_the_grid_of_its_image(item: dict[str, object]) -> None:
    loaded = load()(item)
    label = loaded["label"]
    assert isinstance(label, MetaTensor) and label.shape == loaded["image"].shape == (1, 40, 30)
    assert torch.equal(label.affine, loaded["image"].affine)
    assert label.dtype == torch.float32 and set(label.unique().tolist()) == {0, 1}
    assert label[0, 5, 4] == label[0, 29, 19] == 1 and label[0, 30, 19] == 0
    assert loaded["group"] == "a"


def test_no_file_is_an_empty_mask(item: dict[str, object]) -> None:
    assert not load()(item | {"label": []})["label"].any()


def test_a_missing_file_is_an_error(item: dict[str, object]) -> None:
    image = torch.zeros(1, 40, 30)
    with pytest.raises(ImageError, match="gone"):
        LoadAnnotationd("label")({"image": image, "label": "gone.png"})
