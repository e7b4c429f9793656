"""The way of one image through the package, from its file to its row: how many files it enters, in what containers, and what it reads."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from tests.imaging.samples import dicom_bytes, nifti_bytes, picture, pillow_bytes
from tests.tiny import ellipse, save_picture
from usseg_monai.files.table import Row
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import run_batch

PACKAGE = Path(__file__).resolve().parents[2] / "usseg_monai"

CARRIERS = {"Input", "Frames", "GreyImage", "Prediction", "Measurement", "FrameRows", "Account"}
"""What an image travels in. The rest that is made on the way belongs to a library's own mathematics, drawing or threads."""


class Way:
    """What a run enters and makes between its start and the row of its last input."""

    def __init__(self) -> None:
        self.on = False
        self.files: set[str] = set()
        self.handed: set[str] = set()  # files whose functions take or return a carrier
        self.types: set[type] = set()

    def note(self, frame: FrameType, event: str, result: Any) -> None:
        if not self.on or event not in ("call", "return"):
            return
        file, values = Path(frame.f_code.co_filename), frame.f_locals.values() if event == "call" else (result,)
        if file.is_relative_to(PACKAGE):
            self.files.add(file.relative_to(PACKAGE).as_posix())
            if any(type(value).__name__ in CARRIERS for value in values):
                self.handed.add(file.relative_to(PACKAGE).as_posix())
        self.types.update(type(value) for value in values if _is_container(value))

    def progress(self, done: int, total: int, row: Row | None) -> None:
        self.on = row is None


def _is_container(value: object) -> bool:
    kind = type(value)
    return kind.__module__.startswith("usseg_monai") and (dataclasses.is_dataclass(kind) or isinstance(value, tuple))


@contextmanager
def profiled(way: Way) -> Iterator[None]:
    before = sys.getprofile()
    threading.setprofile(way.note)
    sys.setprofile(way.note)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@pytest.fixture(scope="module")
def way(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Way:
    """Of one PNG, whose mask is written; what is loaded once is loaded before."""
    folder, found = tmp_path_factory.mktemp("way"), Way()
    image = save_picture(folder / "a.png")
    options = Options(weights=tiny_model, threads=1, spacing_mm=0.5, save=("mask",))
    run_batch("fetal_head", [image], folder / "first", options)
    with profiled(found):
        assert run_batch("fetal_head", [image], folder / "out", options, found.progress).done == 1
    return found


def test_files_on_the_way(way: Way) -> None:
    """The goal is 14. These bars are what it takes today, so that nobody adds a file unnoticed: lower them with the code."""
    assert len(way.handed) <= 13, sorted(way.handed)  # files whose functions take or return one of the carriers
    assert len(way.files) <= 33, sorted(way.files)  # all files of the package, down to the bytes of a PNG and the fit of an ellipse
    assert {"imaging/decode.py", "predict/predictor.py", "tasks/fetal_head/measure.py", "runs/accounts.py"} <= way.handed
    assert "predict/engines/onnx.py" in way.files - way.handed  # the 14th: it takes and returns plain arrays


def test_the_picture_shows_them(way: Way) -> None:
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    picture = page.split("<!-- way:begin -->")[1].split("<!-- way:end -->")[0].split("```mermaid")[1].split("```")[0]
    shown = {name.rpartition("/")[2] for name in re.findall(r"[\w/]+\.py", picture)}
    assert {file.rpartition("/")[2] for file in way.handed} <= shown
    assert all(list(PACKAGE.rglob(name)) for name in shown)
    assert {name for name in CARRIERS if name in picture} == CARRIERS


def test_containers_on_the_way(way: Way) -> None:
    """An image travels in these seven and in no others."""
    names = {kind.__name__ for kind in way.types}
    assert names >= CARRIERS and len(CARRIERS) <= 7
    known = {"Source", "GivenSpacing", "Limits"}  # parts of a carrier, or of a question that is asked once
    known |= {"Runs", "Ellipse", "GestationalAge"} | {"Task", "Work", "Tally", "_File", "_Shared"}  # mathematics; one for the whole run
    assert names - CARRIERS <= known, sorted(names - CARRIERS - known)


READS = """
import collections, json, os, sys
from pathlib import Path
from usseg_monai.imaging import decode
from usseg_monai.runs.run import Options, run_batch

folder, out, model, given = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4] == "masks"
opened, started, decoded = collections.Counter(), collections.Counter(), collections.Counter()

def on_event(event, arguments):  # os.open of an opener tells of the same file once more, without a mode
    if event == "open" and isinstance(arguments[0], (str, Path)) and arguments[1] is not None:
        opened[os.fspath(arguments[0])] += 1

def counted_image(frames, path, index):
    decoded[f"{path} {index}"] += 1
    return make(frames, path, index)

def counted_open(data, kind, limits):
    started[kind] += 1
    return open_frames(data, kind, limits)

make, open_frames = decode._image, decode.open_frames
decode._image, decode.open_frames = counted_image, counted_open
sys.addaudithook(on_event)
save = ("mask", "overlay", "probability", "nifti")
options = Options(weights=None if given else Path(model), save=save, any_modality=True)
summary = run_batch("fetal_head", [folder], out, options, given_masks=given)
inputs = {os.path.basename(path): count for path, count in opened.items() if path.startswith(folder + os.sep)}
print(json.dumps([summary.done, summary.failures, inputs, decoded, started]))
"""


def reads(folder: Path, out: Path, model: Path, kind: str) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """How often each input was opened, each frame was decoded, and files of each format were begun, in a process of its own."""
    arguments = [sys.executable, "-c", READS, str(folder), str(out), str(model), kind]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    count, failures, opened, decoded, started = json.loads(done.stdout)
    assert (count, failures) == (len(list(folder.iterdir())), {})
    return opened, decoded, started


def test_no_file_is_decoded_twice(tiny_model: Path, tmp_path: Path) -> None:
    files = {
        "a.png": pillow_bytes(picture(), "PNG"),
        "b.dcm": dicom_bytes(picture()),
        "c.dcm": dicom_bytes(np.stack([picture()] * 3)),
        "d.tif": pillow_bytes(picture(), "TIFF"),
        "e.nii": nifti_bytes(np.stack([picture()] * 2, axis=2)),
        "f.nii.gz": nifti_bytes(picture()[..., None], suffix=".nii.gz"),
    }
    (tmp_path / "in").mkdir()
    for name, content in files.items():
        (tmp_path / "in" / name).write_bytes(content)
    opened, decoded, started = reads(tmp_path / "in", tmp_path / "out", tiny_model, "pictures")
    assert set(decoded.values()) == {1} and sum(str(tmp_path / "in") in frame for frame in decoded) == 9
    # The header of a NIfTI file is looked at again when its masks are written on its grid; the masks themselves are PNGs, read back once.
    assert opened == {"a.png": 1, "b.dcm": 1, "c.dcm": 1, "d.tif": 1, "e.nii": 2, "f.nii.gz": 2}
    assert started == {"png": 1 + 9, "dicom": 2, "tiff": 1, "nifti": 2}


def test_masks_are_decoded_once(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.nii").write_bytes(nifti_bytes(np.stack([ellipse(), ellipse(90, 90)[:60]], axis=2)))
    save_picture(tmp_path / "in" / "b.png", ellipse() * np.uint8(255))
    opened, decoded, started = reads(tmp_path / "in", tmp_path / "out", tiny_model, "masks")
    assert set(decoded.values()) == {1} and started["nifti"] == 1 and opened == {"a.nii": 2, "b.png": 1}
