"""Stacks of slices to volumes: two real patients by their manual contours, stacks of exactly known volume, and incomplete ones."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.imaging.drawing.test_curve import level_rows, near, span
from tests.imaging.samples import dicom_bytes
from tests.tasks.left_ventricle.slices import cine as cine_of_places
from tests.tiny import read_png
from usseg_monai.errors import UsageError
from usseg_monai.imaging import GreyImage, Limits, read_frames
from usseg_monai.imaging.contour import read_contour_mask
from usseg_monai.imaging.drawing.chart import BLUE, INK
from usseg_monai.inputs.naming import Input
from usseg_monai.predict.predictor import Prediction
from usseg_monai.runs import run as batch
from usseg_monai.runs.given_masks import GivenMasks
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.runs.shards import Shard
from usseg_monai.tasks.left_ventricle import study as left_ventricle_study
from usseg_monai.tasks.left_ventricle.record import LEFT_VENTRICLE
from usseg_monai.tasks.left_ventricle.stacks import find_stacks
from usseg_monai.tasks.record import SLICE_COLUMNS

SIDE, SPACING_MM, DISTANCE_MM = 64, 1.5, 8.0
PHASES_MS = (0.0, 100.0, 200.0, 300.0)
RADII = np.array([[0, 0, 0, 0], [10, 8, 6, 8], [14, 11, 9, 12], [12, 9, 7, 10], [6, 4, 3, 5], [0, 0, 0, 0]])
"""Of the cavity in pixels, by slice and phase."""

Elements = dict[str, Any]


def disc(radius: float) -> np.ndarray:
    row, col = np.indices((SIDE, SIDE))
    return (np.hypot(row - 30, col - 33) < radius).astype(np.uint8)


def areas_mm2() -> np.ndarray:
    return np.array([[disc(radius).sum() * SPACING_MM**2 for radius in phases] for phases in RADII])


def volumes_ml() -> np.ndarray:
    result: np.ndarray = areas_mm2().sum(axis=0) * DISTANCE_MM / 1000
    return result


def cine() -> Iterator[tuple[int, int, int, Elements]]:
    """Number, slice, phase and DICOM elements of each picture of a cine, oblique in the patient."""
    across = np.array([1.0, 2.0, 2.0]) / 3
    along, down = np.array([2.0, -2.0, 1.0]) / 3, np.array([2.0, 1.0, -2.0]) / 3
    for slice_, phases in enumerate(RADII):
        for phase in range(len(phases)):
            yield (
                slice_ * len(phases) + phase + 1,
                slice_,
                phase,
                {
                    "Modality": "MR",
                    "StudyInstanceUID": "1.2.3",
                    "SeriesInstanceUID": "1.2.3.4",
                    "ImagePositionPatient": [float(f"{value:.4f}") for value in 20 + slice_ * DISTANCE_MM * across],
                    "ImageOrientationPatient": [float(f"{value:.6f}") for value in (*along, *down)],
                    "PixelSpacing": [SPACING_MM, SPACING_MM],
                    "TriggerTime": PHASES_MS[phase] + slice_,  # heart beats are not all as long
                    "InstanceNumber": slice_ * len(phases) + phase + 1,
                    "CardiacNumberOfImages": len(phases),
                },
            )


def write_cine(folder: Path, change: Callable[[int, int, Elements], Elements | None] = lambda slice_, phase, elements: elements) -> Path:
    """Write the cine under names that say nothing of its order; `change` may alter or drop a picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, slice_, phase, elements in cine():
        changed = change(slice_, phase, elements)
        if changed is not None:
            pixels = disc(RADII[slice_, phase]) * 200
            (folder / f"{(number * 7) % 97:03d}-{number}.dcm").write_bytes(dicom_bytes(pixels, **changed))
    return folder


def without(*names: str) -> Callable[[int, int, Elements], Elements]:
    return lambda slice_, phase, elements: {name: value for name, value in elements.items() if name not in names}


def run(folder: Path, out: Path, **options: Any) -> Summary:
    """Measure bright discs as if a network had found them."""
    return run_batch("left_ventricle", [folder], out, Options(save=(), threads=2, **options), given_masks=True)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def only_study(out: Path) -> dict[str, str]:
    (row,) = table(out / "studies.csv")
    return row


# Whole stacks


