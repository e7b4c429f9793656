"""The process that decodes files that may be expensive or hostile; `isolated` starts it.

The operating system limits its memory and processor time, anew for each file and each frame; no decoder can evade that. A file that needs
more ends with an error if the library reports one, else with the process. On systems without such limits (Windows), only the parent's
timeout ends a file.

A request is one line of JSON on standard input: ``{"path", "limits", "frame"}`` opens a file and asks for its first frame or the one named,
``{}`` asks for the next one, ``{"path": null}`` drops the file. An answer is the length of a header in four bytes, the header as JSON,
padded with blanks to 1024 bytes, and the samples of the frame that it describes.
"""

from __future__ import annotations

import json
import mmap
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.imaging.decode import decoded, one_line_errors, open_frames
from usseg_monai.imaging.file_bytes import mapped
from usseg_monai.imaging.frames import Frames
from usseg_monai.imaging.image import GreyImage
from usseg_monai.imaging.isolated import HEADER_BYTES
from usseg_monai.imaging.kind import kind_of
from usseg_monai.imaging.limits import MORE_PIXELS, Limits

__all__ = ["FIRST_S", "FRAME_S", "MEMORY_BYTES", "PIXELS_A_SECOND", "main"]

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY_BYTES = 300_000_000
"""Limit beyond the memory of the idle process."""

FIRST_S = 1.9
"""Processor seconds to open a file and decode its first frame; 0.1 s of the 2 s is the parent's."""

FRAME_S, PIXELS_A_SECOND = 0.003, 5_000_000
"""Time for each further frame: far slower than all decoders, so that honest files of many frames are read to their end."""

_DECODERS = {
    "dicom": ("usseg_monai.imaging.formats.dicom", "PIL.Jpeg2KImagePlugin", "PIL.JpegImagePlugin"),
    "nifti": ("usseg_monai.imaging.formats.nifti", "nibabel.nifti1", "nibabel.nifti2"),
    "png": ("usseg_monai.imaging.formats.raster", "PIL.PngImagePlugin", "PIL.ImageOps"),
    "jpeg": ("usseg_monai.imaging.formats.raster", "PIL.JpegImagePlugin", "PIL.ImageOps"),
    "tiff": ("usseg_monai.imaging.formats.raster", "PIL.TiffImagePlugin", "PIL.ImageOps"),
    "video": ("usseg_monai.imaging.formats.video", "PIL.Image", "av"),
    "bmp": ("usseg_monai.imaging.formats.raster", "PIL.BmpImagePlugin", "PIL.ImageOps"),
}
"""Modules imported before the limits of a file begin to count."""

_USUAL_PIXELS = Limits().max_pixels
_NO_FILE: dict[str, Any] = {"error": "no file is open", "remedy": "", "kind": "ImageError"}
_PIPE_BYTES = 1 << 20  # so that a frame of usual size can be written before it is read
_TIRED_BYTES = 150_000_000  # of growth that was not freed: above it, the process is replaced


def main() -> None:
    """Answer requests until the pipes are closed."""
    requests, answers = _own_pipes()
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # crashes are expected, and their dumps would hold images
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # if memory runs out, the system kills this process, not the one that has the results
    idle_bytes = _private_bytes()
    file: _File | None = None
    for line in requests:
        request = json.loads(line)
        if "path" in request:
            file = None
            if request["path"] is not None:
                file = _File(bytes.fromhex(request["path"]), Limits(**request["limits"]), request["frame"])
        header, pixels = file.next() if file is not None else (dict(_NO_FILE), None)
        if pixels is None or header["last"]:
            file = None
        header["tired"] = file is None and _private_bytes() - idle_bytes > _TIRED_BYTES
        try:
            _answer(answers, header, pixels)
        except OSError:  # the parent is gone
            return
        pixels = None


