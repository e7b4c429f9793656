"""Training, keeping and using the reference networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import references
from usseg_monai.errors import UssegError, WeightsError
from usseg_monai.teaching.classic_unet import ClassicUNet
from usseg_monai.training.run import TrainingResult


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """Weights of chance, as a training leaves them."""
    torch.manual_seed(0)
    file = tmp_path / "model.pt"
    torch.save(ClassicUNet().state_dict(), file)
    return file


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the references."""
    monkeypatch.setattr(references, "REFERENCES", tmp_path / "references")
    return tmp_path / "references"


def test_what_is_trained_is_kept_small_and_predicts(
    checkpoint: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def train(*arguments: object, **options: object) -> TrainingResult:
        calls.append((arguments, options["configs"]))
        return TrainingResult(checkpoint, 10, "val_mean_dice", 0.9, None)

    monkeypatch.setattr(references, "train", train)
    assert references.main(["--task", "fetal_head", "--data", str(tmp_path), "--runs", "runs"]) == 0
    assert calls == [(("fetal_head", tmp_path / "hc18", Path("runs") / "fetal_head"), ["teaching_recipe"])]
    assert "10 epochs, best val_mean_dice 0.9" in capsys.readouterr().out
    assert (kept / "fetal_head.pt").stat().st_size < 4_000_000

    predictor = references.reference_predictor("fetal_head", threads=1)
    picture = np.random.default_rng(0).uniform(0, 255, (60, 90)).astype(np.float32)
    found = predictor.predict(picture).probability
    assert found.shape == picture.shape
    exact = ClassicUNet()
    exact.load_state_dict(torch.load(checkpoint, weights_only=True))
    predictor.engine._engine.network = exact.eval()  # type: ignore[attr-defined]
    np.testing.assert_allclose(found, predictor.predict(picture).probability, atol=2e-3)


def test_nothing_is_used_before_it_was_trained(kept: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        references.reference_predictor("fetal_head")


def test_what_cannot_be_trained_is_one_line(kept: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def train(*arguments: object, **options: object) -> TrainingResult:
        raise UssegError("no data")

    monkeypatch.setattr(references, "train", train)
    assert references.main(["--task", "fetal_head"]) == 2
    assert capsys.readouterr().err.endswith("references: no data\n")
    assert not kept.exists()
