"""train.json and evaluate.json: what a training leaves behind, how it goes on, and when it stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.bundle import ConfigWorkflow
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.bundles.conftest import CASES, SMALL_NETWORK, Start, root_cause
from usseg_monai.tasks import TASKS
from usseg_monai.training import handlers
from usseg_monai.weights.trust import load_trust


def places(datalist: Path, out: Path) -> dict[str, Any]:
    return {"dataset_dir": str(datalist), "output_dir": str(out), "ckpt_dir": str(out), "batch_size": 2}


@pytest.fixture
def without_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw no curves: a second saved in every epoch of a test that looks at the numbers alone."""
    monkeypatch.setattr(handlers, "draw_curves", lambda epochs, file: None)


def trainer_of(workflow: ConfigWorkflow) -> Engine:
    engine: Engine = workflow.parser.get_parsed_content("train#trainer")
    return engine


def best_weights(out: Path) -> dict[str, torch.Tensor]:
    """Without the temperature of class probabilities, which is fitted anew at the end of every run."""
    weights: dict[str, torch.Tensor] = torch.load(out / "model.pt", weights_only=True)
    weights.pop("temperature", None)
    return weights


def curves(out: Path) -> list[dict[str, float]]:
    rows: list[dict[str, float]] = json.loads((out / "curves.json").read_text())
    return rows


def test_leaves_weights_checkpoints_curves_and_tensorboard(start: Start, bundle: Path, datalist: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = {path: path.stat().st_mtime_ns for path in bundle.rglob("*") if "__pycache__" not in path.parts}
    start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=2).run()

    network = start("inference.json", kind="inference", **SMALL_NETWORK).parser.get_parsed_content("network_def")
    network.load_state_dict(torch.load(out / "model.pt", weights_only=True))
    assert sorted(path.name for path in out.glob("checkpoint_*.pt")) == ["checkpoint_epoch=1.pt", "checkpoint_epoch=2.pt"]
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    rows = curves(out)
    assert [row["epoch"] for row in rows] == [1, 2]
    config = json.loads((bundle / "configs" / "train.json").read_text())
    metrics = {name for part in ("train", "validate") for kind in ("key_metric", "additional_metrics") for name in config[part][kind]}
    assert {"train_mean_dice", "train_accuracy", "val_mean_dice", "val_accuracy"} <= metrics
    metrics -= {"train_auc"}  # a few images, drawn with replacement, may lack a class, and then there is no area
    assert {"train_loss", "learning_rate", *metrics} <= rows[-1].keys()

    log = EventAccumulator(str(out))
    log.Reload()
    # MONAI's handlers open one file each, the accumulator reads them all
    assert {"train_loss", "learning_rate", "val_mean_dice", "val_accuracy"} <= set(log.Tags()["scalars"])
    assert [scalar.step for scalar in log.Scalars("learning_rate")] == [1, 2]
    assert log.Tags()["graph"]
    assert {"input_0_HW_0", "input_1_HW_0", "output_HW_0"} <= set(log.Tags()["images"])  # picture, annotation and prediction
    assert [picture.step for picture in log.Images("output_HW_0")] == [1, 2]
    # a training writes into the folders it was given, and not into the bundle
    assert {path: path.stat().st_mtime_ns for path in bundle.rglob("*") if "__pycache__" not in path.parts} == before


@pytest.mark.usefixtures("without_picture")
def test_goes_on_where_it_was_stopped(start: Start, datalist: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=4)

    @trainer_of(first).on(Events.EPOCH_STARTED(once=3))
    def _(engine: Engine) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.run()
    rows = curves(out)
    assert [row["epoch"] for row in rows] == [1, 2]
    (out / "checkpoint_epoch=3.pt").write_bytes((out / "checkpoint_epoch=2.pt").read_bytes()[:1000])  # as of a crash while writing

    second = start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=4)
    second.run()
    steps = -(-CASES["training"] // 2)
    assert trainer_of(second).state.epoch == 4
    assert trainer_of(second).state.iteration == 4 * steps
    optimizer = second.parser.get_parsed_content("optimizer")
    assert {int(state["step"]) for state in optimizer.state.values()} == {4 * steps}
    assert curves(out)[:2] == rows
    assert [row["epoch"] for row in curves(out)] == [1, 2, 3, 4]

    third = start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=5)
    third.run()
    assert [row["epoch"] for row in curves(out)] == [1, 2, 3, 4, 5]
    # on the longer curve the learning rate is higher than at the end of the shorter one
    assert curves(out)[4]["learning_rate"] < 1e-4 < curves(out)[1]["learning_rate"]


