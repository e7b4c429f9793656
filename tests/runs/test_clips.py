"""Clips in a run: their table, what resuming, merging and new runs make of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.imaging.samples import dicom_bytes, video_bytes
from tests.tiny import ellipse
from usseg_monai.errors import OutputError
from usseg_monai.runs.clips import clip_columns, track_columns
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.runs.shards import Shard
from usseg_monai.tasks import get_task

pytest.importorskip("av")

Mask = npt.NDArray[np.uint8]


def nerve(number: int) -> Mask:
    return np.roll(ellipse(60, 90, (7, 10)), 2 * number - 8, axis=1)


def masks(count: int = 8, lost: tuple[int, ...] = (3, 4)) -> list[Mask]:
    return [np.zeros((60, 90), np.uint8) if number in lost else nerve(number) for number in range(count)]


def write_dicom(path: Path, frames: list[Mask], **elements: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(dicom_bytes(np.stack(frames) * np.uint8(255), **elements))
    return path


def measure(source: Path, out: Path, task: str = "nerve", **options: Any) -> Summary:
    return run_batch(task, [source], out, Options(threads=2, **{"save": ("mask",), "spacing_mm": 0.5, **options}), given_masks=True)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    write_dicom(tmp_path / "in" / "sweep.dcm", masks(), FrameTime=50.0)
    return tmp_path / "in"


def test_a_cine_gives_a_row_and_a_table_of_frames(images: Path, tmp_path: Path) -> None:
    measure(images, tmp_path / "out")
    (row,) = table(tmp_path / "out" / "clips.csv")
    assert tuple(row) == clip_columns(get_task("nerve"))
    assert (row["file"], row["frames"], row["duration_ms"], row["found"], row["bridged"], row["missing"]) == (
        "sweep.dcm",
        "8",
        "350",
        "6",
        "2",
        "0",
    )
    frames = table(tmp_path / "out" / "clips" / "sweep_frames.csv")
    assert tuple(frames[0]) == track_columns(get_task("nerve"))
    assert [frame["bridged"] for frame in frames] == ["0", "0", "0", "1", "1", "0", "0", "0"]
    assert [float(frame["time_ms"]) for frame in frames] == [50.0 * number for number in range(8)]
    assert [frame["status"] for frame in frames][3:5] == ["empty", "empty"]
    steps = np.diff([float(frame["center_col_px"]) for frame in frames])
    assert np.abs(steps - 2).max() <= 0.6
    assert [row["area_px"] == "" for row in table(tmp_path / "out" / "results.csv")][3:5] == [True, True]  # as the network, or you, say


def test_a_video_is_a_clip(tmp_path: Path, tiny_model: Path) -> None:
    shades = [ellipse(60, 90, (20 - abs(number - 2), 28)) * np.uint8(180) + np.uint8(20) for number in range(5)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sweep.mp4").write_bytes(video_bytes(shades, times=[0, 40, 100, 120, 200]))
    out = tmp_path / "out"
    summary = run_batch("fetal_head", [tmp_path / "in"], out, Options(weights=tiny_model, threads=2, spacing_mm=1.0, save=("mask",)))
    assert (summary.done, summary.frames) == (1, 5)
    (row,) = table(out / "clips.csv")
    assert (row["file"], row["frames"], row["duration_ms"], row["best_frame"]) == ("sweep.mp4", "5", "200", "2")
    results = table(out / "results.csv")
    assert [result["frame"] for result in results] == list("01234")
    assert row["head_circumference_mm"] == results[2]["head_circumference_mm"]
    assert sorted(path.name for path in (out / "masks").iterdir()) == [f"sweep_frame00{number}.png" for number in range(5)]


def test_a_single_frame_and_pages_are_no_clips(tmp_path: Path) -> None:
    write_dicom(tmp_path / "in" / "one.dcm", masks(1))
    pages = [Image.fromarray(mask * np.uint8(255)) for mask in masks(3)]
    pages[0].save(tmp_path / "in" / "pages.tif", save_all=True, append_images=pages[1:])
    measure(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out" / "clips.csv").exists() and not (tmp_path / "out" / "clips").exists()
    assert len(table(tmp_path / "out" / "results.csv")) == 4


def test_a_task_without_clips_writes_none(images: Path, tmp_path: Path) -> None:
    measure(images, tmp_path / "out", "breast")
    assert not (tmp_path / "out" / "clips.csv").exists()


def test_a_resumed_run_writes_the_same_table(images: Path, tmp_path: Path) -> None:
    write_dicom(images / "other.dcm", masks(5, (1,)))
    out = tmp_path / "out"
    measure(images, out, resume=True)
    before, track = (out / "clips.csv").read_bytes(), out / "clips" / "sweep_frames.csv"
    written, stamp = track.read_bytes(), track.stat().st_mtime_ns
    assert measure(images, out, resume=True).skipped == 2
    assert (out / "clips.csv").read_bytes() == before and track.stat().st_mtime_ns == stamp
    track.unlink()
    assert measure(images, out, resume=True).done == 1
    assert track.read_bytes() == written and (out / "clips.csv").read_bytes() == before


def test_a_new_run_leaves_nothing_of_an_earlier_one(images: Path, tmp_path: Path) -> None:
    measure(images, tmp_path / "out")
    (images / "sweep.dcm").unlink()
    write_dicom(images / "one.dcm", masks(1))
    measure(images, tmp_path / "out")
    assert not (tmp_path / "out" / "clips.csv").exists() and not (tmp_path / "out" / "clips").exists()


def test_files_of_another_origin_are_not_overwritten(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "clips.csv").write_text("mine")
    with pytest.raises(OutputError, match=r"clips\.csv was written by no run"):
        measure(images, out)
    (out / "clips.csv").unlink()
    (out / "clips").mkdir()
    (out / "clips" / "mine.mp4").touch()
    with pytest.raises(OutputError, match="clips holds files of another origin"):
        measure(images, out)


def test_a_cine_of_a_task_with_clips_still_becomes_a_nifti_file(images: Path, tmp_path: Path) -> None:
    measure(images, tmp_path / "out", save=("nifti",), resume=True)
    assert (tmp_path / "out" / "nifti" / "sweep.nii.gz").exists()
    assert measure(images, tmp_path / "out", save=("nifti",), resume=True).skipped == 1


def test_shards_join_to_the_tables_of_one_run(images: Path, tmp_path: Path) -> None:
    for number in range(4):
        write_dicom(images / f"{number}.dcm", masks(3 + number))
    measure(images, tmp_path / "whole")
    shards = [tmp_path / f"shard{index}" for index in (1, 2)]
    for index, folder in enumerate(shards, 1):
        measure(images, folder, shard=Shard(index, 2))
    merge_shards(shards, tmp_path / "merged")
    for name in ("clips.csv", "clips/sweep_frames.csv", "clips/0_frames.csv"):
        assert (tmp_path / "merged" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    track = next(path for path in (shards[0] / "clips").iterdir())
    content = track.read_bytes()
    track.unlink()
    with pytest.raises(OutputError, match=rf"{track.name}: a result of the shard is missing"):
        merge_shards(shards, tmp_path / "again")
    track.write_bytes(content)
    lines = (shards[0] / "clips.csv").read_text().splitlines(keepends=True)
    (shards[0] / "clips.csv").write_text("".join(lines[:-1]))
    with pytest.raises(OutputError, match=r"clips\.csv: \d of \d clips are listed"):
        merge_shards(shards, tmp_path / "again")


def test_a_clip_that_ends_in_damage_says_so(tmp_path: Path) -> None:
    pictures = [mask * np.uint8(255) for mask in masks(6, ())]
    data = bytearray(video_bytes(pictures, "mov", "png", "gray"))
    starts = [at for at in range(len(data)) if data[at : at + 4] == b"IDAT"]
    data[starts[4] + 8 : starts[4] + 30] = bytes(22)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sweep.mov").write_bytes(data)
    summary = measure(tmp_path / "in", tmp_path / "out")
    assert summary.failed == 1
    (row,) = table(tmp_path / "out" / "clips.csv")
    assert row["frames"] == "5" and row["message"] == "1 frame was not read"
    assert "the 1 frames after it were not read" in table(tmp_path / "out" / "results.csv")[4]["message"]
