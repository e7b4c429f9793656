"""MONAI Label's own app ``monaibundle`` over HTTP, with copies of our bundles."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.foreign_trainers import mean_dice
from benchmarks.label_client import LabelServer, serving
from benchmarks.label_stock import STOCK_VARIABLES, prepare_stock, stock_command
from tests.imaging.samples import pillow_bytes
from tests.label_app.conftest import PHANTOMS, SUFFIXES
from usseg_monai import Predictor, bundle_path
from usseg_monai.tasks import TASKS
from usseg_monai.weights.checkpoints import sha256_of

pytestmark = [pytest.mark.label, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def folder(need_label_environment: None, studies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the app, and the session's images without its labels."""
    place = tmp_path_factory.mktemp("stock")
    prepare_stock(place, list(TASKS))
    (place / "studies").mkdir()
    for task in PHANTOMS:
        for seed, suffix in enumerate(SUFFIXES):
            shutil.copy(studies / f"{task}_{seed}{suffix}", place / "studies")
    return place


@pytest.fixture(scope="module")
def stock(folder: Path) -> Iterator[LabelServer]:
    command = stock_command(folder / "monaibundle", folder / "studies", list(TASKS))
    with serving(folder / "studies", command=command, variables=STOCK_VARIABLES) as (server, _):
        yield server


@pytest.mark.parametrize("task", PHANTOMS)
def test_the_mask_is_that_of_usseg_predict(stock: LabelServer, folder: Path, task: str, float_graph: Callable[[str], Path]) -> None:
    """In single precision, in which the stock app computes."""
    predictor = Predictor(task, weights=float_graph(task))
    for seed, suffix in enumerate(SUFFIXES):
        answer = stock.infer(task, f"{task}_{seed}", "image", {"result_extension": ".png", "device": "cpu"})
        assert answer.status == 200, answer.body
        found = np.asarray(Image.open(io.BytesIO(answer.body)))
        assert np.array_equal(found, predictor.predict(folder / "studies" / f"{task}_{seed}{suffix}").mask), (task, suffix)


def test_training_on_submitted_labels_spoils_nothing_and_trains_again(stock: LabelServer, folder: Path) -> None:
    task = "fetal_head"
    weights = folder / "monaibundle" / "model" / task / "models" / "model.pt"
    items = []
    for seed, suffix in enumerate(SUFFIXES):
        mask = PHANTOMS[task](seed).mask
        assert stock.submit(f"{task}_{seed}", ("label.png", pillow_bytes(mask * 255, "PNG")), {}).status == 200
        label = folder / f"{seed}.png"
        label.write_bytes(pillow_bytes(mask * 255, "PNG"))
        items.append({"image": str(folder / "studies" / f"{task}_{seed}{suffix}"), "label": str(label)})
    released = mean_dice(task, bundle_path(task) / "models" / "model.pt", items)
    for _ in range(2):
        curves = weights.parents[1] / "eval" / "curves.json"
        curves.unlink(missing_ok=True)
        request = {"max_epochs": 1, "device": "cpu", "multi_gpu": False, "tracking": "None", "val_split": 0.34}
        assert stock.call("POST", f"/train/{task}", body=request).status == 200
        done = stock.wait("/train/", 400)
        assert done["status"] == "DONE", done
        assert [row["epoch"] for row in json.loads(curves.read_text())] == [1]  # it trained, each time
        assert mean_dice(task, weights, items) >= released - 0.0005
    assert sha256_of(bundle_path(task) / "models" / "model.pt") == TASKS[task].checkpoint_sha256
