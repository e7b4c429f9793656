"""Compare every picture of pydicom's test files as read by this package with pydicom's pixels.

    python -m benchmarks.pydicom_pictures [FOLDER ...] [--all]

Without folders: the files included in pydicom, and those of the package ``pydicom-data`` if it is installed. Exits with 1 if
a picture differs, or if one that pydicom decodes is refused without stating its kind or its needs.

Our grey values are pydicom's raw samples of the frame (``Decoder.as_array(..., raw=True)``, by any of its installed plugins), converted:

- bits below ``HighBit + 1 - BitsStored`` are shifted out;
- PALETTE COLOR goes through pydicom's ``apply_color_lut``, in big-endian files after swapping the bytes of the palette's words;
- with supplemental palettes, which pydicom ignores, only values below the palette are compared;
- YBR gives its luminance, the first sample; RGB gives 0.299 R + 0.587 G + 0.114 B, rounded;
- MONOCHROME1 is inverted: ``2 ** BitsStored - 1 - v``, of signed samples ``-1 - v``.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, NoPictureError
from usseg_monai.imaging import GreyImage, read_frames
from usseg_monai.imaging.formats.dicom_kind import looks_like_dicom

NAMED = ("needs another package", "deflated", "samples per pixel", "were declared", "too small to hold a structure", "is not known")
"""Words of refusals that state a file's kind or its needs."""


class Outcome(NamedTuple):
    """Outcome of one file: ``equal``, ``no picture``, ``unsupported``, ``not by pydicom`` or ``DIFFERS``, and a description."""

    file: Path
    kind: str
    words: str


def test_files() -> list[Path]:
    """DICOM files installed with pydicom and pydicom-data; nothing is downloaded."""
    import pydicom.data

    roots = [Path(pydicom.data.__file__).parent / name for name in ("test_files", "charset_files", "palettes")]
    found = [path for root in roots for path in sorted(root.rglob("*")) if path.is_file()]
    with suppress(PackageNotFoundError):
        found += sorted(Path(str(file.locate())) for file in files("pydicom-data") or ())
    return [path for path in found if is_dicom(path)]


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, by this package's detection or by pydicom's suffix."""
    with path.open("rb") as file:
        return looks_like_dicom(file.read(1024)) or path.suffix == ".dcm"


def compare(path: Path) -> Outcome:
    """Read a file with both and compare."""
    refusal: ImageError | None = None
    images: list[GreyImage] = []
    try:
        images = list(read_frames(path))
    except ImageError as error:
        refusal = error
    if isinstance(refusal, NoPictureError) or "no PixelData" in str(refusal):
        return Outcome(path, "no picture", str(refusal))
    try:
        wanted = list(pydicom_frames(path))
    except Exception as error:  # pydicom may raise anything for its odd files
        reason = " ".join(str(error).split())[:90]
        return Outcome(path, "not by pydicom", f"we: {refusal or f'{len(images)} frames'}; pydicom: {type(error).__name__} {reason}")
    if refusal is not None:
        return Outcome(path, "unsupported" if any(word in str(refusal) for word in NAMED) else "DIFFERS", str(refusal))
    if len(images) != len(wanted):
        return Outcome(path, "DIFFERS", f"{len(images)} frames, pydicom has {len(wanted)}")
    off = max(_off(image.pixels, candidates) for image, candidates in zip(images, wanted, strict=True))
    return Outcome(path, "equal" if off == 0 else "DIFFERS", f"{len(images)} frames" if off == 0 else f"off by up to {off:g}")


def pydicom_frames(path: Path) -> Iterator[list[npt.NDArray[Any]]]:
    """Grey values of each frame by pydicom, one array for each plugin that can decode it."""
    from pydicom import dcmread
    from pydicom.pixels.decoders.base import get_decoder

    dataset = dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

        implicit, little = dataset.original_encoding
        dataset.file_meta.TransferSyntaxUID = (
            ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        )
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    for index in range(int(dataset.get("NumberOfFrames") or 1)):
        candidates, failure = [], None
        for plugin in decoder.available_plugins or ("",):
            try:
                samples, properties = decoder.as_array(dataset, index=index, raw=True, decoding_plugin=plugin)
                candidates.append(displayed(samples, str(properties["photometric_interpretation"]), dataset))
            except Exception as error:
                failure = error
        if not candidates:
            raise failure or ValueError("no plugin")
        yield candidates


def displayed(samples: npt.NDArray[Any], interpretation: str, dataset: Any) -> npt.NDArray[Any]:
    """The conversions listed in the module docstring."""
    from pydicom.pixels.processing import apply_color_lut

    if "PixelData" in dataset:
        samples = samples >> max(0, dataset.HighBit + 1 - dataset.BitsStored)
    if dataset.get("PixelPresentation") in ("COLOR", "MIXED") and "RedPaletteColorLookupTableDescriptor" in dataset:
        samples = np.where(samples < dataset.RedPaletteColorLookupTableDescriptor[1], samples.astype(np.float64), np.nan)
    if interpretation == "PALETTE COLOR":
        _turn_palette(dataset)
        samples, interpretation = apply_color_lut(samples, dataset), "RGB"
    if samples.ndim == 3:
        return (
            samples[..., 0] if interpretation.startswith("YBR") else np.rint(samples[..., :3] @ np.array([0.299, 0.587, 0.114], np.float32))
        )
    if interpretation == "MONOCHROME1":
        return (-1 if dataset.PixelRepresentation else 2.0**dataset.BitsStored - 1) - samples.astype(np.float64)
    return samples


def _turn_palette(dataset: Any) -> None:
    """pydicom assumes little-endian palette words even in big-endian files."""
    implicit, little = dataset.original_encoding
    names = [f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")]
    if (
        not little
        and all(name in dataset for name in names)
        and len(dataset[names[0]].value) >= 2 * dataset[names[0][:-4] + "Descriptor"].value[0]
    ):
        dataset.set_original_encoding(implicit, True)  # only once
        for name in names:
            dataset[name].value = np.frombuffer(dataset[name].value, ">u2").astype("<u2").tobytes()


def _off(pixels: npt.NDArray[Any], candidates: Sequence[npt.NDArray[Any]]) -> float:
    """Largest difference in grey values from the nearest candidate, beyond what float32 rounds."""
    differences = []
    for candidate in candidates:
        if candidate.shape != pixels.shape:
            return np.inf
        difference = np.abs(pixels.astype(np.float64) - candidate.astype(np.float64))
        difference[np.isnan(difference)] = 0
        difference[difference <= np.abs(candidate) * 2.0**-22] = 0
        differences.append(float(difference.max()))
    return min(differences)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table; returns 1 if a picture differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pydicom_pictures", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, help="other folders with DICOM files")
    parser.add_argument("--all", action="store_true", help="print the equal ones, too")
    args = parser.parse_args(argv)
    paths = [path for folder in args.folders for path in sorted(folder.rglob("*")) if path.is_file() and is_dicom(path)] or test_files()
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    for path in paths:
        outcome = compare(path)
        counts[outcome.kind] += 1
        if args.all or outcome.kind != "equal":
            print(f"{outcome.kind:14} {path.name}: {outcome.words}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    return int(counts["DIFFERS"] > 0)


if __name__ == "__main__":
    sys.exit(main())
