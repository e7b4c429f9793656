"""Tests of usseg_monai.runs.proposal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage
from usseg_monai.runs import proposal
from usseg_monai.runs.proposal import Proposal, propose_task
from usseg_monai.tasks import TASKS


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(20):
        Image.fromarray(np.full((12, 16), number, np.uint8)).save(folder / f"{number:02}.png")
    return folder


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Networks of which that of the nerve finds every image as unlike as its grey value says, and the others ten times as much."""
    grey: list[int] = []

    class Network:
        def __init__(self, task: str, *, engine: str) -> None:
            assert engine == "onnx"
            self.task = task

        def predict(self, image: GreyImage) -> SimpleNamespace:
            value = int(image.pixels[0, 0])
            if self.task == "nerve":
                grey.append(value)
            return SimpleNamespace(measurement=SimpleNamespace(unlikeness=value * (0.1 if self.task == "nerve" else 1.0)))

    monkeypatch.setattr(proposal, "Predictor", Network)
    return grey


def test_a_few_images_of_the_whole_folder_decide(images: Path, seen: list[int]) -> None:
    found = propose_task([images])
    assert seen == [0, 2, 4, 6, 8, 11, 13, 15, 17]
    assert found.task == "nerve" and found.images == 9
    assert next(iter(found.unlikeness)) == "nerve" and found.unlikeness["nerve"] == pytest.approx(0.8)
    assert set(found.unlikeness) == set(TASKS)


def test_results_of_an_earlier_run_have_no_say(images: Path, seen: list[int]) -> None:
    results = images / "out" / "masks"
    results.mkdir(parents=True)
    for file in sorted(images.glob("*.*"))[:5]:
        (results / file.name).write_bytes(file.read_bytes())
    assert propose_task([images], leave_out=[images / "out"]).images == 9
    assert seen == [0, 2, 4, 6, 8, 11, 13, 15, 17]


def test_what_cannot_be_read_is_passed_over(images: Path, seen: list[int]) -> None:
    for file in sorted(images.iterdir())[:11]:
        file.write_bytes(b"no image")
    assert propose_task([images]).images == 4
    assert seen == [11, 13, 15, 17]
    for file in images.iterdir():
        file.write_bytes(b"no image")
    with pytest.raises(ImageError, match="none of the 9 files"):
        propose_task([images])


@pytest.mark.parametrize(("unlikeness", "task"), [({"nerve": 0.9, "breast": 1.2}, "nerve"), ({"nerve": 1.1, "breast": 1.2}, None)])
def test_no_task_is_proposed_for_strangers(unlikeness: Mapping[str, float], task: str | None) -> None:
    assert Proposal(unlikeness, 1).task == task
