"""Video: MP4, QuickTime (MOV) and AVI, decoded by FFmpeg's libraries through PyAV (extra ``video``).

FFmpeg is never asked what a file is: the first bytes choose between two of its demuxers, only the decoders in `CODECS` may run, and no
other file is opened. One frame at a time is decoded. `usseg_monai.imaging.triage` sends every video to the separate process.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.file_bytes import BufferFile
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.image import Place
from usseg_monai.imaging.limits import Limits

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["CODECS", "INSTALL", "LARGEST_ASPECT", "is_video", "open_video"]

CODECS = frozenset(
    (
        *("h264", "hevc", "libdav1d", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "vp8", "vp9"),
        *("cinepak", "dvvideo", "huffyuv", "msrle", "msvideo1", "png", "prores", "qtrle", "rawvideo", "rpza", "utvideo", "v210"),
    )
)
"""FFmpeg's decoders that may run: what scanners, frame grabbers, telephones and screen recorders write. FFV1 is not
among them: FFmpeg fills its damaged parts with those of the frame before, and does not say so."""

INSTALL = "pip install 'usseg-monai[video]'"
"""Installs PyAV."""

LARGEST_ASPECT = 4
"""Largest ratio of a pixel's sides that is resampled to squares; larger ones are damage."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
_NO_VIDEO_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis", b"crx ")
_MOST_PARTS = 100_000  # boxes or RIFF segments whose sizes are checked
_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG
_LUMA_FIRST = re.compile(r"yuvj?4\d\dp((9|10|12|14|16)le)?|yuva4\d\dp|gray((9|10|12|14|16)le)?|nv(12|16|21|24)")
"""Kinds of pixels whose first plane is luma, in the low bits of each sample."""

_FILLED_UP = 512  # pixels along a side
_MATRIX_BYTES = 36
_EXPORT = "export it again, or convert it: ffmpeg -i CLIP clip.mp4"


def is_video(head: bytes) -> bool:
    """Whether a file begins like an MP4, QuickTime or AVI file.

    >>> is_video(b"RIFF\\0\\0\\0\\0AVI LIST"), is_video(b"\\0\\0\\0\\x20ftypisom"), is_video(b"\\0\\0\\0\\x20ftypheic")
    (True, True, False)
    """
    return _is_avi(head) or (head[4:8] in _BOXES and not (head[4:8] == b"ftyp" and head[8:12] in _NO_VIDEO_BRANDS))


def open_video(data: bytes | memoryview, limits: Limits) -> Frames:
    """Open a video; its frames are decoded one after the other, in the order in which they are shown.

    Sound, subtitles and cover pictures are ignored. The pixel size is unknown: no video states it. Each frame's time is its `Place`'s.

    Args:
        data: the whole file.
        limits: bounds of its frames.

    Raises:
        ImageError: cut, damaged, without pictures, of a codec that is not read, or beyond the limits; or PyAV is not installed.
    """
    video = _Video(data, limits)
    return Frames("video", video.count, None, video.load, video.place)


