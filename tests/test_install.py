"""The small installation: predict in a fresh environment without torch and MONAI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.environments import without_this_one
from usseg_monai.tasks import TASKS
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom

pytestmark = pytest.mark.network

_MOST_MEGABYTES = 185
"""Without the weights, which are two files of at most 16 MB a task."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with what the README tells those to install who only predict."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [_python(folder), "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    _run(*pip, "-c", REPOSITORY / "constraints.txt", "-r", REPOSITORY / "requirements-predict.txt")
    _run(*pip, "--no-deps", REPOSITORY)
    return folder


def _python(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=cwd, env=without_this_one())
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_it_is_small(environment: Path) -> None:
    (packages,) = environment.rglob("site-packages")
    brought = [folder for folder in packages.iterdir() if not folder.name.startswith(("pip", "setuptools", "pkg_resources", "_distutils"))]
    files = [file for folder in brought for file in ([folder] if folder.is_file() else folder.rglob("*")) if file.is_file()]
    sizes = [file.stat().st_size for file in files if file.suffix != ".pyc" and file.parent.name != "models"]
    assert sum(sizes) < _MOST_MEGABYTES * 1e6


def test_neither_torch_nor_monai_is_there(environment: Path) -> None:
    code = "import importlib.util as u; print(*[name for name in ('torch', 'monai', 'ignite', 'scipy', 'matplotlib') if u.find_spec(name)])"
    assert _run(_python(environment), "-c", code).strip() == ""


def test_it_lists_the_tasks(environment: Path, tmp_path: Path) -> None:
    records = json.loads(_run(_python(environment), "-m", "usseg_monai", "tasks", "--json", cwd=tmp_path))
    assert [record["name"] for record in records] == list(TASKS)


def test_every_bundle_came_along(environment: Path, tmp_path: Path) -> None:
    code = "from usseg_monai.tasks import TASKS, bundle_path; print(*[bundle_path(name) for name in TASKS], sep='\\n')"
    for folder in map(Path, _run(_python(environment), "-c", code, cwd=tmp_path).splitlines()):
        assert folder.is_relative_to(environment)
        ours = REPOSITORY / "bundles" / folder.name
        committed = _run("git", "ls-files", ".", cwd=ours).splitlines()
        assert committed
        if not next(task for task in TASKS.values() if task.bundle == folder.name).weights_redistributable:
            committed = [name for name in committed if not name.startswith("models/")]
            assert not (folder / "models").exists()
        assert all((folder / name).read_bytes() == (ours / name).read_bytes() for name in committed)


def test_it_predicts(environment: Path, tmp_path: Path) -> None:
    pixels = fetal_head_phantom(seed=1).image.pixels
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(tmp_path / "head.png")
    usseg = _python(environment).with_name("usseg" + Path(sys.executable).suffix)
    _run(usseg, "predict", "fetal_head", "head.png", "-o", "out", "--spacing-mm", "0.2,0.2", cwd=tmp_path)
    with Image.open(tmp_path / "out" / "masks" / "head.png") as mask:
        assert mask.size == pixels.shape[::-1]
        assert set(np.unique(np.asarray(mask))) == {0, 255}