class _File:
    """A file that is being read, and its remaining processor time."""

    def __init__(self, path: bytes, limits: Limits, frame: int | None) -> None:
        self._scale = max(1.0, limits.max_pixels / _USUAL_PIXELS)  # larger frames, where allowed, may take more
        self._left_s = FIRST_S * self._scale
        self._images = self._read(path, limits, frame)

    def next(self) -> tuple[dict[str, Any], npt.NDArray[Any] | None]:
        """Header and samples of the next frame, or the error that ends the file."""
        self._start()
        try:
            image = next(self._images)
            return self._described(image)
        except (ImageError, MemoryError) as error:
            if isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError):
                reason = f"needs more than {MEMORY_BYTES * self._scale / 1e6:.0f} MB to be decoded; reduce it"
                error = ImageError(reason, remedy=MORE_PIXELS)
            return {"error": error.reason, "remedy": error.remedy, "kind": type(error).__name__}, None
        finally:
            self._stop()

    def _read(self, path: bytes, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
        with one_line_errors():
            data = mapped(path, limits)
            kind = kind_of(data)
            self._stop()
            for module in _DECODERS.get(kind, ()):
                with suppress(ImportError):  # of an extra that is not installed: the decoder says so
                    import_module(module)
            _bound_memory(int(MEMORY_BYTES * self._scale))
            self._start()
            frames = open_frames(data, kind, limits)
            if kind == "video" and frame is not None and 0 < frame < frames.count:
                self._skip(frames, frame)
        for image in decoded(frames, Path(), frame):
            if isinstance(data.obj, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                data.obj.madvise(mmap.MADV_DONTNEED)  # release the pages that were read
            yield image

    def _skip(self, frames: Frames, count: int) -> None:
        """Decode the frames before the one asked for; each has its share of time."""
        for index in range(count):
            size = frames.load(index).size
            self._stop()
            self._left_s += FRAME_S + size / PIXELS_A_SECOND
            self._start()

    def _described(self, image: GreyImage) -> tuple[dict[str, Any], npt.NDArray[Any]]:
        self._left_s += FRAME_S + image.pixels.size / PIXELS_A_SECOND
        pixels = _narrow(image.pixels)
        source = image.source
        header = {
            "samples": pixels.dtype.str[1:],
            "shape": pixels.shape,
            "spacing_mm": image.spacing_mm,
            "frame": source.frame,
            "frames": source.frames,
            "format": source.format,
            "place": None if image.place is None else asdict(image.place),
            "regions": [asdict(region) for region in image.regions],
            "last": source.frame + 1 >= source.frames,
        }
        return header, pixels

    def _start(self) -> None:
        self._since = _processor_seconds()
        if resource is not None:
            signal.setitimer(signal.ITIMER_PROF, max(self._left_s, 0.001))  # its signal kills the process

    def _stop(self) -> None:
        if resource is not None:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._left_s -= _processor_seconds() - self._since


def _narrow(pixels: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """The same numbers in fewer bytes, if they are integers."""
    low, high = float(pixels.min()), float(pixels.max())
    for kind, most in (("u1", 255), ("u2", 65535)):
        if low >= 0 and high <= most:
            narrow: npt.NDArray[Any] = pixels.astype(kind)
            if np.array_equal(narrow, pixels):
                return narrow
            break
    return np.ascontiguousarray(pixels)


def _answer(answers: IO[bytes], header: dict[str, Any], pixels: npt.NDArray[Any] | None) -> None:
    text = json.dumps(header).encode()
    _write(answers, memoryview((len(text).to_bytes(4, "big") + text).ljust(HEADER_BYTES)))
    if pixels is not None:
        _write(answers, pixels.data.cast("B"))


def _write(answers: IO[bytes], data: memoryview) -> None:
    while data:
        data = data[answers.write(data) :]


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Take over the pipes of standard input and output; decoders that print or read get the null device."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    with suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(answers, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)  # Linux
    return requests, answers


def _processor_seconds() -> float:
    """Processor time of this process so far. `time.process_time` only advances with the system's ticks while the timer is set."""
    if resource is None:
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _private_bytes() -> int:
    """Memory that counts towards the limit; 0 where the system does not report it (not Linux)."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _bound_memory(more: int) -> None:
    """Limit the process to `more` bytes beyond what it has now. Mapped files do not count: the system can reclaim them."""
    if resource is None or not (now := _private_bytes()):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = now + more
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
