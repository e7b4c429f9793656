"""Files that were opened in the page, as grey frames for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import IO, Any

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, Limits, read_frames
from usseg_monai.web.archives import is_zip, members
from usseg_monai.web.wire import packed, smallest
from usseg_monai.web.words import in_page_words

__all__ = ["LIMITS", "MOST_FRAMES", "MOST_PIXEL_BYTES", "decoded_content", "decoded_file"]

LIMITS = Limits(max_pixels=40_000_000, max_frames=3000, max_file_pixels=256 << 20, max_file_bytes=256 << 20)
"""What a file may ask of the server: pictures of 40 megapixels."""

MOST_FRAMES = 3000
"""Frames of one upload."""

MOST_PIXEL_BYTES = 256 << 20
"""Bytes of all its frames together."""

_Named = tuple[str, GreyImage]


def decoded_file(name: str, file: IO[bytes]) -> bytes:
    """The message with all frames of a file, or of the files of a zip.

    Args:
        name: of the file, for display.
        file: its content.

    Returns:
        A message (`usseg_monai.web.wire`): ``frames``, a list with size, type, pixel size, and place of each; ``left_out``, files of a
        zip that cannot be read, each with its reason; and the pixels, one frame after the other.

    Raises:
        ImageError: no frame can be read, or they are too many.
    """
    head = file.read(8)
    file.seek(0)
    left_out: list[dict[str, str]] = []
    frames = _of_zip(name, file, left_out) if is_zip(head) else _of_file(name, file.read())
    found = _sorted(_bounded(frames))
    if not found:
        reason = f"; {left_out[0]['file']}: {left_out[0]['reason']}" if left_out else ""
        raise ImageError(f"no picture was found in the zip{reason}")
    return packed(*_described(found, left_out=left_out))


def decoded_content(name: str, content: bytes, given_mm: Spacing | None, **more: Any) -> bytes:
    """The message with the frames of an intact file, and further texts.

    Args:
        name: of the file.
        content: of the file.
        given_mm: pixel size where the file does not state it.
        more: texts of the message.
    """
    return packed(*_described(list(_of_file(name, content)), given_mm=given_mm, **more))


def _of_zip(name: str, file: IO[bytes], left_out: list[dict[str, str]]) -> Iterator[_Named]:
    for member in members(file):
        reason = member.refusal
        if not reason:
            try:
                yield from _of_file(f"{name}/{member.name}", member.content)
            except ImageError as error:
                reason = in_page_words(error)
        if reason:
            left_out.append({"file": member.name, "reason": reason})


def _of_file(name: str, content: bytes) -> Iterator[_Named]:
    for image in read_frames(content, limits=LIMITS):
        yield name, image


def _bounded(frames: Iterator[_Named]) -> list[_Named]:
    kept: list[_Named] = []
    size = 0
    for name, image in frames:
        size += image.pixels.nbytes
        if len(kept) == MOST_FRAMES or size > 4 * MOST_PIXEL_BYTES:
            raise ImageError(f"more than {MOST_FRAMES} frames, or {MOST_PIXEL_BYTES >> 20} MB of pixels, at a time; split it")
        kept.append((name, _small(image)))
    return kept


def _small(image: GreyImage) -> GreyImage:
    """The image with its pixels as the type that travels: many frames wait until all are read."""
    kind, data = smallest(image.pixels)
    small: Any = np.frombuffer(data, kind).reshape(image.pixels.shape)
    return replace(image, pixels=small)


def _sorted(frames: list[_Named]) -> list[_Named]:
    """Slice by slice, and in each slice by time, where all files state their place; else as they came."""
    places = [image.place for _, image in frames]
    if any(place is None or place.position_mm is None or place.normal is None for place in places):
        return frames

    def key(item: _Named) -> tuple[float, float, int]:
        place = item[1].place
        assert place is not None and place.position_mm is not None and place.normal is not None  # see above
        return round(float(np.dot(place.position_mm, place.normal)), 1), place.time_ms or 0.0, place.number or 0

    return sorted(frames, key=key)


def _described(frames: Sequence[_Named], given_mm: Spacing | None = None, **more: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Text and bytes of the message with some frames."""
    described, parts = [], []
    for name, image in frames:
        kind, data = smallest(image.pixels) if image.pixels.dtype == np.float32 else (image.pixels.dtype.str[1:], image.pixels.tobytes())
        parts.append(data)
        described.append(
            {
                "file": name,
                "frame": image.source.frame,
                "frames": image.source.frames,
                "format": image.source.format,
                "rows": image.pixels.shape[0],
                "cols": image.pixels.shape[1],
                "type": kind,
                "bytes": len(data),
                "spacing_mm": image.spacing_mm,
                "given_mm": given_mm,
                "regions": [[region.top, region.bottom, region.left, region.right, *region.spacing_mm] for region in image.regions],
                "place": None if image.place is None else {name: value for name, value in asdict(image.place).items() if value is not None},
            }
        )
    return {"frames": described, **more}, parts