@pytest.mark.parametrize(
    ("status", "area_px", "area_mm2", "area"),
    [
        ("ok", 70, 35.0, 35.0),
        ("low_confidence", 70, 35.0, 35.0),
        ("ok", 70, None, None),  # without a pixel size
        ("empty", None, None, 0.0),
        ("unlike_training_data", None, None, 0.0),  # nothing was found, and there is more to say
    ],
)
def test_an_empty_slice_has_an_area_of_0_whatever_its_status(
    status: str, area_px: int | None, area_mm2: float | None, area: float | None
) -> None:
    row = {"status": status, "area_px": area_px, "area_mm2": area_mm2}
    frame: Any = SimpleNamespace(row=row)
    assert left_ventricle_study._area(frame) == area


def test_a_cine_of_known_volumes(tmp_path: Path) -> None:
    summary = run(write_cine(tmp_path / "in" / "heart"), tmp_path / "out")
    row = only_study(tmp_path / "out")
    volumes = volumes_ml()
    assert row["study"] == "heart" and row["message"] == ""
    assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volumes[0], rel=1e-4)
    assert float(row["end_systolic_volume_ml"]) == pytest.approx(volumes[2], rel=1e-4)
    assert float(row["stroke_volume_ml"]) == pytest.approx(volumes[0] - volumes[2], rel=1e-4)
    assert float(row["ejection_fraction_percent"]) == pytest.approx(100 * (1 - volumes[2] / volumes[0]), rel=1e-4)
    assert (row["end_diastole_phase"], row["end_systole_phase"], row["slices"], row["phases"]) == ("0", "2", "6", "4")
    assert float(row["slice_distance_mm"]) == pytest.approx(DISTANCE_MM, abs=1e-3)
    assert row["mass_g"] == ""
    assert list(summary.studies[0]) == ["study", *(column.name for column in LEFT_VENTRICLE.study_columns), "message"]

    assert {file.name for file in (tmp_path / "out/studies").iterdir()} == {f"heart{ending}" for ending in LEFT_VENTRICLE.study_files}
    areas = table(tmp_path / "out/studies/heart_areas.csv")
    assert tuple(areas[0])[:4] == SLICE_COLUMNS and {"file", "frame", "rows", "cols"} <= set(areas[0])
    assert [(int(line["slice"]), int(line["phase"])) for line in areas] == [(s, p) for s in range(6) for p in range(4)]
    assert np.array([float(line["area_mm2"]) for line in areas]) == pytest.approx(areas_mm2().ravel())
    assert [float(line["position_mm"]) for line in areas[::4]] == pytest.approx(
        float(areas[0]["position_mm"]) + DISTANCE_MM * np.arange(6), abs=1e-3
    )
    assert areas[5]["file"].endswith("-6.dcm") and float(areas[5]["time_ms"]) == 101
    curve = table(tmp_path / "out/studies/heart_volumes.csv")
    assert [float(line["volume_ml"]) for line in curve] == pytest.approx(volumes, rel=1e-4)
    assert [float(line["time_ms"]) for line in curve] == pytest.approx([2.5, 102.5, 202.5, 302.5])
    drawn = read_png(tmp_path / "out/studies/heart_volume.png")
    assert drawn.shape == (480, 840, 3)
    assert drawn_volumes(drawn, [2.5, 102.5, 202.5, 302.5], top=35.0) == pytest.approx(volumes, abs=0.2)


def drawn_volumes(drawn: np.ndarray, times_ms: Sequence[float], top: float) -> list[float]:
    """What the picture shows at some times, in ml, `top` at its highest line; the points at the extremes are covered by their marks."""
    (highest, *_, zero), (left, right) = level_rows(drawn), span(drawn)
    lines = near(drawn, BLUE) | near(drawn, INK, 50)
    found = []
    for time in times_ms:
        col = round(left + time / times_ms[-1] * (right - left))
        rows = np.flatnonzero(lines[:, col - 1 : col + 2].mean(axis=1) > 0.5)
        groups = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
        row = max(groups, key=len).mean()  # the point, and not letters beside it
        found.append(float(top * (zero - row) / (zero - highest)))
    return found


