"""What the tests of every bundle share: the bundle, a tiny data set, weights of chance, and a quick way to a workflow."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser, ConfigWorkflow
from PIL import Image

from tests.conftest import REPOSITORY
from usseg_monai import bundle_path
from usseg_monai.tasks import TASKS

TINY: dict[str, Any] = {"image_size": [64, 64], "num_workers": 0, "device": "$torch.device('cpu')"}
"""Overrides that make any config of ours quick on a CPU."""

SMALL_NETWORK = {"network_def#widths": [4, 6, 8, 10]}
"""In addition, for those that train: weights and optimizer states of kilobytes."""

BUNDLES = sorted(path.parent.parent for path in (REPOSITORY / "bundles").glob("*/configs/train.json"))
"""Folders of all bundles, whether their task is registered or not yet."""

CASES = {"training": 5, "validation": 3, "test": 2}
SHAPES = [(40, 56), (37, 53), (60, 44)]  # rows, cols


@pytest.fixture(scope="session", params=TASKS)
def task(request: pytest.FixtureRequest) -> str:
    """Each task in turn."""
    name: str = request.param
    return name


@pytest.fixture
def bundle(task: str) -> Path:
    """Folder of the task's bundle."""
    return bundle_path(task)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ten small pictures, each of a bright disc on a dark ground; two of one name in different folders.

    Beside it lie ``masks``, the discs, and ``nothing``, the same pictures without them.
    """
    folder = tmp_path_factory.mktemp("data") / "images"
    rng = np.random.default_rng(0)
    for number in range(sum(CASES.values())):
        rows, cols = SHAPES[number % len(SHAPES)]
        down, across = np.mgrid[:rows, :cols]
        disc = (down - rows * 0.4) ** 2 + (across - cols * 0.6) ** 2 < (8 + number) ** 2
        ground = rng.integers(0, 10, (rows, cols))
        for kind, array in (("images", ground + 150 * disc), ("masks", disc * 255), ("nothing", ground)):
            file = folder.parent / kind / f"exam{number // 2}/{number % 2}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(array.astype(np.uint8)).save(file)
    return folder


@pytest.fixture
def datalist(task: str, images: Path, tmp_path: Path) -> Path:
    """A datalist of these pictures and their discs, made for each test: a test may name its task itself, and pytest keeps what a session's
    fixture made for another.
    """
    (tmp_path / "discs").mkdir()
    return write_datalist(task, images, tmp_path / "discs" / "datalist.json")


def write_datalist(task: str, images: Path, file: Path) -> Path:
    """Write a datalist of the pictures and their discs for a task.

    For a task whose network says what the image as a whole is, every third picture has no disc, and classes take turns, the first being
    that of pictures without one.
    """
    record = TASKS[task]
    items = []
    for number, path in enumerate(sorted(images.rglob("*.png"))):
        name = path.relative_to(images).as_posix()
        empty = bool(record.outputs) and number % 3 == 0
        item: dict[str, Any] = {
            "image": str(images.parent / ("nothing" if empty else "images") / name),
            "label": [] if empty else str(images.parent / "masks" / name),
            "group": path.parent.name,
        }
        items.append(item | ({"class": number % 3} if record.classes else {}))
    parts: dict[str, Any] = {"name": "discs"}
    for section, count in CASES.items():
        parts[section], items = items[:count], items[count:]
    file.write_text(json.dumps(parts))
    return file


@pytest.fixture
def weights(bundle: Path, tmp_path: Path) -> Path:
    """A checkpoint of the bundle's network as it is before training, in the form of ``models/model.pt``."""
    parser = ConfigParser()
    parser.read_config(str(bundle / "configs" / "inference.json"))
    torch.manual_seed(0)
    file = tmp_path / "weights" / "model.pt"
    file.parent.mkdir()
    torch.save(parser.get_parsed_content("network_def").state_dict(), file)
    return file


def root_cause(error: BaseException) -> BaseException:
    """The first error of a chain: MONAI wraps what goes wrong in a run in errors of its parser."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


Start = Callable[..., ConfigWorkflow]
Weights = dict[str, torch.Tensor]


@pytest.fixture
def foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that has nothing to do with any bundle."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def start(bundle: Path, foreign: Path) -> Start:
    """Initialize a workflow of the bundle's configs, from a foreign working directory."""

    def start(*configs: str, kind: str = "train", **overrides: Any) -> ConfigWorkflow:
        files = [str(bundle / "configs" / name) for name in configs]
        workflow = ConfigWorkflow(files, logging_file=False, workflow_type=kind, **(TINY | overrides))
        workflow.initialize()
        return workflow

    return start


def small_copy(bundle: Path, folder: Path) -> Path:
    """Copy a bundle, with a small network's weights of its own, for want of minutes; without a trust in them."""
    shutil.copytree(bundle, folder, ignore=shutil.ignore_patterns("*.onnx", "*.trust"))
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    parser.update(SMALL_NETWORK)
    torch.manual_seed(1)
    state = parser.get_parsed_content("network_def").state_dict()
    torch.save({name: value + 0.01 if value.is_floating_point() else value for name, value in state.items()}, folder / "models/model.pt")
    return folder


def saved(file: Path) -> Weights:
    weights: Weights = torch.load(file, weights_only=True)
    return weights


def distance(first: Weights, second: Weights) -> float:
    """Relative, without the temperature, which is fitted anew, and the counts and moments of batches, which move without a gradient."""
    names = [name for name, value in first.items() if value.is_floating_point() and "running_" not in name and name != "temperature"]
    difference = sum(float((first[name] - second[name]).square().sum()) for name in names)
    result: float = (difference / sum(float(first[name].square().sum()) for name in names)) ** 0.5
    return result
