from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.inference import lock as module
from usseg_monai.inference.lock import lock_folder

HOLDER = """
import sys, time
from pathlib import Path
from usseg_monai.inference.lock import lock_folder
with lock_folder(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_in_one_line_and_a_killed_one_is_in_nobodys_way(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="another run writes into this folder") as caught, lock_folder(tmp_path):
            pass
        assert "\n" not in str(caught.value)
        holder.kill()
    with lock_folder(tmp_path), lock_folder(tmp_path / "other"):
        pass
    with lock_folder(tmp_path):
        pass


def test_a_file_system_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(module, "_lock", refuse)
    with lock_folder(tmp_path):
        pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="out: cannot be written"), lock_folder(tmp_path / "out"):
        pass
