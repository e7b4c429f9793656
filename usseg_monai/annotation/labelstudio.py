"""Predictions as tasks of Label Studio, in its import format; see ``docs/how_to/label_studio.md``.

``python -m usseg_monai.annotation.labelstudio TASK`` prints the labeling interface that shows them.

Masks are written in Label Studio's run-length code of a brush: a bit stream, high bits first. It begins with the number of values (32
bits), their size in bits less 1 (5 bits), and four sizes of lengths in bits less 1 (4 bits each). Blocks follow: 1 bit that is 1 for a run
and 0 for a list of values, 2 bits with the index of the length's size, the length less 1, and the value of the run, or all values of the
list. The values are the bytes of an RGBA picture in reading order, so each pixel has four; the last byte is padded with zeros. The code is
that of https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np
import numpy.typing as npt

from usseg_monai import __version__
from usseg_monai.annotation.structures import known_texts, predicted_class, structure_columns, structures
from usseg_monai.errors import UssegError
from usseg_monai.files.png import write_png
from usseg_monai.files.write import write_text
from usseg_monai.imaging.drawing.display import to_display
from usseg_monai.predict.prediction import Prediction
from usseg_monai.report.caption import describe
from usseg_monai.tasks import Task, get_task

__all__ = ["encode_brush", "interface", "save_task", "task_of"]

_LENGTH_BITS = (3, 4, 8, 16)
_VALUE_BITS = 8
_CHANNELS = 4
_STRUCTURE, _CLASS, _IMAGE = "structure", "class", "image"
"""Names of the tags in the labeling interface."""


def encode_brush(mask: npt.NDArray[Any]) -> list[int]:
    """A mask in Label Studio's run-length code of a brush.

    Args:
        mask: ``(rows, cols)``; nonzero is structure, written as 255 in all four channels.

    Returns:
        The bytes of the code, 0 to 255 each.

    >>> encode_brush(np.array([[0, 1]]))
    [0, 0, 0, 8, 57, 27, 252, 96, 17, 255, 128]
    """
    flat = np.asarray(mask).ravel() != 0
    begins = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    lengths = np.diff(begins, append=flat.size) * _CHANNELS
    bits = [f"{flat.size * _CHANNELS:032b}{_VALUE_BITS - 1:05b}", *(f"{size - 1:04b}" for size in _LENGTH_BITS)]
    for value, length in zip(flat[begins].tolist(), lengths.tolist(), strict=True):
        while length:
            block = min(length, 1 << _LENGTH_BITS[-1])
            index = next(index for index, size in enumerate(_LENGTH_BITS) if block <= 1 << size)
            bits.append(f"1{index:02b}{block - 1:0{_LENGTH_BITS[index]}b}{255 * value:0{_VALUE_BITS}b}")
            length -= block
    stream = "".join(bits)
    stream += "0" * (-len(stream) % 8)
    return list(int(stream, 2).to_bytes(len(stream) // 8, "big"))


def task_of(prediction: Prediction, *, file: str, picture: str) -> dict[str, Any]:
    """One picture as a task of Label Studio, with its prediction.

    ``data`` holds the picture's address, file, frame, status, message, a summary for the annotator, and the known numbers by their columns;
    the prediction holds one brush per structure (`usseg_monai.annotation.structures`), and the predicted class as a choice. Its ``score``
    is the expected Dice.

    Args:
        prediction: of one picture.
        file: name of the picture's file in the results.
        picture: path of the picture to show, below Label Studio's root of local files.
    """
    task, measurement, frame = prediction.task, prediction.measurement, prediction.image.source.frame
    rows, cols = prediction.mask.shape
    known = {**measurement.trust, **measurement.values}
    result: list[dict[str, Any]] = []

    def add(kind: str, name: str, value: dict[str, Any], **more: Any) -> None:
        number = hashlib.sha256(f"{file}\0{frame}\0{len(result)}".encode("utf-8", "surrogateescape")).hexdigest()[:12]
        result.append({"id": number, "type": kind, "from_name": name, "to_name": _IMAGE, "value": value, **more})

    for structure in structures(prediction):
        texts = known_texts(structure_columns(task), structure.values)
        add(
            "brushlabels",
            _STRUCTURE,
            {"format": "rle", "rle": encode_brush(structure.mask), "brushlabels": [task.labels[1]]},
            original_width=cols,
            original_height=rows,
            image_rotation=0,
            meta={"text": [f"{name} {text}" for name, text in texts.items()]},
        )
    if predicted := predicted_class(prediction):
        add("choices", _CLASS, {"choices": [predicted]})
    guess: dict[str, Any] = {"model_version": f"usseg-monai {__version__} {task.name}", "result": result}
    return {
        "data": {
            "image": f"/data/local-files/?d={quote(picture, errors='surrogateescape')}",
            "file": file,
            "frame": frame,
            "status": prediction.status.value,
            "message": prediction.message,
            "summary": "; ".join(filter(None, [prediction.status.value, *describe(task, measurement), prediction.message])),
            **{name: value for name, value in known.items() if value is not None},
        },
        "predictions": [guess if measurement.confidence is None else guess | {"score": measurement.confidence}],
    }


def save_task(prediction: Prediction, folder: Path, *, file: str, task: Path, picture: Path) -> None:
    """Write the picture as an annotator sees it, an 8-bit PNG of the mask's size, then its task as JSON.

    Args:
        prediction: of one picture.
        folder: Label Studio's root of local files.
        file: name of the picture's file in the results.
        task: JSON file below ``folder``.
        picture: PNG file below ``folder``.

    Raises:
        OutputError: a file cannot be written.
    """
    write_png(folder / picture, to_display(prediction.image.pixels))
    write_text(folder / task, json.dumps(task_of(prediction, file=file, picture=picture.as_posix())) + "\n")


def interface(task: Task) -> str:
    """Labeling interface (XML) for the tasks of `task_of`.

    >>> from usseg_monai.tasks import get_task
    >>> print(interface(get_task("nerve")))
    <View>
      <Header value="$summary"/>
      <Image name="image" value="$image" zoom="true" zoomControl="true"/>
      <BrushLabels name="structure" toName="image">
        <Label value="nerve"/>
      </BrushLabels>
    </View>
    """
    lines = [
        "<View>",
        '  <Header value="$summary"/>',
        f'  <Image name="{_IMAGE}" value="$image" zoom="true" zoomControl="true"/>',
        f'  <BrushLabels name="{_STRUCTURE}" toName="{_IMAGE}">',
        *(f"    <Label value={quoteattr(name)}/>" for name in task.labels[1:]),
        "  </BrushLabels>",
    ]
    if task.classes:
        lines += [
            f'  <Choices name="{_CLASS}" toName="{_IMAGE}" choice="single-radio" showInLine="true">',
            *(f"    <Choice value={quoteattr(name)}/>" for name in task.classes),
            "  </Choices>",
        ]
    return "\n".join([*lines, "</View>"])


if __name__ == "__main__":
    try:
        (name,) = sys.argv[1:]
        print(interface(get_task(name)))
    except (ValueError, UssegError) as error:
        sys.exit(f"usage: python -m usseg_monai.annotation.labelstudio TASK ({error})")
