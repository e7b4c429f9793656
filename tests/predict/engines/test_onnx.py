from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from tests.tiny import OUTPUTS, PROPERTIES, ellipse, save_graph, threshold_nodes
from usseg_monai.errors import ImageError, UsageError, WeightsError
from usseg_monai.predict.engines import onnx as module
from usseg_monai.predict.engines.onnx import OnnxEngine
from usseg_monai.tasks import get_task


def release(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes | None, sha256: str) -> None:
    """Let a folder be the bundle, with this graph in it, and this hash be the release's."""
    monkeypatch.setattr(module, "bundle_path", lambda task: folder)
    monkeypatch.setattr(module, "get_task", lambda name: dataclasses.replace(get_task(name), weights_sha256=sha256))
    if content is not None:
        (folder / "models").mkdir()
        (folder / "models" / "model.onnx").write_bytes(content)


def test_mask_and_probability_lie_on_the_image_grid(tiny_model: Path) -> None:
    truth = ellipse(37, 53, (9, 20))
    engine = OnnxEngine("fetal_head", tiny_model)
    mask, probability, extras = engine(truth.astype(np.float32) * 9 - 3)
    assert np.array_equal(mask, truth) and mask.dtype == np.uint8
    assert np.array_equal(probability > 0.5, truth == 1) and probability.dtype == np.float32
    assert extras["brightness"] == pytest.approx(truth.mean() * 9 - 3, abs=1e-4)


def test_pixels_of_any_layout_and_depth_are_taken(tiny_model: Path) -> None:
    truth = ellipse()
    engine = OnnxEngine("fetal_head", tiny_model)
    mask, _, _ = engine(truth.T.astype(np.float64))
    assert np.array_equal(mask, truth.T)


def test_says_what_it_is(tiny_model: Path) -> None:
    engine = OnnxEngine("fetal_head", tiny_model, threads=2)
    assert (engine.name, engine.device) == ("onnx", "cpu")
    assert engine.weights_sha256 == hashlib.sha256(tiny_model.read_bytes()).hexdigest()


def test_the_released_graph_is_opened_if_it_is_the_released_one(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = tiny_model.read_bytes()
    release(monkeypatch, tmp_path, content, hashlib.sha256(content).hexdigest())
    mask, _, _ = OnnxEngine("fetal_head")(np.eye(9, dtype=np.float32))
    assert mask.sum() == 9


def test_another_graph_in_the_bundle_is_not_opened(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(monkeypatch, tmp_path, tiny_model.read_bytes(), "0" * 64)
    monkeypatch.setattr(module, "_open", lambda *_: pytest.fail("opened before it was checked"))
    with pytest.raises(WeightsError, match=r"model.onnx is damaged or not the released one: its SHA-256"):
        OnnxEngine("fetal_head")


def test_missing_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release(monkeypatch, tmp_path, None, "0" * 64)
    with pytest.raises(WeightsError, match=r"no weights at .*model.onnx"):
        OnnxEngine("fetal_head")


@pytest.mark.parametrize("content", [b"", b"no graph at all", bytes(range(256)) * 40])
def test_damaged_weights(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(content)
    with pytest.raises(WeightsError, match=r"bad.onnx is not a graph that can be run") as caught:
        OnnxEngine("fetal_head", tmp_path / "bad.onnx")
    assert "\n" not in str(caught.value)


def test_cut_weights(tiny_model: Path, tmp_path: Path) -> None:
    content = tiny_model.read_bytes()
    for size in range(0, len(content), 37):
        (tmp_path / "cut.onnx").write_bytes(content[:size])
        with pytest.raises(WeightsError):
            OnnxEngine("fetal_head", tmp_path / "cut.onnx")


def test_a_folder_is_no_graph(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be read"):
        OnnxEngine("fetal_head", tmp_path)


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="pipe is not a regular file"):
        OnnxEngine("fetal_head", tmp_path / "pipe")


@pytest.mark.parametrize("output", ["probability", "brightness"])
def test_an_answer_that_is_no_number_fails_for_that_image_alone(output: str, tmp_path: Path) -> None:
    """The logarithm of the mean in its place: not a number where that is negative."""
    nodes = threshold_nodes()
    for node in nodes:
        node.output[:] = [f"good_{name}" if name == output else name for name in node.output]
        node.input[:] = [f"good_{name}" if name == output else name for name in node.input]
    nodes += [helper.make_node("ReduceMean", ["pixels"], ["mean"], keepdims=0), helper.make_node("Log", ["mean"], ["log"])]
    nodes.append(helper.make_node("Mul", ["pixels", "log"] if output == "probability" else ["log", "log"], [output]))
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "log.onnx", nodes, OUTPUTS, PROPERTIES))
    mask, _, _ = engine(np.ones((9, 12), np.float32))
    assert mask.shape == (9, 12)
    with pytest.raises(ImageError, match="not a finite number"):
        engine(-np.ones((9, 12), np.float32))


def test_large_files_are_not_read(tmp_path: Path) -> None:
    with (tmp_path / "large.onnx").open("wb") as file:
        file.truncate(module.MAX_WEIGHTS_BYTES + 1)  # a sparse file
    with pytest.raises(WeightsError, match=f"at most {module.MAX_WEIGHTS_BYTES}"):
        OnnxEngine("fetal_head", tmp_path / "large.onnx")


def test_weights_in_other_files_are_refused(model_with_external_weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(model_with_external_weights.parent)  # where the runtime would find them
    with pytest.raises(WeightsError, match="keeps weights in other files"):
        OnnxEngine("fetal_head", model_with_external_weights)


def test_the_graph_of_another_task_is_refused(tmp_path: Path) -> None:
    graph = save_graph(tmp_path / "other.onnx", threshold_nodes(), OUTPUTS, {**PROPERTIES, "task": "nerve"})
    with pytest.raises(WeightsError, match="made for the task 'nerve', not for 'fetal_head'"):
        OnnxEngine("fetal_head", graph)


def test_a_graph_of_another_form_is_refused(tmp_path: Path) -> None:
    graph = save_graph(tmp_path / "other.onnx", threshold_nodes(), {"probability": TensorProto.FLOAT}, PROPERTIES)
    with pytest.raises(WeightsError, match=r"not a deployed graph: it takes 'pixels' and gives 'probability'"):
        OnnxEngine("fetal_head", graph)


def test_a_graph_that_leaves_the_grid_is_refused(tmp_path: Path) -> None:
    nodes = [*threshold_nodes()[:-1], helper.make_node("Transpose", ["found"], ["turned"])]
    nodes.append(helper.make_node("Cast", ["turned"], ["mask"], to=TensorProto.UINT8))
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "turned.onnx", nodes, OUTPUTS, PROPERTIES))
    with pytest.raises(WeightsError, match="must keep the image's grid"):
        engine(np.zeros((9, 12), np.float32))


