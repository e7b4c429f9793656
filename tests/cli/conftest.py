"""A network for tests of the command line: what is brighter than 127 is the structure."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper


@pytest.fixture(scope="session")
def threshold_graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph in the form of the deployed ones."""
    grid = ["rows", "cols"]
    nodes = [
        helper.make_node("Div", ["pixels", "full"], ["probability"]),
        helper.make_node("Greater", ["pixels", "half"], ["above"]),
        helper.make_node("Cast", ["above"], ["mask"], to=TensorProto.UINT8),
    ]
    constants = [helper.make_tensor("full", TensorProto.FLOAT, [], [255.0]), helper.make_tensor("half", TensorProto.FLOAT, [], [127.0])]
    graph = helper.make_graph(
        nodes,
        "threshold",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, grid)],
        [
            helper.make_tensor_value_info("probability", TensorProto.FLOAT, grid),
            helper.make_tensor_value_info("mask", TensorProto.UINT8, grid),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(model, {"task": "fetal_head"})
    file = tmp_path_factory.mktemp("graph") / "threshold.onnx"
    onnx.save(model, file)
    return file
