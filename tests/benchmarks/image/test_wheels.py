"""What is collected for an image, and its licences."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.image.__main__ import LICENCE, SHIPPED
from benchmarks.image.wheels import collect, extra_requirements, labels_of, pinned
from tests.conftest import REPOSITORY
from usseg_monai.tasks import TASKS

METADATA = """\
Requires-Dist: numpy>=1.26
Requires-Dist: torch>=2.10; python_version > '3'
Requires-Dist: starlette>=0.46; extra == 'web'
Requires-Dist: old>=1; (python_version >= '3.12') and extra == 'web'
Requires-Dist: pyjpegls>=1.5; extra == "codecs"
"""


def test_requirements_of_an_extra() -> None:
    assert extra_requirements(METADATA, "web") == ["starlette>=0.46", "old>=1"]
    assert extra_requirements(METADATA, "codecs") == ["pyjpegls>=1.5"] and extra_requirements(METADATA, "none") == []


def test_exact_versions() -> None:
    assert pinned(["b_c-2.0+cpu-cp311-cp311-linux_x86_64.whl", "a-1-1build-py3-none-any.whl"]) == "a==1\nb_c==2.0+cpu\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Words of pip's calls, which leave wheels as pip would."""
    calls: list[Sequence[str]] = []

    def run(line: Sequence[str], **options: Any) -> None:
        words = line[line.index("wheel") + 1 :]
        calls.append(words)
        folder = Path(words[words.index("--wheel-dir") + 1])
        with zipfile.ZipFile(folder / "usseg_monai-1.0-py3-none-any.whl", "w") as archive:
            archive.writestr("usseg_monai-1.0.dist-info/METADATA", METADATA)
        (folder / "numpy-2.0-py3-none-any.whl").touch()

    monkeypatch.setattr("subprocess.run", run)
    return calls


def test_for_predicting_neither_torch_nor_monai_is_asked_for(asked: list[Sequence[str]], tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / "old-1-py3-none-any.whl").touch()
    collect(tmp_path / "w", label_server=False, tasks=["fetal_head"])
    own, rest = asked
    assert "--no-deps" in own and rest[-4:] == [str(REPOSITORY / "requirements-predict.txt"), "starlette>=0.46", "old>=1", "pyjpegls>=1.5"]
    assert all("--constraint" in words for words in asked)
    assert (tmp_path / "w" / "requirements.txt").read_text() == "numpy==2.0\nusseg_monai==1.0\n"
    assert not (tmp_path / "w" / "weights").exists()


def test_for_the_label_server_monai_label_comes_without_its_own_requirements(asked: list[Sequence[str]], tmp_path: Path) -> None:
    collect(tmp_path / "w", label_server=True, tasks=[])
    assert [words[-1] for words in asked] == [str(REPOSITORY), f"{REPOSITORY}[label]", "monailabel"]
    assert "--no-deps" in asked[0] and "--no-deps" not in asked[1] and "--no-deps" in asked[2]


def test_weights_that_the_package_leaves_out_are_added_for_those_who_ask(asked: list[Sequence[str]], tmp_path: Path) -> None:
    collect(tmp_path / "w", label_server=False, tasks=["fetal_head", "nerve"])
    weights = tmp_path / "w" / "weights"
    assert {file.relative_to(weights).as_posix() for file in weights.rglob("*.*")} == {
        f"nerve/model.{end}" for end in ("onnx", "pt", "trust")
    }


def test_licences_are_the_packages_and_those_of_the_weights() -> None:
    assert f'\nlicense = "{LICENCE}"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert labels_of(SHIPPED.split(","), LICENCE)["LICENSES"] == LICENCE
    kept = labels_of(["nerve"], "MIT")
    assert kept == {"LICENSES": "MIT AND LicenseRef-nerve-weights", "WEIGHTS": f"nerve: {TASKS['nerve'].weights_license}"}


def test_pip_knows_the_options() -> None:
    done = subprocess.run([sys.executable, "-m", "pip", "wheel", "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert all(re.search(rf"{option}\b", done.stdout) for option in ("--wheel-dir", "--constraint", "--no-deps"))
