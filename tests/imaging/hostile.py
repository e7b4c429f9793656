"""Reads damaged files, and the worst that the limits let through, and prints what that cost.

Each file of the worst kind is made by another process, so that the peak memory is that of the reader:
``python -m tests.imaging.hostile FOLDER`` with good files in the folder.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits, read_frames

SIDE = int(Limits().max_pixels ** 0.5)
TRIES = 40


def damaged(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    """Cuts, flipped bits, and noise behind a true beginning."""
    for _ in range(TRIES):
        yield data[: rng.integers(len(data))]
        flipped = np.frombuffer(data, np.uint8).copy()
        where = rng.integers(0, min(len(data), int(rng.choice([64, 512, 1 << 20]))), rng.integers(1, 9))
        flipped[where] ^= (1 << rng.integers(0, 8, len(where))).astype(np.uint8)
        yield flipped.tobytes()
        yield data[: rng.integers(400)] + rng.bytes(600)


def worst() -> Iterator[tuple[str, bytes]]:
    """Small files that declare the largest frame that is read, in the kinds of pixels that cost most."""
    from tests.imaging.samples import dicom_compressed_bytes, pillow_bytes

    black = np.zeros((SIDE, SIDE, 3), np.uint8)
    jpeg = pillow_bytes(black, "JPEG", progressive=True)
    yield "a.png", pillow_bytes(black, "PNG")
    yield "a.jpg", jpeg
    yield "a.tif", pillow_bytes(np.zeros((SIDE, SIDE), np.float32), "TIFF", compression="tiff_adobe_deflate")
    size = {"Rows": SIDE, "Columns": SIDE, "SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_FULL_422"}
    yield "a.dcm", dicom_compressed_bytes([jpeg], black[:9, :9], "1.2.840.10008.1.2.4.50", **size)
    header = bytearray(352)
    header[:4] = np.int32(348).tobytes()
    header[40:48] = np.array([2, SIDE, SIDE, 1], "<i2").tobytes()
    header[70:74] = np.array([64, 64], "<i2").tobytes()  # float64
    header[108:112] = np.float32(352).tobytes()
    header[344:348] = b"n+1\0"
    yield "a.nii.gz", gzip.compress(bytes(header) + bytes(SIDE * SIDE * 8), 1)


def made_to_harm() -> Iterator[tuple[str, bytes, int]]:
    """Files of which a library makes far more than they are, and the size that they have with zeros behind them."""
    from tests.imaging.samples import dicom_bytes, dicom_compressed_bytes, picture, pillow_bytes, png_chunk, sample

    jpeg, png, dicom = pillow_bytes(picture(), "JPEG"), sample("png"), sample("dicom")
    pixels = dicom.index(b"\x28\0\x02\0US")
    many = 8 << 20
    files = {
        "fill.jpg": jpeg[:2] + b"\xff" * many + jpeg[2:],
        "comments.jpg": jpeg[:2] + b"\xff\xfe\0\2" * (many // 4) + jpeg[2:],
        "chunks.png": png[:33] + png_chunk(b"prVt", b"") * (many // 12) + png[33:],
        "members.nii.gz": sample("nifti_gz")[:-9] + gzip.compress(b"") * (many // 20),
        "regions.dcm": dicom[:pixels]
        + b"\x18\0\x11\x60SQ\0\0"
        + many.to_bytes(4, "little")
        + b"\xfe\xff\0\xe0\0\0\0\0" * (many // 8)
        + dicom[pixels:],
        "values.dcm": dicom[:pixels] + b"\x20\0\x32\0UN\0\0" + many.to_bytes(4, "little") + b"1\\" * (many // 2) + dicom[pixels:],
        "runs.dcm": dicom_compressed_bytes([b"\1\0\0\0\x40" + bytes(59) + b"\x81\0" * many], picture(), "1.2.840.10008.1.2.5"),
        "frames.dcm": dicom_compressed_bytes([jpeg] * 3000, np.broadcast_to(picture(), (3000, *picture().shape)), "1.2.840.10008.1.2.4.50"),
        "doubles.dcm": dicom_bytes(np.zeros((8, 8), np.uint8), Rows=SIDE, Columns=SIDE, BitsAllocated=64, PixelData=b"")[:-4]
        + (SIDE * SIDE * 8).to_bytes(4, "little"),
    }
    for name, data in files.items():
        yield name, data, len(data) + (SIDE * SIDE * 8 if name == "doubles.dcm" else 0)
    for name in ("png", "jpeg", "tiff", "bmp", "nifti", "nrrd", "mha", "dicom"):
        yield f"sparse.{name}", sample(name), 511 << 20


def peak_mb() -> float | None:
    """Largest memory of this process so far; ``None`` where the system does not tell."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def main(folder: Path) -> None:
    """Read everything and print the cost as JSON."""
    slowest, images, errors = 0.0, 0, 0
    rng = np.random.default_rng(6)
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / "file"
        subprocess.run([sys.executable, "-m", "tests.imaging.hostile", temporary, "worst"], check=True)
        worst_files = sorted(Path(temporary).iterdir())

        def files() -> Iterator[Path]:
            for path in sorted(folder.iterdir()):
                for data in damaged(path.read_bytes(), rng):
                    target.write_bytes(data)
                    yield target
            yield from worst_files

        for path in files():
            start = time.process_time()
            try:
                images += sum(1 for _ in islice(read_frames(path), 3))
            except ImageError:
                errors += 1
            slowest = max(slowest, time.process_time() - start)
    print(json.dumps({"peak_mb": peak_mb(), "slowest_s": slowest, "images": images, "errors": errors}))


if __name__ == "__main__":
    if sys.argv[2:] == ["worst"]:
        for name, data in worst():
            (Path(sys.argv[1]) / name).write_bytes(data)
        for name, data, size in made_to_harm():
            (Path(sys.argv[1]) / name).write_bytes(data)
            os.truncate(Path(sys.argv[1]) / name, size)
    else:
        main(Path(sys.argv[1]))
