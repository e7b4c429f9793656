"""Decodes files in separate processes, which hostile bytes may exhaust, hang or crash.

A process decodes one file at a time and is kept for the next; threads that read at the same time have one each. `isolated_worker` sets and
explains its limits. Answers are plain numbers and text, which are checked here: nothing that was received is executed.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, NoPictureError, printable
from usseg_monai.imaging.image import GreyImage, Place, Region, Source
from usseg_monai.imaging.limits import Limits

if TYPE_CHECKING:
    from subprocess import Popen

__all__ = ["HEADER_BYTES", "WAIT_S", "decoded_elsewhere", "end_all"]

HEADER_BYTES = 1024
"""First block of an answer, read at once; a longer header continues after it."""

WAIT_S = 120.0
"""Wall-clock seconds for one answer: far more than a process with limited processor time needs, even on a busy machine."""

_START = "import sys; sys.path[:] = sys.argv[1:]; from usseg_monai.imaging.isolated_worker import main; main()"
_SAMPLES = {"u1": np.uint8, "u2": np.uint16, "f4": np.float32}
_LONGEST_HEADER = 1 << 20
_USUAL_PIXELS = Limits().max_pixels
_ERRORS = {"ImageError": ImageError, "NoPictureError": NoPictureError}


def decoded_elsewhere(path: Path, limits: Limits, frame: int | None) -> Iterator[GreyImage]:
    """All frames of a file, or one, decoded by `decode.decoded` in another process.

    Raises:
        ImageError: one line of text, also if the file killed the process that decoded it.
    """
    process = _take()
    whole = False  # whether the process can be used again
    try:
        process.ask(path=os.fsencode(os.path.abspath(path)).hex(), limits=asdict(limits), frame=frame)
        last = False
        while not last:
            whole = False
            image = process.answer(path, limits)
            last = frame is not None or image.source.frame + 1 >= image.source.frames
            if not last:
                process.ask()  # the next one is decoded while this one is processed
            whole = True
            yield image
    except _Refused as error:
        whole = True
        raise error.reason from None
    finally:
        if whole and not process.tired and process.drop():
            _give_back(process)
        else:
            _end(process)


class _Refused(Exception):
    """The process is intact and reports that the file cannot be read."""

    def __init__(self, reason: ImageError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class _Process:
    """The parent's side of one process. Each line sent to it gets one answer."""

    def __init__(self) -> None:
        import subprocess

        paths = [os.path.abspath(path) for path in sys.path]
        threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # numpy's, which need memory
        try:
            self._popen: Popen[bytes] = subprocess.Popen(
                [sys.executable, "-c", _START, *paths],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=os.environ | threads,
                start_new_session=True,  # Ctrl-C in a terminal is for the command, which ends its processes itself
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            raise ImageError(f"a process to decode it in did not start ({error.strerror or error}); free memory") from error
        assert self._popen.stdin is not None and self._popen.stdout is not None
        self._input: IO[bytes] = self._popen.stdin
        self._output: IO[bytes] = self._popen.stdout
        self._poll = select.poll() if hasattr(select, "poll") else None  # Windows cannot wait for pipes
        if self._poll is not None:
            self._poll.register(self._output, select.POLLIN)
        self._owed = 0  # answers that were not read yet
        self.pid = self._popen.pid
        self.tired = False  # it holds memory that it did not free

    def alive(self) -> bool:
        return not self._input.closed and self._popen.poll() is None

    def ask(self, **request: Any) -> None:
        try:
            self._input.write(json.dumps(request).encode() + b"\n")
        except (OSError, ValueError) as error:
            raise self._dead() from error
        self._owed += 1

    def drop(self) -> bool:
        """If an answer is owed, tell the process to drop the rest of the file; returns whether it is alive."""
        with suppress(ImageError):
            if self._owed:
                self.ask(path=None)
            return True
        return False

    def answer(self, path: Path, limits: Limits) -> GreyImage:
        """The answer to the last line that was sent; earlier answers are discarded."""
        patience = threading.Timer(WAIT_S, self._popen.kill) if self._poll is None else None
        try:
            if patience is not None:
                patience.start()
            while True:
                header = self._header()
                pixels = None if "error" in header else self._pixels(header, limits)
                self._owed -= 1
                if not self._owed:
                    break
            self.tired = bool(header["tired"])
            if pixels is None:
                raise _Refused(_ERRORS[header["kind"]](printable(header["error"]), remedy=printable(header["remedy"])))
            return _image(header, path, pixels)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ImageError("the process that decoded it answered nonsense; the file is damaged or hostile, export it again") from error
        finally:
            if patience is not None:
                patience.cancel()

    def _header(self) -> dict[str, Any]:
        block = self._read(HEADER_BYTES)
        length = int.from_bytes(block[:4], "big")
        if length > _LONGEST_HEADER:
            raise ValueError(length)
        header: dict[str, Any] = json.loads(block[4 : 4 + length] + self._read(max(0, 4 + length - HEADER_BYTES)))
        return header

    def _pixels(self, header: dict[str, Any], limits: Limits) -> npt.NDArray[Any]:
        rows, cols = map(int, header["shape"])
        if rows < 1 or cols < 1 or rows * cols > max(limits.max_pixels, _USUAL_PIXELS):
            raise ValueError(header["shape"])
        pixels = np.empty((rows, cols), _SAMPLES[header["samples"]])
        self._fill(pixels.data.cast("B"))
        return pixels

    def _read(self, count: int) -> bytearray:
        data = bytearray(count)
        self._fill(memoryview(data))
        return data

    def _fill(self, target: memoryview) -> None:
        until = time.monotonic() + WAIT_S
        while target:
            if self._output.closed:
                raise self._dead()
            if self._poll is not None and not self._poll.poll(max(until - time.monotonic(), 0) * 1000):
                self._popen.kill()
                raise ImageError(f"not decoded within {WAIT_S:g} s; the file is damaged, or the machine is busy with other things")
            count = self._output.readinto(target)  # type: ignore[attr-defined]
            if not count:
                raise self._dead()
            target = target[count:]

    def _dead(self) -> ImageError:
        """The error for a file that killed the process."""
        import subprocess

        if self._input.closed:
            return ImageError("opened in one process and read in a fork of it; open the file again there")
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(5)
        return _cause_of_death(self._popen.returncode)

    def end(self) -> None:
        """Kill it and free all its resources."""
        if not self._input.closed:
            with suppress(OSError):
                self._popen.kill()
            self._popen.wait()
            self.close()

    def close(self) -> None:
        for pipe in (self._input, self._output):
            with suppress(OSError):
                pipe.close()

    def forget(self) -> None:
        """In a forked process: it belongs to the parent, and copies of its pipes must not keep it alive."""
        self.close()
        self._popen.returncode = 0


def _cause_of_death(code: int | None) -> ImageError:
    advice = "it is damaged or malicious: convert it, or export it again"
    if code is not None and code == -getattr(signal, "SIGPROF", 0):
        return ImageError(f"takes more processor time than files of its size do (2 s for the first frame); {advice}")
    if code is not None and code < 0:
        with suppress(ValueError):
            return ImageError(f"ended the process that decoded it ({signal.Signals(-code).name}); {advice}")
    return ImageError(f"ended the process that decoded it (exit code {code}); {advice}")


def _image(header: dict[str, Any], path: Path, pixels: npt.NDArray[Any]) -> GreyImage:
    grey = pixels if pixels.dtype == np.float32 else pixels.astype(np.float32)
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        raise ValueError("not finite")
    place = header["place"]
    return GreyImage(
        grey,
        _tuples(header["spacing_mm"]),
        Source(path, header["frame"], header["frames"], header["format"]),
        None if place is None else Place(**{name: _tuples(value) for name, value in place.items()}),
        tuple(Region(**{name: _tuples(value) for name, value in region.items()}) for region in header["regions"]),
    )


def _tuples(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


_lock = threading.Lock()
_idle: list[_Process] = []
_all: set[_Process] = set()


def _take() -> _Process:
    with _lock:
        while _idle:
            process = _idle.pop()
            if process.alive():
                return process
            _all.discard(process)
            process.end()
    process = _Process()
    with _lock:
        _all.add(process)
    return process


def _give_back(process: _Process) -> None:
    with _lock:
        _idle.append(process)


def _end(process: _Process) -> None:
    with _lock:
        _all.discard(process)
    process.end()


def end_all() -> None:
    """End the processes that are kept for further files; the next file that needs a process starts one."""
    with _lock:
        processes = [*_all]
        _all.clear()
        _idle.clear()
    for process in processes:
        process.end()


def _forget_all() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held it
    for process in _all:
        process.forget()
    _all.clear()
    _idle.clear()


atexit.register(end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
