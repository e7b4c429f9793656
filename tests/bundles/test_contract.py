"""What MONAI's own tools check, load and export, for every bundle, from a working directory that has nothing to do with it.

Its other commands: ``run`` in ``test_inference.py`` and ``test_training.py``, several processes in ``test_multi_gpu.py``, ``--tracking`` in
``test_tracking.py``, federated clients in ``test_federated.py``, ``download`` in ``tests/benchmarks/test_zips.py``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import monai.bundle
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, create_workflow, onnx_export, verify_metadata, verify_net_in_out
from monai.data import load_net_with_metadata
from monai.transforms import LoadImaged, SaveImaged, SqueezeDimd

from benchmarks.tasks import BENCHMARKED
from tests.bundles.conftest import TINY, Start
from tests.contracts.bundle import SCHEMA
from tests.contracts.network import heads_of
from usseg_monai.tasks import TASKS
from usseg_monai.weights.export import load_network

pytestmark = pytest.mark.usefixtures("foreign")


@pytest.mark.parametrize("configs", [("train.json",), ("train.json", "evaluate.json"), ("train.json", "refit.json")])
def test_training_configs_have_all_properties(configs: tuple[str, ...], start: Start, datalist: Path, tmp_path: Path) -> None:
    workflow = start(*configs, dataset_dir=str(datalist), output_dir=str(tmp_path / "out"), ckpt_dir=str(tmp_path / "out"))
    assert workflow.check_properties() == []


def test_inference_config_has_all_properties(start: Start, images: Path, tmp_path: Path) -> None:
    workflow = start("inference.json", kind="inference", dataset_dir=str(images), output_dir=str(tmp_path / "out"))
    assert workflow.check_properties() == []


def test_bundle_root_does_not_depend_on_the_working_directory(start: Start, bundle: Path, images: Path) -> None:
    workflow = start("inference.json", kind="inference", dataset_dir=str(images))
    assert Path(workflow.bundle_root) == bundle


def test_metadata_passes_monais_check(bundle: Path, tmp_path: Path) -> None:
    """With our copy of the schema in the place where MONAI keeps a downloaded one, as the Model Zoo's CI does."""
    schema = shutil.copy(SCHEMA, tmp_path / "schema.json")
    verify_metadata(meta_file=str(bundle / "configs" / "metadata.json"), filepath=str(schema))
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    metadata.pop("monai_version")
    (tmp_path / "metadata.json").write_text(json.dumps(metadata))
    with pytest.raises(ValueError, match="monai_version"):
        verify_metadata(meta_file=str(tmp_path / "metadata.json"), filepath=str(schema))


def test_a_workflow_made_by_monai_has_all_properties_and_knows_its_version(bundle: Path, images: Path, tmp_path: Path) -> None:
    configs = bundle / "configs"
    workflow: Any = create_workflow(
        config_file=str(configs / "inference.json"),
        workflow_type="inference",
        meta_file=str(configs / "metadata.json"),
        logging_file=str(configs / "logging.conf"),
        **TINY,
        dataset_dir=str(images / "exam0"),
        output_dir=str(tmp_path / "out"),
    )  # it initializes the workflow
    assert workflow.check_properties() == []
    assert workflow.version == json.loads((configs / "metadata.json").read_text())["version"]
    workflow.run()
    workflow.finalize()
    assert len(list((tmp_path / "out" / "masks").rglob("*.png"))) == 2


def test_loading_gives_the_network_with_its_weights(bundle: Path) -> None:
    network: Any = monai.bundle.load(bundle.name, bundle_dir=str(bundle.parent), workflow_type="inference", source="github")
    saved = torch.load(bundle / "models" / "model.pt", weights_only=True)
    state = network.state_dict()
    assert state.keys() == saved.keys()
    assert all(torch.equal(state[name].float(), value.float()) for name, value in saved.items())


def test_network_gives_what_the_metadata_says(bundle: Path, task: str) -> None:
    """For a network with two heads by a check of our own: the Model Zoo keeps a list of bundles (``exclude_verify_shape_list``) that
    MONAI's does not suit. A second network in the config, which gives the mask alone, would pass it, but the Zoo exports the network that
    it verifies, and MONAI's export leaves out weights without a word whose names differ.
    """
    configs = bundle / "configs"
    for name in ("inference.json", "train.json"):
        if TASKS[task].outputs:
            verify_two_heads(configs / "metadata.json", configs / name, len(TASKS[task].outputs))
        else:
            verify_net_in_out("network_def", meta_file=str(configs / "metadata.json"), config_file=str(configs / name), device="cpu")


