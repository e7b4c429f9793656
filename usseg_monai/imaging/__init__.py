"""Image files to arrays: one decoder for every engine.

Arrays are ``(rows, cols)``, row 0 at the top of the displayed picture. Importing this package costs numpy only: Pillow, nibabel and pydicom
are loaded by the first file that needs them.

>>> from usseg_monai.imaging import is_image_name, parse_spacing
>>> is_image_name("exam/7.NII.GZ"), parse_spacing("0.2,0.1")
(True, (0.2, 0.1))
"""

from usseg_monai.geometry.types import GreyArray, MaskArray, Spacing
from usseg_monai.imaging.decode import SUFFIXES, bare_name, is_image_name, read_frames, read_image, read_mask, to_mask
from usseg_monai.imaging.image import GreyImage, Place, Region, Source
from usseg_monai.imaging.limits import Limits
from usseg_monai.imaging.spacing import parse_spacing, read_spacing_csv

__all__ = [
    "SUFFIXES",
    "GreyArray",
    "GreyImage",
    "Limits",
    "MaskArray",
    "Place",
    "Region",
    "Source",
    "Spacing",
    "bare_name",
    "is_image_name",
    "parse_spacing",
    "read_frames",
    "read_image",
    "read_mask",
    "read_spacing_csv",
    "to_mask",
]
