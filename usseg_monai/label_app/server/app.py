"""The app: MONAI Label's tasks over `usseg_monai.Predictor`, one model for each task of the package."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore
from monailabel.interfaces.tasks.batch_infer import BatchInferTask
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.interfaces.tasks.scoring import ScoringMethod
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask

from usseg_monai import __version__
from usseg_monai.errors import UssegError
from usseg_monai.evaluation.overlap import dice
from usseg_monai.imaging import read_image
from usseg_monai.label_app.answer import EXTENSIONS, answer, write_mask
from usseg_monai.label_app.learn import clear, learn
from usseg_monai.label_app.params import Values
from usseg_monai.label_app.ranking import STRATEGIES, Scorer, task_of
from usseg_monai.label_app.server.datastore import StudiesDatastore
from usseg_monai.label_app.studies import Studies
from usseg_monai.label_app.weights import Predictors, WeightsOfSession
from usseg_monai.tasks import Task, get_task

__all__ = ["EPOCHS", "INFER", "MOST_EPOCHS", "TRAIN", "UssegApp"]

INFER = ("frame", "spacing_mm", "result_extension", "result_dtype", "output")
"""Values of an inference; others are ignored, as viewers send the whole of what they know."""

TRAIN = ("max_epochs",)
"""Values of a training."""

EPOCHS, MOST_EPOCHS = 10, 1000
"""Of a training, unless stated, and at most."""

_log = logging.getLogger(__name__)


class UssegApp(MONAILabelApp):
    """All tasks over one folder of images.

    Attributes:
        waiting: number of inference requests that wait or run; images are scored in the background only when there is none.
    """

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self.folder = Studies(Path(studies))
        self.tasks = [get_task(name) for name in conf["models"].split(",")]
        self.weights = WeightsOfSession(self.folder.work / "weights")
        self.predictors = Predictors(self.weights)
        self.waiting = 0
        names = [task.name for task in self.tasks]
        self.scorer = Scorer(self.folder, names, self.predictors, self.folder.work / "scores.json", lambda: self.waiting > 0)
        super().__init__(
            app_dir, studies, conf, name="usseg-monai", description="Finds structures in 2-D images and measures them", version=__version__
        )

    def init_datastore(self) -> Datastore:
        return StudiesDatastore(self.folder, self.tasks)

    def init_infers(self) -> dict[str, InferTask]:
        return {task.name: Infer(task, self.predictors) for task in self.tasks}

    def init_trainers(self) -> dict[str, TrainTask]:
        return {task.name: Train(task, self.folder, self.weights) for task in self.tasks}

    def init_strategies(self) -> dict[str, Strategy]:
        return {name: Next(name, self.folder, self.scorer, [task.name for task in self.tasks]) for name in STRATEGIES}

    def init_scoring_methods(self) -> dict[str, ScoringMethod]:
        return {"dice": Dice(self.folder, self.predictors, [task.name for task in self.tasks])}

    def init_batch_infer(self) -> Callable[..., Any]:
        return Batch(self.folder, self.predictors, self.scorer)

    def on_init_complete(self) -> None:
        """In the server's process, not in those of trainings and batches."""
        super().on_init_complete()
        clear(self.folder.work)
        self.scorer.start()


