"""Tests of usseg_monai.transforms.resize."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd
from torch import Tensor
from torch.nn import functional

from usseg_monai.transforms.resize import AntialiasedResize, AntialiasedResized


def picture(width: int, height: int, channels: int = 1) -> MetaTensor:
    """Smooth, and different at each of its borders, so that a flip or a swap of the axes shows."""
    across, down = torch.meshgrid(torch.linspace(0, 1, width), torch.linspace(0, 1, height), indexing="ij")
    return MetaTensor((100 * across + 30 * down**2 + 5)[None].repeat(channels, 1, 1))


def plain(image: torch.Tensor) -> torch.Tensor:
    assert isinstance(image, MetaTensor)
    return image.as_tensor()


@pytest.mark.parametrize("source", [(53, 37), (24, 16), (10, 90)])
@pytest.mark.parametrize("channels", [1, 3])
def test_gives_the_asked_size_and_torchs_antialiased_values(source: tuple[int, int], channels: int) -> None:
    image = picture(*source, channels)
    resized = AntialiasedResize((24, 16))(image)
    expected = functional.interpolate(image.as_tensor()[None], size=(24, 16), mode="bilinear", antialias=True, align_corners=False)[0]
    assert resized.shape == (channels, 24, 16)
    assert torch.equal(plain(resized), expected)


def test_reduces_noise_where_plain_sampling_would_keep_it() -> None:
    noise = torch.rand(1, 240, 160, generator=torch.Generator().manual_seed(0))
    assert float(AntialiasedResize((60, 40))(noise).std()) < 0.35 * float(noise.std())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.float32, torch.float64])
def test_gives_float32_whatever_comes_in(dtype: torch.dtype) -> None:
    resized = AntialiasedResize((24, 16))(picture(53, 37).to(dtype))
    assert resized.dtype == torch.float32
    assert plain(resized).mean() == pytest.approx(float(picture(53, 37).to(dtype).double().mean()), rel=0.02)


def test_leaves_its_input_alone() -> None:
    for size in ((53, 37), (24, 16)):
        image = picture(53, 37)
        before = image.as_tensor().clone()
        AntialiasedResize(size)(image)
        assert torch.equal(image.as_tensor(), before), size


def test_affine_follows_the_pixels() -> None:
    resized = AntialiasedResize((25, 20))(picture(50, 40))
    assert isinstance(resized, MetaTensor)
    assert torch.allclose(resized.affine.diagonal()[:2], torch.tensor([2.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("source", [(53, 37), (97, 64), (24, 16)])
def test_inverse_restores_the_size_and_the_picture(source: tuple[int, int]) -> None:
    image = picture(*source)
    resize = AntialiasedResize((48, 32))
    restored = resize.inverse(resize(image))
    assert restored.shape == image.shape
    assert float((restored - image).abs().mean()) < 0.5  # of 130 grey values


def test_inverse_is_plain_bilinear() -> None:
    resize = AntialiasedResize((48, 32))
    resized = resize(picture(53, 37))
    values = torch.rand(1, 48, 32, generator=torch.Generator().manual_seed(0))
    resized.copy_(values)
    expected = functional.interpolate(values[None], size=(53, 37), mode="bilinear", align_corners=False)[0]
    assert torch.allclose(plain(resize.inverse(resized)), expected, atol=1e-6)


def test_dictionary_form_resizes_its_keys_only_and_inverts_them() -> None:
    resize = AntialiasedResized(["image", "label"], (24, 16))
    item: dict[Hashable, torch.Tensor] = {"image": picture(53, 37), "label": picture(53, 37), "other": picture(53, 37)}
    resized = resize(item)
    assert [tuple(resized[key].shape[1:]) for key in item] == [(24, 16), (24, 16), (53, 37)]
    restored = resize.inverse(resized)
    assert [tuple(restored[key].shape[1:]) for key in item] == [(53, 37)] * 3


def test_a_missing_key_is_an_error_unless_allowed() -> None:
    with pytest.raises(KeyError, match="label"):
        AntialiasedResized(["image", "label"], (24, 16))({"image": picture(9, 8)})
    assert "label" not in AntialiasedResized(["image", "label"], (24, 16), allow_missing_keys=True)({"image": picture(9, 8)})


@pytest.mark.parametrize("as_metatensor", [True, False])
def test_invertd_brings_a_prediction_to_the_grid_of_the_source(as_metatensor: bool) -> None:
    chain = Compose([AntialiasedResized("image", (24, 16))])
    item = chain({"image": picture(53, 37)})
    prediction: Tensor = item["image"] * 2 if as_metatensor else item["image"].as_tensor() * 2
    item["pred"] = MetaTensor(prediction)
    restored = Invertd("pred", chain, orig_keys="image", nearest_interp=False)(item)["pred"]
    assert restored.shape == (1, 53, 37)
    assert float((restored - 2 * picture(53, 37)).abs().mean()) < 2
