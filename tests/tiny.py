"""A network that fits in a kilobyte, and pictures that it finds a head in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from usseg_monai.geometry.types import GreyArray
from usseg_monai.predict.engines.base import Answer


def save_graph(path: Path, nodes: list[onnx.NodeProto], outputs: Mapping[str, int], properties: Mapping[str, str], **more: Any) -> Path:
    """Write a graph from ``pixels (rows, cols)`` to outputs of the given types, all ``(rows, cols)`` but the scalar ones."""
    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["rows", "cols"])
    given = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()]
    graph = helper.make_graph(nodes, "tiny", [pixels], given, **more)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, dict(properties))
    path.write_bytes(model.SerializeToString())
    return path


def threshold_nodes() -> list[onnx.NodeProto]:
    """Probability: sigmoid of the grey value above the picture's mean; mask: where it is above; brightness: the mean."""
    return [
        helper.make_node("ReduceMean", ["pixels"], ["brightness"], keepdims=0),
        helper.make_node("Sub", ["pixels", "brightness"], ["above"]),
        helper.make_node("Sigmoid", ["above"], ["probability"]),
        helper.make_node("Greater", ["pixels", "brightness"], ["found"]),
        helper.make_node("Cast", ["found"], ["mask"], to=TensorProto.UINT8),
    ]


OUTPUTS = {"probability": TensorProto.FLOAT, "mask": TensorProto.UINT8, "brightness": TensorProto.FLOAT}
PROPERTIES = {"task": "fetal_head", "version": "0", "labels": '["background", "fetal head"]', "checkpoint_sha256": "0" * 64}


def save_tiny_model(folder: Path) -> Path:
    """A deployed graph in form, which takes everything brighter than the mean for the head."""
    return save_graph(folder / "tiny.onnx", threshold_nodes(), OUTPUTS, PROPERTIES)


def save_model_with_external_weights(folder: Path) -> Path:
    """The same form, with a tensor that is kept in another file beside it."""
    weights = numpy_helper.from_array(np.ones((64,), np.float32), "weights")
    (folder / "weights.bin").write_bytes(weights.raw_data)
    weights.ClearField("raw_data")
    weights.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "256")):
        entry = weights.external_data.add()
        entry.key, entry.value = key, value
    nodes = [helper.make_node("ReduceMean", ["weights"], ["one"], keepdims=0), helper.make_node("Mul", ["pixels", "one"], ["probability"])]
    nodes.append(helper.make_node("Cast", ["probability"], ["mask"], to=TensorProto.UINT8))
    outputs = {name: OUTPUTS[name] for name in ("probability", "mask")}
    return save_graph(folder / "external.onnx", nodes, outputs, PROPERTIES, initializer=[weights])


def ellipse(rows: int = 60, cols: int = 90, axes: tuple[float, float] = (20, 30)) -> npt.NDArray[np.uint8]:
    """A filled ellipse off the centre, 0 and 1: neither a flip nor a transposition maps it to itself."""
    row, col = np.ogrid[:rows, :cols]
    inside: npt.NDArray[np.bool_] = ((row - rows / 2 + 4) / axes[0]) ** 2 + ((col - cols / 2 - 6) / axes[1]) ** 2 <= 1
    return inside.astype(np.uint8)


def save_picture(path: Path, pixels: npt.NDArray[np.uint8] | None = None) -> Path:
    """Write a picture, folders included; a bright ellipse on dark ground unless given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(ellipse() * np.uint8(180) + np.uint8(20) if pixels is None else pixels).save(path)
    return path


def read_png(path: Path) -> npt.NDArray[np.generic]:
    """Pixels of a written PNG, in the depth it was written in."""
    return np.array(Image.open(path))


class StubEngine:
    """An engine for tests: everything above the mean, and a list of the sizes of batches."""

    name, device, weights_sha256 = "torch", "cpu", "0" * 64

    def __init__(self, before: Callable[[], None] = lambda: None) -> None:
        self.batches: list[int] = []
        self._before = before

    def __call__(self, pixels: GreyArray) -> Answer:
        return self.batch([pixels])[0]

    def batch(self, images: Sequence[GreyArray]) -> list[Answer]:
        self._before()
        self.batches.append(len(images))
        masks = [(pixels > pixels.mean()).astype(np.uint8) for pixels in images]
        return [(mask, mask.astype(np.float32), {}) for mask in masks]