@pytest.mark.usefixtures("without_picture")
def test_validation_images_teach_at_the_end(start: Start, datalist: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    start("train.json", **places(datalist, first), **SMALL_NETWORK, max_epochs=2).run()
    before = torch.load(first / "model.pt", weights_only=True)
    workflow = start(
        "train.json", "refit.json", **places(datalist, second), **SMALL_NETWORK, max_epochs=2, init_from=str(first / "model.pt")
    )
    seen = [item["image"] for item in workflow.parser.get_parsed_content("train#dataset").data]
    parts = json.loads(datalist.read_text())
    assert seen == [item["image"] for section in ("training", "validation") for item in parts[section]]
    assert len(workflow.parser.get_parsed_content("validate#dataset")) == 0  # nor are they prepared for a validation
    workflow.run()

    # nothing is left to choose by: the weights are those of the end, calibration and limit those of before
    assert not any(name.startswith("val_") for row in curves(second) for name in row)
    after = torch.load(second / "model.pt", weights_only=True)
    last = torch.load(second / "checkpoint_epoch=2.pt", weights_only=True)["average"]
    assert all(torch.equal(after[name], last[name]) for name in last)
    assert any(not torch.equal(after[name], before[name]) for name in before)
    assert float(after.get("temperature", 1)) == pytest.approx(float(before.get("temperature", 1)))
    trust, trust_before = load_trust(second / "model.pt"), load_trust(first / "model.pt")
    assert trust is not None
    assert trust_before is not None
    assert torch.equal(trust.limit, trust_before.limit)


@pytest.mark.parametrize("task", [name for name, record in TASKS.items() if record.classes], scope="session")
def test_learns_masks_where_no_class_is_known(start: Start, datalist: Path, tmp_path: Path) -> None:
    parts = json.loads(datalist.read_text())
    for section in CASES:
        parts[section] = [{key: value for key, value in item.items() if key != "class"} for item in parts[section]]
    silent, out = tmp_path / "silent.json", tmp_path / "out"
    silent.write_text(json.dumps(parts))
    start("train.json", **places(silent, out), **SMALL_NETWORK, max_epochs=2).run()
    assert {"train_mean_dice", "val_mean_dice"} <= curves(out)[-1].keys()
    assert "val_auc" not in curves(out)[-1]
    assert torch.load(out / "model.pt", weights_only=True)["temperature"] == 1
    evaluate = {**places(silent, out), **SMALL_NETWORK, "ckpt_path": str(out / "model.pt")}
    start("train.json", "evaluate.json", **evaluate).run()


@pytest.mark.usefixtures("without_picture")
def test_keeps_better_weights_of_before_the_interruption(start: Start, datalist: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=1).run()
    state = torch.load(out / "checkpoint_epoch=1.pt", weights_only=True)
    assert state["best"]["metric"] == curves(out)[0]["val_mean_dice"]
    assert state["best"]["epoch"] == 1
    best = best_weights(out)

    state["best"]["metric"] = 1.5
    state["best"]["patience"]["best_score"] = 1.5
    torch.save(state, out / "checkpoint_epoch=1.pt")
    workflow = start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=4, patience=2)
    workflow.run()
    assert all(torch.equal(best[name], value) for name, value in best_weights(out).items())
    assert trainer_of(workflow).state.epoch == 3  # two epochs without a better one

    state["best"]["metric"] = -1.0
    torch.save(state, out / "checkpoint_epoch=1.pt")
    start("train.json", **places(datalist, out), **SMALL_NETWORK, max_epochs=2, resume_from=str(out / "checkpoint_epoch=1.pt")).run()
    assert not all(torch.equal(best[name], value) for name, value in best_weights(out).items())


@pytest.mark.usefixtures("without_picture")
def test_stops_early(start: Start, datalist: Path, tmp_path: Path) -> None:
    workflow = start(
        "train.json",
        **places(datalist, tmp_path / "out"),
        max_epochs=6,
        patience=1,
        **SMALL_NETWORK,
        **{"early_stop#score_function": "$lambda engine: 0.0"},
    )
    workflow.run()
    assert trainer_of(workflow).state.epoch == 2


def test_evaluation_writes_metrics_of_the_test_part(start: Start, datalist: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    workflow = start("train.json", "evaluate.json", **places(datalist, out), ckpt_path=str(weights))
    workflow.run()
    header, values = ((out / "metrics.csv").read_text().split())[:2]
    assert "val_mean_dice" in header or "val_mean_dice" in values
    rows = (out / "val_mean_dice_raw.csv").read_text().splitlines()[1:]
    assert len([row for row in rows if ".png" in row]) == CASES["test"]
    assert not (out / "model.pt").exists()


def test_evaluation_without_weights_fails(start: Start, datalist: Path, tmp_path: Path) -> None:
    workflow = start("train.json", "evaluate.json", **places(datalist, tmp_path / "out"), ckpt_path=str(tmp_path / "nowhere.pt"))
    with pytest.raises(RuntimeError) as raised:
        workflow.run()
    assert isinstance(root_cause(raised.value), FileNotFoundError)
