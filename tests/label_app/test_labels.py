"""Labels as viewers send them; the refusals over HTTP stand in test_server.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.imaging.samples import dicom_bytes, nifti_bytes, pillow_bytes
from tests.tiny import ellipse, save_picture
from usseg_monai.errors import UsageError
from usseg_monai.label_app.labels import SentLabel, read_label
from usseg_monai.tasks import TASKS

MASK = ellipse()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return save_picture(tmp_path / "image.png")


def read(image: Path, values: Any, tasks: tuple[str, ...] = tuple(TASKS), **params: Any) -> SentLabel:
    return read_label(pillow_bytes(np.asarray(values, np.uint8), "PNG"), params, image, [TASKS[name] for name in tasks])


def test_the_names_of_the_values_in_the_label_decide_the_task(image: Path) -> None:
    segments = [{"name": name, "idx": value} for value, name in enumerate(("Fetal Head", "nerve", "lesion", "mine"), 1)]
    found = read(image, MASK * 3, label_info=segments)
    assert found.task == "breast" and found.category is None and np.array_equal(found.masks[0], MASK)
    assert read(image, MASK * 2, label_names={"lesion": 1, "nerve": 2}).task == "nerve"
    with pytest.raises(UsageError, match=r"4 \(mine\)"):
        read(image, MASK * 4, label_info=segments)


def test_a_server_of_one_task_needs_no_name(image: Path) -> None:
    assert read(image, MASK, ("nerve",)).task == "nerve"
    with pytest.raises(UsageError, match="does not say its task"):
        read(image, MASK, ("nerve", "breast"))
    with pytest.raises(UsageError, match="does not say its task"):
        read(image, 0 * MASK, label_info=[{"name": "mine", "idx": 1}])


def test_the_class_of_an_image(image: Path) -> None:
    assert read(image, MASK, model="breast").category is None
    assert (
        read_label(pillow_bytes(MASK, "PNG"), {"model": "breast", "class": "malignant"}, image, list(TASKS.values())).category
        == "malignant"
    )
    assert read(image, MASK, label_info=[{"name": "Benign", "idx": 1}]).category == "benign"
    assert read(image, 0 * MASK, model="breast").category == "normal"
    two = MASK + np.uint8(1) * (np.arange(MASK.shape[1]) < 3) * 2
    both = [{"name": "benign", "idx": 1}, {"name": "malignant", "idx": 2}]
    for values, params, reason in (
        (MASK, {"class": "normal"}, "has a lesion and the class normal"),
        (0 * MASK, {"class": "benign"}, "is empty, its class benign"),
        (MASK, {"class": "cyst"}, "class 'cyst'"),
        (two, {"label_info": both}, "the classes benign and malignant"),
        (MASK, {"class": "benign", "label_info": [{"name": "malignant"}]}, "the classes"),
    ):
        with pytest.raises(UsageError, match=reason):
            read_label(pillow_bytes(values, "PNG"), {"model": "breast", **params}, image, list(TASKS.values()))


def test_a_lesion_and_a_class_are_one_structure(image: Path) -> None:
    values = MASK + (np.arange(MASK.shape[1]) < 3) * 2
    found = read(image, values, label_info=[{"name": "lesion", "idx": 1}, {"name": "benign", "idx": 2}])
    assert found.category == "benign" and np.array_equal(found.masks[0], values != 0)


def test_labels_of_several_frames(tmp_path: Path) -> None:
    cine = tmp_path / "cine.dcm"
    cine.write_bytes(dicom_bytes(np.stack([MASK * 99] * 3), Modality="MR"))
    volume = nifti_bytes(np.stack([MASK, 0 * MASK, MASK], -1))
    tasks = list(TASKS.values())
    assert sorted(read_label(volume, {"model": "left_ventricle"}, cine, tasks).masks) == [0, 2]
    one = pillow_bytes(MASK, "PNG")
    assert list(read_label(one, {"model": "left_ventricle", "frame": 2}, cine, tasks).masks) == [2]
    with pytest.raises(UsageError, match="2 slices, its image 3"):
        read_label(nifti_bytes(np.stack([MASK] * 2, -1)), {"model": "left_ventricle"}, cine, tasks)
