"""The operating point of malignant on made images."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import operating_point
from tests.benchmarks.accuracy.predictors import Knowing
from tests.datasets.samples import make_breast_lesions_usg, make_busbra, make_busi
from usseg_monai.datasets.datalist import read_dataset, to_datalist
from usseg_monai.tasks.breast.record import BREAST


def test_finds_nine_of_ten_malignant_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    make_busi(tmp_path / "busi", {f"malignant ({number})": ["_mask"] for number in range(1, 120)})
    make_busbra(tmp_path / "busbra", {"0001-l": "benign"})
    make_breast_lesions_usg(tmp_path / "breast_lesions_usg", {f"case{number:03}": ("malignant", 1) for number in range(1, 40)})
    items = to_datalist(read_dataset("breast", tmp_path))["validation"]
    sources = [item["source"] for item in items]
    assert sources.count("BUSI") >= 10 and sources.count("BrEaST") >= 2 and "BUS-BRA" not in sources
    malignant = [(number + 1) / (len(items) + 1) for number in range(len(items))]
    outputs = {item["image"]: [0.0, 1 - value, value] for item, value in zip(items, malignant, strict=True)}
    knowing = Knowing(BREAST, {item["image"]: item["label"] for item in items}, 0, outputs)
    monkeypatch.setattr(operating_point, "Predictor", lambda *_, **__: knowing)
    assert operating_point.main([str(tmp_path / "model.pt"), "--data", str(tmp_path)]) == 0
    lines = dict(line.split(": ") for line in capsys.readouterr().out.splitlines())
    assert list(lines) == ["all sources", "BUSI", "BUS-BRA", "BrEaST"]
    assert lines["BUS-BRA"] == "- (0 malignant images)"
    for name in ("all sources", "BUSI", "BrEaST"):
        values = [value for value, source in zip(malignant, sources, strict=True) if name in ("all sources", source)]
        threshold, _, counted = lines[name].partition(" ")
        assert counted == f"({len(values)} malignant images)"
        assert sum(value >= float(threshold) - 1e-4 for value in values) == -(-9 * len(values) // 10)
