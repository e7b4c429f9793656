from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.inference.conftest import ellipse, read_png
from usseg_monai.errors import OutputError, UsageError
from usseg_monai.imaging import GreyImage, read_image, read_mask
from usseg_monai.imaging.colors import MEASURED
from usseg_monai.imaging.overlay import magnification
from usseg_monai.inference.outputs import check_save, output_files, write_outputs, write_overlay
from usseg_monai.inference.predictor import Prediction
from usseg_monai.tasks import get_task

TASK = get_task("fetal_head")
ALL = ("mask", "overlay", "probability")


@pytest.fixture
def prediction() -> Prediction:
    mask = ellipse()
    probability = np.where(mask, np.float32(0.75), np.float32(0.1))
    return Prediction(GreyImage(mask * np.float32(200)), mask, probability, TASK.measure(mask, None))


def test_what_is_written_and_how(prediction: Prediction, tmp_path: Path) -> None:
    write_outputs(tmp_path, "a/1", ALL, prediction, TASK)
    mask, probability = read_png(tmp_path / "masks/a/1.png"), read_png(tmp_path / "probabilities/a/1.png")
    assert mask.dtype == np.uint8 and np.array_equal(mask, ellipse() * 255)
    assert probability.max() == round(0.75 * 65535) and probability.shape == (60, 90)
    with Image.open(tmp_path / "overlays/a/1.png") as overlay:
        assert (overlay.mode, overlay.width) == ("RGB", 7 * 90) and overlay.height > 7 * 60  # enlarged, the numbers below
        assert np.array_equal(np.asarray(overlay)[7 * 30 + 3, 7 * 45 + 3], (200,) * 3)  # the middle of the structure


def test_only_what_is_asked_for(prediction: Prediction, tmp_path: Path) -> None:
    write_outputs(tmp_path, "1", ("probability",), prediction, TASK)
    write_outputs(tmp_path, "1", (), prediction, TASK)
    assert [file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.png")] == ["probabilities/1.png"]
    assert list(output_files(tmp_path, "1", ("probability", "mask"))) == ["mask", "probability"]


def test_a_folder_in_the_way(prediction: Prediction, tmp_path: Path) -> None:
    (tmp_path / "masks/1.png/x").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"masks/1.png: cannot be written"):
        write_outputs(tmp_path, "1", ("mask",), prediction, TASK)


def test_a_link_in_the_way_is_replaced_and_not_followed(prediction: Prediction, tmp_path: Path) -> None:
    (tmp_path / "precious.png").write_text("precious")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/1.png").symlink_to(tmp_path / "precious.png")
    write_outputs(tmp_path, "1", ("mask",), prediction, TASK)
    assert (tmp_path / "precious.png").read_text() == "precious" and read_png(tmp_path / "masks/1.png").shape == (60, 90)


def test_unknown_kinds() -> None:
    check_save(ALL)
    with pytest.raises(UsageError, match="cannot save 'contour': what can be saved is mask, overlay, probability, nifti"):
        check_save(("mask", "contour"))


def test_nothing_but_thin_lines_lies_on_a_lesion(data_root: Path, tmp_path: Path) -> None:
    """Of a hundred images of BUS-BRA, with their true masks: no text, no plate, and dots of axes on less than a hundredth of the lesion."""
    breast = get_task("breast")
    files = sorted((data_root / "busbra" / "images").glob("*.png"))
    shares = []
    for file in files[:: len(files) // 100][:100]:
        image, mask = read_image(file), read_mask(data_root / "busbra" / "masks" / file.name.replace("bus_", "mask_"))
        write_overlay(tmp_path / "a.png", image, mask, breast.measure(mask, (0.1, 0.1)), breast)
        with Image.open(tmp_path / "a.png") as overlay:
            drawn = np.asarray(overlay)
        factor = magnification(mask.shape)
        inside = mask.repeat(factor, axis=0).repeat(factor, axis=1) > 0
        grey = image.pixels.astype(np.uint8).repeat(factor, axis=0).repeat(factor, axis=1)
        changed = (drawn[: inside.shape[0], : inside.shape[1]] != grey[..., None]).any(axis=2) & inside
        assert (drawn[: inside.shape[0], : inside.shape[1]][changed] == MEASURED).all(), file.name
        shares.append(changed.sum() / inside.sum())
    assert len(shares) == 100 and max(shares) < 0.01
