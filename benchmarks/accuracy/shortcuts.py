"""Effect on a classifier of painting burnt-in marks out of ultrasound images, or into them.

Sonographers measure what they find suspicious, so calipers and letters reveal more than they should. If a network uses them, its
probabilities change when they vanish from images with marks or appear in images without. The code that draws them is independent of the
training's augmentation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from benchmarks.accuracy.cases import THREADS
from benchmarks.marks import diameters, draw_pair
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.evaluation.cases import Predicts
from usseg_monai.evaluation.classification import macro_area_under_curve
from usseg_monai.imaging import read_image

__all__ = ["measure_shortcuts", "paint_calipers", "paint_letters", "paint_out"]

MARKS = ("measurement", "text", "overlay", "pictogram")
"""The BUSI reviewers' words for burnt-in marks."""

_THIN = 5  # pixels: strokes of letters and calipers are narrower, in images of 320 pixels
_AROUND = 13  # pixels: side of the neighbourhood that a stroke is painted over with
_CONTRAST = 70.0  # grey values by which a stroke is brighter than the image after morphological opening

Pixels = npt.NDArray[np.float32]
Change = Callable[[Pixels, npt.NDArray[np.uint8]], Pixels]
"""Maps grey values and the lesions' mask to changed grey values."""


def paint_out(pixels: Pixels, mask: npt.NDArray[np.uint8]) -> Pixels:
    """Replace thin strokes, far brighter than their surroundings, by the surrounding mean; some bright speckle goes too."""
    opened = ndimage.grey_opening(pixels, size=(_THIN, _THIN))
    strokes = ndimage.binary_dilation(pixels - ndimage.uniform_filter(opened, _AROUND) > _CONTRAST, iterations=2)
    strokes &= ndimage.binary_dilation(pixels - opened > _CONTRAST, iterations=2)
    kept = ndimage.uniform_filter((~strokes).astype(np.float32), _AROUND)
    around = ndimage.uniform_filter(np.where(strokes, 0, pixels), _AROUND) / np.maximum(kept, 1e-3)
    return np.where(strokes, around, pixels)


def paint_calipers(pixels: Pixels, mask: npt.NDArray[np.uint8]) -> Pixels:
    """Draw two pairs of crosses, joined by dots, on the extent of the lesion, or in the middle of an image without one."""
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    for pair in diameters(mask):
        draw_pair(draw, pair, float(pixels.max()))
    return np.asarray(picture)


def paint_letters(pixels: Pixels, mask: npt.NDArray[np.uint8]) -> Pixels:
    """Write a body side into the lower left corner."""
    picture = Image.fromarray(pixels)
    place = (pixels.shape[1] // 20, pixels.shape[0] - pixels.shape[0] // 8)
    ImageDraw.Draw(picture).text(place, "RT BREAST", fill=float(pixels.max()), font=ImageFont.load_default(max(10, pixels.shape[0] // 18)))
    return np.asarray(picture)


def measure_shortcuts(predictor: Predicts, items: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Class probabilities before and after each change.

    Args:
        predictor: of the task ``breast``.
        items: with their class and the note ``annotation``.
    """
    marked = [item for item in items if any(word in item["annotation"] for word in MARKS)]
    clean = [item for item in items if not item["annotation"]]
    return {
        "burnt-in marks painted out": _compare(predictor, marked, paint_out),
        "the same, of images without marks": _compare(predictor, clean, paint_out),
        "calipers painted in": _compare(predictor, clean, paint_calipers),
        "letters painted in": _compare(predictor, clean, paint_letters),
    }


def _compare(predictor: Predicts, items: Sequence[Mapping[str, Any]], change: Change) -> dict[str, Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        pairs = list(pool.map(lambda item: _probabilities(predictor, item, change), items))
    before, after = (np.array([pair[which] for pair in pairs]).reshape(len(items), -1) for which in (0, 1))
    classes = np.array([item["class"] for item in items], int)
    if len(set(classes.tolist())) < 2:
        return {"images": len(items)}
    last = before.shape[1] - 1  # malignant, the last class
    return {
        "images": len(items),
        "macro_area_under_curve": [_area(before, classes), _area(after, classes)],
        "malignant_probability": {
            name: [float(each[classes == index, last].mean()) for each in (before, after)]
            for index, name in enumerate(predictor.task.classes)
            if (classes == index).any()
        },
        "mean_absolute_change": float(np.abs(after - before)[:, last].mean()),
        "other_class": float(np.mean(before.argmax(axis=1) != after.argmax(axis=1))),
    }


def _area(probabilities: npt.NDArray[np.float64], classes: npt.NDArray[np.int_]) -> float | None:
    value = float(macro_area_under_curve(probabilities, classes))
    return None if np.isnan(value) else value


def _probabilities(predictor: Predicts, item: Mapping[str, Any], change: Change) -> tuple[list[float], list[float]]:
    image = read_image(item["image"])
    changed = replace(image, pixels=change(image.pixels, read_annotation(item["label"], image.pixels.shape)))
    values = [predictor.predict(each).measurement.values for each in (image, changed)]
    before, after = ([float(each[name] or 0.0) for name in predictor.task.outputs] for each in values)
    return before, after
