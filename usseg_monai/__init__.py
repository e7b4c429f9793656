"""Find structures in 2-D medical images and measure them; bundles for MONAI.

Importing the package costs nothing: public names are loaded when they are first used.

>>> import usseg_monai
>>> usseg_monai.bundle_path("fetal_head").name
'fetal_head'
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usseg_monai.inference.predictor import Predictor
    from usseg_monai.tasks import bundle_path

__version__ = "0.1.0"
__all__ = ["Predictor", "__version__", "bundle_path"]

_HOMES = {"Predictor": "usseg_monai.inference.predictor", "bundle_path": "usseg_monai.tasks"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
