"""Tests of usseg_monai.transforms.outline; the filling itself is tested in tests/data."""

from __future__ import annotations

import pytest
import torch
from monai.data import MetaTensor
from torch import Tensor

from usseg_monai.errors import ImageError
from usseg_monai.transforms.outline import FillOutline, FillOutlined


def ring(width: int = 40, height: int = 30) -> Tensor:
    """Outline of a rectangle, ``(1, W, H)``, 255 on 0."""
    outline = torch.zeros(1, width, height)
    outline[:, 10:31, 8:19] = 255
    outline[:, 11:30, 9:18] = 0
    return outline


def test_fills_an_outline_and_keeps_type_and_metadata() -> None:
    label = MetaTensor(ring(), meta={"filename_or_obj": "a.png"})
    filled = FillOutline()(label)
    assert isinstance(filled, MetaTensor) and filled.meta["filename_or_obj"] == "a.png"
    assert filled.shape == label.shape and filled.dtype == label.dtype
    assert set(filled.unique().tolist()) == {0, 1}
    assert int(filled.sum()) == 21 * 11


def test_a_filled_mask_stays_as_it_is() -> None:
    mask = FillOutline()(ring())
    assert torch.equal(FillOutline()(mask), mask)
    assert not FillOutline()(torch.zeros(1, 9, 7)).any()


def test_channels_are_filled_one_by_one() -> None:
    channels = torch.cat([ring(), torch.zeros_like(ring())])
    assert FillOutline()(channels).flatten(1).sum(1).tolist() == [21 * 11, 0]


def test_an_open_curve_is_an_error() -> None:
    curve = torch.zeros(1, 40, 30)
    curve[:, 5:30, 7] = 255
    curve[:, 5, 7:20] = 255
    with pytest.raises(ImageError, match="closed outline"):
        FillOutline()(curve)


def test_dictionary_form_fills_its_keys_only() -> None:
    item = {"label": ring(), "image": ring()}
    result = FillOutlined("label")(item)
    assert int(result["label"].sum()) == 21 * 11
    assert result["image"] is item["image"]
    assert torch.equal(item["label"], ring())
