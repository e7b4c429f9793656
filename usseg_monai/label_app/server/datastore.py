"""MONAI Label's interface of a data store over `usseg_monai.label_app.studies`."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from monailabel.interfaces.datastore import Datastore

from usseg_monai.label_app.labels import read_label
from usseg_monai.label_app.studies import TAGS, StoredLabel, Studies
from usseg_monai.tasks import Task

__all__ = ["StudiesDatastore"]


class StudiesDatastore(Datastore):
    """The folder as a data store; see `Studies` for what is stored where.

    Args:
        studies: the folder.
        tasks: that the server offers, to read labels.
    """

    def __init__(self, studies: Studies, tasks: list[Task]) -> None:
        self.studies = studies
        self._tasks = tasks

    def name(self) -> str:
        return self.studies.folder.name

    def set_name(self, name: str) -> None:
        raise NotImplementedError("the store has the name of its folder")

    def description(self) -> str:
        return "A folder of images"

    def set_description(self, description: str) -> None:
        raise NotImplementedError("the store has no description of its own")

    def datalist(self, full_path: bool = True) -> list[dict[str, Any]]:
        """Pairs of image and submitted label, with the label's task."""
        return [
            {"image": self._path(label.image, full_path), "label": self._path(label.file, full_path), **_kind(label)}
            for label in self.studies.labels("final")
        ]

    def _path(self, file: Path, full: bool) -> str:
        return str(file if full else file.relative_to(self.studies.folder))

    def get_labels_by_image_id(self, image_id: str) -> dict[str, str]:
        return {tag: image_id for tag in TAGS if self.studies.labels(tag, image_id)}

    def get_label_by_image_id(self, image_id: str, tag: str) -> str:
        return self.get_labels_by_image_id(image_id).get(tag, "")

    def get_image(self, image_id: str, params: Any = None) -> Any:
        return io.BytesIO(self.studies.find(image_id).read_bytes())

    def get_image_uri(self, image_id: str) -> str:
        return str(self.studies.find(image_id))

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        return {"name": self.studies.find(image_id).name}

    def get_label(self, label_id: str, label_tag: str, params: Any = None) -> Any:
        return io.BytesIO(self.studies.label(label_id, label_tag).file.read_bytes())

    def get_label_uri(self, label_id: str, label_tag: str) -> str:
        return str(self.studies.label(label_id, label_tag).file)

    def get_label_info(self, label_id: str, label_tag: str) -> dict[str, Any]:
        return dict(self.studies.label(label_id, label_tag).info)

    def get_labeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        """Ids of images with a submitted label."""
        labelled = set(self.studies.labelled("final"))
        return [image_id for image_id, path in self.studies.images().items() if path in labelled]

    def get_unlabeled_images(self, label_tag: str | None = None, labels: list[str] | None = None) -> list[str]:
        """Ids of the other images."""
        labelled = set(self.get_labeled_images())
        return [image_id for image_id in self.list_images() if image_id not in labelled]

    def list_images(self) -> list[str]:
        return list(self.studies.images())

    def refresh(self) -> None:
        """Nothing to do: the folder is read whenever it is asked for."""

    def add_image(self, image_id: str, image_filename: str, image_info: dict[str, Any]) -> str:
        """Store an image under its id, with the suffixes of the file that was sent."""
        return self.studies.add_image(image_id, Path(image_filename).read_bytes())

    def remove_image(self, image_id: str) -> None:
        self.studies.remove_image(image_id)

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: dict[str, Any]) -> str:
        """Read, check and store what was sent as a label; `usseg_monai.label_app.labels` has the rules."""
        path = self.studies.find(image_id)
        sent = read_label(Path(label_filename).read_bytes(), label_info, path, self._tasks)
        info = {**label_info, "task": sent.task, "class": sent.category}
        for frame, mask in sent.masks.items():
            self.studies.save_label(image_id, label_tag, frame, mask, info)
        return self.studies.id_of(path)

    def remove_label(self, label_id: str, label_tag: str) -> None:
        self.studies.remove_label(label_id, label_tag)

    def update_image_info(self, image_id: str, info: dict[str, Any]) -> None:
        """Nothing is kept about an image beside its file; raises if there is no such image."""
        self.studies.find(image_id)

    def update_label_info(self, label_id: str, label_tag: str, info: dict[str, Any]) -> None:
        self.studies.describe(self.studies.label(label_id, label_tag), info)

    def get_dataset_archive(self, limit_cases: int | None) -> str:
        """A zip of all submitted labels with their images."""
        archive = self.studies.work / "dataset.zip"
        chosen = self.studies.labels("final")[: limit_cases or None]
        with zipfile.ZipFile(archive, "w") as packed:
            for label in chosen:
                packed.write(label.image, f"image/{label.image.name}")
                packed.write(label.file, f"label/{label.image.name}/{label.file.name}")
            packed.writestr("labels.json", json.dumps([{"image": label.image.name, **label.info} for label in chosen]))
        return str(archive)

    def status(self) -> dict[str, Any]:
        tags = {tag: len(images) for tag in TAGS if (images := self.studies.labelled(tag))}
        return {"total": len(self.list_images()), "completed": len(self.get_labeled_images()), "label_tags": tags}

    def json(self) -> dict[str, Any]:
        """All images and labels, in the form of MONAI Label's local store."""
        objects: dict[str, Any] = {
            image_id: {"image": {"ext": "".join(path.suffixes), "info": {"name": path.name}}, "labels": {}}
            for image_id, path in self.studies.images().items()
        }
        ids = {path: image_id for image_id, path in self.studies.images().items()}
        for tag in TAGS:
            for label in self.studies.labels(tag):
                if label.image in ids:
                    objects[ids[label.image]]["labels"].setdefault(tag, {"ext": ".nrrd", "info": dict(label.info)})
        return {"name": self.name(), "description": self.description(), "objects": objects}


def _kind(label: StoredLabel) -> dict[str, Any]:
    return {"task": label.task, "class": label.info.get("class"), "frame": label.frame}