def verify_two_heads(metadata: Path, config: Path, classes: int) -> None:
    """What MONAI's `verify_net_in_out` checks, which cannot look into a network that gives a dictionary."""
    formats = json.loads(metadata.read_text())["network_data_format"]
    image, pred = formats["inputs"]["image"], formats["outputs"]["pred"]
    parser = ConfigParser()
    parser.read_config(str(config))
    network = parser.get_parsed_content("network_def").eval()
    with torch.no_grad():
        heads = network(torch.rand(1, image["num_channels"], *image["spatial_shape"], dtype=getattr(torch, image["dtype"])))
    assert heads["mask"].shape == (1, pred["num_channels"], *pred["spatial_shape"])
    assert heads["mask"].dtype == getattr(torch, pred["dtype"])
    assert heads["class"].shape == (1, classes)


def test_exports_to_torchscript(bundle: Path, weights: Path, tmp_path: Path) -> None:
    configs, file = bundle / "configs", tmp_path / "model.ts"
    ckpt_export(
        "network_def",
        filepath=str(file),
        ckpt_file=str(weights),
        meta_file=str(configs / "metadata.json"),
        config_file=str(configs / "inference.json"),
    )
    network, metadata, extra = load_net_with_metadata(str(file), more_extra_files=["inference.json"])
    assert metadata["version"] == json.loads((configs / "metadata.json").read_text())["version"]
    assert "network_def" in json.loads(extra["inference.json"])
    saved = torch.load(weights, weights_only=True)
    assert all(torch.equal(saved[name], value) for name, value in network.state_dict().items())
    output = network.eval()(torch.zeros(1, 1, 64, 64))
    mask = output["mask"] if isinstance(output, dict) else output
    assert mask.shape == (1, json.loads(extra["inference.json"])["network_def"]["out_channels"], 64, 64)


@pytest.fixture
def real_image(task: str, bundle: Path, data_root: Path) -> torch.Tensor:
    """One real image after the bundle's own preprocessing, ``(1, 1, W, H)``."""
    benchmarked = BENCHMARKED[task]
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    item = parser.get_parsed_content("preprocessing")({"image": str(min((data_root / benchmarked.data).glob(benchmarked.images)))})
    return torch.as_tensor(item["image"].as_tensor()[None])


@pytest.mark.parametrize("sizes", ["static", "dynamic"])
def test_exports_to_onnx_with_stable_names(sizes: str, bundle: Path, task: str, real_image: torch.Tensor, tmp_path: Path) -> None:
    """The options are those of ``docs/how_to/bundles.md``; the older exporter of torch takes dynamic sizes in a tenth of the time."""
    outputs = ["mask", "class"] if TASKS[task].outputs else ["pred"]
    options: dict[str, Any] = {"input_names": ["image"], "output_names": outputs}
    if sizes == "dynamic":
        plane = {0: "batch", 2: "width", 3: "height"}
        options |= {"dynamo": False, "dynamic_axes": {name: {0: "batch"} if name == "class" else plane for name in ("image", *outputs)}}
    file = tmp_path / "model.onnx"
    onnx_export(
        "network_def",
        filepath=str(file),
        ckpt_file=str(bundle / "models" / "model.pt"),
        meta_file=str(bundle / "configs" / "metadata.json"),
        config_file=str(bundle / "configs" / "inference.json"),
        use_trace=True,
        converter_kwargs=options,
    )
    graph = onnx.load(file).graph
    assert ([value.name for value in graph.input], [value.name for value in graph.output]) == (["image"], outputs)
    session = onnxruntime.InferenceSession(file)
    network, _ = load_network(task)
    for image in [real_image] if sizes == "static" else [real_image, real_image[..., :96, :128].expand(3, -1, -1, -1).contiguous()]:
        answers = session.run(outputs, {"image": image.numpy()})
        with torch.inference_mode():
            heads = heads_of(network(image))
        for answer, head in zip(answers, heads.values(), strict=True):
            np.testing.assert_allclose(answer, head.numpy(), atol=1e-4, rtol=0)


def test_chains_suit_the_stock_app_of_monai_label(bundle: Path) -> None:
    """It drops loaders and savers by their class, squeezes nothing itself, and inserts a loader into the list of handlers."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    before, after = (parser.get_parsed_content(name).transforms for name in ("preprocessing", "postprocessing"))
    assert [isinstance(step, LoadImaged) for step in before] == [True] + [False] * (len(before) - 1)
    assert sum(isinstance(step, SaveImaged) for step in after) == 1
    assert isinstance(after[-1], SqueezeDimd)
    train = json.loads((bundle / "configs" / "train.json").read_text())
    assert all(isinstance(handler, dict) for handler in train["train"]["handlers"])
    assert {"data"} <= train["train"]["dataset"].keys() & train["validate"]["dataset"].keys()
