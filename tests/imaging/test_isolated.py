"""A file that exhausts, hangs or crashes the process that decodes it is a line, and the next one is read."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.imaging.samples import dicom_compressed_bytes, picture, pillow_bytes, tiff_pages, ultrasound_region
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits, Region, isolated, read_frames, read_image
from usseg_monai.imaging.decode import decoded, open_frames
from usseg_monai.imaging.isolated import decoded_elsewhere
from usseg_monai.imaging.kind import kind_of

REPOSITORY = Path(__file__).resolve().parents[2]
JPEG = "1.2.840.10008.1.2.4.50"
posix = pytest.mark.skipif(os.name != "posix", reason="needs signals")
linux = pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No process of another test."""
    isolated.end_all()
    yield
    isolated.end_all()


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A file of several frames, which are decoded elsewhere."""
    path = tmp_path / "pages.tif"
    path.write_bytes(tiff_pages([picture() + number for number in range(5)]))
    return path


def misbehaving(statement: str) -> str:
    """The program of a process that does this when it has a frame."""
    return f"""
import os, sys
sys.path[:] = sys.argv[1:]
from usseg_monai.imaging import decode, isolated_worker
grey = decode.to_grey
def to_grey(samples):
    {statement}
decode.to_grey = to_grey
isolated_worker.main()
"""


def the_process() -> Any:
    (process,) = isolated._all
    return process


def gone(pid: int) -> bool:
    """Whether the process ends within some seconds, and is no zombie."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_the_images_are_the_same_as_here(pages: Path, tmp_path: Path) -> None:
    region = ultrasound_region((0, 0, 50, 30), (0.05, 0.1))
    elements = {"SequenceOfUltrasoundRegions": [region], "InstanceNumber": 7, "ImagePositionPatient": [1, 2, 3], "Modality": "US"}
    dicom = tmp_path / "a.dcm"
    dicom.write_bytes(dicom_compressed_bytes([pillow_bytes(picture(), "JPEG")], picture(), JPEG, **elements))
    deep = tmp_path / "deep.tif"
    deep.write_bytes(tiff_pages([picture().astype(np.uint16) * 200, picture().astype(np.uint16)]))
    real = tmp_path / "real.tif"
    real.write_bytes(tiff_pages([picture().astype(np.float32) / 3 - 20] * 2))
    for path in (pages, dicom, deep, real):
        there = list(decoded_elsewhere(path, Limits(), None))
        here = list(decoded(open_frames(path.read_bytes(), kind_of(path.read_bytes()), Limits()), path, None))
        assert len(there) == len(here) > 0
        for one, other in zip(there, here, strict=True):
            np.testing.assert_array_equal(one.pixels, other.pixels)
            assert one.pixels.dtype == np.float32
            assert (one.spacing_mm, one.source, one.place, one.regions) == (other.spacing_mm, other.source, other.place, other.regions)
    assert the_process().alive()  # all of them in one


def test_readers_use_it_and_name_the_file(pages: Path) -> None:
    frames = list(read_frames(pages))
    assert [image.source.frame for image in frames] == [0, 1, 2, 3, 4] and frames[0].source.path == pages
    np.testing.assert_array_equal(read_image(pages, frame=3).pixels, picture() + 3)
    with pytest.raises(ImageError, match=r"^pages\.tif: no frame 9; the file has 5"):
        read_image(pages, frame=9)
    assert the_process().alive()


