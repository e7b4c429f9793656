"""Every network keeps what all of them promise."""

from __future__ import annotations

import json

from tests.conftest import REPOSITORY
from tests.contracts.network import NetworkContract
from usseg_monai.networks.efficient_unet import EfficientUNet
from usseg_monai.networks.encoder_decoder import EncoderDecoder
from usseg_monai.networks.residual_unet import ResidualUNet
from usseg_monai.networks.two_heads import EfficientUNetWithClasses, ResidualUNetWithClasses

SMALL = (4, 6, 8, 10)


class TestResidualUNet(NetworkContract):
    make = staticmethod(lambda channels, out: ResidualUNet(channels, out, widths=SMALL))
    levels = 3


class TestResidualUNetWithClasses(NetworkContract):
    make = staticmethod(lambda channels, out: ResidualUNetWithClasses(3, channels, out, widths=SMALL))
    levels, classes = 3, 3


class TestEfficientUNet(NetworkContract):
    make = staticmethod(lambda channels, out: EfficientUNet(channels, out))
    channels, stride, levels = ((1, 2),), 32, 3


class TestEfficientUNetWithClasses(NetworkContract):
    make = staticmethod(lambda channels, out: EfficientUNetWithClasses(3, channels, out))
    channels, stride, levels, classes = ((1, 1),), 32, 3, 3


class TestEncoderDecoder(NetworkContract):
    make = staticmethod(lambda channels, out: EncoderDecoder(channels, out, widths=SMALL))


def test_every_network_that_is_shipped_is_held_to_the_contract() -> None:
    held = {name.removeprefix("Test") for name, test in globals().items() if isinstance(test, type) and issubclass(test, NetworkContract)}
    for config in (REPOSITORY / "bundles").glob("*/configs/inference.json"):
        target = json.loads(config.read_text())["network_def"]["_target_"]
        assert target.rpartition(".")[2] in held
