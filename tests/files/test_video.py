"""MP4 files are written whole or not at all."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from usseg_monai.errors import OutputError, UsageError
from usseg_monai.files import video as module
from usseg_monai.files.video import ENCODERS, check_encoder, write_video
from usseg_monai.imaging import read_frames

av = pytest.importorskip("av")

Frames = list[tuple[float, npt.NDArray[np.uint8]]]


def frames(times: list[float], shape: tuple[int, int] = (64, 80)) -> Frames:
    return [(time, np.full((*shape, 3), 40 + 20 * number % 200, np.uint8)) for number, time in enumerate(times)]


@pytest.mark.parametrize("encoder", list(ENCODERS))
def test_pictures_and_times_are_those_given(encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENCODERS", {encoder: ENCODERS[encoder]})
    times = [0.0, 40.0, 90.0, 300.0]
    write_video(tmp_path / "new" / "clip.mp4", frames(times))
    found = list(read_frames(tmp_path / "new" / "clip.mp4"))
    assert [image.place and image.place.time_ms for image in found] == pytest.approx(times, abs=0.5)
    assert [round(float(image.pixels.mean())) for image in found] == pytest.approx([40, 60, 80, 100], abs=2)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["clip.mp4"]


def test_times_that_stand_still_go_on(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", frames([0.0, 0.0, -5.0, 10.0]))
    assert [image.place and image.place.time_ms for image in read_frames(tmp_path / "clip.mp4")] == pytest.approx([0, 1, 2, 10], abs=0.5)


def test_nothing_is_left_of_a_clip_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
        yield from frames([0.0, 40.0])
        raise ValueError("ended")

    with pytest.raises(ValueError, match="ended"):
        write_video(tmp_path / "clip.mp4", failing())
    assert not list(tmp_path.iterdir())


def test_an_earlier_clip_is_replaced_at_the_end_only(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    target.write_text("earlier")

    def looking() -> Iterator[tuple[float, npt.NDArray[np.uint8]]]:
        for each in frames([0.0, 40.0]):
            assert target.read_text() == "earlier"
            yield each

    write_video(target, looking())
    assert len(list(read_frames(target))) == 2


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"clip\.mp4: cannot be written"):
        write_video(tmp_path / "file" / "clip.mp4", frames([0.0]))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = av.open
    monkeypatch.setattr(av, "open", lambda path, *words, **more: opened("/dev/full", *words, **more))
    with pytest.raises(OutputError, match="No space left on device"):
        write_video(tmp_path / "clip.mp4", frames([0.0] * 30, (400, 400)))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_encoded(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be encoded"):
        write_video(tmp_path / "clip.mp4", frames([0.0], (63, 80)))
    assert not list(tmp_path.iterdir())


def test_without_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageError, match=r"pip install 'usseg-monai\[video\]', or leave clip out of --save"):
        check_encoder()
