"""Masks that anybody made, in the place of a network: a folder of files, matched to the images of a datalist by name.

A file belongs to an image if its name without suffixes is

1. the image's, or the item's ``name`` (`usseg_monai.datasets.shipped`), or the image's without the ending ``_0000`` that nnU-Net asks for;
2. or one of these with ``_mask``, ``_seg``, ``_Annotation`` or ``_label`` behind it, and perhaps a number.

If several images have that name, the file's folders must be the ends of one image's: ``48.png`` in ``SCD0000101/`` belongs to
``.../SCD0000101/48.dcm``. Case counts. Files that are no images, such as nnU-Net's ``dataset.json``, are not looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.geometry.types import MaskArray, Spacing
from usseg_monai.imaging import GreyImage, bare_name, read_frames, read_image
from usseg_monai.imaging.mask_values import find_rule
from usseg_monai.imaging.scale import GivenSpacing, scale_image
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import is_image
from usseg_monai.measuring.result import with_remark
from usseg_monai.predict.prediction import Prediction
from usseg_monai.tasks import get_task

__all__ = ["MaskFolder", "match_masks"]

_CHANNEL = re.compile(r"_0000$")
_ENDING = re.compile(r"_(?:mask|seg|annotation|label)(?:_\d+)?$", re.IGNORECASE)
_SHOWN = 3  # files that a message names


class MaskFolder:
    """The masks of a folder as a predictor: `predict` returns the mask of an image, measured with the pixel size of the image.

    Args:
        task: name of the task whose measurement is applied.
        folder: searched with its subfolders.
        items: of a datalist; `predict` knows their images only.
        label: value of the structure in label maps.

    Attributes:
        extra: files that belong to no image of the items, by name.

    Raises:
        UsageError: no such folder, no file that belongs to an image, or two for one image.
        ImageError: there is no image file in the folder.
    """

    def __init__(self, task: str, folder: Path, items: Sequence[Mapping[str, Any]], *, label: int | None = None) -> None:
        self.task = get_task(task)
        self.folder = folder
        self.label = label
        self._files, self.extra = match_masks(folder, items)
        self._values: dict[float, str] = {}

    @property
    def remarks(self) -> list[str]:
        """Remarks on the folder and the files that were read."""
        remarks = []
        if self.extra:
            remarks.append(f"{len(self.extra)} masks belong to no image of this section and are not scored: {_listed(self.extra)}")
        if len(self._values) > 1:
            values = ", ".join(f"{value:g} in {self._values[value]}" for value in sorted(self._values))
            remarks.append(f"the masks have different values ({values}): if these are labels, give --label N")
        return remarks

    def predict(self, source: Path | GreyImage, *, spacing_mm: Spacing | None = None) -> Prediction:
        """The mask of an image, measured; the pixel size is the image's or else the given one, never that of the mask's file.

        Raises:
            ImageError: the image cannot be read, or its mask is missing, unreadable, or not of its size.
        """
        if isinstance(source, GreyImage):
            raise ImageError("masks of a folder belong to files, not to windows of images: give a datalist without windows")
        image = read_image(source)
        mask = self._mask(source, image.pixels.shape)
        image, reason = scale_image(image, GivenSpacing.of(spacing_mm), mask)
        measurement = with_remark(self.task.measure(mask, image.spacing_mm), reason)
        return Prediction(image, mask, mask.astype(np.float32), measurement, self.task)

    def _mask(self, source: Path, shape: tuple[int, ...]) -> MaskArray:
        file = self._files.get(source)
        if file is None:
            raise ImageError(f"no mask for {source.name} in {self.folder.name}: expected a file such as {bare_name(source)}.png")
        frames = [image.pixels for _, image in zip(range(2), read_frames(file), strict=False)]
        if len(frames) > 1:
            raise ImageError(f"{file.name} has several slices or frames: give one mask file per image")
        try:
            rule = find_rule(frames, self.label)
        except ImageError as error:
            raise ImageError(f"{file.name}: {error}") from error
        if rule.value is not None:
            self._values.setdefault(rule.value, file.name)
        (pixels,) = frames
        if pixels.shape != shape:
            raise ImageError(
                f"{file.name} has {pixels.shape[0]} rows x {pixels.shape[1]} columns, its image {shape[0]} x {shape[1]}: save it in "
                "the size of the image"
            )
        return rule.mask(pixels)


def match_masks(folder: Path, items: Sequence[Mapping[str, Any]]) -> tuple[dict[Path, Path], list[str]]:
    """Find the mask file of each image, by the rules in the module docstring. No file is decoded.

    Args:
        folder: searched with its subfolders.
        items: of a datalist, with ``image``, and perhaps ``name``.

    Returns:
        Image -> its mask file, images without one left out; and the names of the files that belong to no image, sorted.

    Raises:
        UsageError: no such folder, no file that belongs to an image, two files for one image, or a file that fits two images.
        ImageError: there is no image file in the folder.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: give the one that holds the masks, one file per image")
    named: dict[str, list[Path]] = defaultdict(list)
    for item in items:
        for name in dict.fromkeys(_names(item)):
            named[name].append(Path(item["image"]))
    files: dict[Path, list[str]] = defaultdict(list)
    extra: list[str] = []
    found = [item for item in find_inputs([folder]) if is_image(item)]
    for mask in found:
        if mask.refusal:
            raise UsageError(f"{mask.path}: {mask.refusal}")
        image = _image_of(mask.file, named)
        if image is None:
            extra.append(mask.file)
        else:
            files[image].append(mask.path)
    for image, masks in files.items():
        if len(masks) > 1:
            shown = _listed([Path(mask).relative_to(folder).as_posix() for mask in masks])
            raise UsageError(f"{len(masks)} masks for one image, {image.name}: {shown}; keep one file per image, united if it has several")
    if not files:
        image = Path(items[0]["image"])
        raise UsageError(
            f"no file in {folder} belongs to an image of this section: {image.name} needs {bare_name(image)}.png or .nii.gz; found "
            f"{_listed(extra)} (docs/benchmark.md)"
        )
    return {image: Path(masks[0]) for image, masks in files.items()}, sorted(extra)


def _names(item: Mapping[str, Any]) -> Iterator[str]:
    """Names that an image's mask may have, without suffix."""
    if item.get("name"):
        yield str(item["name"])
    stem = bare_name(item["image"])
    yield stem
    yield _CHANNEL.sub("", stem)


def _image_of(mask: str, named: Mapping[str, Sequence[Path]]) -> Path | None:
    """The image that a mask, by its path below the folder, belongs to."""
    stem = bare_name(mask)
    images = named.get(stem) or named.get(_ENDING.sub("", stem)) or ()
    if len(images) <= 1:
        return images[0] if images else None
    folders = PurePath(mask).parent.parts
    fitting = [image for image in images if folders and image.parent.parts[-len(folders) :] == folders]
    if len(fitting) != 1:
        raise UsageError(
            f"{mask} fits {len(fitting) or len(images)} images, {images[0]} first: put it into a folder named as that of its image"
        )
    return fitting[0]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
