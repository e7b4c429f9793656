"""Frames of a file: compressed or not as its bytes say, within the limits, one at a time."""

from __future__ import annotations

import numpy as np
import pytest

from tests.imaging.samples import dicom_bytes, dicom_compressed_bytes, picture, pillow_bytes
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits
from usseg_monai.imaging.formats.dicom import open_dicom

BASELINE = "1.2.840.10008.1.2.4.50"
JPEG = pillow_bytes(picture(), "JPEG", quality=100)


def test_frames_of_a_cine_without_offset_table_and_number() -> None:
    frames = [pillow_bytes(picture() // divisor, "JPEG", quality=100) for divisor in (1, 2, 3)]
    volume = np.stack([picture() // divisor for divisor in (1, 2, 3)])
    opened = open_dicom(dicom_compressed_bytes(frames, volume, BASELINE, NumberOfFrames=None), Limits())
    assert opened.count == 3
    assert all(np.abs(opened.load(index) - volume[index]).max() <= 2 for index in (2, 0, 1))


@pytest.mark.parametrize(("frames", "allowed"), [(4, True), (5, False)])
@pytest.mark.parametrize("compressed", [True, False])
def test_limits(compressed: bool, frames: int, allowed: bool) -> None:
    volume = np.stack([picture()] * frames)
    data = dicom_compressed_bytes([JPEG] * frames, volume, BASELINE) if compressed else dicom_bytes(volume)
    if allowed:
        assert open_dicom(data, Limits(max_frames=4)).count == 4
    else:
        with pytest.raises(ImageError, match="5 frames: more than 4 per file"):
            open_dicom(data, Limits(max_frames=4))


def test_the_size_of_a_frame_is_checked_before_it_is_decoded() -> None:
    with pytest.raises(ImageError, match="37 rows x 53 columns: more than 1960 pixels"):
        open_dicom(dicom_compressed_bytes([JPEG], picture(), BASELINE), Limits(max_pixels=1960))


def test_rows_and_columns_that_only_the_codestream_states() -> None:
    opened = open_dicom(dicom_compressed_bytes([JPEG], picture(), BASELINE, Rows=None, Columns=None), Limits())
    assert opened.load(0).shape == picture().shape


def test_a_later_frame_of_another_size_costs_that_frame() -> None:
    other = pillow_bytes(picture()[:30], "JPEG")
    opened = open_dicom(dicom_compressed_bytes([JPEG, other], np.stack([picture()] * 2), BASELINE), Limits())
    opened.load(0)
    with pytest.raises(ImageError, match="frame 1 is compressed as 30 x 53 pixels, 37 x 53 were declared"):
        opened.load(1)


def test_a_compressed_frame_much_larger_than_its_pixels() -> None:
    padded = JPEG + bytes((1 << 20) + 2 * 37 * 53 - len(JPEG))
    open_dicom(dicom_compressed_bytes([padded], picture(), BASELINE), Limits()).load(0)
    with pytest.raises(ImageError, match="larger than its pixels"):
        open_dicom(dicom_compressed_bytes([padded + b"\0\0"], picture(), BASELINE), Limits()).load(0)
