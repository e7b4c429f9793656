"""The target that runs user-supplied ONNX files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.fuzz.mutate import LARGEST, mutate_bytes
from benchmarks.fuzz.target import Make, Target

__all__ = ["TARGETS"]

_OPERATIONS = (
    *(
        "Add",
        "Mul",
        "Sub",
        "Div",
        "Sigmoid",
        "Relu",
        "Transpose",
        "Reshape",
        "Conv",
        "Resize",
        "Tile",
        "Expand",
        "Concat",
        "Gather",
        "Slice",
    ),
    *(
        "Pad",
        "MatMul",
        "Cast",
        "Shape",
        "ConstantOfShape",
        "Range",
        "NonZero",
        "TopK",
        "CumSum",
        "Einsum",
        "If",
        "Loop",
        "Scan",
        "Unknown",
        "",
    ),
)
_SECONDS, _BYTES = 1.0, 200 << 20
"""Limits of a graph here: lower than as installed, where networks may be large, to test that the limits hold."""

_SIZES = (0, 1, 2, 3, 8, 32, 1000, 100_000, 10**6, 10**9, 2**31, 2**62, -1, -2, -(2**63))


def _seeds() -> list[bytes]:
    """Small graphs of the deployed form, with typical network layers."""
    from onnx import TensorProto, helper, numpy_helper

    from tests.tiny import OUTPUTS, PROPERTIES, save_graph, threshold_nodes

    def constant(name: str, *values: Any, kind: str = "i8", shape: Sequence[int] | None = None) -> Any:
        return numpy_helper.from_array(np.array(values, kind).reshape(shape if shape is not None else (len(values),)), name)

    node = helper.make_node
    plain = threshold_nodes()
    head, tail = plain[:2], plain[2:]
    kernel = constant("kernel", *([1 / 9] * 9), kind="f4", shape=(1, 1, 3, 3))
    turned = [node("Transpose", ["above"], ["once"], perm=[1, 0]), node("Transpose", ["once"], ["twice"], perm=[1, 0])]
    conv = [
        node("Unsqueeze", ["above", "axes"], ["batch"]),
        node("Conv", ["batch", "kernel"], ["blurred"], pads=[1, 1, 1, 1]),
        node("Resize", ["blurred", "", "scales"], ["larger"], mode="linear"),
        node("Resize", ["larger", "", "halves"], ["smaller"], mode="nearest"),
        node("Squeeze", ["smaller", "axes"], ["twice"]),
    ]
    scales = constant("scales", 1, 1, 2, 2, kind="f4")
    halves = constant("halves", 1, 1, 0.5, 0.5, kind="f4")
    shaped = [
        node("Shape", ["above"], ["size"]),
        node("ConstantOfShape", ["size"], ["zeros"]),
        node("Expand", ["zeros", "size"], ["wide"]),
        node("Tile", ["wide", "ones"], ["tiled"]),
        node("Add", ["above", "tiled"], ["twice"]),
    ]
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("Mul", ["value", "half"], ["halved"])],
        "body",
        [helper.make_tensor_value_info(name, kind, []) for name, kind in (("turn", TensorProto.INT64), ("go", TensorProto.BOOL))]
        + [helper.make_tensor_value_info("value", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("on", TensorProto.BOOL, []), helper.make_tensor_value_info("halved", TensorProto.FLOAT, None)],
        initializer=[constant("half", 0.5, kind="f4", shape=())],
    )
    loop = [node("Loop", ["turns", "yes", "above"], ["twice"], body=body)]
    turns = [constant("turns", 3, shape=()), constant("yes", True, kind="?", shape=())]
    kinds = [
        (plain, []),
        ([*head, *turned, *_from("twice", tail)], []),
        ([*head, *conv, *_from("twice", tail)], [constant("axes", 0, 1), kernel, scales, halves]),
        ([*head, *shaped, *_from("twice", tail)], [constant("ones", 1, 1)]),
        ([*head, *loop, *_from("twice", tail)], turns),
    ]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "graph.onnx"
        return [save_graph(file, nodes, OUTPUTS, PROPERTIES, initializer=constants).read_bytes() for nodes, constants in kinds]


def _from(name: str, tail: Sequence[Any]) -> list[Any]:
    """The last nodes of a graph, with another input value."""
    import copy

    nodes = copy.deepcopy(list(tail))
    for node in nodes:
        node.input[:] = [name if value == "above" else value for value in node.input]
    return nodes


def _maker() -> Make:
    import onnx

    from usseg_monai.predict.engines import onnx as engine

    engine.STRANGERS_SECONDS, engine.STRANGERS_BYTES = _SECONDS, _BYTES
    corpus = _seeds()

    def make(rng: Random) -> bytes:
        data = rng.choice(corpus)
        if rng.random() < 0.4:
            return mutate_bytes(rng, data, corpus)
        model = onnx.load_from_string(data)
        for _ in range(rng.choice((1, 1, 2, 4))):
            rng.choice(_CHANGES)(rng, model)
        changed: bytes = model.SerializeToString()
        return mutate_bytes(rng, changed, corpus) if rng.random() < 0.1 else changed[:LARGEST]

    return make


def _operation(rng: Random, model: Any) -> None:
    rng.choice(model.graph.node).op_type = rng.choice(_OPERATIONS)


def _wire(rng: Random, model: Any) -> None:
    """Another input for a node, or another name for its output."""
    nodes = model.graph.node
    node = rng.choice(nodes)
    names = [name for other in nodes for name in (*other.input, *other.output)] + ["pixels", "", "nowhere"]
    ends = node.input if rng.random() < 0.7 else node.output
    if ends:
        ends[rng.randrange(len(ends))] = rng.choice(names)


def _value(rng: Random, model: Any) -> None:
    """Another size, repetition or number of turns in a constant."""
    if not model.graph.initializer:
        return
    from onnx import numpy_helper

    tensor = rng.choice(model.graph.initializer)
    try:
        array = numpy_helper.to_array(tensor).copy()
    except Exception:  # any exception: another change made it unreadable
        return
    if array.size and array.dtype.kind == "i":
        array.flat[rng.randrange(array.size)] = rng.choice(_SIZES)
    elif array.size and array.dtype.kind == "f":
        array.flat[rng.randrange(array.size)] = rng.choice((0, -1, 1e-9, 1e3, 1e9, 1e38, float("nan"), float("inf")))
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def _dims(rng: Random, model: Any) -> None:
    """A constant whose declared size is wrong."""
    if model.graph.initializer:
        dims = rng.choice(model.graph.initializer).dims
        if dims:
            dims[rng.randrange(len(dims))] = rng.choice(_SIZES)
        else:
            dims.append(rng.choice(_SIZES))


def _attribute(rng: Random, model: Any) -> None:
    attributes = [attribute for node in model.graph.node for attribute in node.attribute]
    if not attributes:
        return
    attribute = rng.choice(attributes)
    if attribute.ints:
        attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice(_SIZES)
    else:
        attribute.i = rng.choice(_SIZES)


def _outside(rng: Random, model: Any) -> None:
    """A constant that refers to an external file."""
    if model.graph.initializer:
        tensor = rng.choice(model.graph.initializer)
        tensor.ClearField("raw_data")
        tensor.data_location = 1
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", rng.choice(("/etc/passwd", "../../x", "", "a" * 5000, "\0"))


def _versions(rng: Random, model: Any) -> None:
    if rng.random() < 0.5 or not model.opset_import:
        model.ir_version = rng.choice((0, 1, 9, 99, 2**62))
    else:
        model.opset_import[0].version = rng.choice((0, 1, 6, 9, 13, 17, 99, 2**62))


def _loops(rng: Random, model: Any) -> None:
    """A loop that does not terminate."""
    for tensor in model.graph.initializer:
        if tensor.name == "turns":
            tensor.raw_data = int(rng.choice((10**4, 10**7, 2**62, -1))).to_bytes(8, "little", signed=True)


_CHANGES = (_operation, _operation, _wire, _wire, _value, _value, _value, _dims, _attribute, _outside, _versions, _loops)


def _run(data: bytes, path: Path) -> None:
    """The contract of the engine: probability and mask on the grid of the image."""
    from usseg_monai.predict.engines.onnx import OnnxEngine

    path.write_bytes(data)
    mask, probability, _ = OnnxEngine("fetal_head", path)(np.arange(32 * 48, dtype=np.float32).reshape(32, 48))
    assert probability.shape == mask.shape == (32, 48), "another grid"
    assert mask.dtype == np.uint8, f"mask of {mask.dtype}"


TARGETS = (Target("onnx", "ONNX files of a stranger", 6_000, _maker, _run),)
