"""The teaching recipe of each task: teaching_recipe over the bundle's train.json, teaching_inference over its inference.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monai.bundle import ConfigParser
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.bundles.conftest import SHAPES, Start
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import config_file
from usseg_monai.training import handlers

SMALL = {
    "usseg_monai.teaching.classic_unet.ClassicUNet": [4, 4, 6, 6, 8],
    "usseg_monai.teaching.strided_cnn.StridedCNN": [4, 4, 6, 6],
    "usseg_monai.teaching.classifier.TeachingClassifier": [4, 4, 6],  # of an image of 64 x 64
}
"""Widths that make each network quick."""

PARAMETERS = {"fetal_head": 1_941_105, "nerve": 1_941_105, "left_ventricle": 1_857_848}
PLAN = {"fetal_head": (10, 32), "nerve": (10, 32), "breast": (30, 32), "left_ventricle": (8, 1)}
"""Epochs and batch size."""


def read(task: str, name: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads(config_file(task, name).read_text())
    return config


def small(task: str) -> dict[str, Any]:
    return {"network_def#widths": SMALL[read(task, "teaching_recipe")["network_def"]["_target_"]]}


def test_both_configs_are_of_one_network(task: str) -> None:
    recipe, inference = read(task, "teaching_recipe"), read(task, "teaching_inference")
    for key in ("network_def", "image_size"):
        assert recipe[key] == inference[key]
    preparing = [step for step in recipe["train#deterministic_transforms"] if step["keys"] not in ("label", ["label"])]
    named = [step["_target_"] for step in preparing if step["_target_"] not in ("EnsureTyped", "DeleteItemsd")]
    assert named == [step["_target_"] for step in inference["preprocessing"]["transforms"]]


def test_is_the_recipe_that_it_says_it_is(task: str) -> None:
    recipe = read(task, "teaching_recipe")
    assert (recipe["max_epochs"], recipe["batch_size"]) == PLAN[task]
    assert recipe["optimizer"]["_target_"] == "torch.optim.Adam" and recipe["learning_rate"] == 0.001
    assert recipe["train#random_transforms"] == []
    parser = ConfigParser({key: recipe[key] for key in ("network_def", "image_size")})
    network = parser.get_parsed_content("network_def")
    if task in PARAMETERS:
        assert sum(weights.numel() for weights in network.parameters() if weights.requires_grad) == PARAMETERS[task]


def test_nerve_and_fetal_head_have_one_recipe() -> None:
    for name in ("teaching_recipe", "teaching_inference"):
        assert read("fetal_head", name) == read("nerve", name)
    names = [step["_target_"].rpartition(".")[2] for step in read("nerve", "teaching_inference")["preprocessing"]["transforms"]]
    assert names[-4:] == ["ScaleIntensityRanged", "PadToSquared", "AntialiasedResized", "RepeatChanneld"]
    assert read("nerve", "teaching_recipe")["image_size"] == [128, 128]
    assert read("nerve", "teaching_recipe")["loss"] == {"_target_": "torch.nn.BCEWithLogitsLoss"}


def test_training_leaves_curves_of_loss_and_accuracy_and_weights_that_predict(
    start: Start, task: str, datalist: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    places = {"dataset_dir": str(datalist), "output_dir": str(out), "ckpt_dir": str(out)}
    workflow = start("train.json", str(config_file(task, "teaching_recipe")), **places, **small(task), batch_size=2, max_epochs=2)
    assert workflow.check_properties() == []
    workflow.run()

    rows = json.loads((out / "curves.json").read_text())
    assert {"train_loss", "val_loss", "train_accuracy", "val_accuracy"} <= rows[-1].keys()
    assert [row["learning_rate"] for row in rows] == [0.001, 0.001]
    assert (out / "curves.png").is_file()
    log = EventAccumulator(str(out))
    log.Reload()
    assert {"train_loss", "val_loss", "val_accuracy", "train_accuracy", "learning_rate"} <= set(log.Tags()["scalars"])
    assert log.Tags()["graph"]

    overlay = tmp_path / "small.json"
    overlay.write_text(json.dumps({"image_size": [64, 64], **small(task)}))
    predictor = Predictor(task, engine="torch", device="cpu", weights=out / "model.pt", configs=["teaching_inference", str(overlay)])
    prediction = predictor.predict(np.zeros(SHAPES[0], np.float32))
    assert prediction.mask.shape == prediction.probability.shape == SHAPES[0]
    assert 0 <= prediction.probability.min() <= prediction.probability.max() <= 1


def test_stops_early_by_the_validation_loss(
    start: Start, task: str, datalist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "draw_curves", lambda epochs, file: None)  # a second saved in every epoch
    out = str(tmp_path / "out")
    workflow = start(
        "train.json",
        str(config_file(task, "teaching_recipe")),
        **{"dataset_dir": str(datalist), "output_dir": out, "ckpt_dir": out},
        **small(task),
        batch_size=2,
        max_epochs=50,
        patience=2,
        learning_rate=0.0,  # the loss gets no better
    )
    workflow.run()
    assert 3 <= workflow.parser.get_parsed_content("train#trainer").state.epoch < 50  # averages of a batch norm settle for some epochs
