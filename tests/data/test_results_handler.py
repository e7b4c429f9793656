"""The table of a MONAI run, from an evaluator that gives masks at once."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor

from tests.tiny import ellipse, save_picture
from usseg_monai.data.results_handler import ResultsHandler
from usseg_monai.datasets.datalist import list_images


def run(images: Path, out: Path, spacing_csv: Path | None = None) -> list[dict[str, str]]:
    """The rows of a run over a folder whose pictures all show `ellipse`."""
    items = [item | {"image": MetaTensor(torch.zeros(1), meta={"filename_or_obj": item["image"]})} for item in list_images(images)]
    mask = torch.from_numpy(ellipse().T)
    engine = Engine(lambda engine, batch: [{"pred": mask} for _ in batch])
    ResultsHandler("fetal_head", str(out), str(spacing_csv) if spacing_csv else None).attach(engine)
    engine.run([[item] for item in items])
    with (out / "results.csv").open(newline="") as table:
        return list(csv.DictReader(table))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name in ("a.png", "b/1.png"):
        save_picture(tmp_path / "in" / name)
    return tmp_path / "in"


def test_a_row_and_an_overlay_an_image(images: Path, tmp_path: Path) -> None:
    (tmp_path / "spacing.csv").write_text("filename,pixel size(mm)\na.png,1\nb/1.png,0.5\n")
    rows = run(images, tmp_path / "out", tmp_path / "spacing.csv")
    assert [(row["file"], row["status"], row["spacing_mm_row"]) for row in rows] == [("a.png", "ok", "1"), ("b/1.png", "ok", "0.5")]
    lengths = [float(row["occipitofrontal_diameter_mm"]) for row in rows]
    assert lengths == pytest.approx([60, 30], rel=0.05)
    assert all((tmp_path / "out" / "overlays" / name).is_file() for name in ("a.png", "b/1.png"))


def test_an_image_that_the_table_of_spacings_does_not_name_is_a_failed_row(images: Path, tmp_path: Path) -> None:
    (tmp_path / "spacing.csv").write_text("filename,pixel size(mm)\n1.png,0.5\n")
    failed, good = run(images, tmp_path / "out", tmp_path / "spacing.csv")
    assert (failed["file"], failed["status"], failed["head_circumference_px"]) == ("a.png", "failed", "")
    assert failed["message"].startswith("a.png: no row in the table of pixel sizes")
    assert (good["status"], good["spacing_mm_row"]) == ("ok", "0.5")


def test_without_a_table_there_are_pixels_and_no_millimetres(images: Path, tmp_path: Path) -> None:
    for row in run(images, tmp_path / "out"):
        assert (row["status"], row["head_circumference_mm"]) == ("ok", "") and float(row["head_circumference_px"]) > 100
