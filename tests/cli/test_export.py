"""``usseg export``: what it prints; the graph itself is tested where it is made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from usseg_monai.cli import main
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.imaging import read_image
from usseg_monai.weights import export, quantize
from usseg_monai.weights.quantize import CALIBRATION_IMAGES


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


def test_int8_is_calibrated_on_the_training_images(hc18: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[Any, ...]] = []

    def export_int8(*arguments: Any) -> str:
        seen.append(arguments)
        return "cd34"

    monkeypatch.setattr(quantize, "export_int8", export_int8)
    assert main(["export", "fetal_head", "-o", "head.onnx", "--precision", "int8", "--data", str(hc18)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "head.onnx  SHA-256 cd34"
    (task, checkpoint, images, file), *others = seen
    assert (task, checkpoint, file, others) == ("fetal_head", None, Path("head.onnx"), [])
    assert len(images) == CALIBRATION_IMAGES
    assert np.array_equal(images[0], read_image(load_datalist(hc18, "training")[0]["image"]).pixels)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["--precision", "int8"], "int8 needs --data DIR"), (["--data", "hc18"], "--data belongs to --precision int8")],
)
def test_data_and_int8_go_together(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "fetal_head", "-o", "head.onnx", *words]) == 2
    assert message in capsys.readouterr().err


def test_json(calls: list[tuple[Any, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "fetal_head", "-o", "head.onnx", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"task": "fetal_head", "file": "head.onnx", "sha256": "ab12"}


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    assert main(["export", "fetal_head", "-o", "head.onnx"]) == 1
    assert "pip install 'usseg-monai[train]'" in capsys.readouterr().err
