"""The cures of MONAI Label's imports act for MONAI Label alone, and only where a package is absent."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from usseg_monai.label_app import compat


@pytest.fixture
def cured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Packages called monailabel and stranger that import what is absent, under the cures."""
    before = dict(sys.modules), list(sys.meta_path)
    for name in ("monailabel", "stranger"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("import absent_one.inner\nfrom absent_one.other import Base\nclass Mine(Base): ...\n")
    monkeypatch.setattr(compat, "ABSENT", ("absent_one", "json"))
    monkeypatch.syspath_prepend(tmp_path)
    compat.install()
    yield tmp_path
    sys.meta_path[:] = before[1]
    for name in sys.modules.keys() - before[0].keys():
        del sys.modules[name]


def test_monailabel_imports_what_is_absent(cured: Path) -> None:
    assert importlib.import_module("monailabel").Mine.__name__ == "Mine"


def test_nobody_else_does(cured: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="absent_one"):
        importlib.import_module("stranger")


def test_an_installed_package_wins(cured: Path) -> None:
    (cured / "monailabel" / "user.py").write_text("import json\n")
    (cured / "monailabel" / "__init__.py").write_text("")
    assert hasattr(importlib.import_module("monailabel.user").json, "loads")


def test_twice_is_once(cured: Path) -> None:
    finders = len(sys.meta_path)
    compat.install()
    assert len(sys.meta_path) == finders
