"""Tests of usseg_monai.teaching.square."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.teaching.square import PadToSquare, PadToSquared
from usseg_monai.transforms.resize import AntialiasedResized


def picture(width: int, height: int, channels: int = 1) -> MetaTensor:
    """No two pixels are alike."""
    return MetaTensor(torch.arange(channels * width * height, dtype=torch.float32).reshape(channels, width, height))


def plain(image: torch.Tensor) -> torch.Tensor:
    assert isinstance(image, MetaTensor)
    return image.as_tensor()


@pytest.mark.parametrize(
    ("size", "before", "behind"),
    [((8, 4), (0, 2), (0, 2)), ((4, 8), (2, 0), (2, 0)), ((8, 5), (0, 1), (0, 2)), ((5, 5), (0, 0), (0, 0)), ((1, 4), (1, 0), (2, 0))],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_image_stands_in_the_middle_and_the_rest_is_bars(
    size: tuple[int, int], before: tuple[int, int], behind: tuple[int, int], channels: int
) -> None:
    image = picture(*size, channels)
    square = plain(PadToSquare(colour=-7)(image))
    side = max(size)
    assert square.shape == (channels, side, side)
    assert torch.equal(square[:, before[0] : side - behind[0], before[1] : side - behind[1]], image.as_tensor())
    assert int((square == -7).sum()) == channels * (side * side - size[0] * size[1])


def test_a_larger_side_gives_bars_all_around() -> None:
    square = plain(PadToSquare(colour=1, side=10)(torch.zeros(1, 8, 5)))[0]
    assert square.shape == (10, 10)
    assert bool((square[0] == 1).all() and (square[-1] == 1).all() and (square[:, :2] == 1).all() and (square[:, -3:] == 1).all())
    assert not square[1:-1, 2:-3].any()


def test_a_colour_has_a_value_a_channel() -> None:
    square = plain(PadToSquare(colour=(10, 20, 30))(torch.zeros(3, 4, 2)))
    assert square[:, 0, 0].tolist() == square[:, 3, 3].tolist() == [10, 20, 30]


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float32])
def test_keeps_the_type_and_its_input(dtype: torch.dtype) -> None:
    image = picture(6, 3).to(dtype)
    before = plain(image).clone()
    assert PadToSquare(colour=1)(image).dtype == dtype
    assert torch.equal(plain(image), before)


@pytest.mark.parametrize("size", [(53, 37), (37, 53), (40, 40), (1, 9)])
@pytest.mark.parametrize("side", [None, 64])
def test_the_inverse_is_exact(size: tuple[int, int], side: int | None) -> None:
    image, pad = picture(*size, 3), PadToSquare(colour=(1, 2, 3), side=side)
    square = pad(image)
    assert isinstance(square, MetaTensor)
    restored = pad.inverse(square)
    assert isinstance(restored, MetaTensor) and torch.equal(restored.as_tensor(), image.as_tensor())
    assert torch.equal(restored.affine, image.affine)


def test_affine_follows_the_pixels() -> None:
    square = PadToSquare()(picture(8, 4))
    assert isinstance(square, MetaTensor) and square.affine[:2, 3].tolist() == [0, -2]


def test_dictionary_form_gives_each_key_its_colour() -> None:
    pad = PadToSquared(["image", "label"], colour=[1.0, 0.0])
    item: dict[Hashable, Any] = {"image": MetaTensor(torch.full((1, 4, 2), 0.5)), "label": MetaTensor(torch.ones(1, 4, 2)), "other": 1}
    square = pad(item)
    assert (float(square["image"][0, 0, 0]), float(square["label"][0, 0, 0])) == (1, 0)
    restored = pad.inverse(square)
    assert torch.equal(restored["image"], item["image"]) and torch.equal(restored["label"], item["label"])
    with pytest.raises(KeyError, match="label"):
        pad({"image": item["image"]})
    assert "label" not in PadToSquared(["image", "label"], allow_missing_keys=True)({"image": item["image"]})


@pytest.mark.parametrize("size", [(80, 54), (54, 80)])
def test_a_prediction_comes_back_to_the_grid_of_the_source(size: tuple[int, int]) -> None:
    chain = Compose([PadToSquared("image", colour=1.0), AntialiasedResized("image", (32, 32))])
    across = torch.linspace(0, 1, size[0])[:, None] + torch.linspace(0, 1, size[1])[None]
    item = chain({"image": MetaTensor(across[None])})
    item["pred"] = item["image"].clone()
    restored = Invertd("pred", chain, orig_keys="image", nearest_interp=False)(item)["pred"]
    assert restored.shape == (1, *size)
    assert float((restored - across)[:, 4:-4, 4:-4].abs().max()) < 0.1  # the bars' colour runs into the rim only


def test_wrong_use_says_what_is_allowed() -> None:
    with pytest.raises(UsageError, match="2 values of colour for an image of 3 channels"):
        PadToSquare(colour=(1, 2))(picture(4, 4, 3))
    with pytest.raises(UsageError, match="must be 1 or more"):
        PadToSquare(side=0)
    with pytest.raises(ImageError, match="8 x 4 does not fit into a square of 6"):
        PadToSquare(side=6)(picture(8, 4))