@pytest.mark.parametrize(
    "change",
    [
        without("TriggerTime"),
        without("TriggerTime", "InstanceNumber"),
        lambda s, p, e: e | {"TriggerTime": 0.0},
        without("CardiacNumberOfImages"),
        lambda s, p, e: e | {"SeriesInstanceUID": f"1.2.3.{s}", "InstanceNumber": p + 1},  # a series of each position
        lambda s, p, e: (
            e | {"ImageOrientationPatient": [-float(v) for v in e["ImageOrientationPatient"][:3]] + e["ImageOrientationPatient"][3:]}
        ),
    ],
    ids=["no trigger time", "acquisition time", "trigger times alike", "no count", "a series a position", "turned normal"],
)
def test_the_order_has_several_sources(change: Callable[..., Elements], tmp_path: Path) -> None:
    def changed(slice_: int, phase: int, elements: Elements) -> Elements:
        return change(slice_, phase, elements) | {"AcquisitionTime": f"1015{10 + phase}.5"}

    run(write_cine(tmp_path / "in", changed), tmp_path / "out")
    row = only_study(tmp_path / "out")
    assert row["message"] == "" and row["slices"] == "6"
    assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volumes_ml()[0], rel=1e-4)
    assert float(row["end_systolic_volume_ml"]) == pytest.approx(volumes_ml()[2], rel=1e-4)
    assert (row["end_diastole_phase"], row["end_systole_phase"]) == ("0", "2")


def test_what_was_decided_stands_in_the_message_and_in_the_table_of_areas(tmp_path: Path) -> None:
    """A slice that was taken again, and a copy of a file."""
    folder = write_cine(tmp_path / "in", lambda s, p, e: e | {"AcquisitionTime": f"10{s:02d}00", "SeriesInstanceUID": f"1.2.3.{s}"})
    for _, slice_, phase, elements in cine():
        if slice_ == 2:
            later = elements | {"AcquisitionTime": "113000", "SeriesInstanceUID": "1.2.3.9"}
            (folder / f"again{phase}.dcm").write_bytes(dicom_bytes(disc(RADII[slice_, phase] - 1) * 200, **later))
    first = min(folder.iterdir())
    (folder / "copy.dcm").write_bytes(first.read_bytes())
    run(folder, tmp_path / "out")
    row = only_study(tmp_path / "out")
    copy, take = row["message"].split("; ")
    assert copy == "1 of 29 frames is a copy of others and counted once"
    assert take.startswith("the slice at ") and take.endswith(" mm was taken twice: the later take is used")
    pixels = np.array([[disc(radius - (slice_ == 2)).sum() for radius in phases] for slice_, phases in enumerate(RADII)]).sum(axis=0)
    volumes = pixels * SPACING_MM**2 * DISTANCE_MM / 1000
    assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volumes.max(), rel=1e-4)
    assert float(row["end_systolic_volume_ml"]) == pytest.approx(volumes.min(), rel=1e-4)
    unused = [line for line in table(tmp_path / "out/studies/in_areas.csv") if not line["phase"]]
    assert len(table(tmp_path / "out/studies/in_areas.csv")) == 29 and len(unused) == 5
    assert {line["counted"] for line in unused} == {"0"} and [line["slice"] for line in unused].count("2") >= 4


def test_series_of_one_folder_are_rows_of_their_own(tmp_path: Path) -> None:
    write_cine(tmp_path / "in")
    for file in list((tmp_path / "in").iterdir()):
        file.rename(file.with_stem(f"a{file.stem}"))
    write_cine(tmp_path / "in", lambda s, p, e: e | {"SeriesInstanceUID": "1.2.3.5"})
    run(tmp_path / "in", tmp_path / "out")
    rows = table(tmp_path / "out/studies.csv")
    assert [row["study"] for row in rows] == ["in_series1", "in_series2"]
    assert len({row["ejection_fraction_percent"] for row in rows}) == 1 and rows[0]["ejection_fraction_percent"]
    assert len(list((tmp_path / "out/studies").iterdir())) == 6


def test_an_interrupted_run_sums_up_all_of_it(tmp_path: Path) -> None:
    write_cine(tmp_path / "in")
    run(tmp_path / "in", tmp_path / "out")
    first = only_study(tmp_path / "out")
    moved = next(iter(sorted((tmp_path / "in").iterdir())))
    moved.touch()
    assert run(tmp_path / "in", tmp_path / "out", resume=True).skipped == 23
    assert only_study(tmp_path / "out") == first


# NIfTI


