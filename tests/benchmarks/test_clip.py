"""The clip, the table and the bar of the benchmark of clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import clip
from usseg_monai.imaging import read_frames

pytest.importorskip("av")

RUNS = {
    "seconds": 6.0,
    "frames_a_second": 50.0,
    "processor_seconds": 10.0,
    "frames_a_second_of_processor": 60.0,
    "megabytes": 180.0,
}
FIGURES = {
    "machine": {"cores": 2},
    "load": 0.3,
    "mask": RUNS,
    "mask,clip": RUNS | {"frames_a_second": 30.0},
    "stages": {"decode": 2.0, "network": 20.0},
}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for number in range(2):
        path = tmp_path / clip.IMAGES.replace("[0-9]*", f"{number}_1")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (60, 80), np.uint8)).save(path)
    return tmp_path


def test_the_clip_is_made_of_images_that_move(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(clip.make_clip(data, 3))
    frames = list(read_frames(file))
    assert len(frames) == 3 and frames[0].pixels.shape == (60, 80)
    assert np.abs(np.roll(frames[0].pixels, 2, axis=1) - frames[2].pixels).mean() < np.abs(frames[0].pixels - frames[2].pixels).mean()


def test_too_few_images_are_an_error(data: Path) -> None:
    with pytest.raises(SystemExit, match="holds 2 images"):
        clip.make_clip(data)


def test_the_bar() -> None:
    assert clip.missed_bars(FIGURES) == []
    slow = FIGURES | {"mask,clip": RUNS | {"frames_a_second": 24.9}}
    assert clip.missed_bars(slow) == ["mask,clip: 24.9 frames a second, at least 25 are wanted"]


def test_the_table_has_both_ways_to_save() -> None:
    assert "| frames a second, end to end | 50 | 30 |" in clip.markdown(FIGURES)
    assert "<!-- clip:begin -->" in clip.PAGE.read_text(encoding="utf-8")
