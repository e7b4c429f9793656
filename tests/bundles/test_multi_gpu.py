"""multi_gpu_train.json: two processes train one network, and as one process would."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.bundles.conftest import SMALL_NETWORK, Start, small_copy
from tests.conftest import REPOSITORY
from usseg_monai.tasks import TASKS
from usseg_monai.training import handlers

IMAGES = 8
"""For training, all the same: what is logged is the loss of the first process's half of them, and batch norms see half of a batch each. Of
equal images both are those of a single process, if gradients are averaged and not summed: the epoch has two steps."""

TOLERANCE = 1e-3
"""Relative, of the first epoch's loss."""

CPU = {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
needs_gpus = pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs, and then uses NCCL")


@pytest.fixture
def values(task: str, bundle: Path, datalist: Path, tmp_path: Path) -> dict[str, Any]:
    """What both trainings share: the weights that they begin with, and images that nothing changes at random."""
    weights = small_copy(bundle, tmp_path / "weights") / "models" / "model.pt"
    parts = json.loads(datalist.read_text())
    datalist.write_text(json.dumps(parts | {"training": [parts["training"][1]] * IMAGES}))
    return {
        "dataset_dir": str(datalist),
        "init_from": str(weights),
        "image_size": [64, 64],
        "num_workers": 0,
        "max_epochs": 1,
        "bfloat16": False,
        "train#preprocessing": "@validate#preprocessing",
        **SMALL_NETWORK,
    } | ({"network_def#dropout": 0.0} if TASKS[task].outputs else {})


def torchrun(options: dict[str, Any], folder: Path, environment: dict[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    """Train with two processes, which must succeed."""
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *more]
    command += ["-m", "monai.bundle", "run", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": path} | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-9000:]
    return done


@pytest.mark.parametrize("environment", [pytest.param(CPU, id="gloo"), pytest.param({}, id="nccl", marks=needs_gpus)])
def test_two_processes_train_one_network_as_one_does(
    environment: dict[str, str], start: Start, bundle: Path, values: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, alone = tmp_path / "out", tmp_path / "alone"
    options = values | {
        "config_file": [str(bundle / "configs" / name) for name in ("train.json", "multi_gpu_train.json")],
        "output_dir": out,
        "ckpt_dir": out,
        "batch_size": IMAGES // 4,
    }
    done = torchrun(options, tmp_path, environment)

    monkeypatch.setattr(handlers, "draw_curves", lambda epochs, file: None)
    start("train.json", **values, output_dir=str(alone), ckpt_dir=str(alone), batch_size=IMAGES // 2).run()
    (row,), (row_alone,) = (json.loads((folder / "curves.json").read_text()) for folder in (out, alone))
    assert row["epoch"] == row_alone["epoch"] == 1
    assert row["train_loss"] == pytest.approx(row_alone["train_loss"], rel=TOLERANCE)

    # one checkpoint and one log, with the names of a single process
    assert [file.name for file in out.glob("checkpoint_*")] == ["checkpoint_epoch=1.pt"]
    assert len(list(out.glob("events.*"))) == len(list(alone.glob("events.*")))
    assert [len(re.findall(f"Metrics -- .*{part}_mean_dice", done.stdout)) for part in ("train", "val")] == [1, 1]
    states = [torch.load(folder / "model.pt", weights_only=True) for folder in (out, alone)]
    resumable = torch.load(out / "checkpoint_epoch=1.pt", weights_only=True)
    assert states[0].keys() == states[1].keys() == resumable["network"].keys()
    assert {int(entry["step"]) for entry in resumable["optimizer"]["state"].values()} == {2}


KILL = """
import os, signal
from pathlib import Path
from ignite.engine import Engine, Events

def attach(trainer: Engine, epoch: int, rank: int, killed: str) -> None:
    def kill(engine: Engine) -> None:
        if engine.state.epoch == epoch and os.environ["RANK"] == str(rank) and not Path(killed).exists():
            Path(killed).touch()
            os.kill(os.getpid(), signal.SIGKILL)

    trainer.add_event_handler(Events.ITERATION_COMPLETED, kill)
"""
"""Kills one process in the middle of an epoch, once."""


@pytest.mark.parametrize("task", ["fetal_head"], indirect=True)
def test_a_training_whose_process_was_killed_goes_on_from_its_checkpoint(bundle: Path, values: dict[str, Any], tmp_path: Path) -> None:
    out, killed = tmp_path / "out", tmp_path / "killed"
    (tmp_path / "killing.py").write_text(KILL)
    attach = f"$killing.attach(@train#trainer, epoch=2, rank=1, killed={str(killed)!r})"
    (tmp_path / "kill.json").write_text(json.dumps({"+imports": ["$import killing"], "+initialize": [attach]}))
    files = [*(str(bundle / "configs" / name) for name in ("train.json", "multi_gpu_train.json")), str(tmp_path / "kill.json")]
    options = values | {"batch_size": IMAGES // 4, "max_epochs": 3, "config_file": files, "output_dir": out, "ckpt_dir": out}
    # Without the variable torch (2.13) lets the new processes read the addresses of the old ones.
    environment = CPU | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(REPOSITORY)]), "TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
    done = torchrun(options, tmp_path, environment, "--max-restarts=1")
    assert killed.exists()
    rows = json.loads((out / "curves.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2, 3] and rows[0]["train_loss"] > rows[2]["train_loss"]
    assert [len(re.findall(rf"Epoch\[{epoch}\] Metrics -- .*train_mean_dice", done.stdout)) for epoch in (1, 2, 3)] == [1, 1, 1]
    last = torch.load(out / "checkpoint_epoch=3.pt", weights_only=True)
    assert {int(entry["step"]) for entry in last["optimizer"]["state"].values()} == {3 * 2}  # no step was lost, none was done twice