def timed(slice_: int, phase: int, elements: Elements) -> Elements:
    """Phases that only times of the day tell apart."""
    rest = {name: value for name, value in elements.items() if name not in ("TriggerTime", "InstanceNumber")}
    return rest | {"AcquisitionTime": f"0839{20 + slice_}.{100 * phase + slice_:03d}"}


def test_phases_by_times_of_the_day_of_several_runs(tmp_path: Path) -> None:
    """What was resumed knows the order that one run knows, though no time of the day was stored; also in the folder of merged shards."""
    write_cine(tmp_path / "in/heart", timed)
    run(tmp_path / "in", tmp_path / "whole")
    expected = (tmp_path / "whole/studies.csv").read_text()
    assert only_study(tmp_path / "whole")["end_systole_phase"] == "2"
    part = sorted((tmp_path / "in/heart").iterdir())[::2]
    for file in part:
        file.rename(tmp_path / file.name)
    run(tmp_path / "in", tmp_path / "out")
    for file in part:
        (tmp_path / file.name).rename(file)
    assert run(tmp_path / "in", tmp_path / "out", resume=True).skipped == 24 - len(part)
    assert run(tmp_path / "in", tmp_path / "out", resume=True).skipped == 24
    assert (tmp_path / "out/studies.csv").read_text() == expected
    accounts = (tmp_path / "out/accounts.jsonl").read_text()
    assert '"acquired_s": 0.0' in accounts and "3116" not in accounts  # 8:39:20 is second 31160
    shards = [tmp_path / f"shard.{index}" for index in (1, 2)]
    for index, shard in enumerate(shards, 1):
        run(tmp_path / "in", shard, shard=Shard(index, 2))
    merge_shards(shards, tmp_path / "merged")
    changed = part[0].read_bytes()
    part[0].write_bytes(changed + b"")
    assert run(tmp_path / "in", tmp_path / "merged", resume=True).skipped == 23
    assert (tmp_path / "merged/studies.csv").read_text() == expected


def write_nifti(path: Path, voxels: np.ndarray, zooms: tuple[float, ...]) -> None:
    import nibabel

    image = nibabel.Nifti1Image(np.swapaxes(voxels, 0, 1), np.diag([*zooms[:3], 1.0]))
    image.header.set_zooms(zooms[: voxels.ndim])
    image.header.set_xyzt_units("mm", "sec")
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(image, path)


def voxels() -> np.ndarray:
    """``(rows, cols, slices, phases)``."""
    return np.stack([np.stack([disc(radius) * 200 for radius in phases], axis=-1) for phases in RADII], axis=2)


ZOOMS = (SPACING_MM, SPACING_MM, DISTANCE_MM, 0.1)


def test_a_nifti_file_of_slices_and_phases(tmp_path: Path) -> None:
    write_nifti(tmp_path / "in/patient001_4d.nii.gz", voxels(), ZOOMS)
    run(tmp_path / "in", tmp_path / "out")
    row = only_study(tmp_path / "out")
    assert row["study"] == "patient001_4d" and row["message"] == ""
    assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volumes_ml()[0], rel=1e-4)
    assert (row["end_diastole_phase"], row["end_systole_phase"], row["slices"], row["phases"]) == ("0", "2", "6", "4")
    curve = table(tmp_path / "out/studies/patient001_4d_volumes.csv")
    assert [float(line["time_ms"]) for line in curve] == pytest.approx([0, 100, 200, 300])


@pytest.mark.parametrize("names", [("patient001_frame01", "patient001_frame12"), ("patient001_ED", "patient001_ES")])
def test_end_diastole_and_end_systole_in_files_of_their_own(names: tuple[str, str], tmp_path: Path) -> None:
    for name, phase in zip(names, (0, 2), strict=True):
        write_nifti(tmp_path / f"in/p/{name}.nii.gz", voxels()[..., phase], ZOOMS)
    write_nifti(tmp_path / "in/q/patient001_frame01.nii.gz", voxels()[..., 1], ZOOMS)  # another folder is another patient
    run(tmp_path / "in", tmp_path / "out")
    rows = {row["study"]: row for row in table(tmp_path / "out/studies.csv")}
    assert set(rows) == {"p/patient001", "q/patient001_frame01"}
    pair = rows["p/patient001"]
    assert float(pair["ejection_fraction_percent"]) == pytest.approx(100 * (1 - volumes_ml()[2] / volumes_ml()[0]), rel=1e-4)
    assert (pair["end_diastole_phase"], pair["end_systole_phase"]) == ("0", "1")
    alone = rows["q/patient001_frame01"]
    assert alone["message"] == f"one phase, {volumes_ml()[1]:.1f} ml: end diastole and end systole need more"
    assert alone["ejection_fraction_percent"] == "" and table(tmp_path / "out/studies/q/patient001_frame01_volumes.csv")


