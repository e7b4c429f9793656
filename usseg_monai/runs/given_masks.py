"""Measures existing masks like those that a network finds."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, Limits, read_frames
from usseg_monai.imaging.mask_values import MaskRule, find_rule
from usseg_monai.imaging.scale import GivenSpacing, scale_image
from usseg_monai.inputs.naming import Input
from usseg_monai.measuring.result import with_remark
from usseg_monai.predict.predictor import Prediction
from usseg_monai.runs.mask_origins import MaskOrigins
from usseg_monai.tasks import get_task

__all__ = ["KEPT_PIXELS", "GivenMasks"]

KEPT_PIXELS = 16 * 1024 * 1024
"""Limit on the pixels of a file's frames kept in memory, 64 MB: a cine of 13 slices and 20 phases of 256 x 256."""

_SHADE = 128  # grey value of the structure in overlays: not a dark picture, but dark enough for bright lines


@dataclass(frozen=True)
class _NoEngine:
    """Stands in the run record when no network ran."""

    name: str = "none"
    device: str = "cpu"
    weights_sha256: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class _MaskFrame(GreyImage):
    """A frame, with the mask rule derived from all frames of its file."""

    rule: MaskRule = field(default_factory=MaskRule)


class GivenMasks:
    """Replaces a `Predictor` if the files are masks themselves.

    Args:
        task: name of the task whose measurement is applied.
        label: value of the structure in label maps.
        run: output folder of the run that wrote the masks, which may have been corrected; for masks in a run's folder it is found
            automatically.

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
        """Remarks on all files that were read."""
        if len(self._values) < 2:
            return []
        values = ", ".join(f"{value:g} in {self._values[value]}" for value in sorted(self._values))
        return [f"the masks have different values ({values}): if these are labels, give --label N"]

    def read(self, item: Input, limits: Limits) -> Iterator[GreyImage]:
        """The frames of a file, for `predict`. The meaning of their values is derived from all frames together.

        Up to `KEPT_PIXELS` are kept in memory; a larger file is read twice.

        Raises:
            ImageError: see `usseg_monai.imaging.read_frames` and `usseg_monai.imaging.mask_values.find_rule`.
        """
        kept = _Kept(read_frames(item.path, limits=limits))
        rule = find_rule((image.pixels for image in kept), self.label)
        if rule.value is not None:
            name = Path(item.path).name
            self._values[rule.value] = min(name, self._values.get(rule.value, name))  # independent of the order of threads
        for image in read_frames(item.path, limits=limits) if kept.too_many else kept.again():
            yield _MaskFrame(**vars(self._placed(item, image)), rule=rule)

    def _placed(self, item: Input, image: GreyImage) -> GreyImage:
        """The image, with pixel size and place from the run that wrote it if its format states neither."""
        if image.spacing_mm is not None or image.place is not None or image.source.frames > 1:
            return image
        origin = self._origins.find(item)
        shape = image.pixels.shape
        if origin is not None and origin.shape not in (None, shape):
            rows, cols = origin.shape or (0, 0)
            raise ImageError(f"the mask has {shape[0]} x {shape[1]} pixels, its picture had {rows} x {cols}: save it in that size")
        return image if origin is None else replace(image, spacing_mm=origin.spacing_mm, place=origin.place)

    def predict(self, image: GreyImage, *, spacing_mm: float | Spacing | GivenSpacing | None = None) -> Prediction:
        """Measure a decoded mask, with the spacing of its file or else the one given here, as in `Predictor.predict`.

        Raises:
            ImageError: see `usseg_monai.imaging.to_mask`; only for an image that does not come from `read`.
        """
        rule = image.rule if isinstance(image, _MaskFrame) else find_rule([image.pixels], self.label)
        mask = rule.mask(image.pixels)
        image, reason = scale_image(image, GivenSpacing.of(spacing_mm), mask)
        shown = GreyImage(np.float32(_SHADE) * mask.astype(np.float32), image.spacing_mm, image.source)
        measurement = with_remark(with_remark(self.task.measure(mask, image.spacing_mm), rule.remark), reason)
        return Prediction(shown, mask, mask.astype(np.float32), measurement, self.task)


class _Kept:
    """Frames of a file that are iterated twice; decoded only once if they fit into `KEPT_PIXELS`."""

    def __init__(self, frames: Iterator[GreyImage]) -> None:
        self._frames = frames
        self._images: deque[GreyImage] = deque()
        self._error: ImageError | None = None
        self.too_many = False

    def __iter__(self) -> Iterator[GreyImage]:
        """All frames up to the first damaged one; frames after it are not used to interpret the values."""
        pixels = 0
        try:
            for image in self._frames:
                pixels += image.pixels.size
                self._images.append(image)
                if pixels > KEPT_PIXELS:
                    self.too_many = True
                    self._images.clear()
                yield image
        except ImageError as error:
            if not pixels:
                raise
            self._error = error

    def again(self) -> Iterator[GreyImage]:
        """All frames again, then the error that ended the first iteration."""
        while self._images:
            yield self._images.popleft()
        yield from self._frames  # the first iteration may have stopped before the last frame
        if self._error is not None:
            raise self._error
