"""Training on the labels of a session: the bundle's own training, on copies, kept only if it does not make things worse."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from usseg_monai.errors import UsageError
from usseg_monai.evaluation.cases import evaluate_case
from usseg_monai.imaging import read_image
from usseg_monai.label_app.studies import StoredLabel, Studies
from usseg_monai.label_app.weights import WeightsOfSession
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import config_file, get_task

__all__ = ["FEWEST", "TRUSTED", "Outcome", "learn", "split_labels", "training_items"]

FEWEST = 2
"""Images with labels that a training needs: one to learn from, one to validate on."""

TRUSTED = 100
"""Images from which confidence and likeness are fitted anew; fewer keep those of the weights before, which were fitted on hundreds."""

_VALIDATION = 0.2
"""Share of the images, at least one, that validate."""

_BATCH = 4

Items = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Outcome:
    """Result of a training.

    Attributes:
        task: name of the task.
        training, validation: numbers of labels.
        left_out: labels without a class, which a task with classes cannot learn from.
        dice_before, dice_after: mean Dice on the validation labels, of the weights before and of the new ones.
        kept: whether the new weights are used from now on; not if the Dice fell.
        version: number of the weights in use, 0 for the released ones.
        message: all of this in one line.
    """

    task: str
    training: int
    validation: int
    left_out: int
    dice_before: float
    dice_after: float
    kept: bool
    version: int
    message: str = ""


def learn(studies: Studies, weights: WeightsOfSession, task: str, epochs: int) -> Outcome:
    """Train a task on its submitted labels, from the weights in use.

    The bundle's ``train.json`` runs as it is (`usseg_monai.training.run`), with the weights in use loaded first; they are validated before
    the first epoch. The best epoch is exported, and compared with the weights before on the validation labels.

    Args:
        studies: images and labels.
        weights: of the session, which get the new ones.
        task: name of the task; labels of other tasks are ignored.
        epochs: to train.

    Raises:
        UsageError: too few labels.
        UssegError: as `usseg_monai.training.run.train`.
    """
    from usseg_monai.training.run import train
    from usseg_monai.weights.export import export_onnx
    from usseg_monai.weights.released import released_weights

    before = weights.current(task)
    start = Path(released_weights(task)) if before is None else before.checkpoint
    studies.work.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="training-", dir=studies.work) as temporary:
        folder = Path(temporary)
        items, left_out = training_items(studies, task, folder / "frames")
        training, validation = split_labels(task, items, left_out)
        datalist = folder / "datalist.json"
        datalist.write_text(json.dumps({"name": "labels", "task": task, "training": training, "validation": validation, "test": []}))
        values = {
            "max_epochs": epochs,
            "num_workers": 0,
            "batch_size": min(_BATCH, len(training)),
            **_adapted(task, start, fit_trust=len(training) >= TRUSTED),
        }
        out = folder / "out"
        train(task, datalist, out, values)
        if len(training) < TRUSTED:
            _keep_trust(start, out / "model.pt")
        export_onnx(task, out / "model.pt", out / "model.onnx")
        old = mean_dice(Predictor(task, weights=None if before is None else before.graph), validation)
        new = mean_dice(Predictor(task, weights=out / "model.onnx"), validation)
        version = 0 if before is None else before.number
        kept = new >= old
        if kept:
            version = weights.keep(task, out).number
    return _told(Outcome(task, len(training), len(validation), left_out, old, new, kept, version))


def _told(outcome: Outcome) -> Outcome:
    change = f"validation Dice {outcome.dice_before:.4f} before, {outcome.dice_after:.4f} after"
    verdict = "the new weights are in use" if outcome.kept else "it fell, so the weights before stay in use"
    left_out = f"; {outcome.left_out} labels without a class were left out" if outcome.left_out else ""
    message = f"{outcome.task}: trained on {outcome.training} labels, validated on {outcome.validation}; {change}: {verdict}{left_out}"
    return replace(outcome, message=message)


def training_items(studies: Studies, task: str, frames: Path) -> tuple[list[dict[str, Any]], int]:
    """Items of a datalist for all final labels of a task, and the number of labels that lack a class.

    Args:
        studies: images and labels.
        task: name of the task.
        frames: folder for single frames of files with several: the training reads files of one frame.
    """
    classes = get_task(task).classes
    items, left_out = [], 0
    for label in studies.labels("final"):
        if label.task != task:
            continue
        category = label.info.get("class")
        if classes and category not in classes:
            left_out += 1
            continue
        image = _single_frame(label, frames)
        item = {"image": str(image), "label": [] if label.info.get("empty") else str(label.file), "group": label.image.name}
        items.append(item | ({"class": classes.index(category)} if classes else {}))
    return items, left_out


def split_labels(task: str, items: Items, left_out: int = 0) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Part labels into training and validation: whole images, by a hash of their names, so that a new label moves no other.

    Raises:
        UsageError: labels of fewer than `FEWEST` images.

    >>> training, validation = split_labels("nerve", [{"group": f"{number}.png"} for number in range(10)])
    >>> len(training), len(validation)
    (6, 4)
    """
    fractions = {str(item["group"]): _fraction(task, str(item["group"])) for item in items}
    if len(fractions) < FEWEST:
        missing = f" ({left_out} labels have no class, which this task needs)" if left_out else ""
        raise UsageError(f"{task}: labels of {len(fractions)} images{missing}: a training needs {FEWEST} or more; label further ones")
    ordered = sorted(fractions, key=lambda group: fractions[group])
    chosen = {group for group in ordered if fractions[group] < _VALIDATION} or {ordered[0]}
    if len(chosen) == len(ordered):
        chosen.remove(ordered[-1])
    return [item for item in items if item["group"] not in chosen], [item for item in items if item["group"] in chosen]


