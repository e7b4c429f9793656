"""The scatterer model that all phantoms share. Floor 3: numpy only; the phantoms are in their tasks' folders."""

from usseg_monai.phantoms.phantom import Phantom

__all__ = ["Phantom"]
