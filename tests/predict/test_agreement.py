"""Both engines, the command line and MONAI's own run give one result in single precision, in every format, on the image's own grid.

How far the released graph in 8 bits is from it: ``tests/weights/test_quantize.py``.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.imaging.samples import dicom_bytes, itk_bytes, nifti_bytes, pillow_bytes
from usseg_monai import Predictor
from usseg_monai.cli import main
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.tasks import bundle_path
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

HC = "head_circumference_mm"
SAMPLES = REPOSITORY / "usseg_monai" / "tasks" / "fetal_head" / "samples"
ENGINES = ("onnx", "torch")


@pytest.fixture(scope="module")
def predictors(float_graph: Callable[[str], Path]) -> dict[str, Predictor]:
    """Of both engines with the released weights, and of the graph in single precision."""
    released = {engine: Predictor("fetal_head", engine=engine) for engine in ENGINES}
    return released | {"float": Predictor("fetal_head", weights=float_graph("fetal_head"))}


def share_of_equal_pixels(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    assert first.shape == second.shape
    return float(((first > 0) == (second > 0)).mean())


def test_engines_agree_on_real_images(predictors: dict[str, Predictor], hc18: Path) -> None:
    for item in load_datalist(hc18, "test")[::9]:
        onnx, torch = (predictors[name].predict(item["image"], spacing_mm=tuple(item["spacing_mm"])) for name in ("float", "torch"))
        assert share_of_equal_pixels(onnx.mask, torch.mask) >= 0.999, item["image"]
        assert np.abs(onnx.probability - torch.probability).max() < 1e-3
        assert onnx.status == torch.status
        assert onnx.measurements[HC] == pytest.approx(torch.measurements[HC], abs=0.1)


FORMATS: dict[str, Callable[[npt.NDArray[np.uint8]], bytes]] = {
    "png": lambda pixels: pillow_bytes(pixels, "PNG"),
    "bmp": lambda pixels: pillow_bytes(pixels, "BMP"),
    "tif": lambda pixels: pillow_bytes(pixels, "TIFF"),
    "jpg": lambda pixels: pillow_bytes(pixels, "JPEG", quality=95),
    "nii.gz": nifti_bytes,
    "nrrd": lambda pixels: itk_bytes(pixels, ".nrrd"),
    "mha": lambda pixels: itk_bytes(pixels, ".mha"),
    "dcm": dicom_bytes,
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_mask_lies_where_the_head_is_in_every_format(
    suffix: str, engine: str, predictors: dict[str, Predictor], tmp_path: Path
) -> None:
    """A head off the centre of a picture that is not square: a turn, a flip or a shift would miss it."""
    phantom = fetal_head_phantom(seed=5, head_circumference_mm=95.0)
    pixels, truth = phantom.image.pixels[:500].astype(np.uint8), phantom.mask[:500]
    path = tmp_path / f"head.{suffix}"
    path.write_bytes(FORMATS[suffix](pixels))
    mask = predictors[engine].predict(path).mask
    assert mask.shape == truth.shape == (500, 800)
    dice = 2 * np.sum((mask > 0) & (truth > 0)) / (np.sum(mask > 0) + np.sum(truth > 0))
    assert dice > 0.9
    for turned in (truth[::-1], truth[:, ::-1]):
        assert 2 * np.sum((mask > 0) & (turned > 0)) / (np.sum(mask > 0) + np.sum(turned > 0)) < dice


def test_monai_bundle_run_gives_the_masks_and_the_table_of_the_command_line(float_graph: Callable[[str], Path], tmp_path: Path) -> None:
    ours, monais = tmp_path / "usseg", tmp_path / "monai"
    spacings = str(SAMPLES / "pixel_size_and_HC.csv")
    graph = str(float_graph("fetal_head"))
    assert main(["predict", "fetal_head", str(SAMPLES), "-o", str(ours), "--spacing-csv", spacings, "--weights", graph]) == 0
    config = bundle_path("fetal_head") / "configs" / "inference.json"
    words = ["--dataset_dir", str(SAMPLES), "--output_dir", str(monais), "--spacing_csv", spacings]
    done = subprocess.run(
        [sys.executable, "-m", "monai.bundle", "run", "--config_file", str(config), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    masks = sorted(path.relative_to(ours) for path in (ours / "masks").rglob("*.png"))
    assert [path.name for path in masks] == ["116_HC.png", "466_HC.png", "642_HC.png", "741_HC.png"]
    for mask in masks:
        first, second = (np.asarray(Image.open(folder / mask)) for folder in (ours, monais))
        assert set(np.unique(first)) == set(np.unique(second)) == {0, 255}
        assert share_of_equal_pixels(first, second) >= 0.999
    tables = [list(csv.DictReader((folder / "results.csv").open())) for folder in (ours, monais)]
    for first_row, second_row in zip(*tables, strict=True):
        assert list(first_row) == list(second_row)
        assert [first_row[name] for name in ("file", "frame", "status")] == [second_row[name] for name in ("file", "frame", "status")]
        assert float(first_row[HC]) == pytest.approx(float(second_row[HC]), abs=0.1)
