"""The process that decodes what may be dear or hostile; `isolated` starts it.

It has bounds of memory and of processor time, set anew for each file and each frame by the system, which no decoder can evade: what needs
more ends, by an error where the library reports one, else with the process. Where the system knows no such bounds (Windows), only the
parent's patience ends a file.

A request is a line of JSON on standard input: ``{"path", "limits", "frame"}`` opens a file and asks for its first frame or the one named,
``{}`` asks for the next one, ``{"path": null}`` drops the file. An answer is the length of a header in four bytes, the header as JSON,
filled up with blanks to 1024 bytes, and the samples of the frame that it describes.
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
from usseg_monai.imaging.content import decoded, kind_of, one_line_errors
from usseg_monai.imaging.file_bytes import mapped
from usseg_monai.imaging.image import GreyImage
from usseg_monai.imaging.limits import Limits

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

MEMORY_BYTES = 300_000_000
"""Beyond what the process has when it is idle."""

HEADER_BYTES = 1024
"""Of an answer, which are read at once; a longer header goes on behind them."""

FIRST_S = 1.9
"""Seconds of the processor to open a file and decode its first frame; a tenth of the 2 s is the parent's."""

FRAME_S, PIXELS_A_SECOND = 0.003, 5_000_000
"""What every further frame may take: slower than all decoders by far, so that honest files of many frames are read to their end."""

_DECODERS = {
    "dicom": ("usseg_monai.imaging.dicom", "PIL.Jpeg2KImagePlugin", "PIL.JpegImagePlugin"),
    "nifti": ("usseg_monai.imaging.nifti", "nibabel.nifti1", "nibabel.nifti2"),
    "png": ("usseg_monai.imaging.raster", "PIL.PngImagePlugin", "PIL.ImageOps"),
    "jpeg": ("usseg_monai.imaging.raster", "PIL.JpegImagePlugin", "PIL.ImageOps"),
    "tiff": ("usseg_monai.imaging.raster", "PIL.TiffImagePlugin", "PIL.ImageOps"),
    "bmp": ("usseg_monai.imaging.raster", "PIL.BmpImagePlugin", "PIL.ImageOps"),
}
"""Imported before a file is charged with anything."""

_USUAL_PIXELS = Limits().max_pixels
_REDUCE = "reduce it, or allow more: --max-pixels, Limits(max_pixels=...)"
_NO_FILE: dict[str, Any] = {"error": "no file is open", "kind": "ImageError"}
_PIPE_BYTES = 1 << 20  # so that a frame of usual size is written while nobody reads yet
_TIRED_BYTES = 150_000_000  # that the process grew by and did not give back: it is followed by a fresh one


def main() -> None:
    """The whole life of the process."""
    requests, answers = _own_pipes()
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # crashes are expected, and their dumps would hold images
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # where memory runs out, this process ends, and not the one that has the results
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
        except OSError:  # nobody listens any more
            return
        pixels = None


class _File:
    """A file that is being read, and the processor time that it has left."""

    def __init__(self, path: bytes, limits: Limits, frame: int | None) -> None:
        self._scale = max(1.0, limits.max_pixels / _USUAL_PIXELS)  # who allows larger frames allows what they take
        self._left_s = FIRST_S * self._scale
        self._images = self._read(path, limits, frame)

    def next(self) -> tuple[dict[str, Any], npt.NDArray[Any] | None]:
        """Header and samples of the next frame, or the error that ends the file."""
        self._start()
        try:
            image = next(self._images)
            return self._described(image)
        except (ImageError, MemoryError) as error:
            short = isinstance(error, MemoryError) or isinstance(error.__cause__, MemoryError)
            text = f"needs more than {MEMORY_BYTES * self._scale / 1e6:.0f} MB to be decoded; {_REDUCE}" if short else str(error)
            return {"error": text, "kind": type(error).__name__ if isinstance(error, ImageError) else "ImageError"}, None
        finally:
            self._stop()

    def _read(self, path: bytes, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
        with one_line_errors():
            data = mapped(path, limits)
            modules = _DECODERS.get(kind_of(data), ())
            self._stop()
            for module in modules:
                import_module(module)
            _bound_memory(int(MEMORY_BYTES * self._scale))
            self._start()
        for image in decoded(data, Path(), limits, frame):
            if isinstance(data.obj, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
                data.obj.madvise(mmap.MADV_DONTNEED)  # what was looked at of a mapped file is not kept
            yield image

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
            signal.setitimer(signal.ITIMER_PROF, max(self._left_s, 0.001))  # whose signal ends the process

    def _stop(self) -> None:
        if resource is not None:
            signal.setitimer(signal.ITIMER_PROF, 0)
        self._left_s -= _processor_seconds() - self._since


def _narrow(pixels: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """The same numbers in fewer bytes, where they are whole."""
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
    """The pipes of standard input and output for ourselves; to what decoders print and ask, nothing."""
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
    """Of this process so far. `time.process_time` only moves with the system's ticks while the timer is set."""
    if resource is None:
        return 0.0
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _private_bytes() -> int:
    """What counts towards the bound of memory; 0 where the system does not tell (not Linux)."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def _bound_memory(more: int) -> None:
    """Let the process have so many bytes more than now. Mapped files do not count: they are the system's to take back."""
    if resource is None or not (now := _private_bytes()):
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = now + more
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
