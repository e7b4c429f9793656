"""Writing masks from a MONAI chain under the names that the command line gives them."""

from __future__ import annotations

import numpy as np
from monai.config import KeysCollection
from monai.transforms import SaveImaged

__all__ = ["SaveMaskd"]


class SaveMaskd(SaveImaged):
    """Writes ``<output_dir>/<path of the image below data_root_dir>.png``, 8 bit, background 0, structure 255.

    Args:
        keys: a mask ``(1, W, H)`` of 0 and 1 on the image's own grid.
        output_dir: folder of the masks.
        data_root_dir: folder that the images' paths are taken relative to.
    """

    def __init__(self, keys: KeysCollection, output_dir: str, data_root_dir: str) -> None:
        super().__init__(
            keys,
            output_dir=output_dir,
            output_postfix="",
            output_ext=".png",
            resample=False,
            scale=255,
            output_dtype=np.uint8,
            separate_folder=False,
            data_root_dir=data_root_dir,
            print_log=False,
        )