def test_volumes_of_several_patients_are_no_phases(tmp_path: Path) -> None:
    for number in (1, 2):
        write_nifti(tmp_path / f"in/patient_{number:03d}.nii.gz", voxels()[..., 0], ZOOMS)
    run(tmp_path / "in", tmp_path / "out")
    assert [row["study"] for row in table(tmp_path / "out/studies.csv")] == ["patient_001", "patient_002"]


# Incomplete ones: areas, and the reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s, p, e: None if s == 3 else e, "the slices lie 8.0 to 16.0 mm apart: some are missing"),
        (lambda s, p, e: None if (s, p) == (2, 1) else e, "the slices have 3 to 4 phases: some are missing"),
        (lambda s, p, e: None if p > 1 else e, "2 of 4 phases of the heart beat: some are missing"),
        (
            lambda s, p, e: None if p == 1 else {name: v for name, v in e.items() if name != "CardiacNumberOfImages"},
            "200 ms between two phases",
        ),
        (without("ImagePositionPatient"), "the position of 24 of 24 frames is not known (ImagePositionPatient, ImageOrientationPatient)"),
        (without("ImageOrientationPatient"), "the position of 24 of 24 frames is not known"),
        (
            lambda s, p, e: {n: v for n, v in e.items() if n != "ImagePositionPatient"} if (s, p) == (1, 1) else e,
            "the position of 1 of 24 frames is not known",
        ),
        (without("PixelSpacing"), "the pixel size is not known: give it to get volumes"),
        (lambda s, p, e: e if s == 2 else None, "one slice only"),
        (lambda s, p, e: e if s in (2, 3) else None, "both ends of the stack show more than 50 % of the largest area: slices are missing"),
        (lambda s, p, e: e | {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]} if s == 0 else e, "the slices have several orientations"),
        (
            lambda s, p, e: e | {"TriggerTime": 0.0, "InstanceNumber": 1, "AcquisitionTime": "101500"},
            "nothing tells the phases of a slice apart: TriggerTime, TemporalPositionIdentifier, ContentTime, AcquisitionTime, ",
        ),
        (lambda s, p, e: e | {"ImagePositionPatient": ["nan", 0, 0]}, "the position of 24 of 24 frames is not known"),
    ],
)
def test_of_an_incomplete_stack_there_are_areas(change: Callable[..., Elements | None], reason: str, tmp_path: Path) -> None:
    run(write_cine(tmp_path / "in" / "heart", change), tmp_path / "out")
    row = only_study(tmp_path / "out")
    assert row["message"].startswith("areas only: ") and reason in row["message"]
    assert row["ejection_fraction_percent"] == row["end_diastolic_volume_ml"] == ""
    written = len(list((tmp_path / "in/heart").iterdir()))
    areas = table(tmp_path / "out/studies/heart_areas.csv")
    assert len(areas) == written and any(line["area_px"] for line in areas)
    assert not (tmp_path / "out/studies/heart_volume.png").exists()


@pytest.mark.parametrize(("inside_ml", "outside_ml"), [(2.002, 1.998), (999.0, 1001.0)])
def test_volumes_that_no_ventricle_has_are_said(inside_ml: float, outside_ml: float, tmp_path: Path) -> None:
    def sized(volume_ml: float) -> Callable[[int, int, Elements], Elements]:
        """The cine with such a volume at end diastole, by the distance of its slices."""
        step = DISTANCE_MM * volume_ml / volumes_ml()[0]
        across = {"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
        return lambda s, p, e: e | across | {"ImagePositionPatient": [0, 0, round(s * step, 5)]}

    for volume, said in ((inside_ml, False), (outside_ml, True)):
        run(write_cine(tmp_path / f"in{said}", sized(volume)), tmp_path / f"out{said}")
        row = only_study(tmp_path / f"out{said}")
        assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volume, rel=2e-4)
        assert row["message"].startswith("implausible: end diastolic volume") == said
        assert ("ml is not in 2 to 1000 ml: check the pixel size and the slice distance" in row["message"]) == said


