"""Tests of usseg_monai.weights.quantize: the released graph in 8 bits finds on real images what the graph in single precision finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from benchmarks.tasks import BENCHMARKED
from usseg_monai import Predictor
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.evaluation.cases import predict_item
from usseg_monai.evaluation.overlap import dice
from usseg_monai.networks.deployed import Deployed
from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.networks.trust import Trust
from usseg_monai.tasks import TASKS
from usseg_monai.weights import quantize
from usseg_monai.weights.quantize import _inside, _merge_pooling, _part_from_upsampling, export_int8
from usseg_monai.weights.trust import save_trust

HC = "head_circumference_mm"


def outcomes(predictor: Predictor, items: Sequence[Any]) -> dict[str, np.ndarray]:
    """Dice, error of the circumference, confidence and unlikeness by image, and the class probabilities, ``(images, classes)``."""
    rows, classes = [], []
    for item in items:
        prediction, truth = predict_item(predictor, item)
        found = prediction.measurements.get(HC)
        off = abs(found - item[HC]) if isinstance(found, float) and HC in item else np.nan
        rows.append((dice(prediction.mask, truth), off, prediction.confidence, prediction.measurement.unlikeness))
        classes.append([prediction.measurements[name] for name in predictor.task.outputs])
    columns = dict(zip(("dice", "off", "confidence", "unlikeness"), np.array(rows, float).T, strict=True))
    return columns | {"classes": np.array(classes, float)}


@pytest.mark.parametrize("task", TASKS)
def test_the_released_graph_finds_what_single_precision_finds(task: str, data_root: Path, float_graph: Callable[[str], Path]) -> None:
    """On the whole test part: where lesions are in doubt, a few images more or less move the mean Dice by more than the bar."""
    items = load_datalist(data_root / BENCHMARKED[task].data, "test")
    exact, small = (outcomes(predictor, items) for predictor in (Predictor(task, weights=float_graph(task)), Predictor(task)))
    assert abs(np.mean(small["dice"] - exact["dice"])) <= 0.002
    assert HC not in items[0] or abs(np.nanmean(small["off"] - exact["off"])) <= 0.03
    assert np.abs(small["confidence"] - exact["confidence"]).mean() < 0.01
    assert np.median(small["unlikeness"] / exact["unlikeness"]) == pytest.approx(1, abs=0.1)
    assert small["classes"].size == 0 or np.abs(small["classes"] - exact["classes"]).mean() < 0.01


@pytest.fixture
def small_network(monkeypatch: pytest.MonkeyPatch) -> ResidualUNet:
    """Exported in place of a task's."""
    torch.manual_seed(3)
    network = ResidualUNet(widths=(4, 6, 8), deep_supervision=0).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 1, 64, 32))  # running statistics
    network.eval()
    monkeypatch.setattr(quantize, "load_network", lambda task, checkpoint: (network, (64, 32)))
    return network


def test_an_export_computes_nearly_the_same_in_a_few_bytes(small_network: ResidualUNet, tmp_path: Path) -> None:
    checkpoint, file = tmp_path / "model.pt", tmp_path / "model.onnx"
    torch.save(small_network.state_dict(), checkpoint)
    with torch.inference_mode():
        features = sum(level.shape[1] for level in small_network.encode(torch.zeros(1, 1, 64, 32)))
    trust = Trust(features, 3)
    trust.directions.copy_(torch.eye(features, 3))
    save_trust(trust, checkpoint)
    images = [np.random.default_rng(seed).uniform(0, 255, (40, 60)).astype(np.float32) for seed in range(10)]
    export_int8("fetal_head", checkpoint, images, file)
    session = onnxruntime.InferenceSession(file)
    assert session.get_modelmeta().custom_metadata_map["precision"] == "int8"
    assert {tensor.data_type for tensor in onnx.load(file).graph.initializer} >= {TensorProto.INT8, TensorProto.UINT8}
    exact = Deployed(small_network, (64, 32), trust=trust).eval()
    for image in images:
        probability, unlikeness, confidence = session.run(["probability", "unlikeness", "confidence"], {"pixels": image})
        with torch.inference_mode():
            expected, _, *doubt = exact(torch.from_numpy(image))
        assert np.abs(probability - expected.numpy()).mean() < 0.02
        assert unlikeness == pytest.approx(float(doubt[0]), rel=0.2) and confidence == pytest.approx(float(doubt[2]), abs=0.05)


