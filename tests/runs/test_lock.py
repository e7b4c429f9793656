from __future__ import annotations

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.files.write import write_text
from usseg_monai.runs import lock as module
from usseg_monai.runs.lock import lock_folder

HOLDER = """
import sys, time
from pathlib import Path
from usseg_monai.runs.lock import lock_folder
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


def test_what_happens_to_the_folder_is_noticed(tmp_path: Path) -> None:
    def remove(out: Path) -> None:
        shutil.rmtree(out)

    def make_again(out: Path) -> None:
        shutil.rmtree(out)
        (out / "masks").mkdir(parents=True)
        for name in (".lock", "results.csv"):
            (out / name).touch()

    def rename(out: Path) -> None:
        out.rename(out.with_name("moved"))

    def link(out: Path) -> None:
        rename(out)
        (out.with_name("copy") / "masks").mkdir(parents=True)
        out.symlink_to(out.with_name("copy"))

    def replace_masks(out: Path) -> None:
        (out / "masks").rmdir()
        (out / "masks").mkdir()

    def remove_table(out: Path) -> None:
        (out / "results.csv").unlink()

    for number, happen in enumerate((remove, make_again, rename, link, replace_masks, remove_table)):
        out = tmp_path / str(number) / "out"
        with lock_folder(out) as held, (out / "results.csv").open("w"):
            with held.writing(Path("masks/a.png")):
                pass
            held.watch(out / "results.csv")
            held.check()
            happen(out)
            with pytest.raises(OutputError, match="cannot be written any longer: it was removed, renamed or replaced") as caught:
                held.check()
            assert "\n" not in str(caught.value)
            there = sorted(out.rglob("*"))
            with pytest.raises(OutputError, match="cannot be written any longer"), held.writing(Path("masks/deep/a.png")):
                pass
            assert sorted(out.rglob("*")) == there


def test_what_is_being_written_goes_nowhere_else(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with lock_folder(out) as held, pytest.raises(OutputError, match="cannot be written any longer"):
        with held.writing(Path("masks/a.png")) as folder:
            out.rename(tmp_path / "moved")
            (tmp_path / "copy/masks").mkdir(parents=True)
            out.symlink_to(tmp_path / "copy")
            write_text(folder / "masks/a.png", "a")
        held.check()
    assert (tmp_path / "moved/masks/a.png").read_text() == "a" and not list((tmp_path / "copy/masks").iterdir())


def test_errors_name_the_folder_as_the_user_does(tmp_path: Path) -> None:
    with lock_folder(tmp_path / "out") as held, held.writing(Path("masks/a/b.png")) as folder:
        pass
    with lock_folder(tmp_path / "out") as held:
        (tmp_path / "out/masks/a/b.png/x").mkdir(parents=True)
        with pytest.raises(OutputError) as caught, held.writing(Path("masks/a/b.png")) as folder:
            write_text(folder / "masks/a/b.png", "a")
        assert str(caught.value).startswith(f"{tmp_path}/out/masks/a/b.png: cannot be written (Is a directory)")


def test_a_folder_that_is_a_link_may_be_used_but_none_in_it(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")
    with lock_folder(tmp_path / "out") as held:
        assert not held.used
        with held.writing(Path("masks/deep/a.png")):
            pass
        (tmp_path / "real/overlays").symlink_to(tmp_path)
        with pytest.raises(OutputError, match="overlays cannot be written to: it is a link"), held.writing(Path("overlays/a.png")):
            pass
    with lock_folder(tmp_path / "out") as held:
        assert held.used and (tmp_path / "real/masks/deep").is_dir()
