"""Proposes the task that images belong to, from how unlike each network's training images they are."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from usseg_monai.errors import ImageError
from usseg_monai.files.sample import evenly
from usseg_monai.imaging import GreyImage, Limits, read_image
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import Input, is_image, part_masks
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS

__all__ = ["Proposal", "propose_task"]

MOST_IMAGES = 9
"""Number of images examined, spread evenly over the inputs: more would not change a median."""


@dataclass(frozen=True)
class Proposal:
    """How unlike the tasks' training images some images are.

    Attributes:
        unlikeness: median over the images by task, lowest first; above 1, most images are unlike the task's training images.
        images: number of images examined.
    """

    unlikeness: Mapping[str, float]
    images: int

    @property
    def task(self) -> str | None:
        """The task whose training images are most similar; ``None`` if the images are unlike those of every task."""
        name, least = next(iter(self.unlikeness.items()))
        return name if least <= 1 else None


def propose_task(inputs: Sequence[str | Path], *, leave_out: Collection[str | Path] = (), follow_links: bool = False) -> Proposal:
    """Examine a few of the images, and find the task that they belong to.

    Args:
        inputs: files, folders, globs.
        leave_out, follow_links: see `usseg_monai.inputs.find.find_inputs`.

    Raises:
        ImageError: no image among the inputs can be read.
        WeightsError: the released weights cannot be used.

    >>> propose_task(["images"]).task  # doctest: +SKIP
    'fetal_head'
    """
    images = _some_images(find_inputs(inputs, leave_out=leave_out, follow_links=follow_links, objects=True))
    unlikeness = {}
    for task in TASKS:
        predictor = Predictor(task, engine="onnx")
        unlikeness[task] = statistics.median(_unlikeness(predictor, image) for image in images)
    return Proposal(dict(sorted(unlikeness.items(), key=lambda item: item[1])), len(images))


def _some_images(found: Sequence[Input]) -> list[GreyImage]:
    files = [item for item in part_masks(found)[0] if not item.refusal and is_image(item)]
    chosen = evenly(files, MOST_IMAGES)
    images = []
    for file in chosen:
        with suppress(ImageError), file.local(Limits().max_file_bytes) as item:  # the batch will report errors
            images.append(read_image(item.path))
    if not images:
        raise ImageError(f"none of the {len(chosen)} files looked at can be read as an image: name the task to see why")
    return images


def _unlikeness(predictor: Predictor, image: GreyImage) -> float:
    said = predictor.predict(image).measurement.unlikeness
    return float("inf") if said is None else said  # all released graphs report it
