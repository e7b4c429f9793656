"""Putting weights into a bundle: what is stored, what is made from it, and what the record then says."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import ship as module
from benchmarks.ship import main, with_hashes
from tests.conftest import REPOSITORY
from usseg_monai.errors import UssegError
from usseg_monai.networks.trust import Trust
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.weights.checkpoints import sha256_of
from usseg_monai.weights.trust import load_trust, save_trust

TASK = "nerve"
RECORD = f"usseg_monai/tasks/{TASK}/record.py"
FILES = {"weights_sha256": "model.onnx", "checkpoint_sha256": "model.pt", "trust_sha256": "model.trust"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the task's bundle and record only; the export of minutes notes what it was made from, and the limit of kinds is 1.5."""
    root = tmp_path / "repository"
    for name in (f"bundles/{TASK}/models", f"usseg_monai/tasks/{TASK}"):
        shutil.copytree(REPOSITORY / name, root / name)

    def export_int8(task: str, checkpoint: Path, images: Any, file: Path) -> str:
        file.write_text(f"{task} of {sha256_of(checkpoint)}, calibrated on {images}")
        return sha256_of(file)

    monkeypatch.setattr(module, "REPOSITORY", root)
    monkeypatch.setattr(module, "export_int8", export_int8)

    def fit_kinds(trust: Trust, own: str, others: str, made: str) -> Trust:
        assert (own, others, made) == (f"seen by {TASK}", "of others", "made")
        trust.kind_limit.fill_(1.5)
        return trust

    monkeypatch.setattr(module, "calibration_images", lambda data: f"images of {data.name}")
    monkeypatch.setattr(module, "Sight", lambda task, weights: f"seen by {task}")
    monkeypatch.setattr(module, "known_pictures", lambda sight, data: (sight, "of others", "made"))
    monkeypatch.setattr(module, "fit_kinds", fit_kinds)
    return root


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """What a training leaves, in single precision."""
    file = tmp_path / "run" / "model.pt"
    file.parent.mkdir()
    torch.save({"kernel": torch.rand(256, 128)}, file)
    save_trust(Trust(features=8, components=2), file)
    return file


def test_the_bundle_gets_all_three_and_the_record_their_hashes(repository: Path, trained: Path, tmp_path: Path) -> None:
    before = (repository / RECORD).read_text()
    assert main([TASK, str(trained), "--data", str(tmp_path / "data")]) == 0
    models = repository / "bundles" / TASK / "models"
    assert torch.load(models / "model.pt", weights_only=True)["kernel"].dtype == torch.float16
    assert (models / "model.onnx").read_text() == f"{TASK} of {sha256_of(models / 'model.pt')}, calibrated on images of nerve"
    after = (repository / RECORD).read_text()
    for field, name in FILES.items():
        digest = hashlib.sha256((models / name).read_bytes()).hexdigest()
        assert digest != getattr(TASKS[TASK], field) and f'    {field}="{digest}",\n' in after
        after = after.replace(digest, getattr(TASKS[TASK], field))
    assert after == before


@pytest.mark.parametrize("place", ["bundle", "copy"])
def test_the_released_checkpoint_stays_as_it_is(place: str, repository: Path, tmp_path: Path) -> None:
    models = repository / "bundles" / TASK / "models"
    if place == "copy":
        shutil.copytree(models, tmp_path / "copy")
    assert main([TASK, str((models if place == "bundle" else tmp_path / "copy") / "model.pt"), "--data", str(tmp_path)]) == 0
    assert (models / "model.pt").read_bytes() == (bundle_path(TASK) / "models" / "model.pt").read_bytes()
    trust = load_trust(models / "model.pt")
    assert trust is not None and float(trust.kind_limit) == 1.5
    assert TASKS[TASK].checkpoint_sha256 in (models / "model.onnx").read_text()


def test_weights_without_a_trust_change_nothing(repository: Path, trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained.with_name("model.trust").unlink()
    models = repository / "bundles" / TASK / "models"
    before = {file: file.read_bytes() for file in models.iterdir()}
    assert main([TASK, str(trained)]) == 1
    assert "ship: no weights with a trust at" in capsys.readouterr().err
    assert before == {file: file.read_bytes() for file in models.iterdir()}


def test_a_record_states_each_hash_once() -> None:
    with pytest.raises(UssegError, match="the record has 0 times trust_sha256"):
        with_hashes('Task(weights_sha256="")', {"weights_sha256": "ab", "trust_sha256": "cd"})
