"""Averaging the weights of trainings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from benchmarks import mean_weights
from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.tasks import bundle_path
from usseg_monai.weights.checkpoints import load_weights

WEIGHTS = bundle_path("fetal_head") / "models" / "model.pt"


def test_the_mean_of_kernels_in_single_precision_and_the_last_counters() -> None:
    states = [{"kernel": torch.tensor([0.5 * number], dtype=torch.float16), "steps": torch.tensor(number)} for number in (1, 2, 6)]
    assert mean_weights.mean_of(states) == {"kernel": torch.tensor([1.5]), "steps": torch.tensor(6)}
    assert mean_weights.mean_of(states)["kernel"].dtype == torch.float32


def test_the_mean_is_written_and_its_trust_fitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = []
    monkeypatch.setattr(mean_weights, "fit", lambda *of: fitted.append(of))
    doubled, out = tmp_path / "model.pt", tmp_path / "mean"
    released = torch.load(WEIGHTS, weights_only=True)
    torch.save({name: 2 * value.float() if value.is_floating_point() else value for name, value in released.items()}, doubled)
    assert mean_weights.main(["fetal_head", str(WEIGHTS), str(doubled), "-o", str(out), "--data", str(tmp_path)]) == 0
    assert fitted == [("fetal_head", out / "model.pt", tmp_path / "hc18")]
    network = load_weights(ResidualUNet(widths=(24, 48, 96, 160, 240)), out / "model.pt")
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            assert torch.allclose(value, 1.5 * released[name].float())


def test_what_cannot_be_averaged_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        mean_weights.main(["fetal_head", str(WEIGHTS), "-o", str(tmp_path)])
    assert "one checkpoint: a mean needs two or more" in capsys.readouterr().err
    other = bundle_path("left_ventricle") / "models" / "model.pt"
    assert mean_weights.main(["fetal_head", str(WEIGHTS), str(other), "-o", str(tmp_path / "other")]) == 2
    assert "does not fit this network" in capsys.readouterr().err
    own = tmp_path / "model.pt"
    shutil.copy(WEIGHTS, own)
    assert mean_weights.main(["fetal_head", str(WEIGHTS), str(own), "-o", str(tmp_path)]) == 2
    assert "give another output folder" in capsys.readouterr().err