def test_an_image_that_the_graph_cannot_take(tmp_path: Path) -> None:
    eight = helper.make_tensor("eight", TensorProto.INT64, [2], [8, 8])
    nodes = [*threshold_nodes()[:-1], helper.make_node("Reshape", ["found", "eight"], ["square"])]
    nodes.append(helper.make_node("Cast", ["square"], ["mask"], to=TensorProto.UINT8))
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "fixed.onnx", nodes, OUTPUTS, PROPERTIES, initializer=[eight]))
    with pytest.raises(ImageError, match="could not take the image of 9x12"):
        engine(np.zeros((9, 12), np.float32))


def loop(turns: int) -> tuple[list[NodeProto], list[TensorProto]]:
    """A deployed graph that goes round many times, to no purpose."""
    values = [helper.make_tensor_value_info(name, kind, None) for name, kind in (("go", TensorProto.BOOL), ("value", TensorProto.FLOAT))]
    results = [helper.make_tensor_value_info(name, kind, None) for name, kind in (("on", TensorProto.BOOL), ("next", TensorProto.FLOAT))]
    nodes = [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Neg", ["value"], ["next"])]
    body = helper.make_graph(nodes, "body", [helper.make_tensor_value_info("turn", TensorProto.INT64, []), *values], results)
    first, second, *others = threshold_nodes()
    constants = [helper.make_tensor("turns", TensorProto.INT64, [], [turns]), helper.make_tensor("yes", TensorProto.BOOL, [], [True])]
    around = helper.make_node("Loop", ["turns", "yes", "above"], ["around"], body=body)
    return [first, second, around, helper.make_node("Sigmoid", ["around"], ["probability"]), *others[1:]], constants


def test_a_graph_of_a_stranger_that_goes_round_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRANGERS_SECONDS", 0.2)
    nodes, constants = loop(2**62)
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "loop.onnx", nodes, OUTPUTS, PROPERTIES, initializer=constants))
    with pytest.raises(ImageError, match=r"image of 9x12: no answer within 0.2 s"):
        engine(np.zeros((9, 12), np.float32))
    nodes, constants = loop(4)
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "loop.onnx", nodes, OUTPUTS, PROPERTIES, initializer=constants))
    mask, _, _ = engine(np.eye(9, dtype=np.float32))
    assert mask.sum() == 9


def test_a_graph_of_a_stranger_gets_no_endless_memory(tmp_path: Path) -> None:
    many = helper.make_tensor("many", TensorProto.INT64, [2], [2650, 2650])
    nodes = [*threshold_nodes()[:2], helper.make_node("Tile", ["above", "many"], ["tiled"])]
    nodes += [helper.make_node("ReduceMean", ["tiled"], ["mean"], keepdims=0), helper.make_node("Add", ["above", "mean"], ["probability"])]
    nodes += threshold_nodes()[3:]
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "tile.onnx", nodes, OUTPUTS, PROPERTIES, initializer=[many]))
    with pytest.raises(ImageError, match=r"could not take the image of 9x12: more than 2048 MB"):
        engine(np.zeros((9, 12), np.float32))


def test_names_that_are_no_text(tiny_model: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(tiny_model.read_bytes().replace(b"brightness", b"bright\x80ess"))
    with pytest.raises(WeightsError, match="a name in it is not text"):
        OnnxEngine("fetal_head", damaged)


def test_further_outputs_must_be_one_number_each(tmp_path: Path) -> None:
    outputs = {**OUTPUTS, "above": TensorProto.FLOAT}
    engine = OnnxEngine("fetal_head", save_graph(tmp_path / "more.onnx", threshold_nodes(), outputs, PROPERTIES))
    with pytest.raises(WeightsError, match="each output must be one number"):
        engine(np.zeros((9, 12), np.float32))
    texts = [*threshold_nodes(), helper.make_node("Cast", ["brightness"], ["text"], to=TensorProto.STRING)]
    with pytest.raises(WeightsError, match="is not a deployed graph"):
        OnnxEngine("fetal_head", save_graph(tmp_path / "text.onnx", texts, {**OUTPUTS, "text": TensorProto.STRING}, PROPERTIES))


def test_unknown_task(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="unknown task 'liver'"):
        OnnxEngine("liver", tiny_model)
