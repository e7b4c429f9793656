"""What the decoding process answers, tried in this process: its limits are recorded, not set."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from tests.imaging.samples import dicom_bytes, picture, pillow_bytes, tiff_pages
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits, isolated_worker
from usseg_monai.imaging.isolated import HEADER_BYTES

pytestmark = pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")


class Set(NamedTuple):
    """What was set: limits by their number, and the seconds of the timer."""

    limits: dict[int, tuple[int, int]]
    timer: list[float]


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Set:
    found = Set({}, [])
    monkeypatch.setattr(resource, "setrlimit", found.limits.__setitem__)
    monkeypatch.setattr(signal, "setitimer", lambda timer, seconds: found.timer.append(seconds))
    return found


def answers(requests: Sequence[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> list[tuple[dict[str, Any], npt.NDArray[Any] | None]]:
    """Headers and samples that the process answers, after its pipes were closed."""
    written = io.BytesIO()
    lines = io.BytesIO(b"".join(json.dumps(request).encode() + b"\n" for request in requests))
    monkeypatch.setattr(isolated_worker, "_own_pipes", lambda: (lines, written))
    isolated_worker.main()
    data, found = written.getvalue(), []
    while data:
        length = int.from_bytes(data[:4], "big")
        header, data = json.loads(data[4 : 4 + length]), data[HEADER_BYTES:]
        pixels = None
        if "error" not in header:
            kind = np.dtype(header["samples"])
            size = int(np.prod(header["shape"])) * kind.itemsize
            pixels, data = np.frombuffer(data[:size], kind).reshape(header["shape"]), data[size:]
        found.append((header, pixels))
    return found


def opening(path: Path, frame: int | None = None, limits: Limits | None = None) -> dict[str, Any]:
    return {"path": os.fsencode(path).hex(), "limits": asdict(limits or Limits()), "frame": frame}


def test_frames_one_by_one_until_the_last(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(tiff_pages([picture() + number for number in range(3)]))
    found = answers([opening(path), {}, {}, {}], monkeypatch)
    for number, (header, pixels) in enumerate(found[:3]):
        assert (header["frame"], header["frames"], header["last"], header["format"]) == (number, 3, number == 2, "tiff")
        np.testing.assert_array_equal(pixels, picture() + number)
    assert found[3][0]["error"] == "no file is open"


def test_one_frame_by_its_number_and_a_file_that_is_dropped(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(tiff_pages([picture() + number for number in range(3)]))
    (second, pixels), (dropped, _) = answers([opening(path, frame=1), {"path": None}], monkeypatch)
    assert second["frame"] == 1 and np.array_equal(np.asarray(pixels), picture() + 1)
    assert dropped == {"error": "no file is open", "remedy": "", "kind": "ImageError", "tired": False}


def test_processor_time_and_memory_are_bounded_anew_for_every_frame(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(tiff_pages([picture(), picture()]))
    monkeypatch.setattr(isolated_worker, "_processor_seconds", lambda: 0.0)
    monkeypatch.setattr(isolated_worker, "_private_bytes", lambda: 1_000_000)
    answers([opening(path), {}], monkeypatch)
    running = [seconds for seconds in limited.timer if seconds]
    further = isolated_worker.FRAME_S + picture().size / isolated_worker.PIXELS_A_SECOND
    assert running[0] == running[1] == isolated_worker.FIRST_S  # to open the file, to decode its first frame
    assert running[2] == pytest.approx(isolated_worker.FIRST_S + further)
    assert limited.timer[-1] == 0  # nothing runs between files
    assert limited.limits[resource.RLIMIT_DATA][0] == 1_000_000 + isolated_worker.MEMORY_BYTES
    assert limited.limits[resource.RLIMIT_CORE] == (0, 0)


def test_larger_frames_where_allowed_may_take_more(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "pages.tif"
    path.write_bytes(tiff_pages([picture()]))
    monkeypatch.setattr(isolated_worker, "_private_bytes", lambda: 1)
    answers([opening(path, limits=Limits(max_pixels=2 * Limits().max_pixels))], monkeypatch)
    assert limited.limits[resource.RLIMIT_DATA][0] == 1 + 2 * isolated_worker.MEMORY_BYTES


def test_where_the_system_does_not_report_memory_it_is_not_bounded(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(pillow_bytes(picture(), "PNG"))
    monkeypatch.setattr(isolated_worker, "_private_bytes", lambda: 0)
    ((header, _),) = answers([opening(path)], monkeypatch)
    assert header["last"] and resource.RLIMIT_DATA not in limited.limits


def test_without_limits_of_the_system_files_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.dcm"
    path.write_bytes(dicom_bytes(picture()))
    monkeypatch.setattr(isolated_worker, "resource", None)
    ((header, pixels),) = answers([opening(path)], monkeypatch)
    assert header["format"] == "dicom" and np.array_equal(np.asarray(pixels), picture())


def test_what_cannot_be_read_is_an_error_with_its_kind(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text.png"
    path.write_bytes(b"no picture")
    ((header, pixels), (after, _)) = answers([opening(path), {}], monkeypatch)
    assert header["kind"].endswith("Error") and "Traceback" not in header["error"] and pixels is None
    assert after["error"] == "no file is open"


@pytest.mark.parametrize("error", [MemoryError(), ImageError("cut")])
def test_a_decoder_without_memory_says_how_much_it_may_have(
    error: Exception, tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(pillow_bytes(picture(), "PNG"))
    if isinstance(error, ImageError):
        error.__cause__ = MemoryError()

    def decoded(*_: Any) -> Any:
        raise error
        yield

    monkeypatch.setattr(isolated_worker, "decoded", decoded)
    ((header, _),) = answers([opening(path)], monkeypatch)
    assert header["error"] == "needs more than 300 MB to be decoded; reduce it"
    assert "--max-pixels" in header["remedy"]
    assert header["kind"] == "ImageError"


@pytest.mark.parametrize(("growth", "tired"), [(150_000_000, False), (150_000_001, True)])
def test_a_process_that_grew_is_tired(growth: int, tired: bool, tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(pillow_bytes(picture(), "PNG"))
    sizes = iter([10, 10, 10 + growth])
    monkeypatch.setattr(isolated_worker, "_private_bytes", lambda: next(sizes))
    ((header, _),) = answers([opening(path)], monkeypatch)
    assert header["tired"] is tired


def test_it_ends_when_nobody_listens(tmp_path: Path, limited: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "one.png"
    path.write_bytes(pillow_bytes(picture(), "PNG"))
    read, write = os.pipe()
    os.close(read)
    line = json.dumps(opening(path)).encode() + b"\n"
    with os.fdopen(write, "wb", buffering=0) as closed:
        monkeypatch.setattr(isolated_worker, "_own_pipes", lambda: (io.BytesIO(line * 2), closed))
        isolated_worker.main()


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [([[0, 255]], "u1"), ([[0, 256]], "u2"), ([[0, 65535]], "u2"), ([[0, 65536]], "f4"), ([[-1, 0]], "f4"), ([[0, 0.5]], "f4")],
)
def test_whole_numbers_travel_in_the_fewest_bytes(pixels: list[list[float]], kind: str) -> None:
    narrow = isolated_worker._narrow(np.array(pixels, np.float32))
    assert narrow.dtype.str[1:] == kind
    np.testing.assert_array_equal(narrow, np.array(pixels, np.float32))


def test_decoders_can_neither_read_requests_nor_write_answers() -> None:
    saved = os.dup(0), os.dup(1)
    try:
        requests, answers_ = isolated_worker._own_pipes()
        null = os.stat(os.devnull)
        assert [os.fstat(number).st_rdev for number in (0, 1)] == [null.st_rdev] * 2
        requests.close()
        answers_.close()
    finally:
        for number, copy in enumerate(saved):
            os.dup2(copy, number)
            os.close(copy)
