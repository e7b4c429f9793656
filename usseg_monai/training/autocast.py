"""Mixed precision that also works on a CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import SimpleInferer
from torch import Tensor

__all__ = ["AutocastInferer", "computes_bfloat16"]


def computes_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16: GPUs since NVIDIA's Ampere, CPUs with AVX512-BF16, AMX or Arm's BF16.

    Other CPUs emulate it: a training step of the fetal head's network took 11 times as long as in float32 on one with AVX2 (PyTorch issue
    118499). Versions of PyTorch that do not tell what a CPU can do count as without.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))
    return True


class AutocastInferer(SimpleInferer):
    """Runs the network in bfloat16 where the device computes in it, and returns float32, for every output of the network.

    MONAI's ``amp=True`` is hard-wired to CUDA and has no effect on a CPU; bfloat16 keeps float32's range, so no gradient scaler is needed.

    Args:
        enabled: ``False`` runs in the network's precision on every device.

    >>> import torch
    >>> AutocastInferer()(torch.ones(1, 2), torch.nn.Linear(2, 1)).dtype
    torch.float32
    """

    def __init__(self, enabled: bool = True) -> None:
        super().__init__()
        self.enabled = enabled

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Float32 logits, or a dictionary of them if the network returns one."""
        enabled = self.enabled and computes_bfloat16(inputs.device)
        with torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=enabled):
            outputs: Any = super().__call__(inputs, network, *args, **kwargs)
        return {name: output.float() for name, output in outputs.items()} if isinstance(outputs, dict) else outputs.float()
