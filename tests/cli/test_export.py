"""``usseg export``: what it prints; the graph itself is tested where it is made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from usseg_monai.cli import main
from usseg_monai.weights import export


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Arguments of the exports that were asked for; none is done."""
    seen: list[tuple[Any, ...]] = []

    def export_onnx(*arguments: Any) -> str:
        seen.append(arguments)
        return "ab12"

    monkeypatch.setattr(export, "export_onnx", export_onnx)
    return seen


def test_bundles_own_weights_unless_told(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "fetal_head", "-o", "head.onnx"]) == 0
    assert main(["export", "fetal_head", "-o", "head.onnx", "--checkpoint", "model.pt"]) == 0
    assert calls == [("fetal_head", None, Path("head.onnx")), ("fetal_head", Path("model.pt"), Path("head.onnx"))]
    assert capsys.readouterr().out.splitlines()[0] == "head.onnx  SHA-256 ab12"


def test_json(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "fetal_head", "-o", "head.onnx", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"task": "fetal_head", "file": "head.onnx", "sha256": "ab12"}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main(["export", "fetal_head", "-o", "head.onnx"]) == 1
    assert "pip install 'usseg-monai[train]'" in capsys.readouterr().err
