"""MONAI's `ImageReader` over `usseg_monai.imaging`: one reader for all formats, always 2-D, always a 4x4 affine.

It works in any chain:

```
LoadImaged(keys="image", reader=UssegReader(), ensure_channel_first=True)
{"_target_": "LoadImaged", "keys": "image", "reader": {"_target_": "usseg_monai.data.image_reader.UssegReader"}}
```

Axes are swapped only here: ``(rows, cols)`` outside MONAI, ``(W, H)`` inside, as MONAI's own readers return and its writers expect.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from monai.data.image_reader import ImageReader
from monai.utils import MetaKeys, ensure_tuple

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, is_image_name, read_image

__all__ = ["UssegReader"]

# `LoadImage` sets up all of MONAI's readers beside this one; a GPU library that one of them lacks is irrelevant here.
logging.getLogger("monai.data.nvimgcodec_pydicom_plugin").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", message="NvImgCodecPydicomReader: nvImageCodec decoder plugin did not register")

Files: TypeAlias = "Sequence[str | os.PathLike[str]] | str | os.PathLike[str]"
"""One or several names; MONAI passes either."""


class UssegReader(ImageReader):
    """Read grey 2-D images as float32 ``(W, H)``.

    The metadata hold the affine (diagonal, in mm where the spacing is known), the shape and ``spacing_mm``: float64 ``[row, col]``, NaN
    where it is unknown, so that mixed batches can be collated. Nothing else from a file's header is passed on.
    """

    def verify_suffix(self, filename: Files) -> bool:
        """Whether all names have the suffix of an image."""
        return all(is_image_name(name) for name in ensure_tuple(filename))

    def read(self, data: Files, **_: Any) -> Files:
        """Return the names unchanged; `get_data` decodes the files.

        `LoadImage` swallows exceptions of `read` and tries its other readers, which turn, flip or stack refused files.
        """
        return data

    def get_data(self, img: Files) -> tuple[np.ndarray, dict[str, Any]]:
        """Decode one file.

        Returns:
            Array ``(W, H)`` and its metadata.

        Raises:
            ImageError: as `read_image`; several files; several frames in the file.
        """
        files = ensure_tuple(img)
        if len(files) != 1:
            raise ImageError(f"{len(files)} files for one image: this reader takes one file per item")
        image = read_image(files[0])
        if image.source.frames > 1:
            raise ImageError(f"{Path(files[0]).name}: {image.source.frames} frames; an item is one 2-D image, save each frame as a file")
        return np.ascontiguousarray(image.pixels.T), _metadata(image)


def _metadata(image: GreyImage) -> dict[str, Any]:
    affine = _affine(image.spacing_mm)
    return {
        MetaKeys.AFFINE: affine,
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPATIAL_SHAPE: np.asarray(image.pixels.T.shape),
        MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan"),  # MONAI's value for no channel axis
        "spacing_mm": np.asarray(image.spacing_mm or (np.nan, np.nan)),
    }


def _affine(spacing_mm: Spacing | None) -> np.ndarray:
    """Axis 0 of a ``(W, H)`` array runs along the columns."""
    row, col = spacing_mm or (1.0, 1.0)
    return np.diag([col, row, 1.0, 1.0])
