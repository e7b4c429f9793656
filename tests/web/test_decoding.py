"""Files and zips as frames for the page: what they hold, in order, within bounds."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image

from tests.imaging.samples import picture, video_bytes
from tests.web.test_archives import PNG, zipped
from usseg_monai.errors import ImageError
from usseg_monai.web import decoding
from usseg_monai.web.decoding import LIMITS, decoded_content, decoded_file
from usseg_monai.web.wire import place_of, split


def nifti(tmp_path: Path, positions: list[float]) -> dict[str, bytes]:
    """One slice a file, each with its place."""
    files = {}
    for number, position in enumerate(positions):
        affine = np.diag([-1.5, -1.5, 8.0, 1.0])
        affine[2, 3] = position
        Nifti1Image(np.full((10, 12, 1), number, np.uint8), affine).to_filename(tmp_path / f"{number}.nii")
        files[f"{number}.nii"] = (tmp_path / f"{number}.nii").read_bytes()
    return files


def test_slices_of_a_zip_are_sorted_by_their_places(tmp_path: Path) -> None:
    text, pixels = split(decoded_file("z.zip", zipped(nifti(tmp_path, [16.0, 0.0, 8.0]))))
    assert [frame["file"] for frame in text["frames"]] == ["z.zip/1.nii", "z.zip/2.nii", "z.zip/0.nii"]
    assert [pixels[at] for at in (0, 120, 240)] == [1, 2, 0] and len(pixels) == 360
    place = place_of(text["frames"][0]["place"])
    assert place is not None and place.position_mm is not None and place.orientation is not None
    assert text["frames"][0]["spacing_mm"] == [1.5, 1.5] and text["frames"][0]["given_mm"] is None


def test_a_given_spacing_comes_along() -> None:
    text, _ = split(decoded_content("a.png", PNG, (0.2, 0.1), more=True))
    assert text["frames"][0]["given_mm"] == [0.2, 0.1] and text["frames"][0]["spacing_mm"] is None and text["more"] is True


def png_header(rows: int, cols: int) -> bytes:
    """A PNG that declares its size and has no pixels."""
    header = struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def test_pictures_of_forty_megapixels() -> None:
    assert LIMITS.max_pixels == 5000 * 8000
    with pytest.raises(ImageError, match="more than 40000000 pixels"):
        decoded_file("a.png", io.BytesIO(png_header(5001, 8000)))
    with pytest.raises(ImageError) as error:  # cut off, but not too large
        decoded_file("a.png", io.BytesIO(png_header(5000, 8000)))
    assert "40000000" not in error.value.reason and not error.value.reason.startswith("bytes")


@pytest.mark.parametrize("beyond", [0, 1])
def test_frames_and_bytes_of_an_upload(monkeypatch: pytest.MonkeyPatch, beyond: int) -> None:
    files = {f"{number}.png": PNG for number in range(3)}
    for name, limit in (("MOST_FRAMES", 3 - beyond), ("MOST_PIXEL_BYTES", 300 - beyond)):
        monkeypatch.setattr(decoding, name, limit)
        if beyond:
            with pytest.raises(ImageError, match="split it"):
                decoded_file("z.zip", zipped(files))
        else:
            assert len(split(decoded_file("z.zip", zipped(files)))[0]["frames"]) == 3
        monkeypatch.undo()


def test_a_zip_without_pictures_says_why() -> None:
    with pytest.raises(ImageError, match=r"no picture was found in the zip; a\.txt: not an image"):
        decoded_file("z.zip", zipped({"a.txt": b"hello"}))
    with pytest.raises(ImageError, match=r"no picture was found in the zip$"):
        decoded_file("z.zip", zipped({}))


def test_a_video_gives_its_frames() -> None:
    pytest.importorskip("av")
    text, pixels = split(decoded_file("clip.mp4", io.BytesIO(video_bytes([picture(), picture()[::-1]], "mp4", "png", "gray"))))
    assert [(frame["frame"], frame["frames"], frame["format"]) for frame in text["frames"]] == [(0, 2, "video"), (1, 2, "video")]
    assert [frame["place"]["time_ms"] for frame in text["frames"]] == [0, 40]
    assert pixels == picture().tobytes() + picture()[::-1].tobytes()


def test_a_video_that_cannot_be_read_is_refused_in_a_sentence() -> None:
    with pytest.raises(ImageError, match="the file was cut: 28 bytes are declared, 20 are there"):
        decoded_file("clip.mp4", io.BytesIO(b"\0\0\0\x1cftypisom\0\0\0\0isom"))
