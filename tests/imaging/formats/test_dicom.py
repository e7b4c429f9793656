"""DICOM: kinds of pixels, frames, spacing, and what hostile files do."""

from __future__ import annotations

import os
import tracemalloc
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import features
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.imaging.samples import (
    COLS,
    ROWS,
    dicom_bytes,
    dicom_compressed_bytes,
    dicom_dataset,
    picture,
    pillow_bytes,
    sample,
)
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, read_frames, read_image

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
RLE = "1.2.840.10008.1.2.5"


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "file.dcm"
    path.write_bytes(data)
    return path


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(pixels: np.ndarray | bytes, **elements: Any) -> GreyImage:
        return read_image(write(tmp_path, pixels if isinstance(pixels, bytes) else dicom_bytes(pixels, **elements)))

    return read


def rgb() -> np.ndarray:
    return np.dstack([picture(), 255 - picture(), picture() // 2])


def luma(colour: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.rint(colour @ np.array([0.299, 0.587, 0.114]))
    return result


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, None, ExplicitVRBigEndian])
def test_transfer_syntaxes_without_compression(syntax: Any, read: Any) -> None:
    elements = {"syntax": syntax} if syntax else {}
    np.testing.assert_array_equal(read(picture(), **elements).pixels, picture())


@pytest.mark.parametrize("dtype", ["u1", "<u2", "<i2", "<u4"])
def test_types(dtype: str, read: Any) -> None:
    np.testing.assert_array_equal(read(picture().astype(dtype)).pixels, picture())


def test_one_bit(read: Any) -> None:
    bits = picture() > 100
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    packed += b"\0" * (len(packed) % 2)
    data = dicom_bytes(picture(), BitsAllocated=1, BitsStored=1, HighBit=0, PixelData=packed)
    np.testing.assert_array_equal(read(data).pixels, bits)


def test_monochrome1_is_inverted(read: Any) -> None:
    np.testing.assert_array_equal(read(255 - picture(), PhotometricInterpretation="MONOCHROME1").pixels, picture())
    deep = read(4095 - picture().astype("<u2"), PhotometricInterpretation="MONOCHROME1", BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(deep.pixels, picture())
    signed = read(-1 - picture().astype("<i2"), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(signed.pixels, picture())


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_becomes_grey(planar: int, read: Any) -> None:
    stored = rgb().transpose(2, 0, 1) if planar else rgb()
    data = dicom_bytes(rgb(), SamplesPerPixel=3, PlanarConfiguration=planar, PixelData=stored.tobytes() + b"\0")
    np.testing.assert_array_equal(read(data).pixels, luma(rgb()))


def test_ybr_becomes_grey(read: Any) -> None:
    ybr = np.dstack([picture(), np.full_like(picture(), 30), np.full_like(picture(), 200)])
    np.testing.assert_array_equal(read(ybr, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL").pixels, picture())


def test_ybr_with_shared_colour_becomes_grey(read: Any) -> None:
    grey = picture()[:, :52]
    pairs = grey.reshape(ROWS, 26, 2)
    stored = np.concatenate([pairs, np.full_like(pairs, 90)], axis=2)  # Y1 Y2 Cb Cr
    data = dicom_bytes(np.dstack([grey] * 3), SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422", PixelData=stored.tobytes())
    np.testing.assert_array_equal(read(data).pixels, grey)


def test_palette(read: Any) -> None:
    table = np.arange(256, dtype="<u2")[::-1].tobytes()
    colours: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name in ("Red", "Green", "Blue"):
        colours[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        colours[f"{name}PaletteColorLookupTableData"] = table
    np.testing.assert_array_equal(read(255 - picture(), **colours).pixels, picture())


def test_frames(tmp_path: Path) -> None:
    volume = np.stack([picture(), picture() // 2, picture() // 3])
    path = write(tmp_path, dicom_bytes(volume))
    np.testing.assert_array_equal([frame.pixels for frame in read_frames(path)], volume)
    last = read_image(path, frame=2)
    np.testing.assert_array_equal(last.pixels, volume[2])
    assert last.source.frames == 3


def test_colour_frames(tmp_path: Path) -> None:
    volume = np.stack([rgb(), rgb() // 2])
    frames = [frame.pixels for frame in read_frames(write(tmp_path, dicom_bytes(volume, SamplesPerPixel=3)))]
    np.testing.assert_array_equal(frames, [luma(rgb()), luma(rgb() // 2)])


def test_jpeg_frames(tmp_path: Path) -> None:
    volume = np.stack([picture(), picture() // 2])
    frames = [pillow_bytes(frame, "JPEG", quality=100) for frame in volume]
    images = list(read_frames(write(tmp_path, dicom_compressed_bytes(frames, volume, JPEG_BASELINE))))
    assert len(images) == 2 and np.abs(np.stack([image.pixels for image in images]) - volume).max() <= 2


def test_jpeg_colour(read: Any) -> None:
    colour = np.dstack([picture()] * 3)
    frame = pillow_bytes(colour, "JPEG", quality=100)
    data = dicom_compressed_bytes([frame], colour, JPEG_BASELINE, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422")
    assert np.abs(read(data).pixels - picture()).max() <= 2


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow was built without OpenJPEG")
def test_jpeg_2000(read: Any) -> None:
    data = dicom_compressed_bytes([pillow_bytes(picture(), "JPEG2000", no_jp2=True)], picture(), JPEG_2000_LOSSLESS)
    np.testing.assert_array_equal(read(data).pixels, picture())


def test_run_length_code(read: Any) -> None:
    dataset = dicom_dataset(picture())
    dataset.compress(RLE)
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    np.testing.assert_array_equal(read(file.getvalue()).pixels, picture())


def test_an_unknown_compression(read: Any) -> None:
    with pytest.raises(ImageError, match="transfer syntax of no standard: it is not known"):
        read(dicom_compressed_bytes([b"\0\0"], picture(), "1.2.3"))


@pytest.mark.parametrize(("number", "name"), [(92, "JPEG 2000 of part 2"), (94, "JPIP"), (100, "MPEG"), (108, "MPEG")])
def test_a_compression_that_nobody_here_decodes_is_named(number: int, name: str, read: Any) -> None:
    with pytest.raises(ImageError, match=rf"{name}.* in DICOM \(1\.2\.840\.10008\.1\.2\.4\.{number}\) is not read"):
        read(dicom_compressed_bytes([b"\0\0"], picture(), f"1.2.840.10008.1.2.4.{number}"))


@pytest.mark.parametrize("stated", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("written", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_the_elements_are_believed_before_the_transfer_syntax(stated: Any, written: Any, read: Any) -> None:
    def parts(syntax: Any) -> tuple[bytes, bytes]:
        """File meta information and data set."""
        whole = dicom_bytes(picture(), syntax=syntax, StudyDate="20200101", PixelSpacing=[0.25, 0.5])
        end = 144 + int.from_bytes(whole[140:144], "little")
        return whole[:end], whole[end:]

    image = read(parts(stated)[0] + parts(written)[1])
    np.testing.assert_array_equal(image.pixels, picture())
    assert image.spacing_mm == (0.25, 0.5)


def test_a_compressed_frame_of_another_size_is_not_decoded(read: Any) -> None:
    frame = pillow_bytes(np.zeros((5000, 6000), np.uint8), "JPEG")
    with pytest.raises(ImageError, match="compressed as 5000 x 6000 pixels, 37 x 53 were declared"):
        read(dicom_compressed_bytes([frame], picture(), JPEG_BASELINE))


def test_deflated_bombs_are_refused_before_they_inflate(tmp_path: Path) -> None:
    plain = dicom_bytes(picture(), syntax=DeflatedExplicitVRLittleEndian)
    end = plain.index(DeflatedExplicitVRLittleEndian.encode()) + len(DeflatedExplicitVRLittleEndian)
    engine = zlib.compressobj(9, wbits=-15)
    bomb = plain[:end] + b"".join(engine.compress(bytes(1 << 20)) for _ in range(80)) + engine.flush()
    tracemalloc.start()
    with pytest.raises(ImageError, match="deflated DICOM file"):
        read_image(write(tmp_path, bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 << 20


@pytest.mark.parametrize("missing", [1, 1000, 1961])
def test_pixels_shorter_than_declared(missing: int, read: Any) -> None:
    with pytest.raises(ImageError, match="bytes of pixels, 1961 were declared"):
        read(picture(), PixelData=picture().tobytes()[: ROWS * COLS - missing].ljust((1961 - missing + 1) // 2 * 2 - 2, b"\0") or b"\0\0")


def test_frames_that_are_not_there(read: Any) -> None:
    with pytest.raises(ImageError, match="1962 bytes of pixels, 19610 were declared"):
        read(picture(), NumberOfFrames=10)


def test_20000_x_20000(read: Any) -> None:
    with pytest.raises(ImageError, match="20000 rows x 20000 columns"):
        read(picture(), Rows=20000, Columns=20000)


def test_wrong_channel_count(read: Any) -> None:
    with pytest.raises(ImageError, match="2 samples per pixel"):
        read(picture(), SamplesPerPixel=2, PlanarConfiguration=0)


def test_a_file_without_picture(tmp_path: Path) -> None:
    dataset = dicom_dataset(picture(), Modality="US")
    del dataset.PixelData
    file = BytesIO()
    dataset.save_as(file, enforce_file_format=True)
    with pytest.raises(ImageError, match="no PixelData"):
        read_image(write(tmp_path, file.getvalue()))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_file_that_does_not_say_how_it_is_written(syntax: Any, read: Any) -> None:
    whole = dicom_bytes(picture(), syntax=syntax, StudyDate="20200101", PixelSpacing=[0.25, 0.5])
    element = b"\x02\0\x10\0UI" + len(syntax + syntax[: len(syntax) % 2]).to_bytes(2, "little")
    at = whole.index(element)
    image = read(whole[:at] + whole[at + 8 + (len(syntax) + 1) // 2 * 2 :])
    np.testing.assert_array_equal(image.pixels, picture())
    assert image.spacing_mm == (0.25, 0.5)


@pytest.mark.parametrize("element", [{"PhotometricInterpretation": "HSV"}, {"PhotometricInterpretation": "ARGB"}])
def test_other_colours(element: dict[str, str], read: Any) -> None:
    with pytest.raises(ImageError):
        read(rgb(), SamplesPerPixel=3, **element)


def test_nothing_of_the_patient_is_read() -> None:
    from usseg_monai.imaging.formats import dicom

    _, dataset = dicom._read(memoryview(sample("dicom")))
    assert 0x7FE00010 in dataset and not any(tag >> 16 == 0x0010 for tag in dataset.elements)


def test_a_real_cine_frame_has_its_spacing(data_root: Path) -> None:
    folder = data_root / "sunnybrook" / "dicom" / "SCD0000101"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: get the Sunnybrook set as docs/data.md says")
    image = read_image(next(Path(entry.path) for entry in os.scandir(folder) if entry.name.endswith(".dcm")))
    assert image.pixels.shape == (256, 256) and image.spacing_mm is not None and 1 < image.spacing_mm[0] < 2
    assert image.source.format == "dicom"
