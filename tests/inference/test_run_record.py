from __future__ import annotations

import json
from pathlib import Path

import pytest

from usseg_monai import __version__
from usseg_monai.inference import run_record as module
from usseg_monai.inference.run_record import InputRecord, bundle_version, now, versions, write_run_record


def test_the_record(tmp_path: Path) -> None:
    started = now()
    inputs = [InputRecord("a.png", "/x/a.png", "done"), InputRecord("b.png", "/x/b.png", "failed", "no image")]
    write_run_record(tmp_path, {"task": "fetal_head"}, started, "running", ())
    running = json.loads((tmp_path / "run.json").read_text())
    assert running["state"] == "running" and running["finished"] is None and running["inputs"] == []
    write_run_record(tmp_path, {"task": "fetal_head"}, started, "finished", inputs)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["task"] == "fetal_head" and record["started"] <= record["finished"] and record["seconds"] >= 0
    assert record["counts"] == {"done": 1, "failed": 1, "skipped": 0}
    assert record["inputs"][1] == {"file": "b.png", "path": "/x/b.png", "state": "failed", "reason": "no image"}


def test_versions_of_what_was_used() -> None:
    import numpy

    found = versions()
    assert found["usseg-monai"] == __version__ and found["numpy"] == numpy.__version__ and found["python"].startswith("3.")


def test_the_bundles_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bundle_version("fetal_head") is not None
    monkeypatch.setattr(module, "bundle_path", lambda task: tmp_path)
    assert bundle_version("fetal_head") is None
    (tmp_path / "configs").mkdir()
    for content, version in (("[]", None), ("{", None), ('{"version": "1.2.3"}', "1.2.3")):
        (tmp_path / "configs" / "metadata.json").write_text(content)
        assert bundle_version("fetal_head") == version
