"""A training by its real config, on pictures small enough for a test."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from usseg_monai.errors import UsageError, UssegError
from usseg_monai.training.run import TrainingResult, train

Finished = tuple[Path, TrainingResult, list[tuple[int, int]]]
SMALL: dict[str, Any] = {"image_size": [64, 64], "batch_size": 2, "num_workers": 0, "network_def#widths": [4, 6, 8, 8, 8]}


@pytest.fixture(scope="module")
def datalist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bright ellipse a picture: four to train on, two to validate on."""
    folder = tmp_path_factory.mktemp("ellipses")
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:54, :80]
    items = []
    for number in range(6):
        inside = ((rows - 27) / rng.uniform(12, 20)) ** 2 + ((cols - 40) / rng.uniform(20, 30)) ** 2 < 1
        pixels = rng.normal(60 + 90 * inside, 15).clip(0, 255).astype(np.uint8)
        item = {"image": f"{number}.png", "label": f"{number}_mask.png", "group": str(number)}
        Image.fromarray(pixels).save(folder / item["image"])
        Image.fromarray(255 * inside.astype(np.uint8)).save(folder / item["label"])
        items.append(item)
    file = folder / "datalist.json"
    file.write_text(json.dumps({"name": "ellipses", "training": items[:4], "validation": items[4:], "test": []}))
    return file


@pytest.fixture(scope="module")
def finished(datalist: Path, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A training of one epoch: its folder, its result, and what was reported."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    reports: list[tuple[int, int]] = []
    result = train("fetal_head", datalist, out, SMALL | {"max_epochs": 1}, report=lambda done, total: reports.append((done, total)))
    return out, result, reports


def test_it_ends_with_weights_curves_and_a_summary(finished: Finished) -> None:
    out, result, reports = finished
    assert result.checkpoint == out / "model.pt"
    weights = torch.load(result.checkpoint, weights_only=True)
    assert weights["stem.0.weight"].shape[0] == SMALL["network_def#widths"][0]
    assert (result.epochs, result.metric_name) == (1, "val_mean_dice")
    assert result.metric is not None and 0 <= result.metric <= 1
    assert result.images_a_second is not None and result.images_a_second > 0
    assert reports == [(1, 2), (2, 2)]
    assert (out / "curves.png").is_file()
    assert list(out.glob("events.out.tfevents.*"))


def test_a_finished_training_is_not_repeated(finished: Finished, datalist: Path) -> None:
    out, _, _ = finished
    before = (out / "model.pt").read_bytes()
    result = train("fetal_head", datalist, out, SMALL | {"max_epochs": 1}, report=lambda done, total: pytest.fail("trained again"))
    assert result.epochs == 1
    assert result.images_a_second is None
    assert (out / "model.pt").read_bytes() == before


def test_a_finished_training_may_be_prolonged(finished: Finished, datalist: Path) -> None:
    out, earlier, _ = finished
    result = train("fetal_head", datalist, out, SMALL | {"max_epochs": 2, "patience": 5})
    assert result.epochs == 2
    assert result.metric is not None and earlier.metric is not None and result.metric >= earlier.metric


def test_another_training_does_not_mix_with_it(finished: Finished, datalist: Path) -> None:
    with pytest.raises(UsageError, match=r"learning_rate=0\.5"):
        train("fetal_head", datalist, finished[0], SMALL | {"max_epochs": 1, "learning_rate": 0.5})


def test_an_interrupted_training_goes_on(datalist: Path, tmp_path: Path) -> None:
    overrides = SMALL | {"max_epochs": 2}

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("fetal_head", datalist, tmp_path, overrides, report=interrupt)
    reports: list[int] = []
    result = train("fetal_head", datalist, tmp_path, overrides, report=lambda done, total: reports.append(done))
    assert reports == [3, 4]  # from the second epoch's start
    assert result.epochs == 2
    assert [row["epoch"] for row in json.loads((tmp_path / "curves.json").read_text())] == [1, 2]


def test_a_config_over_the_bundles_own(finished: Finished, datalist: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "adam.json"
    overlay.write_text(json.dumps({"optimizer": {"_target_": "torch.optim.Adam", "params": "$@network.parameters()"}, "max_epochs": 1}))
    train("fetal_head", datalist, tmp_path / "out", SMALL, configs=[str(overlay)])
    state = torch.load(tmp_path / "out" / "checkpoint_epoch=1.pt", weights_only=True)
    assert "weight_decay" in state["optimizer"]["param_groups"][0] and state["optimizer"]["param_groups"][0]["weight_decay"] == 0
    with pytest.raises(UsageError, match=r"configs=.*adam\.json"):
        train("fetal_head", datalist, finished[0], SMALL, configs=[str(overlay)])


def test_overrides_may_name_keys_that_only_the_config_has(datalist: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "other.json"
    overlay.write_text(json.dumps({"optimizer": {"_target_": "torch.optim.SGD", "params": "$@network.parameters()", "momentum": 0.9}}))
    with pytest.raises(UsageError, match="no key 'optimizer#momentum'"):
        train("fetal_head", datalist, tmp_path / "out", {"optimizer#momentum": 0.5})
    with pytest.raises(UsageError, match="no data at"):  # the keys are right: the next thing to be looked at is the data
        train("fetal_head", tmp_path / "nowhere", tmp_path / "out", {"optimizer#momentum": 0.5}, configs=[str(overlay)])


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no config .*teaching_recipe"), ("[1]", "must be a JSON object"), ('{"no#where": 1}', "sets 'no#where'.*nothing there")],
)
def test_configs_that_cannot_be_used(content: str | None, said: str, datalist: Path, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=said):
        train("fetal_head", datalist, tmp_path / "out", configs=[str(file)])


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({"epochs": 3}, "no key 'epochs'.*max_epochs"),
        ({"max_epochs": "ten"}, "must be a number"),
        ({"dataset_dir": "elsewhere"}, "set by --data"),
        ({"ckpt_dir": "elsewhere"}, "set by -o"),
    ],
)
def test_wrong_overrides_leave_nothing_behind(overrides: dict[str, object], said: str, datalist: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=said):
        train("fetal_head", datalist, tmp_path / "out", overrides)
    assert not (tmp_path / "out").exists()


