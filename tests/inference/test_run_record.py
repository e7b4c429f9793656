from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from usseg_monai import __version__
from usseg_monai.errors import OutputError
from usseg_monai.inference import run_record as module
from usseg_monai.inference.outputs import FOLDERS
from usseg_monai.inference.run_record import RESULT_FOLDERS, InputRecord, bundle_version, now, open_run_record, read_run_record, versions
from usseg_monai.inference.stacks import FOLDER as STUDIES


def read(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return record


def test_the_record_is_whole_json_at_every_moment(tmp_path: Path) -> None:
    inputs = [
        InputRecord(0, "a.png", "done", "", "a", 2),
        InputRecord(1, "b\udcff.png", "failed", "no image", "b\udcff", 1, 3, "/x/b\udcff.png"),
    ]
    with open_run_record(tmp_path, {"task": "fetal_head", "options": {"configs": ["a", "b"], "save": []}}, now(), total=3) as record:
        running = read(tmp_path)
        assert running["state"] == "running" and running["finished"] is None and running["inputs"] == []
        assert running["counts"] == {"done": 0, "failed": 0, "skipped": 0, "not_reached": 3}
        for number, item in enumerate(inputs, 1):
            record.add(item)
            assert len(read(tmp_path)["inputs"]) == number
        assert read(tmp_path)["counts"] == {"done": 1, "failed": 1, "skipped": 0, "not_reached": 1}
        record.total -= 1
        record.end("finished")
    ended = read(tmp_path)
    assert ended["task"] == "fetal_head" and ended["started"] <= ended["finished"] and ended["seconds"] >= 0
    assert ended["counts"] == {"done": 1, "failed": 1, "skipped": 0, "not_reached": 0}
    assert ended["inputs"][0] == {"number": 0, "file": "a.png", "state": "done", "reason": "", "output": "a", "frames": 2}
    assert (ended["inputs"][1]["parts"], ended["inputs"][1]["path"]) == (3, "/x/b\udcff.png")
    with read_run_record(tmp_path) as (facts, again):
        assert facts == {name: value for name, value in ended.items() if name != "inputs"}
        assert list(again) == inputs


def test_a_record_that_runs_out_of_room_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if b"b.png" in data:
            write(descriptor, data[:10])
            monkeypatch.undo()
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with open_run_record(tmp_path, {}, now(), total=2) as record:
        record.add(InputRecord(0, "a.png", "done"))
        before = read(tmp_path)
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OutputError, match="No space left on device"):
            record.add(InputRecord(1, "b.png", "failed", "x" * 10_000))
        assert read(tmp_path) == before
        record.end("failed")
        assert read(tmp_path)["state"] == "failed" and read(tmp_path)["counts"]["not_reached"] == 1


@pytest.mark.parametrize("content", ["", "{", "[]", '{"task": "nerve"}', '{\n "inputs": [\n  {"number": 1}\n ],\n "counts": {}\n}\n'])
def test_what_is_no_record(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(OutputError, match="no run record of this version"), read_run_record(tmp_path) as (_, inputs):
        list(inputs)


def test_all_folders_of_results_are_named() -> None:
    assert {*FOLDERS.values(), STUDIES} == RESULT_FOLDERS


def test_versions_of_what_was_used() -> None:
    import numpy

    found = versions()
    assert found["usseg-monai"] == __version__ and found["numpy"] == numpy.__version__ and found["python"].startswith("3.")


def test_the_bundles_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundle_version("fetal_head") is not None
    monkeypatch.setattr(module, "bundle_path", lambda task: tmp_path)
    assert bundle_version("fetal_head") is None
    (tmp_path / "configs").mkdir()
    for content, version in (("[]", None), ("{", None), ("[" * 50_000 + "]" * 50_000, None), ('{"version": "1.2.3"}', "1.2.3")):
        (tmp_path / "configs" / "metadata.json").write_text(content)
        assert bundle_version("fetal_head") == version


def test_an_interrupt_at_any_line_leaves_a_whole_record(tmp_path: Path) -> None:
    def interrupted_at(line: int, folder: Path) -> bool:
        """Add an input to one that is there, with an interrupt before the given line of the module; whether it came."""
        came = False

        def tracer(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
            nonlocal line, came
            if frame.f_code.co_filename != module.__file__:
                return None
            if event == "line":
                line -= 1
                if line == 0:
                    came = True
                    raise KeyboardInterrupt
            return tracer

        folder.mkdir()
        with open_run_record(folder, {}, now(), total=3) as record:
            record.add(InputRecord(0, "a.png", "done"))
            sys.settrace(tracer)
            with suppress(KeyboardInterrupt):
                record.add(InputRecord(1, "b.png", "failed", "x" * 1000))
            sys.settrace(None)
            record.end("interrupted")
        return came

    lines = 0
    while interrupted_at(lines + 1, tmp_path / str(lines)):
        record = read(tmp_path / str(lines))
        assert record["state"] == "interrupted"
        assert [item["file"] for item in record["inputs"]] in (["a.png"], ["a.png", "b.png"])
        assert record["counts"]["not_reached"] == 3 - len(record["inputs"])
        lines += 1
    assert lines > 10
