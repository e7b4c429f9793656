"""Masks of a run measured again: pixel size, slice and phase come from its records."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import dicom_bytes
from tests.tiny import read_png
from usseg_monai.errors import OutputError, UsageError
from usseg_monai.imaging import Place
from usseg_monai.runs.mask_origins import read_origins
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch

ROWS, COLS = np.mgrid[:64, :64]
RADII = [[4, 3], [12, 8], [10, 7], [0, 0]]
"""Of the cavity in pixels, by slice and phase."""

VOLUMES = ("end_diastolic_volume_ml", "end_systolic_volume_ml", "ejection_fraction_percent", "slices", "phases")


def disc(radius: float) -> np.ndarray:
    result: np.ndarray = (np.hypot(ROWS - 30, COLS - 36) < radius).astype(np.uint8)
    return result


@pytest.fixture
def cine(tmp_path: Path) -> Path:
    """DICOM slices of discs, 9 mm apart, with names that say nothing, and two phases by trigger time."""
    folder = tmp_path / "in" / "heart"
    folder.mkdir(parents=True)
    for slice_, phases in enumerate(RADII):
        for phase, radius in enumerate(phases):
            header = {
                "Modality": "MR",
                "StudyInstanceUID": "1.2.3",
                "SeriesInstanceUID": "1.2.3.4",
                "SOPInstanceUID": f"1.2.3.4.{slice_}.{phase}",
                "ImagePositionPatient": [10.0, -20.0 + 9 * slice_, 5.0],
                "ImageOrientationPatient": [1, 0, 0, 0, 0, 1],
                "PixelSpacing": [1.25, 1.25],
                "TriggerTime": 300.0 * phase,
            }
            (folder / f"{(slice_ * 5 + phase * 3) % 11}.dcm").write_bytes(dicom_bytes(disc(radius) * 200, **header))
    return folder.parent


def measure(source: Path, out: Path, **options: Any) -> Summary:
    return run_batch("left_ventricle", [source], out, Options(threads=2, **options), given_masks=True)


def volumes(summary: Summary) -> list[Any]:
    (study,) = summary.studies
    return [study[name] for name in VOLUMES]


@pytest.fixture
def run(cine: Path, tmp_path: Path) -> tuple[Path, list[Any]]:
    """A folder of results with masks, and the volumes that it told."""
    summary = measure(cine, tmp_path / "out", save=("mask",))
    return tmp_path / "out", volumes(summary)


def test_masks_in_the_folder_of_a_run_have_its_volumes(run: tuple[Path, list[Any]], tmp_path: Path) -> None:
    out, truth = run
    again = measure(out / "masks", tmp_path / "again", save=())
    assert again.failed == 0 and again.studies[0]["study"] == "heart"
    assert volumes(again) == pytest.approx(truth, rel=1e-5)
    one = measure(out / "masks" / "heart", tmp_path / "one", save=())
    assert volumes(one) == pytest.approx(truth, rel=1e-5)


def test_a_corrected_mask_counts(run: tuple[Path, list[Any]], tmp_path: Path) -> None:
    out, truth = run
    file = out / "masks" / "heart" / "5.png"  # the second slice at end diastole
    assert np.array_equal(read_png(file), disc(12) * 255)
    Image.fromarray(disc(14) * np.uint8(255)).save(file)
    more = (int(disc(14).sum()) - int(disc(12).sum())) * 1.25**2 * 9 / 1000
    again = volumes(measure(out / "masks", tmp_path / "again", save=()))
    assert again[:2] == pytest.approx([truth[0] + more, truth[1]], rel=1e-5)
    assert again[2] == pytest.approx(100 * (1 - truth[1] / (truth[0] + more)), rel=1e-5)


def test_a_mask_of_another_size_is_refused(run: tuple[Path, list[Any]], tmp_path: Path) -> None:
    Image.fromarray(np.kron(disc(12), np.ones((2, 2), np.uint8)) * np.uint8(255)).save(run[0] / "masks" / "heart" / "5.png")
    assert measure(run[0] / "masks", tmp_path / "again", save=()).failed == 1
    with (tmp_path / "again" / "results.csv").open(newline="", encoding="utf-8") as file:
        (message,) = [row["message"] for row in csv.DictReader(file) if row["status"] == "failed"]
    assert message == "the mask has 128 x 128 pixels, its picture had 64 x 64: save it in that size"


def test_masks_elsewhere_are_of_the_run_that_is_named(run: tuple[Path, list[Any]], tmp_path: Path) -> None:
    out, truth = run
    shutil.copytree(out / "masks", tmp_path / "corrected")
    alone = measure(tmp_path / "corrected", tmp_path / "alone", save=())
    assert alone.studies == []
    again = measure(tmp_path / "corrected", tmp_path / "again", save=(), masks_of=out)
    assert volumes(again) == pytest.approx(truth, rel=1e-5)
    Image.fromarray(disc(12)).save(tmp_path / "corrected" / "heart" / "new.png")
    assert measure(tmp_path / "corrected", tmp_path / "again", save=(), masks_of=out).failed == 1
    with (tmp_path / "again" / "results.csv").open(newline="", encoding="utf-8") as file:
        (message,) = [row["message"] for row in csv.DictReader(file) if row["status"] == "failed"]
    assert message == f"no mask of the run in {out} has this name; keep the names in its folder masks"


def test_the_run_must_be_one(cine: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no run.json: --run takes the output folder of the run that the masks are of"):
        measure(cine, tmp_path / "out", masks_of=cine)


def test_pixel_sizes_of_other_tasks_are_found_too(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    big = np.kron(disc(14), np.ones((4, 4), np.uint8)) * np.uint8(255)
    Image.fromarray(big).save(tmp_path / "in" / "1.png")
    pages = [Image.fromarray(big)] * 2
    pages[0].save(tmp_path / "in" / "cine.tif", save_all=True, append_images=pages[1:])
    run_batch("fetal_head", [tmp_path / "in"], tmp_path / "out", Options(save=("mask",), spacing_mm=(0.9, 0.9)), given_masks=True)
    origins = read_origins(tmp_path / "out")
    assert sorted(origins) == ["1", "cine_frame000", "cine_frame001"]
    assert set(origins.values()) == {((0.9, 0.9), None, None)}
    run_batch("fetal_head", [tmp_path / "out" / "masks"], tmp_path / "again", Options(save=()), given_masks=True)
    rows = [list(csv.DictReader((tmp_path / name / "results.csv").open(newline="", encoding="utf-8"))) for name in ("out", "again")]
    assert [row["head_circumference_mm"] for row in rows[0]] == [row["head_circumference_mm"] for row in rows[1]]


def test_origins_of_a_cine(run: tuple[Path, list[Any]]) -> None:
    origins = read_origins(run[0])
    assert len(origins) == 8
    spacing, place, shape = origins["heart/5"]
    assert spacing == (1.25, 1.25) and shape == (64, 64)
    assert place is not None and place.position_mm is not None
    assert place == Place(study="heart", series="heart", position_mm=(0, 0, place.position_mm[2]), normal=(0, 0, 1), time_ms=0, number=0)


def test_a_table_that_was_edited_changes_no_origin(run: tuple[Path, list[Any]]) -> None:
    origins = read_origins(run[0])
    table = run[0] / "results.csv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join([lines[0], *lines[2:]]).replace(".dcm,0,", ".dcm,1,"))
    assert read_origins(run[0]) == origins


def test_damaged_accounts_are_refused(run: tuple[Path, list[Any]]) -> None:
    file = run[0] / "accounts.jsonl"
    text = file.read_text()
    file.write_text(text.replace('"frames": 1', '"frames": [', 1))
    with pytest.raises(OutputError, match=r"accounts\.jsonl: line \d+ is damaged") as caught:
        read_origins(run[0])
    assert "\n" not in str(caught.value)
    file.write_text(text.partition("\n")[2])
    with pytest.raises(OutputError, match=r"accounts\.jsonl, which lists the inputs of a run, is missing, damaged or of another version"):
        read_origins(run[0])
