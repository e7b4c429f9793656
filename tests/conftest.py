"""Fixtures that all tests share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stores import bucket, s3_server  # noqa: F401 (fixtures)
from tests.tiny import save_model_with_external_weights, save_tiny_model

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real images: `USSEG_DATA`, or `../shared/data` beside the checkout."""
    root = Path(os.environ.get("USSEG_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        reason = f"real images not found in {root}: set USSEG_DATA to the folder that holds hc18/ (see docs/data.md)"
        if os.environ.get("USSEG_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return root


@pytest.fixture(scope="session")
def hc18(data_root: Path) -> Path:
    """Folder of HC18 in its official layout."""
    return data_root / "hc18"


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True, timeout=240)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def float_graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives the deployed graph of a task in single precision, which computes as torch does; exports it at the first call."""
    folder = tmp_path_factory.mktemp("float")

    def graph(task: str) -> Path:
        from usseg_monai.weights.export import export_onnx  # most tests need no torch

        file = folder / f"{task}.onnx"
        if not file.exists():
            export_onnx(task, None, file)
        return file

    return graph


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A deployed graph that fits in a kilobyte."""
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def model_with_external_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph whose weights are kept in another file beside it."""
    return save_model_with_external_weights(tmp_path_factory.mktemp("external"))
