"""What the package promises as a whole: one version, a light import, public names that exist."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import usseg_monai
from tests.conftest import REPOSITORY


def _requirements(name: str) -> dict[str, Requirement]:
    lines = (line.partition("#")[0].strip() for line in (REPOSITORY / name).read_text().splitlines())
    found = map(Requirement, filter(None, lines))
    return {requirement.name: requirement for requirement in found}


def _declared() -> list[Requirement]:
    try:
        lines = requires("usseg-monai") or []
    except PackageNotFoundError:
        pytest.skip("the package is imported from the checkout without being installed: run make install")
    return [requirement for requirement in map(Requirement, lines) if requirement.name != "usseg-monai"]


def test_importing_costs_nothing() -> None:
    code = "import sys, typing; before = set(sys.modules); import usseg_monai; print(*set(sys.modules) - before)"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True, env=environment)
    assert set(run.stdout.split()) <= {"usseg_monai", "__future__"}


@pytest.mark.parametrize("name", usseg_monai.__all__)
def test_public_names_exist(name: str) -> None:
    assert getattr(usseg_monai, name) is not None


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Segmenter"):
        usseg_monai.Segmenter  # noqa: B018


def test_one_version_everywhere() -> None:
    here = usseg_monai.__version__
    assert f"## [{here}]" in (REPOSITORY / "CHANGELOG.md").read_text()
    assert re.search(rf"^version: {re.escape(here)}$", (REPOSITORY / "CITATION.cff").read_text(), re.MULTILINE)
    try:
        assert version("usseg-monai") == here
    except PackageNotFoundError:
        pytest.skip("the package is imported from the checkout without being installed: run make install")


def test_tested_versions_cover_every_dependency_and_keep_to_the_floors() -> None:
    tested = _requirements("constraints.txt")
    for requirement in _declared():
        (pin,) = tested[requirement.name].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"{requirement} against {pin}"


def test_who_only_predicts_installs_a_part_of_the_same_dependencies() -> None:
    declared = {requirement.name: requirement.specifier for requirement in _declared() if requirement.marker is None}
    light = _requirements("requirements-predict.txt")
    assert {name: requirement.specifier for name, requirement in light.items()} == {name: declared[name] for name in light}
    assert not {"torch", "monai", "pytorch-ignite", "itk"} & light.keys()


def test_the_runtime_of_the_networks_tells_nobody_anything(tmp_path: Path) -> None:
    """ONNX Runtime writes an identifier of the machine and queues events for its maker, unless it was told not to before it is imported."""
    engine = "from usseg_monai.predict.engines.onnx import OnnxEngine"
    code = f"import numpy as np\n{engine}\nOnnxEngine('fetal_head')(np.zeros((64, 64), np.float32))"
    left_out = {"ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "CI", "GITHUB_ACTIONS", "XDG_CACHE_HOME", "PYTEST_CURRENT_TEST"}
    env = {name: value for name, value in os.environ.items() if name not in left_out}
    env |= {"HOME": str(tmp_path), "TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
