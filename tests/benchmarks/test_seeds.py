"""Trainings with several seeds."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks import seeds
from tests.datasets.samples import make_hc18
from usseg_monai.training.run import TrainingResult

OPTIONS = ("max_epochs=1", "batch_size=2", "num_workers=0", "image_size=[64,64]")


def test_seeds_decide_the_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_hc18(tmp_path / "hc18")
    runs = tmp_path / "runs"
    assert seeds.main(["fetal_head", "--data", str(tmp_path / "hc18"), "-o", str(runs), "--seeds", "2", *OPTIONS]) == 0
    first, second = (torch.load(runs / f"seed_{seed}" / "model.pt", weights_only=True) for seed in (1, 2))
    assert any(not torch.equal(first[name], second[name]) for name in first)
    said = capsys.readouterr().out
    assert "| 1 | 1 | " in said and "| 2 | 1 | " in said and "Mean of 2 seeds" in said


def test_a_training_without_validation_has_no_figure() -> None:
    said = seeds.markdown({3: TrainingResult(Path("model.pt"), 2, "val_mean_dice", None, None)})
    assert said.endswith("| 3 | 2 | - | - |")


def test_one_seed_has_no_spread() -> None:
    assert seeds.markdown({3: TrainingResult(Path("model.pt"), 2, "val_mean_dice", 0.5, 20)}).endswith("\n\nMean of 1 seeds 0.5000.")


def test_what_cannot_be_trained_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert seeds.main(["fetal_head", "--data", str(tmp_path / "none"), "-o", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err.startswith("seeds: no data at ")
    assert seeds.main(["fetal_head", "--data", str(tmp_path), "-o", str(tmp_path / "runs"), "seed=7"]) == 2
    assert capsys.readouterr().err == "seeds: seed is set by --seeds: use that\n"


def test_no_seed_is_no_training(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        seeds.main(["fetal_head", "--data", "hc18", "-o", "runs", "--seeds", "0"])
    assert "--seeds is 0: it must be 1 or more" in capsys.readouterr().err