class _Video:
    """An opened video.

    Attributes:
        count: number of its frames.
    """

    def __init__(self, data: bytes | memoryview, limits: Limits) -> None:
        _check_whole(data)
        self._data = data
        with self._opened() as (container, stream):
            self._shape = stream.codec_context.height, stream.codec_context.width
            self._shown = _square(self._shape, stream.sample_aspect_ratio)
            limits.check(*self._shape)
            limits.check(*self._shown)
            self._times_ms = _times_ms(container, stream, limits.max_frames)
        self.count = len(self._times_ms)
        limits.check(*self._shown, self.count)
        self._frames: Iterator[VideoFrame] = iter(())
        self._next = self.count  # decoding begins with the first `load`

    def load(self, index: int) -> npt.NDArray[Any]:
        """The frame with this index, as it is shown: ``(rows, cols)`` or RGB. Frames before it are decoded, too."""
        if index < self._next:
            self._frames, self._next = self._decoded(), 0
        while True:
            frame = next(self._frames, None)
            if frame is None:
                raise ImageError(f"ends after {self._next} of {self.count} frames: it was cut, or is damaged; {_EXPORT}")
            self._next += 1
            if self._next > index:
                break
        if (frame.height, frame.width) != self._shape:
            sizes = " and ".join(f"{rows} rows x {cols} columns" for rows, cols in (self._shape, (frame.height, frame.width)))
            raise ImageError(f"frames of different sizes, {sizes}: cut it where the size changes")
        return _turned(_resampled(_samples(frame), self._shown), frame)

    def place(self, index: int) -> Place:
        """When the frame with this index is shown."""
        return Place(time_ms=self._times_ms[index], number=index)

    def _decoded(self) -> Iterator[VideoFrame]:
        with self._opened() as (container, stream):
            stream.codec_context.thread_count = 1
            # a decoder must neither make up what is missing nor allocate frames larger than the header says, filled up to its blocks
            most = math.prod(side + _FILLED_UP for side in self._shape)
            stream.codec_context.options = {"err_detect": "crccheck+explode", "max_pixels": str(most)}
            for packet in container.demux(stream):
                for frame in packet.decode():
                    if frame.is_corrupt:
                        raise ImageError(f"a frame is damaged; {_EXPORT}")
                    yield frame

    @contextmanager
    def _opened(self) -> Iterator[tuple[InputContainer, VideoStream]]:
        try:
            import av
        except ImportError as error:
            raise ImageError(f"a video, which is read with PyAV: {INSTALL}; or save its pictures as PNG each") from error
        options = {"codec_whitelist": ",".join(sorted(CODECS)), "protocol_whitelist": "none", "enable_drefs": "0", "max_streams": "32"}
        demuxer = "avi" if _is_avi(bytes(self._data[:12])) else "mov"
        try:
            with av.open(BufferFile(self._data), format=demuxer, options=options, metadata_errors="ignore") as container:
                streams = [stream for stream in container.streams.video if not stream.disposition & stream.disposition.attached_pic]
                if not streams:
                    raise ImageError("holds no moving pictures; give a file with a video track")
                codec = streams[0].codec_context.name
                if codec not in CODECS:
                    raise ImageError(f"a video packed by {codec}, which is not read; convert it: ffmpeg -i CLIP clip.mp4")
                yield container, streams[0]
        except av.FFmpegError as error:
            if isinstance(error, MemoryError):
                raise
            raise ImageError(f"damaged, or of a kind that is not read ({error.strerror}); {_EXPORT}") from error