def test_only_what_lies_between_the_first_and_the_last_convolution(tmp_path: Path) -> None:
    kernel = helper.make_tensor("kernel", TensorProto.FLOAT, [1, 1, 1, 1], [1.0])
    chain = [("Abs", "x", "a"), ("Conv", "a", "b"), ("Relu", "b", "c"), ("Conv", "c", "d"), ("Conv", "d", "e"), ("Neg", "e", "y")]
    nodes = [helper.make_node(kind, [source, *(["kernel"] if kind == "Conv" else [])], [sink], kind + sink) for kind, source, sink in chain]
    nodes.insert(3, helper.make_node("Sin", ["b"], ["beside"], "beside"))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 2, 2]) for name in ("x", "y", "beside")]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], [kernel])
    onnx.checker.check_model(helper.make_model(graph))
    assert _inside(graph) == ["Convd", "Reluc"]
    del graph.node[-2:]
    with pytest.raises(WeightsError, match="2 convolutions"):
        _inside(graph)


@pytest.mark.parametrize(("depthwise", "first"), [(0, 1), (3, 1), (4, 6), (7, 6)])
def test_the_first_depthwise_convolutions_stay_in_single_precision(depthwise: int, first: int) -> None:
    """Convolutions 1, 3, 5 ... are depthwise, as many as said; number 6 lies just before the fourth of them."""
    nodes = []
    for number in range(16):
        one = number % 2 == 1 and number < 2 * depthwise
        nodes.append(helper.make_node("Conv", [f"x{number}", "kernel"], [f"x{number + 1}"], f"conv{number:02}", group=2 if one else 1))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2, 2, 2]) for name in ("x0", "x16")]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:])
    assert _inside(graph) == [f"conv{number:02}" for number in range(first + (first > 1), 15)]


def run(graph: onnx.GraphProto, image: np.ndarray) -> np.ndarray:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    answers: list[np.ndarray] = onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": image})
    return answers[0]


def pooled(kernel: int = 1, step: int = 2, margin: int = 0, *, twice: bool = False) -> onnx.GraphProto:
    """Squares of 2 x 2 pixels are averaged, and the averages convolved from 3 channels to 4; if ``twice``, they are also negated."""
    values = np.random.default_rng(1).normal(size=(4, 3, kernel, kernel)).astype(np.float32)
    rows, cols = (size // step - (step == 1) + 2 * margin // step for size in (8, 6))
    shapes = {"y": [1, 4, rows + 1 - kernel, cols + 1 - kernel], "z": [1, 3, rows, cols]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    nodes = [
        helper.make_node("AveragePool", ["x"], ["small"], "pool", kernel_shape=[2, 2], strides=[step, step], pads=[margin] * 4),
        helper.make_node("Conv", ["small", "kernel"], ["y"], "conv", kernel_shape=[kernel, kernel], strides=[1, 1]),
        *([helper.make_node("Neg", ["small"], ["z"], "beside")] if twice else []),
    ]
    taken = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 6])
    return helper.make_graph(nodes, "pooled", [taken], ends[: 1 + twice], [onnx.numpy_helper.from_array(values, "kernel")])


def test_an_average_before_a_convolution_becomes_a_part_of_it() -> None:
    image = np.random.default_rng(2).normal(size=(1, 3, 8, 6)).astype(np.float32)
    graph = pooled()
    expected = run(graph, image)
    _merge_pooling(graph)
    assert [node.op_type for node in graph.node] == ["Conv"]
    assert run(graph, image) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "graph",
    [pooled(3), pooled(twice=True), pooled(step=1), pooled(margin=1)],
    ids=["before a larger kernel", "that more than one needs", "of squares that overlap", "with a margin"],
)
def test_another_average_stays(graph: onnx.GraphProto) -> None:
    run(graph, np.zeros((1, 3, 8, 6), np.float32))
    before = graph.SerializeToString()
    _merge_pooling(graph)
    assert graph.SerializeToString() == before


def test_a_reshape_parts_the_last_convolution_from_all_that_takes_its_logits() -> None:
    image = np.random.default_rng(2).normal(size=(1, 3, 8, 6)).astype(np.float32)
    graph = pooled()
    graph.node.append(helper.make_node("Sigmoid", ["y"], ["shares"], "sigmoid"))
    graph.output[0].name = "shares"
    expected = run(graph, image)
    _part_from_upsampling(graph)
    assert [node.op_type for node in graph.node] == ["AveragePool", "Conv", "Reshape", "Sigmoid"]
    assert (run(graph, image) == expected).all()


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="7 training images: at least 8"):
        export_int8("fetal_head", None, [np.zeros((9, 9), np.float32)] * 7, tmp_path / "model.onnx")
