"""Every named network and optimizer fits every bundle's training."""

from __future__ import annotations

import pytest
import torch
from monai.bundle import ConfigParser

from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.training.comparison.short_names import short_names

MILLIONS = {"residual_unet": 3.9, "efficient_unet": 3.7, "plain_unet": 1.6, "classic_unet": 1.9, "encoder_decoder": 1.8}
OPTIMIZERS = ["AdamW", "Adam", "SGD"]


def config(task: str) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(str(bundle_path(task) / "configs" / "train.json"))
    parser.update({"bundle_root": "", "device": "$torch.device('cpu')"})
    return parser


@pytest.mark.parametrize("network", MILLIONS)
@pytest.mark.parametrize("task", TASKS)
def test_networks_fit_every_task_that_they_have_the_heads_for(task: str, network: str) -> None:
    parser = config(task)
    known = short_names(parser["network_def"])["network"]
    classes = parser["network_def"].get("classes")
    assert (network in known) == (classes is None or network in ("residual_unet", "efficient_unet"))
    if network not in known:
        return
    channels = parser["network_def"].get("out_channels", 1)
    parser.update(dict(known[network]))
    built = parser.get_parsed_content("network")
    assert sum(parameter.numel() for parameter in built.parameters()) == pytest.approx(MILLIONS[network] * 1e6, rel=0.03)
    answer = built.eval()(torch.zeros(1, 1, 64, 32))
    mask = answer if classes is None else answer["mask"]
    assert mask.shape == (1, channels, 64, 32)
    assert classes is None or answer["class"].shape == (1, classes)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str) -> None:
    parser = config("fetal_head")
    names = short_names(parser["network_def"])["optimizer"]
    assert list(names) == OPTIMIZERS
    parser.update(dict(names[optimizer]))
    assert type(parser.get_parsed_content("optimizer")).__name__ == optimizer
