"""multi_gpu_train.json, on two processes of a CPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.conftest import REPOSITORY


def test_two_processes_train_one_network(bundle: Path, datalist: Path, tmp_path: Path) -> None:
    configs = [str(bundle / "configs" / name) for name in ("train.json", "multi_gpu_train.json")]
    options = {
        "config_file": configs,
        "dataset_dir": datalist,
        "output_dir": tmp_path / "out",
        "ckpt_dir": tmp_path / "out",
        "image_size": [64, 64],
        "batch_size": 2,
        "num_workers": 0,
        "max_epochs": 1,
        "network_def#widths": [4, 6, 8, 10],
    }
    command = [sys.executable, "-W", "ignore", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    command += ["-m", "monai.bundle", "run", *(word for name, value in options.items() for word in (f"--{name}", str(value)))]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]

    state = torch.load(tmp_path / "out" / "model.pt", weights_only=True)
    assert not [name for name in state if name.startswith("module.")]
    resumable = torch.load(tmp_path / "out" / "checkpoint_epoch=1.pt", weights_only=True)
    assert resumable["network"].keys() == state.keys()
    # three training images of five each, in batches of two
    assert {int(entry["step"]) for entry in resumable["optimizer"]["state"].values()} == {2}
    rows = json.loads((tmp_path / "out" / "curves.json").read_text())
    assert [row["epoch"] for row in rows] == [1]
