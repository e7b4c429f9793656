"""Writing masks from a MONAI chain under the names that the command line gives them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from monai.config import KeysCollection
from monai.transforms import SaveImaged

__all__ = ["SaveMaskd"]


class SaveMaskd(SaveImaged):
    """Writes ``<output_dir>/<item["output"]>.png``, 8 bit, background 0, structure 255, and passes the item on.

    ``output`` is the name that `usseg_monai.data.datalist.list_images` gives every item, unique in its list, so that two images of one
    name never overwrite each other.

    Args:
        keys: a mask ``(1, W, H)`` of 0 and 1 on the image's own grid.
        output_dir: folder of the masks.
    """

    def __init__(self, keys: KeysCollection, output_dir: str) -> None:
        super().__init__(keys, output_ext=".png", resample=False, scale=255, output_dtype=np.uint8, print_log=False)
        self.output_dir = Path(output_dir)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        file = self.output_dir / data["output"]
        file.parent.mkdir(parents=True, exist_ok=True)
        for key in self.key_iterator(dict(data)):
            self.saver(img=data[key], filename=file)
        return dict(data)
