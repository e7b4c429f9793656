"""Automatic annotation in CVAT, by its SDK's interface of a detection function; see ``docs/how_to/cvat.md``.

    cvat-cli task auto-annotate ID --function-module usseg_monai.annotation.cvat -p task=str:TASK

``python -m usseg_monai.annotation.cvat TASK`` prints the labels that the CVAT task needs, for ``cvat-cli task create --labels``.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

import cvat_sdk.auto_annotation as cvataa
import numpy as np
import numpy.typing as npt
from cvat_sdk import models
from cvat_sdk.masks import encode_mask
from PIL import Image, ImageOps

from usseg_monai.annotation.structures import image_columns, known_texts, predicted_class, structure_columns, structures
from usseg_monai.errors import ImageError, UssegError
from usseg_monai.geometry.boundary import boundaries
from usseg_monai.imaging.grey import grey_samples
from usseg_monai.measuring.result import TRUST_OUTPUTS
from usseg_monai.predict.prediction import Prediction
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import Task, get_task

__all__ = ["Annotator", "create", "labels_json"]

_REMARKS = ("status", "message", *TRUST_OUTPUTS)
"""Attributes of every label, before the task's columns."""

_LONGEST = 4096
"""Characters of an attribute's value: CVAT's own bound."""


class Annotator:
    """A detection function of CVAT's SDK for one task.

    Each structure becomes a mask with its numbers and the status as attributes; the predicted class becomes a tag. A picture without a
    structure gets a tag too, ``no NAME``, if its task has no classes. Attributes of unknown values are left empty.

    Attributes:
        spec: the labels with their attributes, as the SDK asks for them.

    Args:
        task: name of a task.
        spacing_mm: millimetres per pixel, of all pictures: CVAT passes on none. Without it, all lengths are in pixels.

    Raises:
        UsageError: unknown task, or a spacing that is not a positive number.
        WeightsError: the weights cannot be used.
    """

    def __init__(self, task: str, spacing_mm: float | None = None) -> None:
        self._predictor = Predictor(task)
        self._spacing_mm = spacing_mm
        self.spec = cvataa.DetectionFunctionSpec(labels=_labels(self._predictor.task))
        self._by_name = {label.name: label for label in self.spec.labels}

    def detect(self, context: cvataa.DetectionFunctionContext, image: Image.Image) -> Sequence[cvataa.DetectionAnnotation]:
        """Annotate one picture; one that cannot be used gets no annotation, and a warning says why.

        Args:
            context: with ``conf_threshold``, pictures whose expected Dice is below it get no annotation; with ``conv_mask_to_poly``,
                polygons without holes stand for masks.
            image: of any mode that `usseg_monai.imaging.grey.grey_samples` reads, with any orientation tag.
        """
        try:
            pixels = grey_samples(ImageOps.exif_transpose(image))
            found = self._predictor.predict(pixels, spacing_mm=self._spacing_mm)
        except ImageError as error:
            logging.getLogger(__name__).warning("%s: not annotated: %s", context.frame_name, error)
            return []
        if context.conf_threshold is not None and found.confidence is not None and found.confidence < context.conf_threshold:
            return []
        return [*self._tags(found), *self._shapes(found, polygons=context.conv_mask_to_poly)]

    def _shapes(self, found: Prediction, *, polygons: bool) -> list[models.LabeledShapeRequest]:
        label = self._by_name[found.task.labels[1]]
        columns = structure_columns(found.task)
        shapes = []
        for structure in structures(found):
            texts = _remarks(found) | known_texts(columns, structure.values)
            if polygons:
                shapes += [cvataa.polygon(label.id, points, attributes=_attributes(label, texts)) for points in _outlines(structure.mask)]
            else:
                shapes.append(cvataa.mask(label.id, encode_mask(structure.mask), attributes=_attributes(label, texts)))
        return shapes

    def _tags(self, found: Prediction) -> list[models.LabeledImageRequest]:
        name = predicted_class(found)
        if name is None:
            if found.mask.any():
                return []
            (name,) = _tag_names(found.task)
        label = self._by_name[name]
        texts = _remarks(found) | known_texts(image_columns(found.task), found.measurements)
        return [cvataa.tag(label.id, attributes=_attributes(label, texts))]


def create(task: str, spacing_mm: float | None = None) -> Annotator:
    """The function for one task; CVAT's command calls it with the values of ``-p``."""
    return Annotator(task, spacing_mm)


def labels_json(task: str) -> str:
    """The labels of a CVAT task that `create` can annotate, as the JSON that CVAT takes.

    >>> [(label["name"], label["type"]) for label in json.loads(labels_json("breast"))]
    [('lesion', 'mask'), ('normal', 'tag'), ('benign', 'tag'), ('malignant', 'tag')]
    >>> [label["name"] for label in json.loads(labels_json("nerve"))]
    ['nerve', 'no nerve']
    """
    return json.dumps([_plain(label) for label in _labels(get_task(task))], indent=1)


def _labels(task: Task) -> list[models.PatchedLabelRequest]:
    number = count(1)
    named = [(task.labels[1], "mask", structure_columns(task)), *((name, "tag", image_columns(task)) for name in _tag_names(task))]
    return [
        cvataa.label_spec(
            name,
            next(number),
            type=kind,
            attributes=[
                cvataa.text_attribute_spec(attribute, index)
                for index, attribute in enumerate((*_REMARKS, *(column.name for column in columns)), 1)
            ],
        )
        for name, kind, columns in named
    ]


def _tag_names(task: Task) -> tuple[str, ...]:
    return task.classes or (f"no {task.labels[1]}",)


def _plain(label: models.PatchedLabelRequest) -> dict[str, Any]:
    """Without the numbers, which hold within the function only: CVAT gives its own."""
    attributes = [
        {"name": each.name, "mutable": each.mutable, "input_type": each.input_type.value, "default_value": "", "values": each.values}
        for each in label.attributes
    ]
    return {"name": label.name, "type": label.type, "attributes": attributes}


def _remarks(found: Prediction) -> dict[str, str]:
    known = {name: f"{value:.6g}" for name, value in found.measurement.trust.items() if value is not None}
    return {"status": found.status.value, "message": found.message} | known


def _attributes(label: models.PatchedLabelRequest, texts: Mapping[str, str]) -> list[models.AttributeValRequest]:
    return [
        models.AttributeValRequest(spec_id=attribute.id, value=texts[attribute.name][:_LONGEST])
        for attribute in label.attributes
        if attribute.name in texts
    ]


def _outlines(mask: npt.NDArray[np.bool_]) -> list[list[float]]:
    """Outer edge of each piece, ``x1, y1, x2, y2, ...``; in CVAT the first pixel reaches from 0 to 1, its centre lies at 0.5."""
    outlines = []
    for edge in boundaries(mask):
        x, y = edge[:, 1] + 0.5, edge[:, 0] + 0.5
        following = np.roll(x, -1), np.roll(y, -1)
        if (x * following[1] - following[0] * y).sum() < 0:
            continue  # a hole: the edge runs the other way round
        into, out = edge - np.roll(edge, 1, axis=0), np.roll(edge, -1, axis=0) - edge
        corner = (into != out).any(axis=1)  # the others lie within a straight line
        outlines.append(np.stack([x[corner], y[corner]], axis=1).ravel().tolist())
    return outlines


if __name__ == "__main__":
    try:
        print(labels_json(*sys.argv[1:]))
    except (TypeError, UssegError) as error:
        sys.exit(f"usage: python -m usseg_monai.annotation.cvat TASK ({error})")
