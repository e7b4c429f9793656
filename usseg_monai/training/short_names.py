"""What `usseg_monai.training.compare` varies by a name of its own: networks and optimizers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["short_names"]


@dataclass(frozen=True)
class _Network:
    """A network by its target, with one head and, where there is such a form, with a second one for classes."""

    target: str
    arguments: Mapping[str, Any]
    with_classes: str | None = None


_WIDTHS = [16, 32, 64, 128, 256]
_NETWORKS = {
    "residual_unet": _Network(
        "usseg_monai.networks.residual_unet.ResidualUNet",
        {"widths": [24, 48, 96, 160, 240]},
        "usseg_monai.networks.two_heads.ResidualUNetWithClasses",
    ),
    "efficient_unet": _Network(
        "usseg_monai.networks.efficient_unet.EfficientUNet",
        {"widths": [32, 48, 96, 160], "pretrained": True},
        "usseg_monai.networks.two_heads.EfficientUNetWithClasses",
    ),
    "plain_unet": _Network("UNet", {"spatial_dims": 2, "channels": _WIDTHS, "strides": [2, 2, 2, 2], "num_res_units": 2, "norm": "batch"}),
    # The teaching recipe repeats the image three times; the bundle's chain, which all share here, does not.
    "classic_unet": _Network("usseg_monai.networks.classic_unet.ClassicUNet", {"widths": _WIDTHS}),
    "encoder_decoder": _Network(
        "usseg_monai.networks.encoder_decoder.EncoderDecoder", {"widths": _WIDTHS, "activation": "relu", "upsample": "transposed"}
    ),
}

_OPTIMIZED = {"params": "$@network.parameters()", "lr": "@learning_rate"}
_OPTIMIZERS: Mapping[str, Mapping[str, Any]] = {
    # Weight decay is no setting of its own: decoupled (AdamW) and added to the gradient (the others) it is a different thing.
    "AdamW": {"optimizer#_target_": "torch.optim.AdamW"},  # with the bundle's weight decay
    "Adam": {"optimizer": {"_target_": "torch.optim.Adam", **_OPTIMIZED}},
    "SGD": {"optimizer": {"_target_": "torch.optim.SGD", **_OPTIMIZED, "momentum": 0.9, "weight_decay": 1e-4}},
}


def short_names(network_def: Mapping[str, Any]) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Key -> name -> overrides of ``configs/train.json``, of the networks those that can take the place of a bundle's own.

    Args:
        network_def: of the bundle: its channels and classes are those of all.

    >>> list(short_names({"out_channels": 2})["network"])
    ['residual_unet', 'efficient_unet', 'plain_unet', 'classic_unet', 'encoder_decoder']
    >>> list(short_names({"classes": 3})["network"])  # with a second head
    ['residual_unet', 'efficient_unet']
    """
    heads = {
        "out_channels": network_def.get("out_channels", 1),
        **{key: network_def[key] for key in ("classes", "dropout") if key in network_def},
    }
    networks = {}
    for name, network in _NETWORKS.items():
        target = network.with_classes if "classes" in heads else network.target
        if target:
            networks[name] = {"network_def": {"_target_": target, "in_channels": 1, **heads, **network.arguments}}
    return {"network": networks, "optimizer": _OPTIMIZERS}
