"""Hospital traffic against a real archive."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("pynetdicom")

from benchmarks import dicom_node
from benchmarks.dicom_node import Figure, pictures, table
from tests.conftest import REPOSITORY


def test_pictures_differ_by_their_identifiers_and_share_a_series() -> None:
    one, other = pictures(2, "a"), pictures(2, "b")
    assert len({picture.SOPInstanceUID for picture in (*one, *other)}) == 4
    assert len({picture.SeriesInstanceUID for picture in one}) == 1 and one[0].SeriesInstanceUID != other[0].SeriesInstanceUID
    assert len(one[0].PixelData) == one[0].Rows * one[0].Columns


def test_the_table_shows_what_was_found() -> None:
    assert table([Figure("lost", "0", True)]).splitlines() == ["| What | Found |", "|---|---|", "| lost | 0 |"]
    assert f"<!-- node:begin -->\n{table([])}" in dicom_node.DOCS.read_text(encoding="utf-8")


@pytest.mark.orthanc
@pytest.mark.timeout(900)
@pytest.mark.skipif(os.environ.get("USSEG_ORTHANC") != "1", reason="takes minutes: set USSEG_ORTHANC=1")
@pytest.mark.skipif(shutil.which("Orthanc") is None or shutil.which("unshare") is None, reason="Orthanc or unshare is not installed")
def test_nothing_is_lost_and_nothing_doubled() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.dicom_node"], cwd=REPOSITORY, capture_output=True, text=True, timeout=800, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
