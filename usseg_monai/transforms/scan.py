"""Scan conversion: from the beams of a sector to the picture, and from the picture back to beams.

A curved or phased probe measures along beams that fan out from one point; the machine draws them as a sector. On the beams' grid, depth is
an axis, speckle has the same shape everywhere, and nothing of the array is black ground: physics of depth and attenuation is simple there.
Positions are polar coordinates about the sector's apex (`usseg_monai.geometry.sector.Sector`); values between samples are interpolated.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform
from monai.utils import TraceKeys, ensure_tuple, ensure_tuple_rep
from torch import Tensor
from torch.nn import functional

from usseg_monai.errors import UsageError
from usseg_monai.geometry.sector import Floats, Sector
from usseg_monai.transforms.backends import TORCH
from usseg_monai.transforms.dictionary import InvertibleDictionaryForm
from usseg_monai.transforms.sector_fit import fit_sector

__all__ = [
    "InverseScanConvert",
    "InverseScanConvertD",
    "InverseScanConvertDict",
    "InverseScanConvertd",
    "ScanConvert",
    "ScanConvertD",
    "ScanConvertDict",
    "ScanConvertd",
    "to_beams",
    "to_picture",
]

Mode = Literal["bilinear", "nearest"]
"""Of interpolation: ``nearest`` for labels."""

_ROUNDING = 1e-3  # samples that the outermost ones may be missed by


def to_picture(beams: Tensor, sector: Sector, spatial_size: Sequence[int], mode: Mode = "bilinear") -> Tensor:
    """Draw beams as a sector.

    Args:
        beams: ``(channels, beams, depths)`` float.
        sector: the first and last beam are its sides, the first and last sample its radii.
        spatial_size: ``(W, H)`` of the picture.
        mode: of interpolation.

    Returns:
        ``(channels, W, H)``, 0 outside the sector.
    """
    across, down = sector.fractions((spatial_size[1], spatial_size[0]))
    return _sample(beams, across.T * (beams.shape[1] - 1), down.T * (beams.shape[2] - 1), mode)


def to_beams(picture: Tensor, sector: Sector, spatial_size: Sequence[int], mode: Mode = "bilinear") -> Tensor:
    """Sample a picture along beams.

    Args:
        picture: ``(channels, W, H)`` float.
        sector: where the beams lie.
        spatial_size: ``(beams, depths)``.
        mode: of interpolation.

    Returns:
        ``(channels, beams, depths)``, 0 where a beam leaves the picture.
    """
    angle = np.linspace(sector.left, sector.right, spatial_size[0])[:, None]
    radius = np.linspace(sector.near, sector.far, spatial_size[1])[None]
    return _sample(picture, *sector.pixels(radius, angle), mode)


def _sample(values: Tensor, first: Floats, second: Floats, mode: Mode) -> Tensor:
    """Values ``(channels, m, n)`` at positions along both axes, given in samples; 0 outside."""
    inside = np.ones(np.broadcast_shapes(first.shape, second.shape), bool)
    scaled = []
    for position, length in ((second, values.shape[2]), (first, values.shape[1])):  # torch names the last axis first
        inside &= (position >= -_ROUNDING) & (position <= length - 1 + _ROUNDING)
        scaled.append(2 * position / max(length - 1, 1) - 1)
    grid = torch.from_numpy(np.stack(np.broadcast_arrays(*scaled), axis=-1)).to(values)
    sampled = functional.grid_sample(values[None], grid[None], mode=mode, padding_mode="border", align_corners=True)[0]
    return sampled * torch.from_numpy(inside).to(values)


class _Conversion(InvertibleTransform):
    """What both directions share: plain float values in, a trace for the way back out."""

    backend = TORCH

    def _convert(self, img: Tensor, sector: Sector, spatial_size: Sequence[int], mode: Mode, forward: bool) -> Tensor:
        values = torch.as_tensor(img).as_subclass(Tensor).float()
        converted = (to_picture if forward else to_beams)(values, sector, spatial_size, mode)
        if not isinstance(img, MetaTensor):
            return converted
        result = MetaTensor(converted, meta=dict(img.meta), applied_operations=list(img.applied_operations))
        return result

    def _traced(self, img: Tensor, sector: Sector, spatial_size: Sequence[int], mode: Mode, forward: bool) -> Tensor:
        image = img if isinstance(img, MetaTensor) else MetaTensor(torch.as_tensor(img))
        result = self._convert(image, sector, spatial_size, mode, forward)
        result.affine = torch.eye(4, dtype=torch.float64)  # type: ignore[attr-defined]  # a polar grid has none, and the picture's is the caller's
        extra = {"sector": sector, "mode": mode, "affine": image.affine}
        self.push_transform(result, orig_size=tuple(image.shape[1:]), extra_info=extra)  # type: ignore[no-untyped-call]  # untyped in MONAI
        return result

    def _inverted(self, img: Tensor, forward: bool) -> Tensor:
        trace = self.pop_transform(img)
        extra = trace[TraceKeys.EXTRA_INFO]
        result = self._convert(img, extra["sector"], trace[TraceKeys.ORIG_SIZE], extra["mode"], forward)
        if isinstance(result, MetaTensor):
            result.affine = extra["affine"]
        return result


class ScanConvert(_Conversion):
    """Draw beams as a sector; its inverse samples the picture along the beams again.

    Args:
        sector: its geometry.
        spatial_size: ``(W, H)`` of the picture.
        mode: of interpolation: ``"bilinear"``, or ``"nearest"`` for labels.

    Shapes: ``(channels, beams, depths)`` to float ``(channels, W, H)``, 0 outside the sector.

    >>> sector = Sector((100, -40), 50, 230, -0.5, 0.5)
    >>> ScanConvert(sector, (200, 190))(torch.ones(1, 64, 256)).shape
    torch.Size([1, 200, 190])
    """

    def __init__(self, sector: Sector, spatial_size: Sequence[int], mode: Mode = "bilinear") -> None:
        self.sector, self.spatial_size, self.mode = sector, tuple(spatial_size), mode

    def __call__(self, img: Tensor) -> Tensor:
        return self._traced(img, self.sector, self.spatial_size, self.mode, forward=True)

    def inverse(self, img: Tensor) -> Tensor:
        """Sample the picture on the grid of the beams that it was drawn from."""
        return self._inverted(img, forward=False)


class InverseScanConvert(_Conversion):
    """Sample a picture along the beams of its sector; its inverse draws the sector again, 0 outside.

    Args:
        sector: its geometry; ``None`` fits it to each picture's edge (`usseg_monai.transforms.sector_fit.fit_sector`), in millimetres
            where the metadata have ``spacing_mm``.
        spatial_size: ``(beams, depths)``; ``None`` for a grid nowhere coarser than the picture.
        mode: of interpolation: ``"bilinear"``, or ``"nearest"`` for labels.

    Shapes: ``(channels, W, H)`` to float ``(channels, beams, depths)``.

    Raises:
        ImageError: a picture without the two straight sides of a sector.

    >>> sector = Sector((100, -40), 50, 230, -0.5, 0.5)
    >>> picture = torch.from_numpy(100.0 * sector.mask((190, 200)).T[None])
    >>> InverseScanConvert(sector, (64, 256))(picture).shape
    torch.Size([1, 64, 256])
    >>> InverseScanConvert()(picture).shape  # fitted
    torch.Size([1, 232, 182])
    """

    def __init__(self, sector: Sector | None = None, spatial_size: Sequence[int] | None = None, mode: Mode = "bilinear") -> None:
        self.sector, self.spatial_size, self.mode = sector, spatial_size and tuple(spatial_size), mode

    def sector_of(self, img: Tensor) -> Sector:
        """The sector of a picture ``(channels, W, H)``: the given one, or the one fitted to the largest value over the channels."""
        if self.sector is not None:
            return self.sector
        spacing = np.asarray(img.meta.get("spacing_mm", np.nan) if isinstance(img, MetaTensor) else np.nan, float).ravel()
        known = (float(spacing[0]), float(spacing[-1])) if np.isfinite(spacing).all() else None
        return fit_sector(torch.as_tensor(img).as_subclass(Tensor).amax(dim=0).cpu().numpy().T, known)

    def __call__(self, img: Tensor, sector: Sector | None = None, mode: Mode | None = None) -> Tensor:
        """Sample a picture; ``sector`` and ``mode`` go before those of the transform."""
        sector = sector or self.sector_of(img)
        return self._traced(img, sector, self.spatial_size or sector.grid(), mode or self.mode, forward=False)

    def inverse(self, img: Tensor) -> Tensor:
        """Draw the beams as the sector that they were sampled from."""
        return self._inverted(img, forward=True)


class ScanConvertd(InvertibleDictionaryForm):
    """Dictionary form of `ScanConvert`.

    Args:
        keys: of the beams.
        sector: as for `ScanConvert`.
        spatial_size: as for `ScanConvert`.
        mode: one for all keys, or one for each.
        allow_missing_keys: whether an item may lack a key.
    """

    backend = ScanConvert.backend

    def __init__(
        self,
        keys: KeysCollection,
        sector: Sector,
        spatial_size: Sequence[int],
        mode: Mode | Sequence[Mode] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        modes = ensure_tuple_rep(mode, len(ensure_tuple(keys)))
        super().__init__(keys, [ScanConvert(sector, spatial_size, one) for one in modes], allow_missing_keys)


class InverseScanConvertd(MapTransform, InvertibleTransform):
    """Dictionary form of `InverseScanConvert`; a sector that is fitted is that of the first key, for all keys.

    Args:
        keys: of the pictures: the image first, then its labels.
        sector: as for `InverseScanConvert`.
        spatial_size: as for `InverseScanConvert`.
        mode: one for all keys, or one for each.
        allow_missing_keys: whether an item may lack a key, the first excepted where a sector has to be fitted.

    Raises:
        UsageError: a sector has to be fitted and the first key is missing.
    """

    backend = InverseScanConvert.backend

    def __init__(
        self,
        keys: KeysCollection,
        sector: Sector | None = None,
        spatial_size: Sequence[int] | None = None,
        mode: Mode | Sequence[Mode] = "bilinear",
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = InverseScanConvert(sector, spatial_size)
        self.modes = ensure_tuple_rep(mode, len(self.keys))

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        sector = self.transform.sector
        if sector is None:
            if self.keys[0] not in result:
                raise UsageError(f"no {self.keys[0]!r} to fit the sector to: give the sector, or the picture under the first key")
            sector = self.transform.sector_of(result[self.keys[0]])
        for key, mode in self.key_iterator(result, self.modes):
            result[key] = self.transform(result[key], sector, mode)
        return result

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        result = dict(data)
        for key in self.key_iterator(result):
            result[key] = self.transform.inverse(result[key])
        return result


ScanConvertD = ScanConvertDict = ScanConvertd
InverseScanConvertD = InverseScanConvertDict = InverseScanConvertd
