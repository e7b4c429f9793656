"""Every target makes inputs of its kind, some of which are taken, some refused, and none breaks the contract."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from benchmarks.fuzz.targets import TARGETS
from benchmarks.fuzz.worker import generator
from usseg_monai.errors import UssegError


def test_the_shares_are_of_a_million() -> None:
    assert sum(target.inputs for target in TARGETS.values()) == 1_000_000
    assert min(target.inputs for target in TARGETS.values()) >= 2_000


@pytest.mark.parametrize("name", TARGETS)
def test_a_few_inputs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from usseg_monai.predict.engines import onnx

    monkeypatch.setattr(onnx, "STRANGERS_SECONDS", 1.0)  # the target sets it, for its own process
    monkeypatch.setattr(onnx, "STRANGERS_BYTES", onnx.STRANGERS_BYTES)
    make = TARGETS[name].maker()
    taken = refused = 0
    for number in range(60):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                TARGETS[name].check(make(generator(name, 5, number)), tmp_path / "input")
            taken += 1
        except UssegError as error:
            assert "\n" not in str(error)
            refused += 1
    assert taken
    assert refused or name == "studies"  # whose message says what is missing
