from __future__ import annotations

import errno
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runs.interrupts import interrupted
from usseg_monai import __version__
from usseg_monai.errors import OutputError
from usseg_monai.inputs.results_folder import RESULT_FOLDERS, is_run_record
from usseg_monai.runs import record as module
from usseg_monai.runs.accounts import Account, open_accounts
from usseg_monai.runs.lock import HeldFolder, lock_folder
from usseg_monai.runs.objects import OBJECTS_FOLDER
from usseg_monai.runs.outputs import FOLDERS
from usseg_monai.runs.record import RunRecord, bundle_version, now, read_run_record, versions
from usseg_monai.tasks.record import CLIP_FOLDER, STUDY_FOLDER


def read(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return record


@pytest.fixture
def held(tmp_path: Path) -> Iterator[HeldFolder]:
    with lock_folder(tmp_path / "out") as held:
        yield held


def test_the_record_is_whole_json_at_every_moment(held: HeldFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY_SECONDS", 0)
    facts = {"task": "fetal_head", "options": {"configs": ["a", "b\udcff"], "save": []}}
    record = RunRecord(held, facts, now(), total=3)
    running = read(held.path)
    assert running["state"] == "running" and running["finished"] is None and "inputs" not in running
    assert running["counts"] == {"done": 0, "failed": 0, "skipped": 0, "not_reached": 3}
    for number, state in enumerate(("done", "failed"), 1):
        record.count(state)
        assert read(held.path)["counts"]["not_reached"] == 3 - number
    assert read(held.path)["counts"] == {"done": 1, "failed": 1, "skipped": 0, "not_reached": 1}
    record.total -= 1
    record.end("finished")
    ended = read(held.path)
    assert ended["task"] == "fetal_head" and ended["started"] <= ended["finished"] and ended["seconds"] >= 0
    assert ended["counts"] == {"done": 1, "failed": 1, "skipped": 0, "not_reached": 0}
    assert ended["accounts"] == "accounts.jsonl" and ended["options"] == facts["options"]
    assert read_run_record(held.path) == ended and is_run_record(held.path / "run.json")


def test_it_is_written_every_few_seconds_at_most(held: HeldFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: seconds)
    record = RunRecord(held, {}, now(), total=9)
    for moment, known in ((101.0, 0), (101.9, 0), (102.1, 3), (103.0, 3), (104.2, 5)):
        seconds = moment
        record.count("done")
        assert read(held.path)["counts"]["done"] == known
    record.count("done")
    record.end("finished")
    assert read(held.path)["counts"]["done"] == 6


def test_a_record_that_runs_out_of_room_stays_as_it_was(held: HeldFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY_SECONDS", 0)
    record = RunRecord(held, {}, now(), total=2)
    record.count("done")
    before = read(held.path)

    def full(path: Path, data: bytes) -> int:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match=r"out/run\.json: cannot be written \(No space left on device\)"):
            record.count("failed")
    assert read(held.path) == before and sorted(file.name for file in held.path.iterdir()) == [".lock", "run.json"]
    record.end("failed")
    assert read(held.path)["state"] == "failed" and read(held.path)["counts"]["not_reached"] == 0


def test_a_folder_that_is_gone_is_not_made_again(held: HeldFolder) -> None:
    record = RunRecord(held, {}, now(), total=1)
    shutil.rmtree(held.path)
    with pytest.raises(OutputError, match="out cannot be written any longer: it was removed"):
        record.end("finished")
    assert not held.path.exists()


def test_an_interrupt_at_any_line_leaves_a_whole_record_with_the_counts_of_the_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVERY_SECONDS", 0)

    def interrupted_at(line: int, folder: Path) -> bool:
        """Count an input that is accounted for, with an interrupt before the given line of the module; whether it came."""
        with lock_folder(folder) as held, open_accounts(folder, "digest", resume=False) as accounts:
            record = RunRecord(held, {}, now(), total=3)
            accounts.add(Account(0, "a.png", state="failed", reason="x" * 1000))
            came = interrupted(module, line, lambda: record.count("failed"))
            assert read(folder)["state"] == "running"
            record.recount()
            record.end("interrupted")
        return came

    lines = 0
    while interrupted_at(lines + 1, tmp_path / str(lines)):
        record = read(tmp_path / str(lines))
        assert record["state"] == "interrupted"
        assert record["counts"] == {"done": 0, "failed": 1, "skipped": 0, "not_reached": 2}
        lines += 1
    assert lines > 10


@pytest.mark.parametrize("content", ["", "{", "[]", '{"task": "nerve"}', '{\n "inputs": [\n  {"number": 1}\n ],\n "counts": {}\n}\n'])
def test_what_is_no_record(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(OutputError, match="not a run record of this version") as caught:
        read_run_record(tmp_path)
    assert "\n" not in str(caught.value)


def test_all_folders_of_results_are_named() -> None:
    assert {*FOLDERS.values(), CLIP_FOLDER, STUDY_FOLDER, OBJECTS_FOLDER} == RESULT_FOLDERS


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
