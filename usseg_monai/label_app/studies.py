"""A folder of images and its labels, as the server sees them: the files on disk are the only state.

```
FOLDER/us_001.png                      an image; its id is the name without the suffix, or the whole name where another file shares it
FOLDER/labels/final/us_001.png/0000.png    mask of frame 0, values 0 and 255, with the size of the image
FOLDER/labels/final/us_001.png/0000.json   what is known about it: task, class, who sent it
FOLDER/.usseg_label/                   the server's own: app, weights, scores, log
```

Labels with the tag ``final`` come from annotators, those with ``original`` from the network. Subfolders and links are not read: nothing
outside the folder can be reached by a name.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from usseg_monai.errors import ImageError, UsageError, quoted
from usseg_monai.files.png import write_png
from usseg_monai.files.write import write_text
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import is_image_name, read_image, read_mask
from usseg_monai.imaging.decode import SUFFIXES

__all__ = ["TAGS", "WORK", "Conflict", "Missing", "StoredLabel", "Studies"]

TAGS = ("final", "original")
"""Tags of labels: submitted by an annotator, predicted by the network."""

WORK = ".usseg_label"
"""Name of the server's own folder."""

_LONGEST_NAME = 200  # characters: a file name may have 255 bytes


class Missing(UsageError):
    """No image or label has this name."""


class Conflict(UsageError):
    """What is stored must not be overwritten by this."""


@dataclass(frozen=True)
class StoredLabel:
    """The mask of one frame.

    Attributes:
        image: the picture's file.
        frame: index from 0 of the frame in that file.
        file: PNG with the values 0 and 255.
        info: ``task``, ``class`` (name or ``None``), ``empty`` and whatever the sender added.
    """

    image: Path
    frame: int
    file: Path
    info: Mapping[str, Any]

    @property
    def task(self) -> str:
        """Name of the task that the label belongs to."""
        return str(self.info["task"])

    @property
    def mask(self) -> MaskArray:
        """uint8 ``(rows, cols)``, 0 and 1."""
        return read_mask(self.file)


