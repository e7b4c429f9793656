"""Annotated clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.imaging.samples import video_bytes
from tests.runs.test_clips import masks, measure, write_dicom
from tests.tiny import ellipse
from usseg_monai.geometry.runs import find_runs
from usseg_monai.imaging import GreyImage, Limits, Place, read_frames
from usseg_monai.imaging.drawing.colors import FOUND, MEASURED
from usseg_monai.runs import clip_video as module
from usseg_monai.runs import clips
from usseg_monai.runs.clip_video import draw_frame
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import run_batch
from usseg_monai.runs.shards import Shard
from usseg_monai.runs.table import FrameRows, result_row
from usseg_monai.tasks import get_task

pytest.importorskip("av")

SAVE: dict[str, Any] = {"save": ("mask", "clip")}


def pixels_of(picture: npt.NDArray[np.uint8], color: tuple[int, int, int]) -> int:
    return int((np.abs(picture.astype(int) - color).max(axis=2) < 3).sum())


def frame_of(mask: npt.NDArray[np.uint8]) -> FrameRows:
    task = get_task("nerve")
    return FrameRows(result_row(task, "a.mp4", 0, (0.5, 0.5), task.measure(mask, 0.5)), mask=find_runs(mask))


def test_a_frame_shows_picture_outline_and_numbers() -> None:
    mask = ellipse(240, 401, (28, 40))
    image = GreyImage(np.full((240, 401), 90, np.float32))
    drawn = draw_frame(get_task("nerve"), frame_of(mask), image, 1230.0)
    assert drawn.shape[0] % 2 == 0 and drawn.shape[1] == 402
    assert pixels_of(drawn[:240, :401], FOUND) > 50
    assert (drawn[241:] != drawn[241, 0]).any()
    assert (drawn[:240, :401][mask == 0] == 90).all(axis=1).mean() > 0.9
    assert not np.array_equal(drawn, draw_frame(get_task("nerve"), frame_of(mask), image, 1230.0, best=True))


def test_a_bridged_mask_is_told_from_one_that_was_seen() -> None:
    mask, nothing = ellipse(240, 400, (28, 40)), np.zeros((240, 400), np.uint8)
    image = GreyImage(np.full((240, 400), 90, np.float32))
    drawn = draw_frame(get_task("nerve"), frame_of(nothing), image, 0.0, mask)
    assert pixels_of(drawn[:240], FOUND) == 0 and pixels_of(drawn[:240], MEASURED) > 20
    empty = draw_frame(get_task("nerve"), frame_of(nothing), image, 0.0)
    assert pixels_of(empty[:240], MEASURED) == 0 and not np.array_equal(empty[240:], drawn[240:])


def test_a_cine_becomes_an_annotated_clip(tmp_path: Path) -> None:
    write_dicom(tmp_path / "in" / "sweep.dcm", masks(), FrameTime=50.0)
    out = tmp_path / "out"
    measure(tmp_path / "in", out, **SAVE)
    found = list(read_frames(out / "clips" / "sweep.mp4"))
    assert [image.place and image.place.time_ms for image in found] == pytest.approx([50 * number for number in range(8)], abs=1)
    assert found[0].pixels.shape[0] > 60 and found[0].pixels.shape[1] == 90


def test_a_video_becomes_one_for_every_task_and_without_times(tmp_path: Path, tiny_model: Path) -> None:
    shades = [np.roll(ellipse(60, 90, (18, 26)), number, axis=1) * np.uint8(180) + np.uint8(20) for number in range(4)]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "sweep.avi").write_bytes(video_bytes(shades, "avi", "mjpeg", "yuvj420p"))
    run_batch("fetal_head", [tmp_path / "in"], tmp_path / "out", Options(weights=tiny_model, threads=2, **SAVE))
    assert len(list(read_frames(tmp_path / "out" / "clips" / "sweep.mp4"))) == 4
    write_dicom(tmp_path / "cine" / "sweep.dcm", masks())
    measure(tmp_path / "cine", tmp_path / "lesions", "breast", **SAVE)
    assert len(list(read_frames(tmp_path / "lesions" / "clips" / "sweep.mp4"))) == 8
    assert not (tmp_path / "lesions" / "clips.csv").exists()


def test_resuming_keeps_a_clip_and_makes_a_lost_one_again(tmp_path: Path) -> None:
    write_dicom(tmp_path / "in" / "sweep.dcm", masks())
    out = tmp_path / "out"
    measure(tmp_path / "in", out, resume=True, **SAVE)
    clip = out / "clips" / "sweep.mp4"
    stamp = clip.stat().st_mtime_ns
    assert measure(tmp_path / "in", out, resume=True, **SAVE).skipped == 1 and clip.stat().st_mtime_ns == stamp
    clip.unlink()
    assert measure(tmp_path / "in", out, resume=True, **SAVE).done == 1 and clip.exists()
    measure(tmp_path / "in", out)
    assert not clip.exists()


def test_shards_keep_their_clips(tmp_path: Path) -> None:
    for number in range(3):
        write_dicom(tmp_path / "in" / f"{number}.dcm", masks(3 + number))
    shards = [tmp_path / f"shard{index}" for index in (1, 2)]
    for index, folder in enumerate(shards, 1):
        measure(tmp_path / "in", folder, shard=Shard(index, 2), **SAVE)
    merge_shards(shards, tmp_path / "merged")
    assert sorted(path.name for path in (tmp_path / "merged" / "clips").glob("*.mp4")) == ["0.mp4", "1.mp4", "2.mp4"]


def test_larger_frames_have_no_clip_and_a_remark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_dicom(tmp_path / "in" / "sweep.dcm", masks())
    for most, there in ((60 * 90, True), (60 * 90 - 1, False)):
        for where in (module, clips):
            monkeypatch.setattr(where, "LARGEST", most)
        out = tmp_path / f"out{most}"
        summary = measure(tmp_path / "in", out, resume=True, **SAVE)
        assert (out / "clips" / "sweep.mp4").exists() is there
        assert any("no annotated clip of sweep: frames of 60 x 90 pixels" in remark for remark in summary.remarks) is not there
        assert measure(tmp_path / "in", out, resume=True, **SAVE).skipped == 1


def test_a_file_that_is_gone_meanwhile_costs_the_clip_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_dicom(tmp_path / "in" / "sweep.dcm", masks())
    row = clips.clip_row

    def remove(*words: Any) -> Any:
        source.unlink()
        return row(*words)

    monkeypatch.setattr("usseg_monai.runs.work.clip_row", remove)
    summary = measure(tmp_path / "in", tmp_path / "out", **SAVE)
    assert summary.done == 1 and any("no annotated clip of sweep: " in remark for remark in summary.remarks)
    assert [path.name for path in (tmp_path / "out" / "clips").iterdir()] == ["sweep_frames.csv"]


def test_a_failed_clip_has_no_video(tmp_path: Path) -> None:
    write_dicom(tmp_path / "in" / "sweep.dcm", masks())
    summary = measure(tmp_path / "in", tmp_path / "out", limits=Limits(max_frames=3), **SAVE)
    assert summary.failed == 1 and not (tmp_path / "out" / "clips").exists()


def test_frames_without_times_follow_at_25_a_second() -> None:
    task, mask = get_task("nerve"), ellipse(60, 90, (7, 10))
    frames = [frame_of(mask)._replace(located=(Place(time_ms=time), (60, 90))) for time in (None, 3.0)]
    written: list[float] = []
    image = GreyImage(np.full((60, 90), 90, np.float32))

    def write(path: Path, drawn: Any) -> None:
        written.extend(time for time, _ in drawn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "write_video", write)
        module.write_clip(Path("x.mp4"), task, frames, iter([image, image]), None, 1)
        frames[0] = frames[0]._replace(located=(Place(time_ms=1.0), (60, 90)))
        module.write_clip(Path("x.mp4"), task, frames, iter([image, image]), None, 1)
    assert written == [0.0, module.ASSUMED_MS, 0.0, 2.0]
