"""Local copies of objects: there while they are read, and gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from usseg_monai.errors import ImageError, OutputError
from usseg_monai.remote import staging
from usseg_monai.remote.staging import staged

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    staging._folder.cache_clear()
    yield tmp_path
    staging._folder.cache_clear()


@pytest.fixture
def address() -> str:
    fsspec.filesystem("memory").pipe_file("staging/a b.png", b"123")
    return "memory://staging/a b.png"


def copies(folder: Path) -> list[Path]:
    return [path for path in folder.glob("usseg-staged-*/*/*") if path.is_file()]


def test_a_copy_has_the_object_s_name_and_goes(address: str, temporary: Path) -> None:
    with staged(address, 3) as path:
        assert Path(path).read_bytes() == b"123" and Path(path).name == "a b.png"
        assert copies(temporary) == [Path(path)]
    assert copies(temporary) == [] and not Path(path).parent.exists()


def test_a_copy_goes_after_an_error(address: str, temporary: Path) -> None:
    with pytest.raises(ZeroDivisionError), staged(address, 3):
        raise ZeroDivisionError
    assert copies(temporary) == []


def test_an_object_that_changed_its_size(address: str, temporary: Path) -> None:
    with pytest.raises(ImageError, match=r"a b\.png: 3 bytes, and 4 when it was listed: it changes"), staged(address, 4):
        pass
    assert copies(temporary) == []


def test_an_object_that_vanished(address: str) -> None:
    with pytest.raises(ImageError, match="no such object"), staged(f"{address}.gone", 4):
        pass


def test_no_room(address: str, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(9, 9, 2))
    with pytest.raises(OutputError, match=f"{temporary}: no room to stage memory://staging/a b.png .*set TMPDIR"), staged(address, 3):
        pass


def test_what_a_killed_process_left_is_removed_and_that_of_a_running_one_is_not(address: str, temporary: Path) -> None:
    code = (
        "import fsspec, sys, os, signal; from usseg_monai.remote.staging import staged\n"
        "fsspec.filesystem('memory').pipe_file('staging/x', b'123')\n"
        "with staged('memory://staging/x', 3):\n    print('there', flush=True); sys.stdin.read()\n"
    )
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline() == b"there\n"
        with staged(address, 3):
            assert len(copies(temporary)) == 2
        process.kill()
        process.wait()
    assert len(copies(temporary)) == 1
    staging._folder.cache_clear()
    with staged(address, 3):
        assert [path.name for path in copies(temporary)] == ["a b.png"]