class Studies:
    """Images and labels below a folder. Thread-safe; several processes may read.

    Args:
        folder: of the images.

    >>> import tempfile
    >>> from PIL import Image
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("L", (20, 10)).save(folder / "a.png")
    >>> studies = Studies(folder)
    >>> sorted(studies.images()), studies.find("a.png").name
    (['a'], 'a.png')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.work = self.folder / WORK
        self._lock = RLock()

    def images(self) -> dict[str, Path]:
        """Files of the images by id, sorted by name."""
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries if is_image_name(entry.name) and entry.is_file(follow_symlinks=False))
        names = [name for name in names if not name.startswith(".")]
        stems = Counter(_stem(name) for name in names)
        return {_stem(name) if stems[_stem(name)] == 1 else name: self.folder / name for name in names}

    def find(self, image_id: str) -> Path:
        """File of an image.

        Args:
            image_id: its id, or the name of its file.

        Raises:
            Missing: no image has it.
        """
        images = self.images()
        if image_id in images:
            return images[image_id]
        for path in images.values():
            if path.name == image_id:
                return path
        alike = [path.name for path in images.values() if _stem(path.name) == image_id]
        hint = f"give one of {', '.join(alike)}" if alike else "GET /datastore/?output=all lists them"
        raise Missing(f"no image {quoted(image_id)} among the studies: {hint}")

    def id_of(self, path: Path) -> str:
        """Id of an image's file."""
        return next(image_id for image_id, known in self.images().items() if known == path)

    def add_image(self, name: str, content: bytes) -> str:
        """Store an image and return its id. The same content again changes nothing.

        Args:
            name: of the file: no folder, with a suffix of an image.
            content: of the file.

        Raises:
            UsageError: not a plain file name.
            ImageError: the content is not an image that can be read.
            Conflict: another image has this name.
        """
        _check_name(name)
        with self._lock:
            path = self.folder / name
            if os.path.lexists(path):
                if path.is_file() and not path.is_symlink() and path.read_bytes() == content:
                    return self.id_of(path)
                raise Conflict(f"{name}: another file of this name is among the studies; remove it first, or give another name")
            read_image(content)
            temporary = self.work / f"upload{path.suffix}"
            temporary.parent.mkdir(exist_ok=True)
            temporary.write_bytes(content)
            os.replace(temporary, path)
            return self.id_of(path)

    def remove_image(self, image_id: str) -> None:
        """Remove an image with its labels; raises `Missing`."""
        with self._lock:
            path = self.find(image_id)
            for tag in TAGS:
                shutil.rmtree(self._labels_of(path, tag), ignore_errors=True)
            path.unlink()

    def labels(self, tag: str, image_id: str | None = None) -> list[StoredLabel]:
        """Labels with a tag, by file and frame; of one image if its id is given. Labels without their image are left out.

        Raises:
            Missing: no image has this id, or there is no such tag.
        """
        _check_tag(tag)
        paths = self.labelled(tag) if image_id is None else [self.find(image_id)]
        return [label for path in paths for label in self._of_image(path, tag)]

    def labelled(self, tag: str) -> list[Path]:
        """Files of the images that have a label with a tag, by name; only names are looked at, so that this is fast.

        Raises:
            Missing: there is no such tag.
        """
        _check_tag(tag)
        folder = self.folder / "labels" / tag
        names = set(os.listdir(folder)) if folder.is_dir() else set()
        return [path for path in self.images().values() if path.name in names]

    def label(self, image_id: str, tag: str, frame: int | None = None) -> StoredLabel:
        """One label: of a frame, or of the first frame that has one; raises `Missing`."""
        for label in self.labels(tag, image_id):
            if frame in (None, label.frame):
                return label
        raise Missing(f"image {quoted(image_id)} has no label {tag}{'' if frame is None else f' of frame {frame}'}")

    def save_label(self, image_id: str, tag: str, frame: int, mask: MaskArray, info: Mapping[str, Any]) -> StoredLabel:
        """Store the mask of a frame; an earlier one of the same task is replaced.

        Args:
            image_id: of the image.
            tag: one of `TAGS`.
            frame: index from 0.
            mask: ``(rows, cols)`` of the image, nonzero is structure.
            info: JSON values with ``task``.

        Raises:
            Missing: no such image or tag.
            Conflict: the image has a label of another task with this tag.
        """
        _check_tag(tag)
        with self._lock:
            path = self.find(image_id)
            others = {label.task for label in self._of_image(path, tag)} - {info["task"]}
            if others and tag == "final":
                raise Conflict(f"image {quoted(image_id)} has a label of {others.pop()}, not of {info['task']}: remove that first")
            if others:
                self.remove_label(image_id, tag)
            file = self._labels_of(path, tag) / f"{frame:04d}.png"
            file.with_suffix(".json").unlink(missing_ok=True)  # never an old description beside a new mask
            write_png(file, (mask != 0) * mask.dtype.type(255))
            write_text(file.with_suffix(".json"), json.dumps({**info, "empty": not mask.any()}, indent=1))
            return StoredLabel(path, frame, file, info)

    def describe(self, label: StoredLabel, more: Mapping[str, Any]) -> None:
        """Add to what is known about a label; its task, class and emptiness stay."""
        with self._lock:
            kept = {name: label.info[name] for name in ("task", "class", "empty") if name in label.info}
            write_text(label.file.with_suffix(".json"), json.dumps({**label.info, **more, **kept}, indent=1))

    def remove_label(self, image_id: str, tag: str) -> None:
        """Remove an image's labels with a tag; raises `Missing` if there are none."""
        with self._lock:
            folder = self.label(image_id, tag).file.parent
            shutil.rmtree(folder)

    def _labels_of(self, path: Path, tag: str) -> Path:
        return self.folder / "labels" / tag / path.name

    def _of_image(self, path: Path, tag: str) -> Iterator[StoredLabel]:
        for file in sorted(self._labels_of(path, tag).glob("[0-9]*.json")):
            try:
                info = json.loads(file.read_text(encoding="utf-8"))
                yield StoredLabel(path, int(file.stem), file.with_suffix(".png"), info | {"task": str(info["task"])})
            except (OSError, ValueError, KeyError, TypeError):
                continue  # being replaced, or not the server's


def _stem(name: str) -> str:
    """Name without the suffix of an image.

    >>> _stem("a.b.nii.gz"), _stem("a.PNG")
    ('a.b', 'a')
    """
    ending = max((suffix for suffix in SUFFIXES if name.lower().endswith(suffix)), key=len, default="")
    return name[: len(name) - len(ending)] or name


def _check_tag(tag: str) -> None:
    if tag not in TAGS:
        raise Missing(f"no tag {quoted(tag)}: the tags are {', '.join(TAGS)}")


def _check_name(name: str) -> None:
    plain = name.isprintable() and not any(sign in name for sign in '/\\:*?"<>|') and not name.startswith((".", " ", "~"))
    if not plain or not 0 < len(name) <= _LONGEST_NAME:
        raise UsageError(f"{quoted(name)} is no plain file name: give letters, digits, blanks, '.', '_' and '-', at most {_LONGEST_NAME}")
    if not is_image_name(name):
        raise ImageError(f"{quoted(name)} has none of the suffixes of images: {', '.join(sorted(SUFFIXES))}")