def mean_dice(predictor: Predictor, items: Items) -> float:
    """Mean Dice over items; images that cannot be read count as 0."""
    return float(np.mean([evaluate_case(predictor, item).dice or 0.0 for item in items]))


def _fraction(task: str, group: str) -> float:
    return int.from_bytes(hashlib.sha256(f"label/{task}/{group}".encode()).digest()[:8], "big") / 2**64


def _single_frame(label: StoredLabel, folder: Path) -> Path:
    """The image's file, or a file with the frame alone: float32, so that no value changes."""
    image = read_image(label.image, frame=label.frame)
    if image.source.frames == 1:
        return label.image
    import nibabel

    row, col = image.spacing_mm or (1.0, 1.0)
    file = folder / f"{label.image.name}_{label.frame}.nii.gz"
    folder.mkdir(exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(image.pixels.T[..., None]), np.diag([-col, -row, 1.0, 1.0])), file)
    return file


def _adapted(task: str, start: Path, *, fit_trust: bool) -> dict[str, Any]:
    """Overrides of ``train.json``: weights are loaded first, as MONAI's own trainers do; nothing is drawn for a folder that is removed."""
    config = json.loads(config_file(task, "train").read_text(encoding="utf-8"))
    loader = {"_target_": "CheckpointLoader", "load_path": str(start), "load_dict": {"model": "$@network"}, "map_location": "cpu"}
    handlers = [handler for handler in config["train"]["handlers"] if not re.search("TensorBoard|Curves", handler["_target_"])]
    steps = [step for step in config["initialize"] if fit_trust or "@trust." not in step]
    return {"train#handlers": [loader, *handlers], "initialize": steps}


def _keep_trust(start: Path, checkpoint: Path) -> None:
    """Give new weights the trust of those that they began with."""
    from usseg_monai.weights.trust import load_trust, save_trust

    trust = load_trust(start)
    if trust is not None:
        save_trust(trust, checkpoint)


def clear(folder: Path) -> None:
    """Remove what trainings left that were killed."""
    for left in folder.glob("training-*"):
        shutil.rmtree(left, ignore_errors=True)
