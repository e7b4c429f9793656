"""What a node accepts: kinds of images, and the transfer syntaxes that can be decoded here."""

from __future__ import annotations

from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from pynetdicom import build_context
from pynetdicom.presentation import PresentationContext

__all__ = ["DECODED", "IMAGES", "WITH_CODECS", "image_contexts", "syntaxes"]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
IMAGES = {
    f"{_STORAGE}1": "Computed Radiography Image",
    f"{_STORAGE}1.1": "Digital X-Ray Image, for presentation",
    f"{_STORAGE}2": "CT Image",
    f"{_STORAGE}3": "Ultrasound Multi-frame Image (retired)",
    f"{_STORAGE}3.1": "Ultrasound Multi-frame Image",
    f"{_STORAGE}4": "MR Image",
    f"{_STORAGE}4.1": "Enhanced MR Image",
    f"{_STORAGE}4.3": "Enhanced MR Color Image",
    f"{_STORAGE}6": "Ultrasound Image (retired)",
    f"{_STORAGE}6.1": "Ultrasound Image",
    f"{_STORAGE}7": "Secondary Capture Image",
    f"{_STORAGE}7.1": "Multi-frame Single Bit Secondary Capture Image",
    f"{_STORAGE}7.2": "Multi-frame Grayscale Byte Secondary Capture Image",
    f"{_STORAGE}7.3": "Multi-frame Grayscale Word Secondary Capture Image",
    f"{_STORAGE}7.4": "Multi-frame True Color Secondary Capture Image",
}
"""SOP classes that a node accepts, with their names."""

DECODED = ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless
"""Transfer syntaxes that this package decodes."""

WITH_CODECS = tuple(UID(f"1.2.840.10008.1.2.4.{number}") for number in (50, 51, 70, 57, 80, 81, 90, 91))
"""Transfer syntaxes that libraries decode: Pillow some of them, those of the extra ``codecs`` the others."""


def syntaxes() -> list[str]:
    """Transfer syntaxes that can be decoded here; those of the extra ``codecs`` only where it is installed."""
    return [*map(str, DECODED), *(str(syntax) for syntax in WITH_CODECS if get_decoder(syntax).is_available)]


def image_contexts() -> list[PresentationContext]:
    """Presentation contexts of all images."""
    known = syntaxes()
    return [build_context(sop_class, known) for sop_class in IMAGES]
