"""Tests of usseg_monai.transforms.scan: closed forms in polar coordinates."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd
from torch import Tensor

from usseg_monai.errors import UsageError
from usseg_monai.geometry.sector import Sector
from usseg_monai.transforms.scan import InverseScanConvert, InverseScanConvertd, ScanConvert, ScanConvertd, to_beams, to_picture

SECTOR = Sector(apex=(100.0, -30.0), near=40.0, far=210.0, left=-0.55, right=0.5)
WIDTH, HEIGHT = 210, 185
BEAMS, DEPTHS = 96, 128
ANGLE = np.linspace(SECTOR.left, SECTOR.right, BEAMS)[:, None]
RADIUS = np.linspace(SECTOR.near, SECTOR.far, DEPTHS)[None]


def inside() -> Tensor:
    """Pixels of the sector, ``(W, H)``."""
    return torch.from_numpy(SECTOR.mask((HEIGHT, WIDTH)).T)


def polar() -> tuple[Tensor, Tensor]:
    cols, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT), indexing="ij")
    radius, angle = SECTOR.polar(cols, rows)
    return torch.from_numpy(radius).float(), torch.from_numpy(angle).float()


def grid(values: Any) -> Tensor:
    return torch.from_numpy(np.broadcast_to(values, (BEAMS, DEPTHS)).copy()).float()[None]


def waves(length: float) -> Tensor:
    """A picture with an amplitude of 50 in each direction."""
    across, down = torch.meshgrid(torch.arange(WIDTH), torch.arange(HEIGHT), indexing="ij")
    return (100 + 25 * torch.sin(2 * torch.pi * across / length) + 25 * torch.cos(2 * torch.pi * down / length))[None]


def test_radius_and_angle_are_drawn_where_they_are() -> None:
    """Linear interpolation is exact for what is linear along the beams."""
    radius, angle = polar()
    drawn = to_picture(torch.cat([grid(RADIUS), grid(ANGLE)]), SECTOR, (WIDTH, HEIGHT))
    assert torch.allclose(drawn[0][inside()], radius[inside()], atol=1e-3)
    assert torch.allclose(drawn[1][inside()], angle[inside()], atol=1e-5)
    assert not drawn[:, ~inside()].any()


def test_columns_and_rows_are_sampled_where_they_are() -> None:
    cols, rows = torch.meshgrid(torch.arange(WIDTH).float(), torch.arange(HEIGHT).float(), indexing="ij")
    sampled = to_beams(torch.stack([cols, rows]), SECTOR, (BEAMS, DEPTHS))
    x, y = SECTOR.pixels(RADIUS, ANGLE)
    within = torch.from_numpy((x >= 0) & (x <= WIDTH - 1) & (y >= 0) & (y <= HEIGHT - 1))
    assert 0.9 < within.float().mean() < 1
    assert torch.allclose(sampled[0][within], torch.from_numpy(x).float()[within], atol=1e-3)
    assert torch.allclose(sampled[1][within], torch.from_numpy(y).float()[within], atol=1e-3)
    assert not sampled[:, ~within].any()


@pytest.mark.parametrize(("beam", "depth"), [(0, 64), (30, 20), (70, 100), (BEAMS - 1, 90)])
def test_a_point_target_lies_at_its_radius_and_angle(beam: int, depth: int) -> None:
    target = torch.zeros(1, BEAMS, DEPTHS)
    target[0, beam, depth] = 1
    drawn = to_picture(target, SECTOR, (WIDTH, HEIGHT))[0]
    col, row = SECTOR.pixels(RADIUS[0, depth], ANGLE[beam, 0])
    bright = torch.nonzero(drawn).double()
    assert len(bright) and float((bright - torch.tensor([float(col), float(row)])).norm(dim=1).max()) < 4
    places, weights = bright, drawn[drawn > 0].double()
    if 0 < beam < BEAMS - 1:
        centre = (places * weights[:, None]).sum(dim=0) / weights.sum()
        assert centre.tolist() == pytest.approx([float(col), float(row)], abs=0.5)


def test_a_disc_has_its_polar_equation() -> None:
    p, b, q = 120.0, 0.1, 35.0
    x, y = SECTOR.apex[0] + p * np.sin(b), SECTOR.apex[1] + p * np.cos(b)
    cols, rows = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT), indexing="ij")
    disc = torch.from_numpy(np.hypot(cols - x, rows - y) <= q).float()[None]
    expected = grid(RADIUS**2 - 2 * RADIUS * p * np.cos(ANGLE - b) + p**2 <= q**2) > 0
    sampled = to_beams(disc, SECTOR, (BEAMS, DEPTHS), "nearest") > 0
    edge = torch.from_numpy(np.abs(np.sqrt(RADIUS**2 - 2 * RADIUS * p * np.cos(ANGLE - b) + p**2) - q) < 1)[None]
    assert torch.equal(sampled[~edge], expected[~edge])
    assert expected.sum() > 300


@pytest.mark.parametrize("length", [20.0, 40.0, 80.0])
def test_the_round_trip_keeps_to_the_bound_of_linear_interpolation(length: float) -> None:
    """Per pass and axis the error is at most h^2 / 8 times the second derivative; the grids are one pixel fine, there are two passes."""
    picture = waves(length)
    restored = to_picture(to_beams(picture, SECTOR, SECTOR.grid()), SECTOR, (WIDTH, HEIGHT))
    bound = 2 * 2 / 8 * 25 * (2 * np.pi / length) ** 2 * 1.1  # 1.1: beams are not quite the picture's axes
    radius, angle = polar()
    middle = inside()[None] & (radius > SECTOR.near + 3) & (radius < SECTOR.far - 3) & (angle > -0.45) & (angle < 0.45)
    border = torch.zeros_like(middle)
    border[:, 3:-3, 3:-3] = True
    error = float((restored - picture)[middle & border].abs().max())
    assert bound / 20 < error <= bound


def test_labels_stay_labels() -> None:
    label = (waves(30.0) > 100).float() * 2
    sampled = InverseScanConvert(SECTOR, mode="nearest")(label)
    assert set(torch.as_tensor(sampled).unique().tolist()) == {0.0, 2.0}


def test_a_sector_is_fitted_to_the_image_and_holds_for_its_label() -> None:
    picture = waves(40.0) * inside()
    label = (inside() & (torch.arange(HEIGHT)[None] > 100)).float()[None]
    convert = InverseScanConvertd(["image", "label"], mode=["bilinear", "nearest"])
    beams = convert({"image": picture, "label": label})
    assert beams["image"].shape == beams["label"].shape
    fitted = beams["label"].applied_operations[-1]["extra_info"]["sector"]
    assert fitted.apex == pytest.approx(SECTOR.apex, abs=1) and fitted.far == pytest.approx(SECTOR.far, abs=2)
    restored = convert.inverse(beams)
    agree = (torch.as_tensor(restored["label"]) == label).float().mean()
    assert restored["label"].shape == label.shape and float(agree) > 0.985


def test_without_the_first_key_there_is_nothing_to_fit_to() -> None:
    with pytest.raises(UsageError, match="no 'image' to fit"):
        InverseScanConvertd(["image", "label"], allow_missing_keys=True)({"label": waves(40)})
    found = InverseScanConvertd(["image", "label"], SECTOR, allow_missing_keys=True)({"label": waves(40)})
    assert found["label"].shape == (1, *SECTOR.grid())


@pytest.mark.parametrize(("spacing", "unit"), [([0.2, 0.2], 0.2), ([np.nan, np.nan], 1.0)])
def test_the_pixel_size_in_the_metadata_counts(spacing: list[float], unit: float) -> None:
    image = MetaTensor(waves(40.0) * inside(), meta={"spacing_mm": np.array(spacing)})
    fitted = InverseScanConvert().sector_of(image)
    assert fitted.spacing == (unit, unit) and fitted.far == pytest.approx(SECTOR.far * unit, abs=2 * unit)


def test_the_affine_comes_back_with_the_picture() -> None:
    image = MetaTensor(waves(40.0), affine=torch.diag(torch.tensor([0.3, 0.2, 1, 1], dtype=torch.float64)))
    convert = InverseScanConvert(SECTOR)
    beams = convert(image)
    assert isinstance(beams, MetaTensor) and torch.equal(beams.affine, torch.eye(4, dtype=torch.float64))
    restored = convert.inverse(beams)
    assert isinstance(restored, MetaTensor) and torch.equal(restored.affine, image.affine) and not restored.applied_operations


def test_invertd_brings_what_a_network_finds_on_beams_to_the_picture() -> None:
    chain = Compose([InverseScanConvertd("image", SECTOR, (BEAMS, DEPTHS))])
    item: dict[Hashable, Any] = chain({"image": waves(40.0)})
    item["pred"] = item["image"] * 0 + grid(RADIUS > 120)
    drawn = Invertd("pred", chain, orig_keys="image", nearest_interp=False)(item)["pred"]
    radius, _ = polar()
    assert drawn.shape == (1, WIDTH, HEIGHT)
    sure = inside() & ((radius - 120).abs() > 2)
    assert torch.equal((torch.as_tensor(drawn)[0] > 0.5)[sure], (radius > 120)[sure])


def test_drawing_is_undone_by_its_inverse() -> None:
    smooth = grid(100 + 50 * np.sin(RADIUS / 20) * np.cos(ANGLE * 5))
    convert = ScanConvertd("beams", SECTOR, (WIDTH, HEIGHT))
    drawn = convert({"beams": smooth})
    restored = convert.inverse(drawn)["beams"]
    middle = restored[:, 20:-20, 15:-15]
    assert restored.shape == smooth.shape
    assert float((middle - smooth[:, 20:-20, 15:-15])[middle > 0].abs().max()) < 1.0


def test_integers_become_floats() -> None:
    assert ScanConvert(SECTOR, (WIDTH, HEIGHT))(torch.ones(1, BEAMS, DEPTHS, dtype=torch.uint8)).dtype == torch.float32