@pytest.mark.parametrize(("modality", "any_modality"), [("OT", False), ("SC", False), ("CT", True)])
def test_another_modality_that_is_done_is_said(modality: str, any_modality: bool, tmp_path: Path) -> None:
    folder = write_cine(tmp_path / "in", lambda s, p, e: e | {"Modality": modality})
    run(folder, tmp_path / "out", any_modality=any_modality)
    row = only_study(tmp_path / "out")
    assert row["message"] == f"the headers say {modality}, not MR"
    assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volumes_ml()[0], rel=1e-4)


def test_a_modality_that_contradicts_the_task_fails(tmp_path: Path) -> None:
    folder = write_cine(tmp_path / "in", lambda s, p, e: e | {"Modality": "CT"} if s == 2 else e)
    assert run(folder, tmp_path / "out").failed == 4
    failed = [row for row in table(tmp_path / "out/results.csv") if row["status"] == "failed"]
    assert {row["message"] for row in failed} == {
        "the header says CT, and left_ventricle is for MR: give --any-modality to use the picture anyway"
    }
    assert only_study(tmp_path / "out")["ejection_fraction_percent"] == ""


def test_a_cut_file_makes_a_stack_incomplete(tmp_path: Path) -> None:
    folder = write_cine(tmp_path / "in")
    file = sorted(folder.iterdir())[10]
    file.write_bytes(file.read_bytes()[:-900])
    assert run(folder, tmp_path / "out").failed == 1
    assert "the slices have 3 to 4 phases" in only_study(tmp_path / "out")["message"]


def test_a_nifti_file_without_spacing_has_areas_in_pixels(tmp_path: Path) -> None:
    write_nifti(tmp_path / "in/a.nii", voxels(), (1.0, 1.0, 1.0, 1.0))
    run(tmp_path / "in", tmp_path / "out")
    row = only_study(tmp_path / "out")
    assert "the position of 24 of 24 frames is not known (no spacing in the header)" in row["message"]


@pytest.mark.parametrize(("share", "whole"), [(0.49, True), (0.5, True), (0.51, False)])
@pytest.mark.parametrize("end", [0, 5])
def test_how_open_both_ends_of_a_stack_may_be(end: int, share: float, whole: bool) -> None:
    """The other end is wide open; what counts is end diastole."""
    sizes = {end: share, 5 - end: 0.9, 2: 1.0}
    frames = cine_of_places(lambda s, p: {"area_mm2": 1000.0 * sizes.get(s, 0.8) if p == 0 else 10.0})
    (stack,) = find_stacks(frames)
    areas, problems = left_ventricle_study._areas(stack)
    assert (areas is not None) == whole
    assert problems == ([] if whole else ["both ends of the stack show more than 50 % of the largest area: slices are missing"])


@pytest.mark.parametrize(("late_mm2", "told", "whole"), [(293.0, False, True), (301.0, False, False), (301.0, True, True)])
def test_an_order_of_phases_that_the_slices_contradict(late_mm2: float, told: bool, whole: bool) -> None:
    """Two slices contract in the second phase, one in the third: with 300 mm2 of 1700 in all 0.7 of the ranges are left."""

    def change(slice_: int, phase: int) -> dict[str, Any]:
        size, contracts = [(900.0, 400.0), (900.0, 300.0), (900.0, late_mm2), (100.0, 0.0)][slice_]
        return {
            "area_mm2": size - contracts * (phase == (2 if slice_ == 2 else 1)),
            "temporal_index": phase if told else None,
            "time_ms": None,
        }

    (stack,) = find_stacks(cine_of_places(change, slices=4, phases=3))
    areas, problems = left_ventricle_study._areas(stack)
    assert (areas is not None) == whole
    assert whole or problems[0].startswith("the slices do not contract together: InstanceNumber does not tell the order of the phases")


def test_random_instance_numbers_alone_give_no_volume(tmp_path: Path) -> None:
    numbers = (2, 0, 3, 1), (1, 3, 0, 2), (3, 2, 1, 0)

    def change(slice_: int, phase: int, elements: Elements) -> Elements:
        number = 4 * slice_ + numbers[slice_ % 3][phase] + 1
        return without("TriggerTime")(slice_, phase, elements) | {"InstanceNumber": number}

    run(write_cine(tmp_path / "in", change), tmp_path / "out")
    row = only_study(tmp_path / "out")
    assert row["ejection_fraction_percent"] == "" and row["message"].startswith("areas only: the slices do not contract together")
    assert "the order of the phases is from InstanceNumber alone" in row["message"]


