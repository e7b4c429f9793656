"""Targets that read pictures and annotations."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.fuzz.boxes import mutate_video
from benchmarks.fuzz.mutate import mutate_bytes, mutate_text
from benchmarks.fuzz.target import Make, Target
from usseg_monai.imaging import read_frames, read_image

__all__ = ["TARGETS"]

_SHAPE = (37, 53)
"""Rows and columns of the annotated image."""

_JPEG, _JPEG_LOSSLESS, _JPEG_2000, _RLE = (f"1.2.840.10008.1.2.{end}" for end in ("4.50", "4.70", "4.90", "5"))
_CONTOUR_WORDS = ("x", "y", "1e5", "-1e5", "100001", "12.25", "nan", "0")


def _frames(data: bytes, path: Path) -> None:
    """The contract of `read_frames`; of many frames the first two and the last are read."""
    path.write_bytes(data)
    if (size := getattr(data, "size", None)) is not None:  # of `structures.Sparse`
        os.truncate(path, size)
    frames = 0
    for image in islice(read_frames(path), 2):
        frames = image.source.frames
        _check_image(image)
    if frames > 2:
        _check_image(read_image(path, frame=frames - 1))


def _check_image(image: Any) -> None:
    assert image.pixels.dtype == np.float32 and image.pixels.ndim == 2 and np.isfinite(image.pixels).all(), "odd pixels"
    assert image.spacing_mm is None or all(0 < step < np.inf for step in image.spacing_mm), f"spacing {image.spacing_mm}"


def _annotation(files: Sequence[tuple[str, bytes]], path: Path) -> None:
    """The contract of `read_annotation`: one mask on the grid of the image."""
    from usseg_monai.datasets.annotation import read_annotation

    named = [path.with_name(f"{number}{suffix}") for number, (suffix, _) in enumerate(files)]
    for file, (_, data) in zip(named, files, strict=True):
        file.write_bytes(data)
    mask = read_annotation(named if len(named) != 1 else named[0], _SHAPE)
    assert mask.shape == _SHAPE and mask.dtype == np.uint8 and mask.max() <= 1, "odd mask"


def _mutating(seeds: Callable[[], Sequence[bytes]], repair: Callable[[bytes], bytes] | None = None) -> Callable[[], Make]:
    """Makes inputs by mutating a seed; three of four are repaired, if ``repair`` is given."""

    def maker() -> Make:
        corpus = seeds()

        def make(rng: Random) -> bytes:
            data = mutate_bytes(rng, rng.choice(corpus), corpus)
            return repair(data) if repair is not None and rng.random() < 0.75 else data

        return make

    return maker


def _packed(seeds: Callable[[], Sequence[bytes]]) -> Callable[[], Make]:
    """Makes inputs by mutating seeds before or after gzip; half of them are not packed."""

    def maker() -> Make:
        corpus = seeds()
        packed = [gzip.compress(data, 1, mtime=0) for data in corpus]

        def make(rng: Random) -> bytes:
            kind = rng.random()
            if kind < 0.15:
                return mutate_bytes(rng, rng.choice(packed), packed)
            data = mutate_bytes(rng, rng.choice(corpus), corpus)
            return gzip.compress(data, 1, mtime=0) if kind < 0.5 else data

        return make

    return maker


_COMPOSED = 0.05  # share of the inputs of a target with a grammar
_SPARSE = 0.1  # share of these


def _or_composed(name: str, mutating: Callable[[], Make]) -> Callable[[], Make]:
    """Makes some of the inputs by the format's grammar, the others by ``mutating``."""

    def maker() -> Make:
        from benchmarks.fuzz.structures import GRAMMARS, sparse

        mutated, composed = mutating(), GRAMMARS[name]

        def make(rng: Random) -> Any:
            if rng.random() >= _COMPOSED:
                return mutated(rng)
            data = composed(rng)
            return sparse(rng, data) if rng.random() < _SPARSE else data

        return make

    return maker


