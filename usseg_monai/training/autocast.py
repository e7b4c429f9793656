"""Mixed precision that also works on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor

__all__ = ["AutocastInferer"]


class AutocastInferer(SimpleInferer):
    """Runs the network in bfloat16 and returns float32, for every output of the network.

    MONAI's ``amp=True`` is hard-wired to CUDA and has no effect on a CPU; bfloat16 keeps float32's range, so no gradient scaler is needed.

    Args:
        enabled: ``False`` runs in the network's precision.

    >>> import torch
    >>> AutocastInferer()(torch.ones(1, 2), torch.nn.Linear(2, 1)).dtype
    torch.float32
    """

    def __init__(self, enabled: bool = True) -> None:
        super().__init__()
        self.enabled = enabled

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Float32 logits, or a dictionary of them if the network returns one."""
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=self.enabled):
            outputs: Any = super().__call__(inputs, network, *args, **kwargs)
        return {name: output.float() for name, output in outputs.items()} if isinstance(outputs, dict) else outputs.float()
