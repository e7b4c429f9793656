"""Masks that come from elsewhere, measured like those that a network finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyArray, GreyImage, Limits, Spacing, read_frames
from usseg_monai.imaging.mask_values import MaskRule, find_rule
from usseg_monai.imaging.regions import scale_image
from usseg_monai.inference.inputs import Input
from usseg_monai.inference.mask_origins import MaskOrigins
from usseg_monai.inference.predictor import Prediction
from usseg_monai.measurements.result import with_remark
from usseg_monai.tasks import get_task

__all__ = ["GivenMasks"]

_SHADE = 128  # grey of the structure in overlays: no dark picture, and dark enough for bright lines on it


@dataclass(frozen=True)
class _NoEngine:
    """What stands in the run record where no network ran."""

    name: str = "none"
    device: str = "cpu"
    weights_sha256: str = ""


@dataclass(frozen=True)
class _MaskFrame(GreyImage):
    """A frame of a file whose rule was found in all of its frames."""

    rule: MaskRule = field(default_factory=MaskRule)


class GivenMasks:
    """Stands in the place of a `Predictor` where files hold the masks themselves.

    Args:
        task: name of a task, whose measurement is made.
        label: value of the structure, in maps of several labels.
        run: output folder of the run whose masks these are, perhaps corrected; masks that lie in the folder of a run are known as its own.

    >>> rows, cols = np.mgrid[:90, :120]
    >>> disc = GreyImage((255 * (np.hypot(rows - 45, cols - 60) < 30)).astype(np.float32))
    >>> prediction = GivenMasks("fetal_head").predict(disc, spacing_mm=(0.5, 0.5))
    >>> round(prediction.measurements["head_circumference_mm"])
    90
    """

    def __init__(self, task: str, *, label: int | None = None, run: Path | None = None) -> None:
        self.task = get_task(task)
        self.engine = _NoEngine()
        self.label = label
        self._values: dict[float, str] = {}
        self._origins = MaskOrigins(run)

    @property
    def remarks(self) -> list[str]:
        """What there is to say of the files that were read, all together."""
        if len(self._values) < 2:
            return []
        values = ", ".join(f"{value:g} in {self._values[value]}" for value in sorted(self._values))
        return [f"the masks have different values ({values}): if these are labels, give --label N"]

    def read(self, item: Input, limits: Limits) -> Iterator[GreyImage]:
        """The frames of a file, for `predict`. A file of several frames is read twice: all of them together say what its values mean.

        Raises:
            ImageError: as `usseg_monai.imaging.read_frames` and `usseg_monai.imaging.mask_values.find_rule`.
        """
        path = item.path
        frames = read_frames(path, limits=limits)
        first = next(frames)
        rule = find_rule(chain([first.pixels], _readable(frames)), self.label)
        if rule.value is not None:
            name = Path(path).name
            self._values[rule.value] = min(name, self._values.get(rule.value, name))  # whichever thread comes first
        for image in [first] if first.source.frames == 1 else read_frames(path, limits=limits):
            yield _MaskFrame(**vars(self._placed(item, image)), rule=rule)

    def _placed(self, item: Input, image: GreyImage) -> GreyImage:
        """An image of a format that tells neither pixel size nor place, with those of the run that it is of."""
        if image.spacing_mm is not None or image.place is not None or image.source.frames > 1:
            return image
        origin = self._origins.find(item)
        shape = image.pixels.shape
        if origin is not None and origin.shape not in (None, shape):
            rows, cols = origin.shape or (0, 0)
            raise ImageError(f"the mask has {shape[0]} x {shape[1]} pixels, its picture had {rows} x {cols}: save it in that size")
        return image if origin is None else replace(image, spacing_mm=origin.spacing_mm, place=origin.place)

    def predict(self, image: GreyImage, *, spacing_mm: Spacing | None = None) -> Prediction:
        """Measure a decoded mask, with the spacing of its file or else the one given here, ``(row, col)`` in mm.

        Raises:
            ImageError: as `usseg_monai.imaging.to_mask`, of an image that `read` did not give.
        """
        rule = image.rule if isinstance(image, _MaskFrame) else find_rule([image.pixels], self.label)
        mask = rule.mask(image.pixels)
        image, reason = scale_image(image, mask, spacing_mm)
        shown = GreyImage(np.float32(_SHADE) * mask.astype(np.float32), image.spacing_mm, image.source)
        measurement = with_remark(with_remark(self.task.measure(mask, image.spacing_mm), rule.remark), reason)
        return Prediction(shown, mask, mask.astype(np.float32), measurement)


def _readable(frames: Iterator[GreyImage]) -> Iterator[GreyArray]:
    """Grey values of frames up to the first that is damaged, which is met again, and reported, when the frames are measured."""
    try:
        for image in frames:
            yield image.pixels
    except ImageError:
        return
