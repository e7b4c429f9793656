"""Limits on the size that a file declares, checked before decoding: they guard against decompression bombs and wrong headers."""

from __future__ import annotations

from dataclasses import dataclass

from usseg_monai.errors import ImageError

__all__ = ["MORE_PIXELS", "Limits"]

MORE_PIXELS = ", or allow more: --max-pixels, Limits(max_pixels=...)"
"""Remedy of errors about too many pixels."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one file. With the defaults a hostile file costs less than 300 MB.

    Attributes:
        max_pixels: pixels of one frame.
        max_frames: frames (pages, slices) of one file.
        max_file_pixels: pixels of all frames of one file together.
        max_file_bytes: size of the file on disk.
        min_side: smallest number of rows and of columns that a structure can be found in.
        max_side: largest number of rows or columns; resizing a strip of a million columns takes gigabytes, however few pixels it has.

    >>> Limits().check(1, 1)
    Traceback (most recent call last):
    usseg_monai.errors.ImageError: 1 rows x 1 columns: too small to hold a structure; at least 8 x 8 pixels are needed
    """

    max_pixels: int = 4096 * 4096
    max_frames: int = 5000
    max_file_pixels: int = 512 * 1024 * 1024
    max_file_bytes: int = 512 * 1024 * 1024
    min_side: int = 8
    max_side: int = 65_536

    def check_samples(self, rows: int, cols: int, pixel_bytes: int) -> None:
        """Raise `ImageError` if a frame takes more memory than the largest frame at 64 bits per pixel."""
        if rows * cols * pixel_bytes > 8 * self.max_pixels:
            raise ImageError(
                f"{rows} rows x {cols} columns of {pixel_bytes} bytes: more than 8 bytes for each of {self.max_pixels} pixels; "
                "save it in fewer bits",
                remedy=MORE_PIXELS,
            )

    def check(self, rows: int, cols: int, frames: int = 1) -> None:
        """Raise `ImageError` if frames of this size are outside the limits."""
        size = f"{rows} rows x {cols} columns"
        if min(rows, cols) < self.min_side:
            raise ImageError(f"{size}: too small to hold a structure; at least {self.min_side} x {self.min_side} pixels are needed")
        if max(rows, cols) > self.max_side:
            raise ImageError(f"{size}: more than {self.max_side} pixels along a side; cut it", remedy=_allow("max_side"))
        if rows * cols > self.max_pixels:
            raise ImageError(f"{size}: more than {self.max_pixels} pixels per frame; reduce it", remedy=MORE_PIXELS)
        if frames < 1:
            raise ImageError(f"{frames} frames: the file declares no image")
        if frames > self.max_frames:
            raise ImageError(f"{frames} frames: more than {self.max_frames} per file; split it", remedy=_allow("max_frames"))
        if rows * cols * frames > self.max_file_pixels:
            raise ImageError(
                f"{frames} frames of {size}: more than {self.max_file_pixels} pixels per file; split the file",
                remedy=_allow("max_file_pixels"),
            )

    def check_bytes(self, what: str, size: int, advice: str = "split the file") -> None:
        """Raise `ImageError` if a file, or what it unpacks to, has more bytes than `max_file_bytes`."""
        if size > self.max_file_bytes:
            raise ImageError(f"{what}{size} bytes: more than {self.max_file_bytes}; {advice}", remedy=_allow("max_file_bytes"))


def _allow(limit: str) -> str:
    return f", or read it with Limits({limit}=...)"
