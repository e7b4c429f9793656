"""Writes MP4 files through PyAV (extra ``video``)."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import OutputError, UsageError
from usseg_monai.files.write import atomic_path

__all__ = ["ENCODERS", "check_encoder", "write_video"]

ENCODERS: dict[str, dict[str, str]] = {"libx264": {"preset": "superfast", "crf": "20"}, "mpeg4": {"qscale": "3", "flags": "+qscale"}}
"""Encoders with their options; the first that PyAV's FFmpeg has is used. Browsers play H.264, and no MPEG-4 part 2."""

_CLOCK = Fraction(1, 1000)


def check_encoder() -> str:
    """Name of the encoder; raises `UsageError` without PyAV."""
    try:
        import av
    except ImportError as error:
        raise UsageError("annotated clips are written with PyAV: pip install 'usseg-monai[video]', or leave clip out of --save") from error
    return next(name for name in ENCODERS if name in av.codecs_available)


def write_video(path: Path, frames: Iterable[tuple[float, npt.NDArray[np.uint8]]]) -> None:
    """Write an MP4 file, completely or not at all.

    Args:
        path: target.
        frames: at least one; time in milliseconds, and RGB ``(rows, cols, 3)`` of even numbers of rows and columns, the same for all. A
            frame that is not later than the one before it is shown a millisecond after it.

    Raises:
        OutputError: it cannot be written.
        UsageError: PyAV is not installed.
    """
    encoder = check_encoder()
    import av

    with atomic_path(path) as temporary:
        try:
            with av.open(str(temporary), "w", format="mp4", options={"movflags": "faststart"}) as file:
                stream: Any = None
                stamp = -1
                for time_ms, picture in frames:
                    if stream is None:
                        stream = file.add_stream(encoder, rate=25, options=ENCODERS[encoder])
                        stream.height, stream.width = picture.shape[:2]
                        stream.pix_fmt = "yuv420p"
                        stream.codec_context.time_base = _CLOCK
                    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                    stamp = max(stamp + 1, round(time_ms))
                    frame.pts, frame.time_base = stamp, _CLOCK
                    file.mux(stream.encode(frame))
                file.mux(stream.encode())
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            raise OutputError(f"{path}: cannot be encoded ({error.strerror}); leave clip out of --save") from error
