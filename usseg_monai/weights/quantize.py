"""The deployed graph in 8 bits, as it ships: half of its size, and about two thirds of its time on a CPU, half on one with VNNI.

Only the network computes in 8 bits, without its first and last convolutions: pixels keep their range, and what follows the logits its
precision. Kernels have 7 bits, because CPUs without VNNI saturate sums of 8-bit products (ONNX Runtime, "Quantize ONNX models", section
"When and why do I need to try U8U8?"). The range of each layer's values is taken from training images; so are the features that a picture
is compared with (`usseg_monai.networks.trust`), which 8 bits change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.files.sample import evenly
from usseg_monai.geometry.types import GreyArray
from usseg_monai.imaging import read_image
from usseg_monai.networks.deployed import Deployed, DeployedFeatures
from usseg_monai.weights.export import graph_of, load_network, output_names, presence_threshold, save_graph
from usseg_monai.weights.released import released_weights
from usseg_monai.weights.trust import carry_trust, load_trust

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

__all__ = ["CALIBRATION_IMAGES", "calibration_images", "export_int8", "quantized"]

CALIBRATION_IMAGES = 40
"""Number of training images from which the ranges are taken."""

_LEAST_IMAGES = 8
"""Fewer do not reach the range of each layer."""

_DEPTHWISE = 3
"""Number of depthwise convolutions at the beginning of an encoder that stay in single precision, with what surrounds them: the ranges of
their channels differ too much for the one range of a layer (Nagel, van Baalen, Blankevoort, Welling, "Data-free quantization through weight
equalization and bias correction", ICCV 2019, section 3.1). With them in 8 bits, twice as many pixels of breast images change."""


def calibration_images(data: Path) -> list[GreyArray]:
    """Grey values ``(rows, cols)`` of `CALIBRATION_IMAGES` images, spread evenly over a data set's training part.

    Args:
        data: see `usseg_monai.datasets.datalist.load_datalist`.

    Raises:
        UsageError: ``data`` cannot be read, or has no training part.
        ImageError: an image cannot be read.

    >>> calibration_images(Path("hc18"))[0].shape  # doctest: +SKIP
    (540, 800)
    """
    return [read_image(item["image"]).pixels for item in evenly(load_datalist(data, "training"), CALIBRATION_IMAGES)]


def export_int8(task: str, checkpoint: Path | None, images: Sequence[GreyArray], file: Path) -> str:
    """Write the deployed graph in 8 bits and return the SHA-256 of the file.

    Args:
        task: name of a task.
        checkpoint: state dict; the bundle's ``models/model.pt`` when ``None``.
        images: grey values ``(rows, cols)`` of training images (`calibration_images`), at least 8.
        file: path of the graph, one self-contained file.

    Raises:
        UsageError: too few images.
        WeightsError: see `usseg_monai.weights.export.load_network`.
        OutputError: ``file`` cannot be written.
    """
    if len(images) < _LEAST_IMAGES:
        raise UsageError(f"{len(images)} training images: at least {_LEAST_IMAGES} are needed to find the range of each layer")
    checkpoint = checkpoint or released_weights(task)
    network, image_size = load_network(task, checkpoint)
    trust = load_trust(checkpoint)
    if trust is not None:
        looking = DeployedFeatures(network, image_size).eval()
        with torch.inference_mode():
            before = torch.cat([looking(torch.from_numpy(pixels))[0] for pixels in images])
        after = _features(quantized(graph_of(looking, ["features", "logits"]), images), images)
        trust = carry_trust(trust, before, after)
    module = Deployed(network, image_size, presence_threshold(task), trust)
    return save_graph(quantized(graph_of(module, output_names(task, trust)), images), task, checkpoint, "int8", file)


def _features(model: ModelProto, images: Iterable[GreyArray]) -> Tensor:
    """The graph's output ``features`` for each image, ``(images, features)``."""
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return torch.cat([torch.from_numpy(session.run(["features"], {"pixels": pixels})[0]) for pixels in images])


class _Images:
    """Hands images to the calibration one after the other."""

    def __init__(self, images: Iterable[GreyArray]) -> None:
        self._left: Iterator[GreyArray] = iter(images)

    def get_next(self) -> dict[str, GreyArray] | None:
        pixels = next(self._left, None)
        return None if pixels is None else {"pixels": pixels}


def quantized(model: ModelProto, images: Sequence[GreyArray]) -> ModelProto:
    """The graph with the inside of its network in 8 bits.

    Args:
        model: takes ``pixels`` ``(rows, cols)``; its last convolution gives the mask's logits.
        images: from which the range of each layer's values is taken.

    Raises:
        WeightsError: the graph has fewer than three convolutions.
    """
    import onnx
    from onnxruntime import GraphOptimizationLevel, InferenceSession, SessionOptions
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    with TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        options = SessionOptions()
        options.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_BASIC  # folds batch norms into kernels
        options.optimized_model_filepath = str(whole)
        InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        prepared = onnx.load(whole)
        _merge_pooling(prepared.graph)
        add_pre_process_metadata(prepared)  # or it is advised in the log
        reader: Any = _Images(images)
        quantize_static(
            prepared,
            small,
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=_inside(prepared.graph),
        )
        ready = onnx.load(small)
    _part_from_upsampling(ready.graph)
    return ready


def _merge_pooling(graph: GraphProto) -> None:
    """Turn each average of squares of pixels that a 1 x 1 convolution follows into one convolution that strides over the squares.

    The sums are the same; ONNX Runtime averages in 8 bits slower than it convolves.
    """
    from onnx import numpy_helper

    kernels = {kernel.name: kernel for kernel in graph.initializer}
    for pooling in [node for node in graph.node if node.op_type == "AveragePool"]:
        users = [node for node in graph.node if pooling.output[0] in node.input]
        kernel = kernels.get(users[0].input[1]) if len(users) == 1 and users[0].op_type == "Conv" else None
        square, step, margin = (_attribute(pooling, name, []) for name in ("kernel_shape", "strides", "pads"))
        if kernel is None or list(kernel.dims[2:]) != [1, 1] or step != square or any(margin + _attribute(users[0], "pads", [])):
            continue
        spread = np.tile(numpy_helper.to_array(kernel) / np.float32(math.prod(square)), (1, 1, *square))
        strided = numpy_helper.from_array(spread, f"{kernel.name}_strided")
        graph.initializer.append(strided)
        graph.initializer.remove(kernel)
        users[0].input[:2] = [pooling.input[0], strided.name]
        for attribute in users[0].attribute:
            if attribute.name in ("kernel_shape", "strides"):
                attribute.ints[:] = square
        graph.node.remove(pooling)


def _part_from_upsampling(graph: GraphProto) -> None:
    """Put a reshape that changes nothing behind the last convolution, whose logits have one or two channels.

    ONNX Runtime computes convolutions, and all that follows one up to an operator that knows but plain arrays, in blocks of 8 or 16
    channels: it would upsample up to 16 times as many values as there are.
    """
    from onnx import helper, numpy_helper

    last = [node for node in graph.node if node.op_type == "Conv"][-1]
    logits, plain = last.output[0], f"{last.output[0]}_plain"
    for node in graph.node:
        node.input[:] = [plain if name == logits else name for name in node.input]
    graph.initializer.append(numpy_helper.from_array(np.array([0, 0, 0, -1]), "same_shape"))
    graph.node.insert(list(graph.node).index(last) + 1, helper.make_node("Reshape", [logits, "same_shape"], [plain]))


def _inside(graph: GraphProto) -> list[str]:
    """Names of the nodes between the first and the last convolution; those that begin a depthwise encoder do not count."""
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    if len(convolutions) < 3:
        raise WeightsError(f"a network of {len(convolutions)} convolutions: nothing lies between the first and the last")
    depthwise = [number for number, node in enumerate(convolutions) if _attribute(node, "group", 1) > 1]
    leading = depthwise[_DEPTHWISE] - 1 if len(depthwise) > _DEPTHWISE else 0
    after, before = set(convolutions[leading].output), set(convolutions[-1].input)
    following, preceding = set(), set()
    for node in graph.node:  # in the order in which they run
        if after & set(node.input):
            after |= set(node.output)
            following.add(node.name)
    for node in reversed(graph.node):
        if before & set(node.output):
            before |= set(node.input)
            preceding.add(node.name)
    return sorted(following & preceding)


def _attribute(node: NodeProto, name: str, default: Any) -> Any:
    from onnx import helper

    return next((helper.get_attribute_value(attribute) for attribute in node.attribute if attribute.name == name), default)
