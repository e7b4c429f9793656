"""``usseg measure``: masks of several labels, and masks of several values."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from usseg_monai.cli import main


def _save(path: Path, *values: int) -> Path:
    """Discs side by side."""
    path.parent.mkdir(exist_ok=True)
    rows, cols = np.mgrid[:80, :200]
    pixels = np.zeros(rows.shape, np.uint8)
    for number, value in enumerate(values):
        pixels[np.hypot(rows - 40, cols - 35 - 60 * number) <= 20] = value
    Image.fromarray(pixels).save(path)
    return path


def _row(out: Path) -> dict[str, str]:
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    return row


def test_label_names_the_structure_of_a_label_map(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = str(_save(tmp_path / "labels.png", 1, 3))
    command = ["measure", "left_ventricle", labels, "-o", str(tmp_path / "out")]
    assert main(command) == 1
    assert "labels.png: the mask holds the labels 1, 3: say which is meant, by --label N" in capsys.readouterr().err
    assert main([*command, "--label", "3"]) == 0
    assert float(_row(tmp_path / "out")["center_col_px"]) == pytest.approx(95)
    assert main([*command, "--label", "1", "--resume"]) == 0  # other options: measured anew
    assert float(_row(tmp_path / "out")["center_col_px"]) == pytest.approx(35)


def test_masks_of_different_values_are_remarked_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = [str(_save(tmp_path / f"{value}.png", value)) for value in (1, 2)]
    assert main(["measure", "left_ventricle", *masks, "-o", str(tmp_path / "out")]) == 0
    said = "usseg: the masks have different values (1 in 1.png, 2 in 2.png): if these are labels, give --label N"
    assert said in capsys.readouterr().err.splitlines()


def test_run_names_the_run_that_masks_are_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mask = _save(tmp_path / "in" / "a.png", 255)
    assert main(["measure", "left_ventricle", str(mask), "-o", str(tmp_path / "out"), "--spacing-mm", "1.5,1.5"]) == 0
    copy = str(_save(tmp_path / "copy" / "a.png", 255))
    assert main(["measure", "left_ventricle", copy, "-o", str(tmp_path / "again"), "--run", str(tmp_path / "out")]) == 0
    assert _row(tmp_path / "again") == _row(tmp_path / "out")
    assert main(["measure", "left_ventricle", copy, "-o", str(tmp_path / "again"), "--run", str(tmp_path / "in")]) == 2
    assert "in holds no run.json: --run takes the output folder of the run" in capsys.readouterr().err
