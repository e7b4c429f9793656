"""What the transforms compute with, as MONAI's `backend` attribute says it."""

from __future__ import annotations

from monai.utils import TransformBackends

__all__ = ["NUMPY", "TORCH", "TORCH_AND_NUMPY"]

NUMPY = [TransformBackends.NUMPY]
TORCH = [TransformBackends.TORCH]
TORCH_AND_NUMPY = [*TORCH, *NUMPY]
"""The array is only indexed: it stays what it is."""