def test_a_stack_without_a_cavity(tmp_path: Path) -> None:
    write_nifti(tmp_path / "in/a.nii", voxels() * 0, ZOOMS)
    run(tmp_path / "in", tmp_path / "out")
    assert only_study(tmp_path / "out")["message"] == "no cavity was found in any slice"


def test_a_cavity_that_reaches_the_end_of_the_stack(tmp_path: Path) -> None:
    run(write_cine(tmp_path / "in", lambda s, p, e: None if s == 5 else e), tmp_path / "out")
    row = only_study(tmp_path / "out")
    assert row["message"] == "the cavity reaches the last slice: what lies beyond is not counted" and row["ejection_fraction_percent"]


def test_slices_of_the_atrium_are_left_out(tmp_path: Path) -> None:
    widening = voxels()
    widening[:, :, 0] = 0
    widening[:, :, 5] = np.stack([disc(radius) * 200 for radius in (11, 13, 15, 14)], axis=-1)
    widening[:, :, 4] = widening[:, :, 3]
    write_nifti(tmp_path / "in/a.nii", widening, ZOOMS)
    run(tmp_path / "in", tmp_path / "out")
    row = only_study(tmp_path / "out")
    kept = [[disc(RADII[slice_, phase]).sum() for phase in range(4)] for slice_ in (1, 2, 3, 3)]
    volumes = np.sum(kept, axis=0) * SPACING_MM**2 * DISTANCE_MM / 1000
    assert float(row["end_diastolic_volume_ml"]) == pytest.approx(volumes[0], rel=1e-4)
    assert float(row["end_systolic_volume_ml"]) == pytest.approx(volumes[2], rel=1e-4)
    assert row["message"].startswith("1 slice at the base was left out: the area there does not fall")
    counted = {line["slice"] for line in table(tmp_path / "out/studies/a_areas.csv") if line["counted"] == "1"}
    assert counted == {"0", "1", "2", "3", "4"}


def test_pictures_without_a_place_make_no_study(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "in").mkdir()
    Image.fromarray(disc(9) * 200).save(tmp_path / "in/a.png")
    assert run(tmp_path / "in", tmp_path / "out").studies == []
    assert not (tmp_path / "out/studies.csv").exists()


# Mass


def write_epicardium(folder: Path, phase: int, slices: tuple[int, ...] = (1, 2, 3, 4), thickness: float = 6) -> Path:
    folder.mkdir()
    turn = np.linspace(0, 2 * math.pi, 100)
    for number, slice_, at, _ in cine():
        if at == phase and slice_ in slices:
            radius = RADII[slice_, 0] + thickness - 0.5  # half a pixel within: the pixels' edge is what counts
            points = (f"{33 + radius * math.cos(t):.3f} {30 + radius * math.sin(t):.3f}" for t in turn)
            (folder / f"IM-0001-{number:04d}-ocontour-manual.txt").write_text("\n".join(points))
    return folder


