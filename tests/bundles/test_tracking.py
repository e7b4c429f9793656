"""``--tracking mlflow`` with MLflow installed: MONAI adds its handlers to trainings, evaluations and inferences of every bundle.

MLflow brings fifty packages and half a gigabyte, so it is no development dependency: it is installed into an environment of its own, above
the libraries of this one.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest
from monai.utils import path_to_sqlite_uri

from tests.bundles.conftest import SMALL_NETWORK, write_datalist
from tests.conftest import REPOSITORY
from tests.environments import without_this_one
from usseg_monai.tasks import TASKS, bundle_path

pytestmark = [pytest.mark.network, pytest.mark.timeout(900)]

MLFLOW = "mlflow==3.17.2"
"""Pinned here and not in constraints.txt, whose other environments need newer versions of what it needs."""

RUNS = {"training": ["train.json"], "evaluation": ["train.json", "evaluate.json"], "inference": ["inference.json"]}

METRICS = "select e.name, m.key from experiments e join runs using (experiment_id) left join metrics m using (run_uuid)"

RUN = """
import json, sys
from monai.bundle import run
for config, overrides in json.loads(sys.argv[1]):
    run(config_file=config, tracking="mlflow", **overrides)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with MLflow."""
    folder = tmp_path_factory.mktemp("mlflow")
    venv.create(folder, with_pip=True)
    (packages,) = folder.rglob("site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    found = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pip: list[str | Path] = [found, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    done = subprocess.run([*pip, MLFLOW], capture_output=True, text=True, timeout=420, env=without_this_one())
    assert done.returncode == 0, done.stderr[-2000:]
    return found


def test_losses_and_metrics_are_tracked(python: Path, images: Path, tmp_path: Path) -> None:
    """All runs in one process, into one store: each is an experiment of its own."""
    store, runs = tmp_path / "runs.db", []
    for task in TASKS:
        configs, out = bundle_path(task) / "configs", tmp_path / task
        datalist = write_datalist(task, images, tmp_path / f"{task}.json")
        small: dict[str, Any] = {"image_size": [64, 64], "num_workers": 0, "device": "cpu", **SMALL_NETWORK, "output_dir": str(out)}
        for name, files in RUNS.items():
            overrides = small | {"tracking_uri": path_to_sqlite_uri(store), "experiment_name": f"{task} {name}"}
            overrides |= {"dataset_dir": str(images / "exam0" if name == "inference" else datalist), "batch_size": 2}
            overrides |= {"ckpt_dir": str(out), "max_epochs": 1} if name == "training" else {"ckpt_path": str(out / "model.pt")}
            runs.append(([str(configs / file) for file in files], overrides))
    done = subprocess.run(
        [python, "-W", "ignore", "-c", RUN, json.dumps(runs)],
        cwd=tmp_path,
        env=without_this_one() | {"PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        timeout=420,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    with sqlite3.connect(store) as database:
        rows = database.execute(
            "select e.name, m.key from experiments e join runs r using (experiment_id) left join metrics m using (run_uuid)"
        )
        tracked: dict[str, set[str]] = {}
        for experiment, metric in rows:
            tracked.setdefault(experiment, set()).add(metric)
    for task in TASKS:
        assert {"train_loss", "train_mean_dice", "val_mean_dice"} <= tracked[f"{task} training"]
        assert "val_mean_dice" in tracked[f"{task} evaluation"]
        assert f"{task} inference" in tracked
        assert len(list((tmp_path / task / "masks").rglob("*.png"))) == 2
