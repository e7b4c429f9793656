"""Find structures in 2-D medical images and measure them; bundles for MONAI.

Importing the package is cheap: public names are loaded on first use.

>>> import usseg_monai
>>> usseg_monai.bundle_path("fetal_head").name
'fetal_head'
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from usseg_monai.errors import UssegError
    from usseg_monai.imaging import GreyImage, read_frames, read_image, read_mask
    from usseg_monai.measuring.result import Measurement, Status
    from usseg_monai.predict.prediction import Prediction
    from usseg_monai.predict.predictor import Predictor
    from usseg_monai.runs.folder import predict_folder
    from usseg_monai.runs.options import Options
    from usseg_monai.runs.run import Summary
    from usseg_monai.runs.stack import predict_stack
    from usseg_monai.tasks import TASKS, bundle_path, get_task

# ONNX Runtime from 1.29 on reports its use to its maker, and keeps an identifier of the machine, unless this is set before its import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
__all__ = [
    "TASKS",
    "GreyImage",
    "Measurement",
    "Options",
    "Prediction",
    "Predictor",
    "Status",
    "Summary",
    "UssegError",
    "__version__",
    "bundle_path",
    "get_task",
    "predict_folder",
    "predict_stack",
    "read_frames",
    "read_image",
    "read_mask",
]

_HOMES = {
    "TASKS": "tasks",
    "GreyImage": "imaging",
    "Measurement": "measuring.result",
    "Options": "runs.options",
    "Prediction": "predict.prediction",
    "Predictor": "predict.predictor",
    "Status": "measuring.result",
    "Summary": "runs.run",
    "UssegError": "errors",
    "bundle_path": "tasks",
    "get_task": "tasks",
    "predict_folder": "runs.folder",
    "predict_stack": "runs.stack",
    "read_frames": "imaging",
    "read_image": "imaging",
    "read_mask": "imaging",
}
"""Public name -> module that it is loaded from."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