class Infer(InferTask):
    """One task's network on one frame of an image."""

    def __init__(self, task: Task, predictors: Predictors) -> None:
        labels = {name: value for value, name in enumerate(task.labels) if value}
        config = {"frame": 0, "spacing_mm": ""}
        super().__init__(InferType.SEGMENTATION, labels, 2, task.title, config)
        self.task, self.predictors = task, predictors

    def is_valid(self) -> bool:
        return True

    def info(self) -> dict[str, Any]:
        return {**super().info(), "classes": list(self.task.classes), "weights": self.predictors.version(self.task.name)}

    def __call__(self, request: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
        """Predict ``request["image"]``, a file; returns the mask's file, which the caller removes, and the numbers."""
        begun = time.perf_counter()
        values = Values(request)
        frame, spacing = values.whole("frame", 0, 0), values.spacing("spacing_mm")
        extension = values.word("result_extension", EXTENSIONS)
        values.word("result_dtype", ["uint8"])
        version, predictor = self.predictors.get(self.task.name)
        image = read_image(request["image"], frame=frame)
        prediction = predictor.predict(image, spacing_mm=spacing)
        numbers = answer(prediction) | {"weights": version, "seconds": round(time.perf_counter() - begun, 3)}
        with tempfile.NamedTemporaryFile(prefix="mask-", suffix=extension, delete=False) as file:
            path = Path(file.name)
        write_mask(prediction.mask, image, path)
        return str(path), numbers


class Train(TrainTask):
    """Training on the submitted labels of one task; runs in a process of its own."""

    def __init__(self, task: Task, studies: Studies, weights: WeightsOfSession) -> None:
        super().__init__(f"Train {task.name} on its submitted labels")
        self.task, self.studies, self.weights = task, studies, weights

    def config(self) -> dict[str, Any]:
        return {"max_epochs": EPOCHS}

    def stats(self) -> dict[str, Any]:
        """Outcome of the last training."""
        try:
            found: dict[str, Any] = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return found

    @property
    def _file(self) -> Path:
        return self.studies.work / f"training_{self.task.name}.json"

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        values = Values(request)
        for verbose in ("onnx_ir", "onnxscript"):  # the status of a training shows its last lines
            logging.getLogger(verbose).setLevel(logging.WARNING)
        try:
            found = learn(self.studies, self.weights, self.task.name, values.whole("max_epochs", EPOCHS, 1, MOST_EPOCHS))
        except UssegError as error:
            print(f"training failed: {error}", flush=True)
            raise SystemExit(1) from error
        outcome = asdict(found)
        self._file.write_text(json.dumps(outcome))
        print(found.message, flush=True)
        return outcome


class Next(Strategy):
    """The next image to label, by an order of `STRATEGIES`."""

    def __init__(self, name: str, studies: Studies, scorer: Scorer, tasks: list[str]) -> None:
        description, self.order = STRATEGIES[name]
        super().__init__(description)
        self.studies, self.scorer, self.tasks = studies, scorer, tasks

    def info(self) -> dict[str, Any]:
        return {**super().info(), "config": {"model": ["", *self.tasks]}}

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any] | None:
        """Id of the image, with its task, status and confidence; ``None`` if there is none left."""
        task = Values(request).word("model", ["", *self.tasks])
        labelled = set(self.studies.labelled("final"))
        paths = {image_id: path for image_id, path in self.studies.images().items() if path not in labelled}
        scores = {image_id: self.scorer.of(path) for image_id, path in paths.items()}
        for image_id in self.order(scores, task):
            known = scores[image_id]
            name = task or task_of(known)
            score = known.get(name)
            found: dict[str, Any] = {"status": "not scored yet", "confidence": None, "unlikeness": None}
            if score is not None:
                found = {"status": score.status, "confidence": score.confidence, "unlikeness": score.unlikeness}
            return {"id": image_id, "model": name, **found}
        return None


class Dice(ScoringMethod):
    """Dice of the networks' masks with the submitted labels; runs in a process of its own."""

    def __init__(self, studies: Studies, predictors: Predictors, tasks: list[str]) -> None:
        super().__init__("Dice of the present weights with the submitted labels, for each task")
        self.studies, self.predictors, self.tasks = studies, predictors, tasks

    def info(self) -> dict[str, Any]:
        return {**super().info(), "config": {"model": ["", *self.tasks]}}

    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        chosen = Values(request).word("model", ["", *self.tasks])
        found: dict[str, Any] = {}
        for task in [chosen] if chosen else self.tasks:
            version, predictor = self.predictors.get(task)
            cases = {}
            for label in self.studies.labels("final"):
                if label.task == task:
                    try:
                        mask = predictor.predict(read_image(label.image, frame=label.frame)).mask
                        cases[f"{label.image.name}/{label.frame}"] = round(dice(mask, label.mask), 4)
                    except UssegError as error:
                        _log.warning("%s: %s", label.image.name, error)
            if cases:
                found[task] = {
                    "labels": len(cases),
                    "dice": round(sum(cases.values()) / len(cases), 4),
                    "weights": version,
                    "images": cases,
                }
        (self.studies.work / "scoring.json").write_text(json.dumps(found))
        print(json.dumps({task: {name: each[name] for name in ("labels", "dice", "weights")} for task, each in found.items()}), flush=True)
        return {task: each["dice"] for task, each in found.items()}


class Batch(BatchInferTask):
    """Pre-segments the images of one task, on the CPU; runs in a process of its own. The masks get the tag ``original``."""

    def __init__(self, studies: Studies, predictors: Predictors, scorer: Scorer) -> None:
        self.studies, self.predictors, self.scorer = studies, predictors, scorer

    def __call__(self, request: dict[str, Any], datastore: Datastore, infer: Callable[..., Any]) -> dict[str, Any]:
        model = request["model"]
        version, predictor = self.predictors.get(model)
        found: dict[str, Any] = {}
        for image_id in sorted(self.get_images(request, datastore)):
            path = self.studies.find(image_id)
            labelled = {label.task for label in self.studies.labels("final", image_id)}
            if model not in (labelled or {task_of(self.scorer.score(path))}):
                continue
            try:
                prediction = predictor.predict(path)
                numbers = answer(prediction) | {"weights": version}
                numbers = {name: value for name, value in numbers.items() if name not in ("contours", "annotations")}  # the mask has them
                info = {"task": model, "class": None, "model": model, "params": numbers}
                self.studies.save_label(image_id, "original", 0, prediction.mask, info)
                found[image_id] = numbers["status"]
            except UssegError as error:
                found[image_id] = f"failed: {error}"
            print(f"{image_id}: {found[image_id]}", flush=True)
        print(f"{len(found)} images of {model}", flush=True)
        return found