def _is_avi(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def _check_whole(data: bytes | memoryview) -> None:
    """Raise `ImageError` if a box or segment is longer than the file: it was cut."""
    avi = _is_avi(bytes(data[:12]))
    at = 0
    for _ in range(_MOST_PARTS):
        head = bytes(data[at : at + 16])
        if len(head) < 8 or (avi and head[:4] != b"RIFF"):
            return
        size = 8 + int.from_bytes(head[4:8], "little") if avi else int.from_bytes(head[:4], "big")
        if not avi and size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size < 8:  # up to the end of the file
            return
        if at + size > len(data):
            raise ImageError(f"the file was cut: {at + size} bytes are declared, {len(data)} are there; copy or export it again")
        at += size + (size % 2 if avi else 0)


def _times_ms(container: InputContainer, stream: VideoStream, most: int) -> list[float]:
    """When each frame is shown, counted from the first one; one more than ``most`` where there are more. Decodes nothing."""
    stamps: list[int | None] = []
    for packet in container.demux(stream):
        if packet.is_corrupt:
            raise ImageError(f"the file was cut within frame {len(stamps)}; copy or export it again")
        if packet.size and not packet.is_discard:  # discarded packets are only decoded for the ones after them
            stamps.append(packet.pts)
        if len(stamps) > most:
            break
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if stream.time_base is not None and len(known) == len(stamps):
        return [1000 * float((stamp - known[0]) * stream.time_base) for stamp in known]
    rate = float(stream.average_rate or 25)
    return [1000 * index / rate for index in range(len(stamps))]


def _square(shape: tuple[int, int], aspect: Fraction | None) -> tuple[int, int]:
    """Rows and columns of the picture with square pixels: none is lost, and the longer side of a pixel is resampled.

    >>> _square((576, 720), Fraction(16, 15)), _square((576, 720), Fraction(1, 2)), _square((576, 720), None)
    ((576, 768), (1152, 720), (576, 720))
    """
    rows, cols = shape
    if not aspect:
        return shape
    if not Fraction(1, LARGEST_ASPECT) <= aspect <= LARGEST_ASPECT:
        raise ImageError(f"pixels of {aspect.numerator}:{aspect.denominator}: at most {LARGEST_ASPECT}:1 is read; {_EXPORT}")
    return (rows, round(cols * aspect)) if aspect > 1 else (round(rows / aspect), cols)


def _samples(frame: VideoFrame) -> npt.NDArray[Any]:
    """Luma as it is shown, 0 to the largest number of the frame's depth; RGB for pictures that are stored so."""
    kind = frame.format
    if kind.is_rgb or kind.has_palette:
        return frame.to_ndarray(format="rgb24")
    if not _LUMA_FIRST.fullmatch(kind.name) or frame.planes[0].line_size < 0:
        deep = max(part.bits for part in kind.components) > 8
        frame = frame.reformat(format="yuv444p10le" if deep else "yuv444p")
    bits = frame.format.components[0].bits
    plane = frame.planes[0]
    step = 1 if bits == 8 else 2
    stored: npt.NDArray[Any] = np.frombuffer(memoryview(plane), f"<u{step}").reshape(-1, plane.line_size // step)[
        : frame.height, : frame.width
    ]
    name = frame.format.name
    full = frame.color_range == _FULL_RANGE or name.startswith("yuvj") or (name.startswith("gray") and not frame.color_range)
    shown: npt.NDArray[Any] = stored.copy() if full else _expansion(bits)[stored]
    return shown


@cache
def _expansion(bits: int) -> npt.NDArray[Any]:
    """For each stored value, the one that is shown: black is stored as 16 and white as 235, of 256 (ITU-R BT.601)."""
    unit, largest = 1 << (bits - 8), (1 << bits) - 1
    kind = np.uint8 if bits == 8 else np.uint16
    shown: npt.NDArray[Any] = np.rint((np.arange(1 << (8 if bits == 8 else 16)) - 16 * unit) * (largest / (219 * unit)))
    return shown.clip(0, largest).astype(kind)


def _resampled(samples: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    if samples.shape[:2] == shape:
        return samples
    from PIL import Image

    image = Image.fromarray(samples if samples.dtype == np.uint8 else samples.astype(np.float32))
    resized = np.asarray(image.resize(shape[::-1], Image.Resampling.BILINEAR))
    return resized if samples.dtype == np.uint8 else np.rint(resized)


def _turned(samples: npt.NDArray[Any], frame: VideoFrame) -> npt.NDArray[Any]:
    """The picture turned and mirrored by quarters as its header says; other angles are ignored."""
    matrix: Any = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None or len(raw := bytes(matrix)) < _MATRIX_BYTES:
        return samples
    x_of_x, y_of_x, _, x_of_y, y_of_y, *_ = np.frombuffer(raw[:_MATRIX_BYTES], np.int32).tolist()
    if y_of_x == x_of_y == 0 and x_of_x and y_of_y:
        return samples[:: 1 if y_of_y > 0 else -1, :: 1 if x_of_x > 0 else -1]
    if x_of_x == y_of_y == 0 and y_of_x and x_of_y:
        return np.swapaxes(samples, 0, 1)[:: 1 if y_of_x > 0 else -1, :: 1 if x_of_y > 0 else -1]
    return samples
