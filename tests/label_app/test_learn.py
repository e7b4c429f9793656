"""What a training learns from, and when its weights are kept; the training itself runs in test_server.py."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.imaging.samples import dicom_bytes
from tests.tiny import ellipse, save_picture
from usseg_monai import bundle_path, read_image
from usseg_monai.errors import UsageError
from usseg_monai.label_app import learn as learning
from usseg_monai.label_app.learn import learn, split_labels, training_items
from usseg_monai.label_app.studies import Studies
from usseg_monai.label_app.weights import WeightsOfSession
from usseg_monai.weights.checkpoints import sha256_of

MASK = ellipse()


@pytest.fixture
def studies(tmp_path: Path) -> Studies:
    for number in range(6):
        save_picture(tmp_path / "studies" / f"{number}.png")
    return Studies(tmp_path / "studies")


def test_labels_of_other_tasks_and_without_a_class_are_left_out(studies: Studies, tmp_path: Path) -> None:
    studies.save_label("0", "final", 0, MASK, {"task": "nerve"})
    studies.save_label("1", "final", 0, MASK, {"task": "breast", "class": "benign"})
    studies.save_label("2", "final", 0, MASK, {"task": "breast", "class": None})
    studies.save_label("3", "final", 0, 0 * MASK, {"task": "breast", "class": "normal"})
    studies.save_label("4", "original", 0, MASK, {"task": "breast", "class": "benign"})
    items, left_out = training_items(studies, "breast", tmp_path)
    assert [(Path(item["image"]).name, bool(item["label"]), item["class"]) for item in items] == [("1.png", True, 1), ("3.png", False, 0)]
    assert left_out == 1
    items, left_out = training_items(studies, "nerve", tmp_path)
    assert len(items) == 1 and "class" not in items[0] and left_out == 0


def test_a_frame_of_several_is_trained_on_as_it_was_read(studies: Studies, tmp_path: Path) -> None:
    cine = studies.folder / "cine.dcm"
    frames = np.random.default_rng(0).integers(0, 4000, (3, 20, 30)).astype(np.uint16)
    cine.write_bytes(dicom_bytes(frames, Modality="MR", PixelSpacing=[0.5, 0.25]))
    for frame in (0, 2):
        studies.save_label("cine", "final", frame, MASK[:20, :30], {"task": "left_ventricle"})
    items, _ = training_items(studies, "left_ventricle", tmp_path / "frames")
    for item, frame in zip(items, (0, 2), strict=True):
        image = read_image(item["image"])
        assert np.array_equal(image.pixels, read_image(cine, frame=frame).pixels)
        assert image.spacing_mm == pytest.approx((0.5, 0.25)) and item["group"] == "cine.dcm"


def items_of(count: int) -> list[Mapping[str, Any]]:
    return [{"group": f"{number}.png"} for number in range(count)]


def test_the_split_keeps_images_together_and_is_stable() -> None:
    for count in (2, 3, 10, 60):
        training, validation = split_labels("nerve", items_of(count) * 2)
        groups = {item["group"] for item in training}, {item["group"] for item in validation}
        assert groups[0] and groups[1] and not groups[0] & groups[1] and len(training) + len(validation) == 2 * count
    held = {item["group"] for item in split_labels("nerve", items_of(60))[1]}
    assert 0.1 < len(held) / 60 < 0.35
    assert {item["group"] for item in split_labels("nerve", items_of(120))[1]} >= held
    with pytest.raises(UsageError, match=r"labels of 1 images \(3 labels have no class"):
        split_labels("breast", items_of(1) * 5, 3)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> dict[str, Any]:
    """Stands for training and export: the first leaves the released weights, the second a graph that finds what is bright."""
    seen: dict[str, Any] = {}

    def train(task: str, data: Path, out: Path, values: dict[str, Any]) -> SimpleNamespace:
        seen.update(values, datalist=data.read_text())
        out.mkdir()
        for name in ("model.pt", "model.trust"):
            shutil.copy(bundle_path(task) / "models" / name, out / name)
        return SimpleNamespace()

    monkeypatch.setattr("usseg_monai.training.run.train", train)
    monkeypatch.setattr("usseg_monai.weights.export.export_onnx", lambda task, checkpoint, file: shutil.copy(tiny_model, file))
    return seen


@pytest.mark.parametrize(("after", "kept"), [(0.6, True), (0.5, True), (0.4999, False)])
def test_weights_are_kept_unless_the_dice_falls(
    studies: Studies, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, after: float, kept: bool
) -> None:
    found = iter([0.5, after])
    monkeypatch.setattr(learning, "mean_dice", lambda predictor, items: next(found))
    for number in range(4):
        studies.save_label(str(number), "final", 0, MASK, {"task": "fetal_head"})
    weights = WeightsOfSession(studies.work / "weights")
    released = sha256_of(bundle_path("fetal_head") / "models" / "model.pt")
    outcome = learn(studies, weights, "fetal_head", 7)
    assert (outcome.kept, outcome.version, outcome.training + outcome.validation) == (kept, int(kept), 4)
    assert (weights.current("fetal_head") is not None) == kept
    assert ("the new weights are in use" in outcome.message) == kept and ("it fell" in outcome.message) != kept
    assert not any("@trust." in step for step in quick["initialize"])  # as many images as this cannot fit it
    assert quick["max_epochs"] == 7 and quick["train#handlers"][0]["load_path"].endswith("fetal_head/models/model.pt")
    assert sha256_of(bundle_path("fetal_head") / "models" / "model.pt") == released
    assert not list(studies.work.glob("training-*"))


def test_the_next_training_goes_on_from_the_kept_weights(studies: Studies, quick: dict[str, Any]) -> None:
    for number in range(3):
        studies.save_label(str(number), "final", 0, MASK, {"task": "fetal_head"})
    weights = WeightsOfSession(studies.work / "weights")
    first = learn(studies, weights, "fetal_head", 1)
    assert first.kept  # the stand-in finds the bright ellipse
    learn(studies, weights, "fetal_head", 1)
    assert quick["train#handlers"][0]["load_path"] == str(studies.work / "weights" / "fetal_head" / "1" / "model.pt")


@pytest.mark.parametrize(("images", "fitted"), [(2, True), (3, False)])
def test_enough_images_fit_the_trust_anew(
    studies: Studies, quick: dict[str, Any], monkeypatch: pytest.MonkeyPatch, images: int, fitted: bool
) -> None:
    monkeypatch.setattr(learning, "TRUSTED", images)
    for number in range(3):  # two of them teach
        studies.save_label(str(number), "final", 0, MASK, {"task": "fetal_head"})
    assert learn(studies, WeightsOfSession(studies.work / "weights"), "fetal_head", 1).training == 2
    assert any("@trust." in step for step in quick["initialize"]) == fitted


def test_one_label_is_too_few(studies: Studies) -> None:
    studies.save_label("0", "final", 0, MASK, {"task": "fetal_head"})
    with pytest.raises(UsageError, match="labels of 1 images: a training needs 2 or more"):
        learn(studies, WeightsOfSession(studies.work / "weights"), "fetal_head", 1)
