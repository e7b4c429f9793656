"""Tests of usseg_monai.weights.export: the graph that users run gives what the network gives."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser
from numpy.typing import NDArray

from usseg_monai import __version__, bundle_path
from usseg_monai.errors import OutputError, WeightsError
from usseg_monai.networks.deployed import Deployed
from usseg_monai.tasks import TASKS
from usseg_monai.weights import export
from usseg_monai.weights.checkpoints import sha256_of
from usseg_monai.weights.export import export_onnx, load_network
from usseg_monai.weights.half import store_half

TASK = "fetal_head"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of chance, and running statistics as of some training, so that the masks are neither empty nor full."""
    parser = ConfigParser()
    parser.read_config(str(bundle_path(TASK) / "configs" / "inference.json"))
    torch.manual_seed(4)
    network = parser.get_parsed_content("network_def").train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randn(4, 1, 96, 64))
        network.head.bias.fill_(-float(network.eval()(torch.randn(2, 1, 288, 192)).median()))
    file = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save(network.state_dict(), file)
    return file


@pytest.fixture(scope="module")
def graph(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("graph") / "new" / "model.onnx"
    digest = export_onnx(TASK, checkpoint, file)
    assert digest == hashlib.sha256(file.read_bytes()).hexdigest()
    return file


def picture(rows: int, cols: int) -> NDArray[np.float32]:
    """A bright ellipse in noise, 0..255."""
    rng = np.random.default_rng(rows)
    down, across = np.mgrid[:rows, :cols]
    inside = ((down - rows * 0.4) / (0.3 * rows)) ** 2 + ((across - cols * 0.6) / (0.25 * cols)) ** 2 < 1
    result: NDArray[np.float32] = (rng.uniform(0, 120, (rows, cols)) + 120 * inside).astype(np.float32)
    return result


@pytest.mark.parametrize("shape", [(540, 800), (37, 53), (300, 301), (2, 9)])
def test_graph_equals_the_network_at_any_size(shape: tuple[int, int], graph: Path, checkpoint: Path) -> None:
    pixels = picture(*shape)
    session = onnxruntime.InferenceSession(graph)
    probability, mask = session.run(["probability", "mask"], {"pixels": pixels})
    with torch.inference_mode():
        expected, expected_mask = Deployed(*load_network(TASK, checkpoint)).eval()(torch.from_numpy(pixels))
    assert probability.shape == mask.shape == shape
    assert probability.dtype == np.float32 and mask.dtype == np.uint8
    assert float(np.abs(probability - expected.numpy()).max()) < 1e-4
    assert float((mask == expected_mask.numpy()).mean()) > 0.9999
    assert np.array_equal(mask, probability >= 0.5)


def test_masks_of_this_test_are_worth_comparing(checkpoint: Path) -> None:
    with torch.inference_mode():
        mask = Deployed(*load_network(TASK, checkpoint)).eval()(torch.from_numpy(picture(540, 800)))[1]
    assert 0.02 < float(mask.float().mean()) < 0.98


def test_graph_says_what_it_is(graph: Path, checkpoint: Path) -> None:
    facts = onnxruntime.InferenceSession(graph).get_modelmeta().custom_metadata_map
    assert facts["task"] == TASK
    assert facts["version"] == __version__
    assert json.loads(facts["labels"]) == list(TASKS[TASK].labels)
    assert facts["checkpoint_sha256"] == sha256_of(checkpoint)


def test_graph_is_one_small_file(graph: Path) -> None:
    assert list(graph.parent.iterdir()) == [graph]
    assert graph.stat().st_size < 16 * 2**20
    model = onnx.load(graph, load_external_data=False)
    assert not [tensor.name for tensor in model.graph.initializer if tensor.external_data]
    assert {entry.domain for entry in model.opset_import} == {""}


def test_graph_names_no_place_of_this_machine(graph: Path) -> None:
    """The exporter likes to note which line of which file each node comes from."""
    content = graph.read_bytes()
    assert str(Path(__file__).parents[2]).encode() not in content
    assert str(Path(torch.__file__).parents[1]).encode() not in content


def test_takes_a_checkpoint_with_the_whole_state(checkpoint: Path, tmp_path: Path) -> None:
    state = torch.load(checkpoint, weights_only=True)
    torch.save({"model": state, "epoch": 3}, tmp_path / "state.pt")
    network, image_size = load_network(TASK, tmp_path / "state.pt")
    assert all(torch.equal(state[name], value) for name, value in network.state_dict().items())
    assert not network.training
    assert image_size == (384, 256)


@pytest.fixture(scope="module")
def halved(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights in half precision, and the graph made from them."""
    folder = tmp_path_factory.mktemp("halved")
    store_half(checkpoint, folder / "model.pt")
    export_onnx(TASK, folder / "model.pt", folder / "model.onnx")
    return folder


def kernels(file: Path) -> dict[str, onnx.TensorProto]:
    initializers = onnx.load(file).graph.initializer
    return {tensor.name: tensor for tensor in initializers if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)}


def test_kernels_of_a_halved_checkpoint_are_stored_as_they_are(halved: Path) -> None:
    """Not a rounded product of kernel and batch norm: the graph has the very numbers of the checkpoint."""
    state = torch.load(halved / "model.pt", weights_only=True)
    stored = {name: tensor for name, tensor in kernels(halved / "model.onnx").items() if tensor.data_type == onnx.TensorProto.FLOAT16}
    halves = {name for name, value in state.items() if value.dtype == torch.float16 and not name.startswith("auxiliary.")}  # of training
    assert stored.keys() == {f"network.{name}" for name in halves} and len(halves) > 15
    for name, tensor in stored.items():
        assert np.array_equal(onnx.numpy_helper.to_array(tensor), state[name.removeprefix("network.")].numpy())


def test_a_graph_of_single_precision_stays_so(graph: Path) -> None:
    assert {tensor.data_type for tensor in kernels(graph).values()} == {onnx.TensorProto.FLOAT}


def test_a_halved_graph_takes_half_the_space(graph: Path, halved: Path) -> None:
    assert (halved / "model.onnx").stat().st_size < 0.55 * graph.stat().st_size


def test_a_halved_graph_computes_in_single_precision(halved: Path) -> None:
    pixels = picture(300, 301)
    probability, mask = onnxruntime.InferenceSession(halved / "model.onnx").run(["probability", "mask"], {"pixels": pixels})
    network, image_size = load_network(TASK, halved / "model.pt")
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    with torch.inference_mode():
        expected = Deployed(network, image_size).eval()(torch.from_numpy(pixels))[0].numpy()
    assert float(np.abs(probability - expected).max()) < 1e-5
    assert 0.02 < float(mask.mean()) < 0.98


def test_the_same_checkpoint_gives_the_same_bytes(halved: Path, tmp_path: Path) -> None:
    assert export_onnx(TASK, halved / "model.pt", tmp_path / "again.onnx") == sha256_of(halved / "model.onnx")


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "text", "other", "number"])
def test_refuses_weights_that_do_not_fit(damage: str, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    match damage:
        case "empty":
            file.write_bytes(b"")
        case "cut":
            file.write_bytes(checkpoint.read_bytes()[:5000])
        case "text":
            file.write_text("no weights")
        case "other":
            torch.save(torch.nn.Linear(2, 1).state_dict(), file)
        case "number":
            torch.save(3.0, file)
    with pytest.raises(WeightsError) as raised:
        load_network(TASK, file)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)


def test_never_unpickles_code(tmp_path: Path) -> None:
    class Malice:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (Path(tmp_path / "done"),))  # type: ignore[return-value]

    torch.save({"model": Malice()}, tmp_path / "model.pt")
    with pytest.raises(WeightsError):
        load_network(TASK, tmp_path / "model.pt")
    assert not (tmp_path / "done").exists()


def test_an_unwritable_place_is_an_output_error(checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def quick(*arguments: object) -> onnx.ModelProto:
        """Any small model in place of the export, which takes seconds."""
        value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
        node = onnx.helper.make_node("Identity", ["x"], ["y"])
        output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
        return onnx.helper.make_model(onnx.helper.make_graph([node], "g", [value], [output]))

    monkeypatch.setattr(export, "graph_of", quick)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        export_onnx(TASK, checkpoint, tmp_path / "file" / "model.onnx")