def _png_seeds() -> list[bytes]:
    from PIL import Image

    from tests.imaging.samples import picture, pillow_bytes, png_chunk, png_of_zeros

    grey = picture()
    image = Image.fromarray(grey)
    colour = Image.merge("RGB", [image, image.rotate(180), image])
    animation = pillow_bytes(image, "PNG", save_all=True, append_images=[image.rotate(180)])
    turned = Image.Exif()
    turned[0x0112] = 6
    return [
        *(
            pillow_bytes(each, "PNG")
            for each in (image, colour, image.convert("1"), image.convert("LA"), colour.convert("RGBA"), colour.quantize())
        ),
        pillow_bytes(grey.astype(np.uint16) * 200, "PNG"),
        pillow_bytes(image, "PNG", exif=turned, transparency=3),
        animation,
        png_of_zeros(2000, 3000),
        pillow_bytes(image, "PNG")[:33] + png_chunk(b"tEXt", b"Comment\0more") + pillow_bytes(image, "PNG")[33:],
    ]


def _right_png(data: bytes) -> bytes:
    """Correct the checksum of every chunk."""
    fixed = bytearray(data)
    at = 8
    while at + 12 <= len(fixed):
        end = at + 8 + int.from_bytes(fixed[at : at + 4], "big")
        if end + 4 > len(fixed):
            break
        fixed[end : end + 4] = zlib.crc32(memoryview(fixed)[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(fixed)


def _jpeg_seeds() -> list[bytes]:
    from PIL import Image

    from tests.imaging.samples import picture, pillow_bytes

    image = Image.fromarray(picture())
    turned = Image.Exif()
    turned[0x0112] = 6
    options: Sequence[dict[str, Any]] = ({}, {"progressive": True}, {"exif": turned}, {"restart_marker_blocks": 2}, {"comment": b"a"})
    modes = [pillow_bytes(image.convert(mode), "JPEG") for mode in ("RGB", "CMYK", "YCbCr")]
    return [pillow_bytes(image, "JPEG", **option) for option in options] + modes


def _tiff_seeds() -> list[bytes]:
    from PIL import Image

    from tests.imaging.samples import picture, pillow_bytes, tiff_pages

    grey = picture()
    image = Image.fromarray(grey)
    packings = ("tiff_adobe_deflate", "tiff_lzw", "packbits", "tiff_deflate", "jpeg")
    kinds: list[Any] = [
        image,
        image.convert("RGB"),
        image.convert("RGBA"),
        image.convert("CMYK"),
        image.convert("P"),
        grey.astype(np.uint16) * 200,
    ]
    kinds += [grey.astype(np.float32), grey.astype(np.int32)]
    return [
        *(pillow_bytes(kind, "TIFF") for kind in kinds),
        *(pillow_bytes(image, "TIFF", compression=packing) for packing in packings),
        *(pillow_bytes(image.convert("1"), "TIFF", compression=packing) for packing in ("group3", "group4")),
        tiff_pages([grey] * 3),
        pillow_bytes(image, "TIFF", big_tiff=True),
        pillow_bytes(image, "TIFF", tiffinfo={322: 16, 323: 16}),
    ]


def _bmp_seeds() -> list[bytes]:
    from PIL import Image

    from tests.imaging.samples import picture, pillow_bytes

    image = Image.fromarray(picture())
    packed = bytearray(pillow_bytes(image, "BMP"))
    packed[30] = 1  # RLE8
    return [bytes(packed), *(pillow_bytes(image.convert(mode), "BMP") for mode in ("L", "1", "P", "RGB", "RGBA"))]


def _nifti_seeds() -> list[bytes]:
    from tests.imaging.samples import nifti_bytes, picture

    grey = picture()
    stack = np.stack([grey, grey[::-1], grey], axis=2)
    kinds: list[npt.NDArray[Any]] = [grey, stack, stack[..., None].repeat(2, 3), grey.astype(np.float64), grey.astype(np.int16) - 99]
    colour = np.zeros(grey.shape, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    return [*map(nifti_bytes, kinds), nifti_bytes(colour), nifti_bytes(grey.astype(np.int16), slope=0.5, intercept=-3), _nifti2(grey)]


def _nifti2(grey: npt.NDArray[np.uint8]) -> bytes:
    import nibabel

    return bytes(nibabel.Nifti2Image(grey.T, np.diag([0.5, 0.25, 1, 1])).to_bytes())


def _itk_seeds(suffix: str) -> Callable[[], list[bytes]]:
    def seeds() -> list[bytes]:
        from tests.imaging.samples import itk_bytes, picture

        grey = picture()
        colour = np.stack([grey, grey[::-1], grey], axis=2)
        spacing = (4.0, 0.25, 0.5)
        return [
            *(itk_bytes(grey, suffix, compress=compress) for compress in (False, True)),
            *(itk_bytes(grey.astype(kind), suffix) for kind in (np.int16, np.uint16, np.float32, np.float64)),
            itk_bytes(colour, suffix, vector=True),
            itk_bytes(np.stack([grey] * 3), suffix, spacing_mm=spacing),
            itk_bytes(np.stack([grey] * 3), suffix, spacing_mm=spacing, compress=True),
        ]

    return seeds


_NRRD_WORDS = (
    *("NRRD0005", "type:", "sizes:", "encoding:", "raw", "gzip", "hex", "endian: big", "kinds: vector domain domain", "spacings: 1 nan 2"),
    *(
        "uchar",
        "double",
        "block",
        "space directions: (1,0) none (0,1)",
        'space units: "mm" "m"',
        "data file: a.raw",
        "byte skip: -1",
        "key:=value",
    ),
)
_META_WORDS = (
    *("ObjectType = Image", "NDims = 9", "DimSize = 8 8", "DimSize = 4096 4096", "ElementType = MET_DOUBLE", "ElementDataFile = LOCAL"),
    *(
        "ElementNumberOfChannels = 3",
        "CompressedData = True",
        "BinaryData = False",
        "BinaryDataByteOrderMSB = True",
        "ElementSpacing = 0 nan",
    ),
)


def _with_header(seeds: Callable[[], Sequence[bytes]], end: bytes, words: Sequence[str]) -> Callable[[], Make]:
    """Makes inputs by mutating a header's text, which ends with the given bytes, or the whole file as bytes."""

    def maker() -> Make:
        corpus = seeds()

        def make(rng: Random) -> bytes:
            data = rng.choice(corpus)
            if rng.random() < 0.4:
                return mutate_bytes(rng, data, corpus)
            header, found, samples = data.partition(end)
            return mutate_text(rng, header.decode(), words) + found + samples

        return make

    return maker


def _dicom_seeds() -> list[bytes]:
    from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

    from tests.imaging.samples import dicom_bytes, picture, ultrasound_region

    grey = picture()
    colour = np.stack([grey, grey[::-1], grey], axis=2)
    regions = [ultrasound_region((0, 0, 52, 36), (0.02, 0.03)), ultrasound_region((10, 10, 20, 20), (0.1, 0.1), units=4)]
    place = {
        "Modality": "MR",
        "StudyInstanceUID": "1.2.3",
        "SeriesInstanceUID": "1.2.3.4",
        "ImagePositionPatient": [1, 2, 3],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "TriggerTime": 12.5,
        "InstanceNumber": 3,
        "AcquisitionTime": "083920.5",
        "CardiacNumberOfImages": 20,
        "PixelSpacing": [0.5, 0.25],
    }
    palette: dict[str, Any] = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in ("Red", "Green", "Blue")}
    palette |= {
        f"{name}PaletteColorLookupTableData": np.arange(0, 65536, 256, dtype=np.uint16).tobytes() for name in ("Red", "Green", "Blue")
    }
    return [
        dicom_bytes(grey, SequenceOfUltrasoundRegions=regions),
        dicom_bytes(grey.astype(np.uint16) * 9, BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1", **place),
        dicom_bytes(grey.astype(np.int16) - 99, **place),
        dicom_bytes(colour, SamplesPerPixel=3),
        dicom_bytes(colour, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL"),
        dicom_bytes(grey, PhotometricInterpretation="PALETTE COLOR", **palette),
        dicom_bytes(grey, syntax=ImplicitVRLittleEndian, PixelSpacing=[0.2, 0.2]),
        dicom_bytes(grey, syntax=ExplicitVRBigEndian),
        dicom_bytes(np.packbits(grey > 99)[None], BitsAllocated=1, BitsStored=1, HighBit=0, Rows=37, Columns=53),
    ]


def _dicom_frames_seeds() -> list[bytes]:
    from pydicom.dataset import Dataset

    from tests.imaging.samples import dicom_bytes, picture

    frames = np.stack([picture(), picture()[::-1], picture()])
    measures = Dataset()
    measures.PixelSpacing = [0.5, 0.25]
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    return [
        dicom_bytes(frames),
        dicom_bytes(frames, SharedFunctionalGroupsSequence=[shared]),
        dicom_bytes(np.stack([frames] * 3, axis=3), SamplesPerPixel=3),
    ]


def _dicom_compressed_seeds() -> list[bytes]:
    from pydicom.pixels.encoders import RLELosslessEncoder

    from tests.imaging.samples import dicom_bytes, dicom_compressed_bytes, picture, pillow_bytes

    grey = picture()
    colour = np.stack([grey, grey[::-1], grey], axis=2)
    jpeg, colour_jpeg, jpeg_2000 = pillow_bytes(grey, "JPEG"), pillow_bytes(colour, "JPEG"), pillow_bytes(grey, "JPEG2000", no_jp2=True)
    run_length = RLELosslessEncoder.encode(
        grey, rows=grey.shape[0], columns=grey.shape[1], samples_per_pixel=1, number_of_frames=1, bits_allocated=8, bits_stored=8,
        photometric_interpretation="MONOCHROME2", pixel_representation=0, encoding_plugin="pydicom",
    )  # fmt: skip
    return [
        dicom_compressed_bytes([jpeg], grey, _JPEG),
        dicom_compressed_bytes([jpeg, jpeg], np.stack([grey, grey]), _JPEG),
        dicom_compressed_bytes([colour_jpeg], colour, _JPEG, SamplesPerPixel=3, PhotometricInterpretation="YBR_FULL_422"),
        dicom_compressed_bytes([jpeg_2000], grey, _JPEG_2000),
        dicom_compressed_bytes([run_length], grey, _RLE),
        dicom_compressed_bytes([jpeg], grey, _JPEG_LOSSLESS),
        dicom_bytes(grey),
    ]


def _any_seeds() -> list[bytes]:
    from tests.imaging.samples import FORMATS, sample

    return [*map(sample, FORMATS), *_dicom_frames_seeds(), *(sample(name)[:140] for name in FORMATS)]


def _drawn(rng: Random) -> bytes:
    """A PNG of curves, discs and noise: what an annotator might draw, and much that is never drawn."""
    from PIL import Image, ImageDraw

    from tests.imaging.samples import pillow_bytes

    rows, cols = _SHAPE if rng.random() < 0.95 else (rng.randrange(8, 60), rng.randrange(8, 60))
    picture = Image.new(rng.choice("LLL1"), (cols, rows))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.choice((0, 1, 1, 1, 2, 5))):
        points = [(rng.uniform(-10, cols + 10), rng.uniform(-10, rows + 10)) for _ in range(rng.choice((2, 3, 4, 9)))]
        (x0, x1), (y0, y1) = sorted(p[0] for p in points[:2]), sorted(p[1] for p in points[:2])
        kind, pen = rng.randrange(6), rng.choice((1, 1, 2, 4, 9))
        if kind == 0:
            draw.ellipse((x0, y0, x1, y1), outline=255, width=pen)
        elif kind == 1:
            draw.ellipse((x0, y0, x1, y1), fill=255)
        elif kind == 2:
            draw.arc((x0, y0, x1, y1), rng.randrange(360), rng.randrange(720), fill=rng.choice((1, 255)), width=pen)
        elif kind == 3:
            draw.line(points, fill=255, width=pen)
        elif kind == 4:
            draw.polygon(points, outline=255)
        else:
            draw.point([(rng.randrange(cols), rng.randrange(rows)) for _ in range(rng.choice((1, 9, 500)))], fill=rng.choice((0, 255)))
    return pillow_bytes(picture, "PNG", compress_level=1)


def _contour_text(rng: Random) -> bytes:
    """A contour as text; half are mutated."""
    points = [(rng.uniform(-5, 60), rng.uniform(-5, 45)) for _ in range(rng.choice((1, 3, 8, 40)))]
    text = "".join(f"{x:.2f} {y:.2f}\n" for x, y in points)
    return mutate_text(rng, text, _CONTOUR_WORDS) if rng.random() < 0.7 else text.encode()


def _outlines() -> Make:
    return lambda rng: [(".png", _drawn(rng) if rng.random() < 0.9 else mutate_bytes(rng, _drawn(rng), [_drawn(rng)]))]


def _contours() -> Make:
    return lambda rng: [(".txt", _contour_text(rng))]


def _several() -> Make:
    from tests.imaging.samples import FORMATS, SUFFIX, mask_sample

    masks = [(SUFFIX[name], mask_sample(name)) for name in FORMATS]
    contents = [data for _, data in masks]

    def one(rng: Random) -> tuple[str, bytes]:
        kind = rng.random()
        if kind < 0.3:
            return ".txt", _contour_text(rng)
        if kind < 0.6:
            return ".png", _drawn(rng)
        suffix, data = rng.choice(masks)
        return suffix, mutate_bytes(rng, data, contents) if rng.random() < 0.3 else data

    return lambda rng: [one(rng) for _ in range(rng.choice((0, 1, 2, 3, 6)))]


def _videos() -> Make:
    corpus = _video_seeds()

    def make(rng: Random) -> bytes:
        data = rng.choice(corpus)
        return mutate_video(rng, data, corpus) if rng.random() < 0.7 else mutate_bytes(rng, data, corpus)

    return make


def _video_seeds() -> list[bytes]:
    from fractions import Fraction

    from tests.imaging.samples import picture, video_bytes

    frames = [np.roll(picture()[:36, :52], 2 * number, axis=1) for number in range(4)]
    kinds = (
        *(("mp4", codec, "yuv420p") for codec in ("libx264", "mpeg4", "libvpx-vp9")),
        *(("mov", "png", "gray"), ("mov", "qtrle", "rgb24"), ("mov", "prores", "yuv422p10le")),
        *(("avi", "mjpeg", "yuvj420p"), ("avi", "rawvideo", "gray"), ("avi", "huffyuv", "rgb24"), ("avi", "mpeg4", "yuv420p")),
    )
    return [
        *(video_bytes(frames, *kind) for kind in kinds),
        video_bytes(frames, aspect=Fraction(4, 3), sound=True),
        video_bytes(frames, "mov", "mpeg4", times=[0, 40, 200, 210]),
    ]


TARGETS = (
    Target("png", "PNG of every kind of pixels", 70_000, _or_composed("png", _mutating(_png_seeds, _right_png)), _frames),
    Target("jpeg", "JPEG, progressive, turned, CMYK", 55_000, _or_composed("jpeg", _mutating(_jpeg_seeds)), _frames),
    Target("tiff", "TIFF, packed, paged, tiled, BigTIFF", 55_000, _or_composed("tiff", _mutating(_tiff_seeds)), _frames),
    Target("bmp", "BMP", 40_000, _or_composed("bmp", _mutating(_bmp_seeds)), _frames),
    Target("nifti", "NIfTI 1 and 2, plain and gzip", 55_000, _or_composed("nifti", _packed(_nifti_seeds)), _frames),
    Target("nrrd", "NRRD, raw and gzip", 60_000, _or_composed("nrrd", _with_header(_itk_seeds(".nrrd"), b"\n\n", _NRRD_WORDS)), _frames),
    Target(
        "metaimage",
        "MHA, raw and packed",
        60_000,
        _or_composed("metaimage", _with_header(_itk_seeds(".mha"), b"LOCAL\n", _META_WORDS)),
        _frames,
    ),
    Target("dicom", "DICOM of one frame", 45_000, _or_composed("dicom", _mutating(_dicom_seeds)), _frames),
    Target("dicom_frames", "DICOM of several frames", 25_000, _or_composed("dicom_frames", _mutating(_dicom_frames_seeds)), _frames),
    Target(
        "dicom_compressed",
        "DICOM in JPEG, JPEG 2000, RLE",
        30_000,
        _or_composed("dicom_compressed", _mutating(_dicom_compressed_seeds)),
        _frames,
    ),
    Target("video", "MP4, MOV and AVI of many codecs", 2_000, _videos, _frames),
    Target("any_format", "parts of all formats in one file", 43_000, _mutating(_any_seeds), _frames),
    Target("outline", "annotations drawn in PNG", 40_000, _outlines, _annotation),
    Target("contour", "contours in text", 50_000, _contours, _annotation),
    Target("several_masks", "several annotations of one image", 25_000, _several, _annotation),
)