def test_missing_data_and_unusable_paths(datalist: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no data at"):
        train("fetal_head", tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(UsageError, match="'#'"):
        train("fetal_head", datalist, tmp_path / "run#1")
    with pytest.raises(UsageError, match="unknown task"):
        train("fetal_heart", datalist, tmp_path / "out")


def test_what_the_reader_says_comes_out_of_the_config_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "datalist.json"
    file.write_text("{}")
    with pytest.raises(UsageError, match="is no datalist"):
        train("fetal_head", file, tmp_path / "out", SMALL)


def test_images_without_a_class_are_no_data_for_a_network_that_learns_classes(datalist: Path, tmp_path: Path) -> None:
    said = r"4 of 4 images have no class \(first: .*0\.png\), .* 0 normal, 1 benign, 2 malignant"
    with pytest.raises(UsageError, match=said):
        train("breast", datalist, tmp_path, {"image_size": [64, 64], "num_workers": 0, "network_def#pretrained": False})


def test_a_config_that_cannot_be_built_is_one_line(datalist: Path, tmp_path: Path) -> None:
    with pytest.raises(UssegError, match=r"the config cannot be run: .*NoSuchOptimizer") as refusal:
        train("fetal_head", datalist, tmp_path, SMALL | {"optimizer#_target_": "torch.optim.NoSuchOptimizer"})
    assert "\n" not in str(refusal.value)


def test_a_missing_package_is_named(datalist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else object())
    with pytest.raises(UssegError, match=r"training needs tensorboard: pip install 'usseg-monai\[train\]'"):
        train("fetal_head", datalist, tmp_path)