@posix
def test_a_file_that_takes_too_long_is_a_line_and_the_next_one_is_read(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.process_time()
    with (
        monkeypatch.context() as patch,
        pytest.raises(ImageError, match=r"^pages\.tif: takes more processor time than files of its size"),
    ):
        patch.setattr(isolated, "_START", misbehaving("while True: pass"))
        list(read_frames(pages))
    assert time.process_time() - start < 0.5
    assert not isolated._all
    assert len(list(read_frames(pages))) == 5


@posix
@pytest.mark.parametrize(("frame_s", "least", "most"), [(0.003, 1, 8), (0.15, 15, 15)])
def test_time_is_allowed_by_the_frame(frame_s: float, least: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifteen frames of 0.1 s each, where the first may take 0.5 s: they are read to the end if further ones may take as much."""
    path = tmp_path / "many.tif"
    path.write_bytes(tiff_pages([picture()] * 15))
    spin = "end = isolated_worker._processor_seconds() + 0.1\n    while isolated_worker._processor_seconds() < end: pass\n"
    bounds = f"isolated_worker.FIRST_S, isolated_worker.FRAME_S = 0.5, {frame_s}\nisolated_worker.main()"
    program = misbehaving(f"{spin}    return grey(samples)").replace("isolated_worker.main()", bounds)
    monkeypatch.setattr(isolated, "_START", program)
    found = 0
    with suppress(ImageError):
        for _ in read_frames(path):
            found += 1
    assert least <= found <= most


@linux
@pytest.mark.parametrize(("doubles", "max_pixels", "fits"), [(36, 1, True), (39, 1, False), (39, 2, True), (76, 2, False)])
def test_memory_is_allowed_by_the_largest_frame(
    doubles: int, max_pixels: int, fits: bool, pages: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 MB for frames of 4096 x 4096 pixels, twice as much where the user allows twice as many."""
    limits = Limits(max_pixels=max_pixels * 4096 * 4096)
    statement = f"import numpy; numpy.ones({doubles}_000_000); return grey(samples)"
    monkeypatch.setattr(isolated, "_START", misbehaving(statement))
    if fits:
        assert len(list(read_frames(pages, limits=limits))) == 5
        return
    with pytest.raises(
        ImageError, match=rf"pages\.tif: needs more than {300 * max_pixels} MB to be decoded; reduce it, or allow more: --max-"
    ):
        list(read_frames(pages, limits=limits))
    assert the_process().alive()


@posix
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL])
def test_a_crash_is_a_line(number: signal.Signals, pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    what = rf"^pages\.tif: ended the process that decoded it \({number.name}\); it is damaged"
    with monkeypatch.context() as patch, pytest.raises(ImageError, match=what):
        patch.setattr(isolated, "_START", misbehaving(f"os.kill(os.getpid(), {int(number)})"))
        list(read_frames(pages))
    assert len(list(read_frames(pages))) == 5


@posix
def test_a_process_that_hangs_is_ended(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = read_frames(pages)
    next(frames)
    monkeypatch.setattr(isolated, "WAIT_S", 0.3)
    pid = the_process().pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ImageError, match=r"pages\.tif: not decoded within 0\.3 s"):
        for _ in range(4):
            next(frames)
    assert gone(pid)


@posix
def test_a_process_that_hangs_is_ended_where_pipes_cannot_be_waited_for(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(select, "poll", raising=False)  # as on Windows
    frames = read_frames(pages)
    next(frames)
    monkeypatch.setattr(isolated, "WAIT_S", 0.3)
    pid = the_process().pid
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(ImageError, match=r"pages\.tif: ended the process that decoded it \(SIGKILL\)"):
        for _ in range(4):
            next(frames)
    assert gone(pid)


def test_a_long_header_goes_on_behind_its_block(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    regions = tuple(Region(0, row, 0, 9, (0.1, 0.2)) for row in range(1, 60))
    header = {"regions": [asdict(region) for region in regions], "shape": [1, 1], "samples": "u1"}
    monkeypatch.setattr(isolated, "_START", _replaying(_answer(header, b"\7")))
    image = read_image(pages)
    assert image.regions == regions and image.pixels.tolist() == [[7.0]]


@posix
def test_a_large_file_that_is_cut_while_it_is_read(tmp_path: Path, pages: Path) -> None:
    """Touching a mapped file behind its end is SIGBUS."""
    path = tmp_path / "large.nrrd"
    header = b"NRRD0004\ntype: uint8\ndimension: 3\nsizes: 1024 1024 40\nencoding: raw\n\n"
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + 40 * 1024 * 1024)
    frames = read_frames(path)
    next(frames)
    os.truncate(path, 4096)
    with pytest.raises(ImageError, match=r"large\.nrrd: ended the process that decoded it \(SIGBUS\)"):
        list(frames)
    assert len(list(read_frames(pages))) == 5


def test_an_idle_process_that_died_is_replaced(pages: Path) -> None:
    list(read_frames(pages))
    first = the_process()
    first._popen.kill()
    first._popen.wait()
    assert len(list(read_frames(pages))) == 5
    assert the_process() is not first


def test_a_file_that_is_not_read_to_its_end_leaves_the_process_for_the_next(pages: Path) -> None:
    list(read_frames(pages))
    pid = the_process().pid
    for _ in range(3):
        frames: Any = read_frames(pages)
        np.testing.assert_array_equal(next(frames).pixels, picture())
        frames.close()
        np.testing.assert_array_equal(read_image(pages, frame=4).pixels, picture() + 4)
    assert the_process().pid == pid


def test_threads_have_a_process_each_and_hand_files_on(pages: Path) -> None:
    def read(number: int) -> bool:
        return all((image.pixels == picture() + frame).all() for frame, image in enumerate(read_frames(pages)))

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(read, range(12)))
    assert 1 <= len(isolated._all) <= 4
    frames = read_frames(pages)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        first, second = one.submit(next, frames).result(), other.submit(next, frames).result()
    assert (first.source.frame, second.source.frame) == (0, 1)


def _read_in_a_fork(path: Path, answers: Any) -> None:
    answers.send((len(isolated._all), sum(1 for _ in read_frames(path)), the_process().pid))


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_other_processes_of_the_same_program_have_their_own(method: str, pages: Path) -> None:
    frames = read_frames(pages)
    next(frames)
    context: Any = multiprocessing.get_context(method)
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_read_in_a_fork, args=(pages, theirs), daemon=True)
    process.start()
    assert ours.poll(60), "no answer"
    known, count, pid = ours.recv()
    process.join()
    assert (known, count) == (0, 5) and pid != the_process().pid
    assert sum(1 for _ in frames) == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_file_that_was_opened_before_a_fork_is_not_read_behind_it(pages: Path) -> None:
    frames = read_frames(pages)
    next(frames)
    read, write = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            next(frames)
        except ImageError as error:
            os.write(write, str(error).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    with os.fdopen(read) as answer:
        assert "opened in one process and read in a fork of it" in answer.read()
    assert sum(1 for _ in frames) == 4


_READER = "import os, sys; from usseg_monai.imaging import isolated, read_frames; list(read_frames(sys.argv[1])); "
_READER += "print(*(process.pid for process in isolated._all), flush=True); "


@posix
@pytest.mark.parametrize("end", ["", "os._exit(3)", "os.kill(os.getpid(), 9)", "raise SystemExit"])
def test_however_a_program_ends_its_process_ends_too(end: str, pages: Path) -> None:
    ran = subprocess.run([sys.executable, "-c", _READER + end, str(pages)], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert gone(int(ran.stdout)) and ran.stderr == ""


@linux
def test_it_is_in_no_ones_way(pages: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with (tmp_path / "private").open("w") as private:
        os.set_inheritable(private.fileno(), True)
        list(read_frames(pages))
        pid = the_process().pid
        opened = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
    assert all(name.startswith("pipe:") or name == os.devnull for name in opened), opened
    assert os.getsid(pid) != os.getsid(0)  # so that Ctrl-C of the terminal is not for it
    assert capfd.readouterr() == ("", "")


def test_nothing_of_the_working_folder_is_imported(pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit")
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    assert len(list(read_frames(pages))) == 5


def _answer(header: dict[str, Any], samples: bytes = b"") -> bytes:
    usual: dict[str, Any] = {
        "spacing_mm": None,
        "frame": 0,
        "frames": 1,
        "format": "png",
        "place": None,
        "regions": [],
        "last": True,
        "tired": False,
    }
    text = json.dumps(usual | header).encode()
    return (len(text).to_bytes(4, "big") + text).ljust(1024) + samples


def _replaying(answer: bytes) -> str:
    """The program of a process that answers the first request so."""
    return f"import os, sys; sys.stdin.readline(); os.write(1, {answer!r}); sys.stdin.read()"


@pytest.mark.parametrize(
    "answer",
    [
        b"\xff\xff\xff\xff".ljust(1024),
        b"\0\0\0\2{]".ljust(1024),
        b"\0\0\0\2[]".ljust(1024),
        _answer({"shape": [8, 8], "samples": "O"}),
        _answer({"shape": [4097, 4096], "samples": "u1"}),
        _answer({"shape": [-8, 8], "samples": "u1"}),
        _answer({"shape": [8], "samples": "u1"}),
        _answer({"shape": [1, 1], "samples": "f4"}, np.float32("nan").tobytes()),
        _answer({"shape": [1, 1], "samples": "u1", "place": {"patient": 1}}, b"1"),
        _answer({"error": "no", "kind": "SystemExit"}),
    ],
    ids=["long", "no JSON", "no header", "objects", "too large", "negative", "one axis", "not finite", "odd place", "odd error"],
)
def test_what_a_conquered_process_answers_is_not_trusted(answer: bytes, pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "_START", _replaying(answer))
    with pytest.raises(ImageError, match=r"pages\.tif: the process that decoded it answered nonsense"):
        list(read_frames(pages))
    assert not isolated._all


def test_a_process_that_cannot_be_started(pages: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(ImageError, match=r"pages\.tif: a process to decode it in did not start \(No such file"):
        list(read_frames(pages))


def test_a_file_that_is_let_go_of_is_no_ones_trouble(pages: Path) -> None:
    frames = read_frames(pages)
    next(frames)
    del frames
    gc.collect()
    assert len(list(read_frames(pages))) == 5 and the_process().alive()
