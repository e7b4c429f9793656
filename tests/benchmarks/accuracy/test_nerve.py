"""Accuracy on a tiny nerve set, whose windows with and without a nerve can be told apart or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.accuracy import nerve
from tests.benchmarks.accuracy.predictors import Knowing
from tests.datasets.samples import disc, make_kaggle_nerve, write_png
from usseg_monai.datasets.datalist import read_dataset, to_datalist
from usseg_monai.tasks.nerve.record import NERVE

FRAMES = {(1, 1): True, (1, 2): False, (1, 3): False, (5, 1): True, (5, 2): True, (11, 1): True}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = make_kaggle_nerve(tmp_path, FRAMES)
    for (subject, number), present in FRAMES.items():
        if present:  # a nerve in a corner leaves room for windows beside it
            mask = disc(40, 60, (9, 9), 6)
            write_png(root / "train" / f"{subject}_{number}.tif", mask * 100 + 20)
            write_png(root / "train" / f"{subject}_{number}_mask.tif", mask * 255)
    return root


def predictor(data: Path, shift: int, presence: float = 0.5) -> Knowing:
    datalist = to_datalist(read_dataset("kaggle_nerve", data))
    labels = {item["image"]: item["label"] for section in ("training", "test") for item in datalist[section]}
    outputs = {"": [presence], **{name: [0.9] for name in labels if name.endswith("5_1.tif")}}
    return Knowing(NERVE, labels, shift, outputs)


def test_figures_of_known_errors(data: Path) -> None:
    report = nerve.measure(data, predictor(data, 1), predictor(data, 5))
    assert (report["test"]["cases"], report["test"]["groups"]) == (3, 2)
    assert report["test"]["dice"] == report["test"]["dice_of_structures"]
    assert 0.85 < report["test"]["dice"]["mean"] < 0.95
    assert report["found"]["mean"] == 1.0
    assert report["advantage"]["value"] == pytest.approx(report["test"]["dice"]["mean"] - report["reference"]["dice"]["mean"])
    windows = report["windows"]
    assert (windows["dice_of_structures"]["cases"], windows["false_positives"]["cases"]) == (3, 3)
    assert windows["classes"]["area_under_curve"]["value"] == 0.5  # all windows of a frame are told the same
    assert set(report["original_frames"]) == {"training", "test"}
    assert report["original_frames"]["training"]["false_positives"] == {"cases": 2, "mean": 0.0, "interval_95": None}
    assert nerve.missed_bars(report) == []
    assert nerve.eval_metrics(report)["mean_dice_positives"] == round(report["test"]["dice"]["mean"], 4)


def test_the_tables(data: Path) -> None:
    report = nerve.measure(data, predictor(data, 1), predictor(data, 5))
    text = nerve.markdown(report)
    assert "| **shipped network** | 3 |" in text and "| reference: classic U-Net, 128x128 | 3 |" in text
    assert "2 in the training part (seen in training): a nerve was found in 0.0 %" in text
    first, second = nerve.overview(report)
    assert first[:3] == ["`nerve`", "**shipped**", "3 of 2 subjects"]
    assert "of the pixels right, with empty masks" in second[4]


def test_bars(data: Path) -> None:
    missed = nerve.missed_bars(nerve.measure(data, predictor(data, 5), predictor(data, 5)))
    assert [line.split(" is ")[0] for line in missed] == ["Dice of frames with a nerve 0.4956", "shipped minus reference"]
