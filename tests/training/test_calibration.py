"""Tests of usseg_monai.training.calibration."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from torch import Tensor

from usseg_monai.networks.two_heads import ResidualUNetWithClasses
from usseg_monai.training.batches import prepare_class
from usseg_monai.training.calibration import CalibrationHandler, fit_temperature


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("classes", [1, 3])
def test_finds_the_temperature_that_labels_were_drawn_with(temperature: float, classes: int) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(20_000, classes, generator=generator)
    if classes == 1:
        targets = torch.bernoulli(torch.sigmoid(logits / temperature), generator=generator)
    else:
        targets = torch.multinomial(torch.softmax(logits / temperature, 1), 1, generator=generator)[:, 0]
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.06)


def finish(network: ResidualUNetWithClasses, checkpoint: Path, batches: list[dict[str, Tensor]]) -> None:
    engine = Engine(lambda *_: None)
    CalibrationHandler(network, str(checkpoint), batches, prepare_class).attach(engine)
    engine.run([0])


@pytest.fixture
def batches() -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    return [
        {"image": torch.rand(4, 1, 16, 16, generator=generator), "label": torch.zeros(4, 1, 16, 16), "class": torch.tensor([0, 1, 2, 1])}
        for _ in range(3)
    ]


def test_the_best_weights_get_a_temperature_when_training_is_over(batches: list[dict[str, Tensor]], tmp_path: Path) -> None:
    best, last = (ResidualUNetWithClasses(3, widths=(4, 6, 8)) for _ in range(2))
    file = tmp_path / "model.pt"
    torch.save(best.state_dict(), file)
    finish(last, file, batches)
    written = torch.load(file, weights_only=True)
    assert float(written.pop("temperature")) != 1.0
    assert all(torch.equal(value, best.state_dict()[name]) for name, value in written.items())
    assert float(last.get_buffer("temperature")) == 1.0
    finish(last, file, batches)  # a finished training that is started again changes nothing
    assert float(torch.load(file, weights_only=True)["temperature"]) == pytest.approx(float(_temperature(file)))


def _temperature(file: Path) -> Tensor:
    temperature: Tensor = torch.load(file, weights_only=True)["temperature"]
    return temperature


def test_without_classes_or_weights_nothing_happens(batches: list[dict[str, Tensor]], tmp_path: Path) -> None:
    network, file = ResidualUNetWithClasses(3, widths=(4, 6, 8)), tmp_path / "model.pt"
    finish(network, file, batches)
    assert not file.exists()
    torch.save(network.state_dict(), file)
    finish(network, file, [{name: value for name, value in batch.items() if name != "class"} for batch in batches])
    assert float(_temperature(file)) == 1.0
