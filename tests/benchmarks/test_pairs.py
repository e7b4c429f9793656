"""Pairs of runs: which checkout each run is of, and what the line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import pairs


def test_medians_and_ratio_of_alternating_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def seconds(checkout: Path, task: str, files: object, save: str) -> tuple[float, float]:
        order.append(checkout.name)
        return (2.0, 3.0) if checkout.name == "b" else (1.0, 2.0)

    monkeypatch.setattr(pairs, "seconds", seconds)
    line = pairs.compare({"other": Path("a"), "here": Path("b")}, "nerve", [Path("1.png")], "mask", 2)
    assert line == "nerve, 1 images, mask: wall 1.00 s -> 2.00 s (2.00), processor 2.00 s -> 3.00 s (1.50)"
    assert order == ["b", "a", "a", "b"]


def test_a_run_is_of_the_checkout_that_is_named(tmp_path: Path) -> None:
    package = tmp_path / "usseg_monai"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text("import sys; sys.exit(sys.argv[1:4] != ['predict', 'nerve', 'a.png'])")
    wall, processor = pairs.seconds(tmp_path, "nerve", [Path("a.png")], "mask")
    assert processor > 0 and 0 < wall < 60
