"""The queue: each step leaves the disk so that the next start goes on."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from usseg_monai.dicom.node import queue as module
from usseg_monai.dicom.node.queue import Queue


def received(queue: Queue, name: str = "x") -> Path:
    file = queue.incoming / name
    file.write_bytes(b"content")
    return file


def tree(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_an_object_is_on_the_disk_before_it_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(tmp_path)
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def note(descriptor: int) -> None:
        steps.append("fsync folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "fsync file")
        fsync(descriptor)

    def move(*names: Any) -> None:
        steps.append("rename")
        replace(*names)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", move)
    queue.put(received(queue), "1.2", "1.2.3")
    if os.path.isdir("/proc/self/fd"):
        assert steps == ["fsync file", "rename", "fsync folder", "fsync folder"]
    assert tree(tmp_path) == {"queue/1.2/1.2.3.dcm"} and queue.waiting() == ["1.2"]


def test_a_job_takes_what_is_there_and_later_objects_are_another(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    queue.put(received(queue), "1.2", "1")
    job = queue.claim("1.2")
    queue.put(received(queue), "1.2", "2")
    assert queue.waiting() == ["1.2"] and queue.jobs() == [job] and os.listdir(job / "in") == ["1.dcm"]
    assert job.name.rpartition(".")[0] == "1.2"
    assert queue.counts() == {"waiting": 1, "working": 1, "aside": 0}
    other = queue.claim("1.2")
    assert sorted(queue.jobs()) == sorted([job, other]) and os.listdir(other / "in") == ["2.dcm"]
    queue.finish(job)
    assert queue.jobs() == [other]


def test_the_start_clears_what_nobody_was_told_of_and_keeps_the_rest(tmp_path: Path) -> None:
    queue = Queue(tmp_path)
    for name in ("a", "b", "c", "d"):
        queue.put(received(queue), f"1.{ord(name)}", "1")
    made, plain, aside = (queue.claim(f"1.{ord(name)}") for name in "abc")
    queue.write_made(made, {"failed": {}})
    queue.write_made(aside, {"failed": {}})
    queue.set_aside(aside, "no archive")
    received(queue, "half")
    (tmp_path / "work" / "1.9.0").mkdir()  # killed within `claim`
    again = Queue(tmp_path)
    assert again.waiting() == ["1.100"]
    assert {job.name for job in again.jobs()} == {made.name, plain.name, aside.name}
    assert again.read_made(tmp_path / "work" / aside.name) == {"failed": {}} and again.read_made(plain) is None
    assert not list(again.incoming.iterdir()) and again.counts()["aside"] == 0


def test_what_could_not_be_used_stays_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue(tmp_path)
    for name in "123":
        queue.put(received(queue), "1.2", name)
    job = queue.claim("1.2")
    with monkeypatch.context() as patch:  # killed between two steps
        patch.setattr(module, "write_text", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            queue.finish(job, ["1.dcm", "3.dcm"], "damaged")
    Queue(tmp_path).finish(job, ["1.dcm", "3.dcm"], "damaged")
    assert tree(tmp_path) == {f"failed/{job.name}/{name}" for name in ("in/1.dcm", "in/3.dcm", "reason.txt")}
    assert (tmp_path / "failed" / job.name / "reason.txt").read_text() == "damaged\n"
    assert Queue(tmp_path).counts() == {"waiting": 0, "working": 0, "aside": 1}


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_only_the_owner_can_read_the_queue(tmp_path: Path) -> None:
    queue = Queue(tmp_path / "store")
    queue.put(received(queue), "1.2", "1")
    assert all(place.stat().st_mode & 0o077 == 0 for place in (tmp_path / "store").rglob("*") if place.is_dir())
