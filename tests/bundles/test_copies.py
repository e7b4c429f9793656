"""A bundle that was copied or unpacked runs its own weights, wherever it lies; the package's runs the released ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import monai.bundle
import pytest
import torch
from monai.bundle import ConfigWorkflow, create_workflow

from tests.bundles.conftest import SMALL_NETWORK, TINY, root_cause
from tests.conftest import REPOSITORY
from usseg_monai import bundle_path
from usseg_monai.errors import WeightsError
from usseg_monai.weights import released

TASK = "fetal_head"
Weights = dict[str, torch.Tensor]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a bundle with other weights; the working directory is another folder."""
    folder = Path(shutil.copytree(bundle_path(TASK), tmp_path / "unpacked", ignore=shutil.ignore_patterns("*.onnx", "*.trust")))
    state = torch.load(folder / "models/model.pt", weights_only=True)
    torch.save({name: value * 0.5 if value.is_floating_point() else value for name, value in state.items()}, folder / "models/model.pt")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


def by_workflow(config: Path, values: dict[str, Any]) -> ConfigWorkflow:
    return ConfigWorkflow(str(config), workflow_type="inference", logging_file=False, **values)


def by_relative_path(config: Path, values: dict[str, Any]) -> ConfigWorkflow:
    return ConfigWorkflow(os.path.relpath(config), workflow_type="inference", logging_file=False, **values)


def by_create_workflow(config: Path, values: dict[str, Any]) -> ConfigWorkflow:
    workflow: ConfigWorkflow = create_workflow(config_file=str(config), workflow_type="inference", logging_file=False, **values)
    return workflow


@pytest.mark.parametrize("start", [by_workflow, by_relative_path, by_create_workflow])
def test_a_workflow_runs_the_weights_beside_its_config(
    start: Callable[[Path, dict[str, Any]], ConfigWorkflow], copy: Path, images: Path, tmp_path: Path
) -> None:
    workflow = start(copy / "configs" / "inference.json", TINY | {"dataset_dir": str(images)})
    workflow.initialize()
    workflow.run()
    network: Weights = workflow.parser.get_parsed_content("network").state_dict()
    own: Weights = torch.load(copy / "models/model.pt", weights_only=True)
    assert all(torch.equal(network[name], own[name]) for name in own)
    assert len(list((copy / "eval" / "masks").rglob("*.png"))) == 10
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("option", [[], ["--own_weights", "False"]])
def test_the_command_line_runs_the_weights_beside_its_config(option: list[str], copy: Path, images: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", "--config_file", str(copy / "configs" / "inference.json")]
    command += ["--dataset_dir", str(images), "--image_size", "[64, 64]", *option]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    said = done.stdout + done.stderr
    if option:
        assert done.returncode == 1
        assert f"WeightsError: {copy}/models/model.pt is not the released one" in said
    else:
        assert done.returncode == 0, said[-2000:]
        assert f"{copy}/models/model.pt is not the released one" in said
        assert f"Restored all variables from {copy}/models/model.pt" in said


def test_loading_a_bundle_gives_its_own_network(copy: Path) -> None:
    network: Any = monai.bundle.load(
        copy.name, bundle_dir=str(copy.parent), workflow_type="inference", source="github", model_file="models/model.pt"
    )
    own: Weights = torch.load(copy / "models/model.pt", weights_only=True)
    assert all(torch.equal(network.state_dict()[name], own[name]) for name in own)


@pytest.mark.parametrize("task", [TASK], scope="session")
def test_a_copy_trains_into_its_own_folder(copy: Path, datalist: Path) -> None:
    overrides: dict[str, Any] = {"dataset_dir": str(datalist), **TINY, **SMALL_NETWORK}
    workflow = ConfigWorkflow(str(copy / "configs" / "train.json"), workflow_type="train", logging_file=False, **overrides)
    workflow.initialize()
    assert workflow.parser.get_parsed_content("ckpt_dir") == str(copy / "models")
    assert workflow.parser.get_parsed_content("output_dir") == str(copy / "eval")


@pytest.mark.parametrize("overrides", [{"own_weights": True}, {"ckpt_path": "models/model.pt"}])
def test_other_weights_run_where_somebody_says_so(overrides: dict[str, Any], copy: Path, images: Path) -> None:
    overrides = {key: str(copy / value) if key == "ckpt_path" else value for key, value in overrides.items()}
    values = TINY | {"dataset_dir": str(images), "own_weights": False, "output_dir": str(copy / "out")} | overrides
    workflow = by_workflow(copy / "configs" / "inference.json", values)
    workflow.initialize()
    workflow.run()
    assert (copy / "out" / "results.csv").is_file()


def test_the_package_runs_the_released_weights_and_no_others(copy: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def changed(file: Path) -> str:
        asked.append(file)
        return "0" * 64

    monkeypatch.setattr(released, "sha256_of", changed)
    workflow = by_workflow(bundle_path(TASK) / "configs" / "inference.json", TINY | {"dataset_dir": str(images)})
    workflow.initialize()
    with pytest.raises(RuntimeError) as raised:
        workflow.run()
    assert isinstance(root_cause(raised.value), WeightsError)
    assert asked == [bundle_path(TASK) / "models" / "model.pt"]
