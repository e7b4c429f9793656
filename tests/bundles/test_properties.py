"""MONAI's own checks of a bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export, verify_net_in_out
from monai.data import load_net_with_metadata
from monai.transforms import LoadImaged, SaveImaged, SqueezeDimd

from tests.bundles.conftest import Start
from usseg_monai.tasks import TASKS


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


def test_network_gives_what_the_metadata_says(bundle: Path, task: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
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


def test_exports_to_torchscript(bundle: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
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
