"""Synthetic images with exact truth, one module a task over one scatterer model. Floor 3: numpy only."""

from usseg_monai.phantoms.breast import breast_phantom
from usseg_monai.phantoms.fetal_head import fetal_head_phantom
from usseg_monai.phantoms.left_ventricle import StackPhantom, left_ventricle_phantom, left_ventricle_stack_phantom
from usseg_monai.phantoms.nerve import nerve_phantom
from usseg_monai.phantoms.phantom import Phantom

__all__ = [
    "Phantom",
    "StackPhantom",
    "breast_phantom",
    "fetal_head_phantom",
    "left_ventricle_phantom",
    "left_ventricle_stack_phantom",
    "nerve_phantom",
]
