"""What `usseg info` says of an installation, and what it keeps to itself."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import usseg_monai
from usseg_monai.cli import main
from usseg_monai.tasks import TASKS, bundle_path


def info(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    assert main(["info", "--json", *options]) == 0
    facts: dict[str, Any] = json.loads(capsys.readouterr().out)
    return facts


def test_versions_are_those_that_run(capsys: pytest.CaptureFixture[str]) -> None:
    facts = info(capsys)
    assert facts["usseg_monai"] == usseg_monai.__version__
    assert platform.python_version() in facts["python"]
    assert facts["platform"] == platform.platform()
    assert facts["libraries"]["numpy"] == version("numpy")
    assert facts["libraries"]["onnxruntime"] == version("onnxruntime")
    assert "ruff" not in facts["libraries"]
    assert "CPUExecutionProvider" in facts["providers"]


def test_a_library_that_is_missing_is_null(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(
        "usseg_monai.cli.info.requires", lambda name: ["numpy>=1", "no-such-library>=3; extra == 'train'", "ruff; extra == 'dev'"]
    )
    assert info(capsys)["libraries"] == {"numpy": version("numpy"), "no-such-library": None}
    main(["info"])
    assert "no-such-library missing" in capsys.readouterr().out


def test_threads_are_those_of_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("usseg_monai.runs.options.available_cores", lambda: 3)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    threads = info(capsys)["threads"]
    assert (threads["usable"], threads["OMP_NUM_THREADS"]) == (3, "7")


def test_weights_are_released_own_or_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = tmp_path / "left_ventricle" / "models"
    models.mkdir(parents=True)
    shutil.copy(bundle_path("left_ventricle") / "models" / "model.onnx", models)
    (models / "model.pt").write_bytes(b"mine")
    monkeypatch.setattr("usseg_monai.cli.info.bundle_path", lambda name: tmp_path / name)
    weights = info(capsys)["weights"]
    assert list(weights) == list(TASKS)
    task = TASKS["left_ventricle"]
    assert weights["left_ventricle"]["license"] == task.weights_license
    assert weights["left_ventricle"]["files"] == {
        "model.onnx": {"state": "released", "sha256": task.weights_sha256[:12]},
        "model.pt": {"state": "own", "sha256": hashlib.sha256(b"mine").hexdigest()[:12]},
        "model.trust": {"state": "missing", "sha256": ""},
    }


def test_people_read_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    facts = info(capsys)
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    assert facts["platform"] in printed and "CPUExecutionProvider" in printed
    for task in TASKS.values():
        assert f"model.onnx released {task.weights_sha256[:12]}" in printed and task.weights_license in printed


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_paths_are_printed_on_request_only(form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(["info", *form])
    without = capsys.readouterr().out
    main(["info", "--paths", *form])
    with_paths = capsys.readouterr().out
    for path in (Path.home(), Path.cwd(), Path(usseg_monai.__file__).parents[1]):
        assert str(path) not in without
    assert str(Path(usseg_monai.__file__).parent) in with_paths and str(bundle_path("nerve")) in with_paths
