"""Tests of usseg_monai.transforms.windows."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
import torch

from usseg_monai.transforms.windows import CropWindowd, RandStructureWindowd


def item() -> dict[Hashable, Any]:
    image = torch.arange(80 * 60, dtype=torch.float32).reshape(1, 80, 60)
    label = torch.zeros(1, 80, 60)
    label[:, 8:20, 5:17] = 1
    return {"image": image, "label": label}


def test_cuts_the_named_window() -> None:
    cut = CropWindowd(["image", "label"])(item() | {"window": [5, 8, 12, 20]})
    assert torch.equal(torch.as_tensor(cut["image"]), item()["image"][:, 8:28, 5:17])
    assert int(cut["label"].sum()) == 144 and "window" not in cut


@pytest.mark.parametrize("window", [{}, {"window": []}])
def test_items_without_a_window_stay_whole(window: dict[str, Any]) -> None:
    assert torch.equal(CropWindowd("image")(item() | window)["image"], item()["image"])


@pytest.mark.parametrize(("empty_share", "pixels"), [(1.0, 0), (0.0, 144)])
def test_random_windows_hold_all_or_nothing(empty_share: float, pixels: int) -> None:
    crop = RandStructureWindowd(["image", "label"], prob=1.0, empty_share=empty_share, side=(0.4, 0.7))
    crop.set_random_state(1)
    sizes = set()
    for _ in range(20):
        cut = crop(item())
        assert int(cut["label"].sum()) == pixels
        sizes.add(tuple(cut["image"].shape))
    assert len(sizes) > 5 and all(32 <= width <= 56 and 24 <= height <= 42 for _, width, height in sizes)


def test_nothing_happens_to_the_others() -> None:
    assert torch.equal(RandStructureWindowd(["image", "label"], prob=0.0)(item())["image"], item()["image"])
