"""Colour tables: plain, segmented, supplemental, of both byte orders, and damaged ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian

from tests.imaging.samples import dicom_bytes, picture
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits
from usseg_monai.imaging.formats.dicom import open_dicom

WHITE = 65535


def read(**elements: Any) -> np.ndarray:
    return open_dicom(dicom_bytes(picture(), PhotometricInterpretation="PALETTE COLOR", **elements), Limits()).load(0)


def palette(data: bytes | tuple[bytes, bytes, bytes], descriptor: list[int], prefix: str = "") -> dict[str, Any]:
    """The same table for all colours, or one for each."""
    tables = data if isinstance(data, tuple) else (data, data, data)
    elements: dict[str, Any] = {}
    for colour, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        elements[f"{colour}PaletteColorLookupTableDescriptor"] = descriptor
        elements[f"{prefix}{colour}PaletteColorLookupTableData"] = table
    return elements


def words(*values: int, order: str = "<u2") -> bytes:
    return np.array(values, order).tobytes()


def test_plain() -> None:
    table = np.arange(256)[::-1] * 257
    np.testing.assert_array_equal(read(**palette(words(*table), [256, 0, 16])), 65535 - 257.0 * picture())


def test_colours_become_luminance() -> None:
    red = (words(*[1000] * 256), bytes(512), bytes(512))
    assert (read(**palette(red, [256, 0, 16])) == 299).all()


def test_eight_bits() -> None:
    np.testing.assert_array_equal(read(**palette(bytes(range(255, -1, -1)), [256, 0, 8])), 255.0 - picture())


def test_a_table_that_begins_later_and_ends_early() -> None:
    grey = read(**palette(words(*range(100, 150)), [50, 40, 16]))
    np.testing.assert_array_equal(grey, np.clip(picture().astype(float) - 40, 0, 49) + 100)


def test_big_endian_words() -> None:
    table = words(*(np.arange(256) * 3), order=">u2")  # pydicom does not turn the words of OW
    np.testing.assert_array_equal(read(syntax=ExplicitVRBigEndian, **palette(table, [256, 0, 16])), 3.0 * picture())


def test_segments() -> None:
    """Discrete 0, 10; linear to 1010 in 100 steps; discrete 7; linear to 57; the last two by reference to byte 14; linear to 5."""
    table = words(0, 2, 0, 10, 1, 100, 1010, 0, 1, 7, 1, 50, 57, 2, 2, 14, 0, 1, 52, 5)
    wanted = np.concatenate(
        [[0, 10], 10 + 10 * np.arange(1, 101), [7], 7 + np.arange(1, 51), [7], 7 + np.arange(1, 51), 57 - np.arange(1, 53)]
    )
    assert len(wanted) == 256
    np.testing.assert_array_equal(read(**palette(table, [256, 0, 16], "Segmented")), wanted[picture()])


def test_segments_of_eight_bits() -> None:
    table = bytes([0, 1, 0, 1, 255, 255])
    np.testing.assert_array_equal(read(**palette(table, [256, 0, 8], "Segmented")), picture())


@pytest.mark.parametrize(
    "table",
    [
        words(1, 256, 5),  # linear from nowhere
        words(3, 1, 1),
        words(0, 10, *range(10)),  # too short
        words(0, 1, 5, 2, 65535, 0, 0),  # an indirect segment that repeats one entry for ever: more than the table holds is not made
        words(0, 1, 5, 2, 9, 60000, 60000),
        words(0, 0, 2, 65535, 0, 0) * 500,
        words(0, 1, 5, 2, 1, 6, 0),  # refers to itself
    ],
)
def test_segments_that_cannot_be_followed(table: bytes) -> None:
    with pytest.raises(ImageError, match=r"segmented palette that cannot be followed|colours has"):
        read(**palette(table, [256, 0, 16], "Segmented"))


def test_a_supplemental_palette_colours_the_values_from_its_first_on() -> None:
    """Grey up to 199 as it is; then black and white."""
    elements = palette(words(0, WHITE), [2, 200, 16]) | {"PixelPresentation": "COLOR"}
    data = dicom_bytes(picture(), PhotometricInterpretation="MONOCHROME2", **elements)
    grey = open_dicom(data, Limits()).load(0)
    np.testing.assert_array_equal(grey, np.where(picture() < 200, picture(), np.where(picture() == 200, 0, 199)))


@pytest.mark.parametrize(
    "elements",
    [
        {},
        palette(words(*range(100)), [256, 0, 16]),
        palette((words(*range(256)), bytes(256), bytes(256)), [256, 0, 16]),
        {"RedPaletteColorLookupTableDescriptor": [256, 0, 16]},
    ],
)
def test_without_a_palette_that_can_be_used(elements: dict[str, Any]) -> None:
    with pytest.raises(ImageError, match="palette"):
        read(**elements)
