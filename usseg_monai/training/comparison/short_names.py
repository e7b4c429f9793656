"""Short names of networks and optimizers for `usseg_monai.training.comparison.compare`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["short_names"]


@dataclass(frozen=True)
class _Network:
    """Target of a network with one head, and of its form with a second head for classes, if there is one."""

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
    # The teaching recipe repeats the image three times; the bundle's chain, which is used here for all, does not.
    "classic_unet": _Network("usseg_monai.teaching.classic_unet.ClassicUNet", {"widths": _WIDTHS}),
    "encoder_decoder": _Network(
        "usseg_monai.networks.encoder_decoder.EncoderDecoder", {"widths": _WIDTHS, "activation": "relu", "upsample": "transposed"}
    ),
}

_OPTIMIZED = {"params": "$@network.parameters()", "lr": "@learning_rate"}
_OPTIMIZERS: Mapping[str, Mapping[str, Any]] = {
    # Weight decay is not a separate setting: decoupled (AdamW) it is not the same as added to the gradient (the others).
    "AdamW": {"optimizer#_target_": "torch.optim.AdamW"},  # with the bundle's weight decay
    "Adam": {"optimizer": {"_target_": "torch.optim.Adam", **_OPTIMIZED}},
    "SGD": {"optimizer": {"_target_": "torch.optim.SGD", **_OPTIMIZED, "momentum": 0.9, "weight_decay": 1e-4}},
}


def short_names(network_def: Mapping[str, Any]) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Key -> name -> overrides of ``configs/train.json``; only networks that can replace the bundle's.

    Args:
        network_def: of the bundle; all networks get its channels and classes.

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