def test_mass_from_epicardial_contours(tmp_path: Path) -> None:
    epicardium = write_epicardium(tmp_path / "o-contours", 0)
    run(write_cine(tmp_path / "in"), tmp_path / "out", task_options={"epicardium": epicardium})
    row = only_study(tmp_path / "out")
    shell = sum(math.pi * ((radius + 6) ** 2 - radius**2) for radius in RADII[1:5, 0])
    assert float(row["mass_g"]) == pytest.approx(1.05 * shell * SPACING_MM**2 * DISTANCE_MM / 1000, rel=0.03)
    assert row["message"] == ""


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: write_epicardium(folder, 0, (1, 2, 3)), "1 slices with a cavity have no epicardial contour"),
        (lambda folder: write_epicardium(folder, 0, thickness=-2), "in 4 slices the cavity is larger than the epicardium"),
        (lambda folder: write_epicardium(folder, 0, ()), "none of the 0 epicardial contours"),
    ],
)
def test_doubts_about_the_mass(make: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    run(write_cine(tmp_path / "in"), tmp_path / "out", task_options={"epicardium": make(tmp_path / "o-contours")})
    assert words in only_study(tmp_path / "out")["message"]


def test_a_bad_contour_leaves_the_volumes(tmp_path: Path) -> None:
    epicardium = write_epicardium(tmp_path / "o-contours", 0)
    next(iter(epicardium.iterdir())).write_text("1 2\n3 4\n")
    run(write_cine(tmp_path / "in"), tmp_path / "out", task_options={"epicardium": epicardium})
    row = only_study(tmp_path / "out")
    assert "no mass: " in row["message"] and "2 different points" in row["message"]
    assert row["mass_g"] == "" and row["ejection_fraction_percent"]


def test_contours_are_those_of_one_stack(tmp_path: Path) -> None:
    write_cine(tmp_path / "in/a")
    write_cine(tmp_path / "in/b", lambda s, p, e: e | {"SeriesInstanceUID": "1.2.3.5"})
    run(tmp_path / "in", tmp_path / "out", task_options={"epicardium": write_epicardium(tmp_path / "o-contours", 0)})
    rows = table(tmp_path / "out/studies.csv")
    assert [row["study"] for row in rows] == ["a", "b"]
    assert all("no mass: --epicardium holds the contours of one stack, these are 2" in row["message"] for row in rows)


def test_epicardium_is_for_this_task_and_must_be_a_folder(tmp_path: Path) -> None:
    folder = write_cine(tmp_path / "in")
    with pytest.raises(UsageError, match="the option epicardium was given for fetal_head: it is one of left_ventricle; leave it out"):
        run_batch("fetal_head", [folder], tmp_path / "out", Options(task_options={"epicardium": tmp_path}), given_masks=True)
    with pytest.raises(UsageError, match="no such folder; --epicardium takes the folder with epicardial contours"):
        run(folder, tmp_path / "out", task_options={"epicardium": tmp_path / "none"})


# Real patients


class ManualContours(GivenMasks):
    """Finds what was drawn by hand. Two of the 20 phases were drawn: the others show the contours of the nearer one."""

    def __init__(self, contours: Path) -> None:
        super().__init__("left_ventricle")
        self.contours = {int(re.findall(r"\d+", file.name)[1]): file for file in contours.glob("*icontour*.txt")}
        self.drawn = sorted({(number - 1) % 20 for number in self.contours})

    def read(self, item: Input, limits: Limits) -> Iterator[GreyImage]:
        return read_frames(item.path, limits=limits)  # the pictures, which are no masks

    def predict(self, image: GreyImage, *, spacing_mm: Any = None) -> Prediction:
        slice_, phase = divmod(int(image.source.path.stem) - 1, 20)
        nearest = min(self.drawn, key=lambda drawn: min((phase - drawn) % 20, (drawn - phase) % 20))
        contour = self.contours.get(20 * slice_ + nearest + 1)
        mask = np.zeros(image.pixels.shape, np.uint8) if contour is None else read_contour_mask(contour, image.pixels.shape)
        return Prediction(image, mask, mask.astype(np.float32), self.task.measure(mask, image.spacing_mm), self.task)


@pytest.mark.parametrize(
    ("patient", "identifier", "fraction", "slices"), [("SC-HF-I-1", "SCD0000101", 0.25, 12), ("SC-HF-I-5", "SCD0000401", 0.32, 11)]
)
def test_real_patients_by_their_manual_contours(
    patient: str, identifier: str, fraction: float, slices: int, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contours = data_root / "sunnybrook" / "contours" / patient
    drawn = ManualContours(contours / "i-contours")
    assert len(drawn.drawn) == 2
    monkeypatch.setattr(batch, "_load", lambda *_: drawn)
    options = Options(save=(), threads=1, task_options={"epicardium": contours / "o-contours"})
    (row,) = run_batch("left_ventricle", [data_root / "sunnybrook" / "dicom" / identifier], tmp_path / "out", options).studies
    assert row["study"] == identifier and row["message"] == ""
    assert row["ejection_fraction_percent"] == pytest.approx(100 * fraction, abs=0.5)
    assert (row["slices"], row["phases"]) == (slices, 20)
    assert row["slice_distance_mm"] == pytest.approx({12: 10, 11: 8}[slices], abs=0.01)
    assert isinstance(row["mass_g"], float) and 100 < row["mass_g"] < 300
