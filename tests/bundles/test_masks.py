"""``python -m monai.bundle run`` and ``usseg predict`` with the graph in single precision write the same masks, to the pixel, whatever the
format of the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.tasks import BENCHMARKED
from tests.bundles.conftest import Start
from tests.imaging.samples import dicom_bytes, pillow_bytes
from usseg_monai import read_image
from usseg_monai.cli import main

REAL = 3
"""Images of the data set, spread over it; each in three formats."""


@pytest.fixture
def pictures(task: str, data_root: Path, tmp_path: Path) -> Path:
    """Real images as PNG, JPEG and DICOM."""
    benchmarked = BENCHMARKED[task]
    found = sorted((data_root / benchmarked.data).glob(benchmarked.images))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, file in enumerate(found[:: len(found) // REAL][:REAL]):
        pixels = read_image(file).pixels.astype(np.uint8)
        (folder / f"{number}_png.png").write_bytes(pillow_bytes(pixels, "PNG"))
        (folder / f"{number}_jpg.jpg").write_bytes(pillow_bytes(pixels, "JPEG", quality=90))
        (folder / f"{number}_dcm.dcm").write_bytes(dicom_bytes(pixels))
    return folder


def test_masks_are_equal_to_the_pixel(
    start: Start, bundle: Path, task: str, pictures: Path, float_graph: Callable[[str], Path], tmp_path: Path
) -> None:
    ours, monais = tmp_path / "usseg", tmp_path / "monai"
    assert main(["predict", task, str(pictures), "-o", str(ours), "--any-modality", "--weights", str(float_graph(task))]) in (0, 1)
    size = json.loads((bundle / "configs" / "inference.json").read_text())["image_size"]
    start("inference.json", kind="inference", image_size=size, dataset_dir=str(pictures), output_dir=str(monais)).run()
    masks = {path.name: np.asarray(Image.open(path)) for path in (ours / "masks").iterdir()}
    assert len(masks) == 3 * REAL
    different = {name: int((mask != np.asarray(Image.open(monais / "masks" / name))).sum()) for name, mask in masks.items()}
    assert {name: pixels for name, pixels in different.items() if pixels} == {}
    assert any(mask.any() for mask in masks.values())
