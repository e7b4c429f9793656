"""Which task do images belong to? Each network says how far they are from what it learnt from."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, read_image
from usseg_monai.inference.inputs import Input, find_inputs, is_image, part_masks
from usseg_monai.inference.predictor import Predictor
from usseg_monai.tasks import TASKS

__all__ = ["Proposal", "evenly", "propose_task"]

Item = TypeVar("Item")

MOST_IMAGES = 9
"""Looked at, spread evenly over the inputs: more would not change a median."""


@dataclass(frozen=True)
class Proposal:
    """What the networks say of images.

    Attributes:
        unlikeness: median over the images by task, the least first; above 1 most are unlike the task's training images.
        images: number of images looked at.
    """

    unlikeness: Mapping[str, float]
    images: int

    @property
    def task(self) -> str | None:
        """The task whose training images they are most like, ``None`` if they are like those of none."""
        name, least = next(iter(self.unlikeness.items()))
        return name if least <= 1 else None


def propose_task(inputs: Sequence[str | Path], *, leave_out: Collection[Path] = (), follow_links: bool = False) -> Proposal:
    """Look at a few of the images, and find the task that they belong to.

    Args:
        inputs: files, folders, globs.
        leave_out, follow_links: as in `usseg_monai.inference.inputs.find_inputs`.

    Raises:
        ImageError: the inputs lead to no image that can be read.
        WeightsError: the released weights cannot be used.

    >>> propose_task(["images"]).task  # doctest: +SKIP
    'fetal_head'
    """
    images = _some_images(find_inputs(inputs, leave_out=leave_out, follow_links=follow_links))
    unlikeness = {}
    for task in TASKS:
        predictor = Predictor(task, engine="onnx")
        unlikeness[task] = statistics.median(_unlikeness(predictor, image) for image in images)
    return Proposal(dict(sorted(unlikeness.items(), key=lambda item: item[1])), len(images))


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, spread evenly over all.

    >>> evenly("abcdef", 3), evenly("ab", 3)
    (['a', 'c', 'e'], ['a', 'b'])
    """
    step = max(len(items) / most, 1)
    return [items[int(step * number)] for number in range(min(len(items), most))]


def _some_images(found: Sequence[Input]) -> list[GreyImage]:
    files = [item.path for item in part_masks(found)[0] if not item.refusal and is_image(item)]
    chosen = evenly(files, MOST_IMAGES)
    images = []
    for file in chosen:
        with suppress(ImageError):  # the batch will say it
            images.append(read_image(file))
    if not images:
        raise ImageError(f"none of the {len(chosen)} files looked at can be read as an image: name the task to hear why")
    return images


def _unlikeness(predictor: Predictor, image: GreyImage) -> float:
    said = predictor.predict(image).measurement.unlikeness
    return float("inf") if said is None else said  # the released graphs all say it
