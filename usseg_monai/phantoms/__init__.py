"""Synthetic images with exact truth, one module a task over one scatterer model. Floor 3: numpy only."""

from usseg_monai.phantoms.fetal_head import fetal_head_phantom
from usseg_monai.phantoms.phantom import Phantom

__all__ = ["Phantom", "fetal_head_phantom"]
