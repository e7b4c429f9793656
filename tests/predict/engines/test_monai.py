"""The engine that runs a bundle's chain: whose weights it takes, and what it says of configs and files that cannot be used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from usseg_monai.errors import UssegError, WeightsError
from usseg_monai.predict.engines.monai import BundleEngine
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.weights import released
from usseg_monai.weights.trust import load_trust, save_trust

TASK = "fetal_head"


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A copy of the released checkpoint with its last convolution negated, and a trust that was adjusted to it."""
    models = Path(shutil.copytree(bundle_path(TASK) / "models", tmp_path / "models", ignore=shutil.ignore_patterns("*.onnx")))
    trust = load_trust(models / "model.pt")
    assert trust is not None
    state = torch.load(models / "model.pt", weights_only=True)
    last = [name for name in state if name.endswith("weight")][-1]
    torch.save(state | {last: -state[last]}, models / "model.pt")
    trust.limit *= 1e6
    save_trust(trust, models / "model.pt")
    return models / "model.pt"


def test_the_released_weights_are_taken_and_named() -> None:
    assert BundleEngine(TASK, "cpu").weights_sha256 == TASKS[TASK].checkpoint_sha256


def test_changed_weights_in_the_package_are_refused_and_named_ones_taken(changed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(released, "bundle_path", lambda task: changed.parent.parent)
    with pytest.raises(WeightsError, match=r"model\.pt is not the released one"):
        BundleEngine(TASK, "cpu")
    assert BundleEngine(TASK, "cpu", changed).weights_sha256 != TASKS[TASK].checkpoint_sha256


@pytest.mark.parametrize("content", [b"no trust", b"\x80\x04cos\nsystem\n"])
def test_a_damaged_file_beside_named_weights_is_one_line(content: bytes, changed: Path) -> None:
    changed.with_suffix(".trust").write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.trust is damaged: .*; remove it") as refused:
        BundleEngine(TASK, "cpu", changed)
    assert "\n" not in str(refused.value)


def test_a_trust_in_other_weights_is_one_line(changed: Path) -> None:
    shutil.copy(bundle_path(TASK) / "models" / "model.trust", changed.parent)
    with pytest.raises(WeightsError, match=r"was fitted on other weights than .*model\.pt"):
        BundleEngine(TASK, "cpu", changed)


def test_what_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WeightsError, match="no regular file"):
        BundleEngine(TASK, "cpu", tmp_path / "pipe")


@pytest.mark.parametrize("content", ["[" * 50_000 + "]" * 50_000, "{", "[]", '{"network_def": {"_target_": "no_such.Network"}}'])
def test_a_config_that_cannot_be_run_is_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UssegError, match=r"the config cannot be run: .*config\.json") as refused:
        BundleEngine(TASK, "cpu", configs=[str(tmp_path / "config.json")])
    assert "\n" not in str(refused.value)


def test_nothing_is_made_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    BundleEngine(TASK, "cpu")
    assert list(tmp_path.iterdir()) == []
