"""inference.json: masks on the source grid, and no result without weights."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.bundles.conftest import CASES, Start, root_cause
from tests.conftest import REPOSITORY
from usseg_monai.errors import WeightsError


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    """Width and height of every PNG, by its path below the folder."""
    found = {}
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as picture:
            found[path.relative_to(folder).as_posix()] = picture.size
    return found


def test_writes_a_mask_of_the_size_of_each_image(start: Start, images: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    workflow = start("inference.json", kind="inference", dataset_dir=str(images), output_dir=str(out), ckpt_path=str(weights))
    workflow.run()
    assert sizes(out / "masks") == sizes(images)
    assert len(sizes(images)) == sum(CASES.values())
    for path in (out / "masks").rglob("*.png"):
        assert set(np.unique(np.asarray(Image.open(path)))) <= {0, 255}
    with (out / "results.csv").open(newline="") as table:
        assert sorted(row["file"] for row in csv.DictReader(table)) == sorted(sizes(images))


def test_masks_lie_where_the_structure_does(start: Start, bundle: Path, images: Path, tmp_path: Path) -> None:
    """The shipped network replaced by one that returns the standardised picture: its masks are the bright discs."""
    torch.save({}, tmp_path / "nothing.pt")
    shipped = json.loads((bundle / "configs" / "inference.json").read_text())["network_def"]
    workflow = start(
        "inference.json",
        kind="inference",
        dataset_dir=str(images),
        output_dir=str(tmp_path / "out"),
        ckpt_path=str(tmp_path / "nothing.pt"),
        network_def={**shipped, "_target_": "tests.bundles.networks.Brightness"},
    )
    workflow.run()
    for name in sizes(images):
        found, truth = (np.asarray(Image.open(folder / name)) > 0 for folder in (tmp_path / "out" / "masks", images.parent / "masks"))
        assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9, name


@pytest.mark.parametrize("option", ["ckpt_path", "bundle_root"])
def test_without_weights_it_fails_and_writes_nothing(option: str, start: Start, images: Path, tmp_path: Path) -> None:
    """Weights of chance must never answer."""
    nowhere = {option: str(tmp_path / "nowhere")}
    workflow = start("inference.json", kind="inference", dataset_dir=str(images), output_dir=str(tmp_path / "out"), **nowhere)
    with pytest.raises(RuntimeError) as raised:
        workflow.run()
    assert isinstance(root_cause(raised.value), (FileNotFoundError, WeightsError))
    assert "nowhere" in str(root_cause(raised.value))
    assert sizes(tmp_path / "out") == {}


def test_weights_of_another_network_are_refused(start: Start, images: Path, weights: Path, tmp_path: Path) -> None:
    state = torch.load(weights, weights_only=True)
    state.pop(next(iter(state)))
    torch.save(state, tmp_path / "other.pt")
    workflow = start(
        "inference.json", kind="inference", dataset_dir=str(images), output_dir=str(tmp_path / "out"), ckpt_path=str(tmp_path / "other.pt")
    )
    with pytest.raises(RuntimeError) as raised:
        workflow.run()
    assert "Missing key" in str(root_cause(raised.value))
    assert sizes(tmp_path / "out") == {}


def test_runs_from_the_command_line_in_any_folder(bundle: Path, images: Path, weights: Path, tmp_path: Path) -> None:
    """As a user of the Model Zoo starts it, with the bundle's own logging.conf."""
    options = {
        "config_file": bundle / "configs" / "inference.json",
        "dataset_dir": images,
        "output_dir": tmp_path / "out",
        "ckpt_path": weights,
        "image_size": [64, 64],
    }
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run"]
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert sizes(tmp_path / "out" / "masks") == sizes(images)
    assert "nvImageCodec" not in done.stdout + done.stderr
