"""Weights in half precision: stored in 16 bits, computed in 32.

Only large kernels are halved; they hold at least 96 % of the weights. Answers depend most on the small ones, depthwise and first
convolutions: with them in single precision the class probabilities of breast images (validation part) change by 0.0002 at most instead of
0.001, for 4 % more bytes. Vectors need the range: the running variance of a batch norm may be far above float16's 65504 or far below its
6e-8.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from usseg_monai.errors import WeightsError
from usseg_monai.weights.checkpoints import check_checkpoint_file, why_unread, write_tensors
from usseg_monai.weights.trust import load_trust, save_trust

__all__ = ["SMALL", "half_precision", "store_half"]

SMALL = 2**14
"""Maximum number of values of a tensor that stays in single precision."""


def half_precision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state dict with float32 kernels of more than `SMALL` values rounded to float16; all other tensors are unchanged.

    A float32 network can load it directly: torch converts while copying.

    Raises:
        WeightsError: a kernel has a value beyond float16's range, or one that is not finite.

    >>> rounded = half_precision({"weight": torch.ones(64, 32, 3, 3), "bias": torch.ones(64)})
    >>> rounded["weight"].dtype, rounded["bias"].dtype
    (torch.float16, torch.float32)
    """
    rounded = {name: value.half() if _is_large(value) else value for name, value in state.items()}
    for name, value in rounded.items():
        if value.dtype == torch.float16 and not torch.isfinite(value).all():
            largest = float(state[name].abs().max())
            raise WeightsError(f"{name} has a weight of {largest:g}, beyond the 65504 of half precision: keep it in single precision")
    return rounded


def _is_large(value: Tensor) -> bool:
    return value.ndim >= 2 and value.numel() > SMALL and value.dtype == torch.float32


def store_half(checkpoint: Path, file: Path) -> None:
    """Write weights in half precision, and beside them the trust fitted on the single-precision weights.

    The trust stays valid: rounding changes confidence and unlikeness by 0.0005 at most on test images (``python -m benchmarks.graphs``).
    The bytes depend on the weights alone, not on the name of the file.

    Args:
        checkpoint: a state dict, or one under the key ``model``.
        file: path of the rounded state dict; the trust is written beside it, if ``checkpoint`` has one.

    Raises:
        WeightsError: ``checkpoint`` is missing, damaged, or does not fit into half precision.
        OutputError: ``file`` cannot be written.
    """
    check_checkpoint_file(checkpoint)
    try:
        content: dict[str, Any] = torch.load(checkpoint, map_location="cpu", weights_only=True)
        state: dict[str, Tensor] = dict(content.get("model", content))
        rounded = half_precision(state)
    except WeightsError as error:
        raise WeightsError(f"{checkpoint}: {error}") from error
    except Exception as error:  # unpickling damaged bytes raises almost any exception
        raise WeightsError(f"{checkpoint} holds no weights: {why_unread(error)}; give a checkpoint of a bundle") from error
    trust = load_trust(checkpoint)
    write_tensors(rounded, file)
    if trust is not None:
        save_trust(trust, file)
