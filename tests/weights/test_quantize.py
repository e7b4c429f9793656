"""Tests of usseg_monai.weights.quantize: the graph in 8 bits finds on real images what the graph in single precision finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from benchmarks.tasks import BENCHMARKED
from usseg_monai import Predictor
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.evaluation.cases import predict_item
from usseg_monai.evaluation.overlap import dice
from usseg_monai.imaging import read_image
from usseg_monai.runs.proposal import evenly
from usseg_monai.weights.quantize import _inside, export_int8

HC = "head_circumference_mm"


def outcomes(predictor: Predictor, items: list[Any]) -> dict[str, np.ndarray]:
    """Dice, difference of the circumference, confidence and unlikeness by image."""
    rows = []
    for item in items:
        prediction, truth = predict_item(predictor, item)
        found = prediction.measurements.get(HC)
        off = abs(found - item[HC]) if isinstance(found, float) and HC in item else np.nan
        rows.append((dice(prediction.mask, truth), off, prediction.confidence, prediction.measurement.unlikeness))
    return dict(zip(("dice", "off", "confidence", "unlikeness"), np.array(rows, float).T, strict=True))


@pytest.mark.parametrize("task", ["fetal_head", "left_ventricle"])
def test_finds_what_single_precision_finds(task: str, data_root: Path, tmp_path: Path) -> None:
    """One network of each kind."""
    data = data_root / BENCHMARKED[task].data
    images = [read_image(item["image"]).pixels for item in evenly(load_datalist(data, "training"), 20)]
    file = tmp_path / "model.onnx"
    export_int8(task, None, images, file)
    assert file.stat().st_size < 5e6
    assert onnxruntime.InferenceSession(file).get_modelmeta().custom_metadata_map["precision"] == "int8"
    items = evenly(load_datalist(data, "test"), 20)
    exact, small = (outcomes(predictor, items) for predictor in (Predictor(task), Predictor(task, weights=file)))
    assert abs(np.mean(small["dice"] - exact["dice"])) <= 0.002
    assert task != "fetal_head" or abs(np.mean(small["off"] - exact["off"])) <= 0.03
    assert np.abs(small["confidence"] - exact["confidence"]).mean() < 0.01
    assert np.median(small["unlikeness"] / exact["unlikeness"]) == pytest.approx(1, abs=0.1)


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


def test_too_few_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="7 training images: at least 8"):
        export_int8("fetal_head", None, [np.zeros((9, 9), np.float32)] * 7, tmp_path / "model.onnx")
