"""Writing of masks from a MONAI chain, with the command line's file names."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import SaveImage, SaveImaged
from torch import Tensor

from usseg_monai.transforms.backends import NUMPY

__all__ = ["SaveMask", "SaveMaskD", "SaveMaskDict", "SaveMaskd"]

_FORMAT: dict[str, Any] = {"output_ext": ".png", "resample": False, "scale": 255, "output_dtype": np.uint8, "print_log": False}


class SaveMask(SaveImage):
    """Writes ``<output_dir>/<output>.png``, 8 bit, background 0, structure 255, and passes the mask on.

    Args:
        output_dir: folder of the masks.

    Shapes: a mask ``(1, W, H)`` of 0 and 1.

    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = SaveMask(folder)(torch.ones(1, 8, 6), "phantoms/first")
    ...     [path.name for path in Path(folder).rglob("*.png")]
    ['first.png']
    """

    backend = NUMPY

    def __init__(self, output_dir: str) -> None:
        super().__init__(**_FORMAT)
        self.output_dir = Path(output_dir)

    def __call__(self, img: Tensor, output: str) -> Tensor:  # type: ignore[override]  # the name goes with the mask, not its metadata
        file = self.output_dir / output
        file.parent.mkdir(parents=True, exist_ok=True)
        saved: Tensor = super().__call__(img, filename=file)
        return saved


class SaveMaskd(SaveImaged):
    """Dictionary form of `SaveMask`: the name is the item's ``output``.

    ``output`` is the name from `usseg_monai.datasets.datalist.list_images`, unique in its list, so that images with equal names never
    overwrite each other.

    Args:
        keys: a mask ``(1, W, H)`` of 0 and 1 on the image's own grid.
        output_dir: folder of the masks.
        allow_missing_keys: whether an item may lack the mask.
    """

    backend = SaveMask.backend

    def __init__(self, keys: KeysCollection, output_dir: str, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, allow_missing_keys=allow_missing_keys, **_FORMAT)
        self.save = SaveMask(output_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        for key in self.key_iterator(dict(data)):
            self.save(data[key], data["output"])
        return dict(data)


SaveMaskD = SaveMaskDict = SaveMaskd
