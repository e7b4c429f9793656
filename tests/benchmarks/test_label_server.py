"""The benchmark of the label server, without a server."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.label_client import Answer
from benchmarks.label_server import _write_dicom, memory_mb, write_studies
from usseg_monai import read_image
from usseg_monai.tasks import TASKS


def test_parts_of_an_answer() -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="params"\r\n\r\n{}\r\n--x\r\n'
    body += b'Content-Disposition: form-data; name="image"; filename="a.nrrd"\r\nContent-Type: application/octet-stream\r\n\r\n'
    body += b"\x00\xff\r\n--x--\r\n"
    answer = Answer(200, "multipart/form-data", body, {"content-type": "multipart/form-data; boundary=x"})
    assert answer.parts() == {"params": ("", b"{}"), "image": ("a.nrrd", b"\x00\xff")}


def test_a_written_dicom_is_the_picture(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (31, 33)).astype(np.uint8)
    _write_dicom(tmp_path / "a.dcm", pixels, "US")
    image = read_image(tmp_path / "a.dcm")
    assert np.array_equal(image.pixels, pixels) and image.source.format == "dicom"


def test_images_of_every_task_in_every_format(data_root: Path, tmp_path: Path) -> None:
    names = write_studies(tmp_path, data_root, 1)
    assert list(names) == list(TASKS) and all(len(files) == 3 for files in names.values())
    assert all(read_image(tmp_path / name).pixels.max() > 50 for files in names.values() for name in files)


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="memory is read from /proc")
def test_memory() -> None:
    assert 10 < memory_mb(os.getpid()) < 20_000
