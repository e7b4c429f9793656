"""A worker process that runs a range of one target's inputs, and the parent's side of it.

Time is CPU time of all threads of the process: wall time would include other load on the machine. Memory is the peak resident memory since
it was last reset (``VmHWM``, reset by ``/proc/self/clear_refs``), minus what was resident before the first input: leaks count. Where the
system cannot reset it (not Linux), an input is charged with the peak of earlier ones.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import suppress
from ctypes import c_longlong
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.fuzz.target import Target
from benchmarks.fuzz.targets import TARGETS
from usseg_monai.errors import UssegError

__all__ = ["MEGABYTES_AT_MOST", "SECONDS_AT_MOST", "Finding", "Part", "generator", "run_range"]

SECONDS_AT_MOST = 2.0
MEGABYTES_AT_MOST = 300.0

_ENDLESS = 20.0  # CPU seconds after which the system ends the process
_HANGS_AFTER = 600.0  # wall seconds, for inputs that wait without using CPU; generous, as the machine may be busy
_ADDRESS_SPACE = 4 << 30  # bytes beyond the start: reserved but unused memory may exceed the limit of used memory
_RISE = 8.0  # megabytes of rise from which the peak is reset
_REPORT_EVERY = 500  # inputs
_LONGEST_MESSAGE = 500  # characters


@dataclass(frozen=True)
class Finding:
    """An input that broke the contract.

    Attributes:
        number: of the input.
        kind: ``escaped``, ``slow``, ``memory``, ``message``, ``crashed`` or ``hung``.
        what: the exception and its location, or the resources used.
    """

    number: int
    kind: str
    what: str


@dataclass
class Part:
    """Outcome of some inputs.

    Attributes:
        inputs: their number.
        refused: number of inputs that ended in a `UssegError`.
        seconds: total CPU time.
        slowest: CPU seconds of the slowest input, and its number.
        largest: megabytes of the largest one, and its number.
        findings: inputs that broke the contract.
    """

    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest: tuple[float, int] = (0.0, -1)
    largest: tuple[float, int] = (0.0, -1)
    findings: list[Finding] = field(default_factory=list)

    def add(self, other: Part) -> None:
        """Add the outcome of further inputs."""
        self.inputs += other.inputs
        self.refused += other.refused
        self.seconds += other.seconds
        self.slowest = max(self.slowest, other.slowest)
        self.largest = max(self.largest, other.largest)
        self.findings += other.findings


def generator(target: str, seed: int, number: int) -> Random:
    """The source of all randomness of one input."""
    return Random(f"{target}/{seed}/{number}")


def run_range(target: Target, seed: int, first: int, stop: int) -> Iterator[Part]:
    """Run inputs ``first`` to ``stop - 1`` in separate processes; a process that dies is replaced by another, which continues after the
    input that killed it."""
    context = multiprocessing.get_context("spawn")
    while first < stop:
        here: Any = context.Value(c_longlong, first - 1, lock=False)  # typeshed does not declare .value as a number
        parent, child = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(target.name, seed, first, stop, here, child), daemon=True)
        process.start()
        child.close()
        done = first
        last, since = here.value, time.monotonic()
        while True:
            try:
                if parent.poll(1.0):
                    part = parent.recv()
                    if isinstance(part, str):
                        raise RuntimeError(f"{target.name} could not make its inputs; {part}")
                    done += part.inputs
                    yield part
            except EOFError:
                break
            if here.value != last:
                last, since = here.value, time.monotonic()
            elif time.monotonic() - since > _HANGS_AFTER:
                process.kill()
        process.join()
        if process.exitcode:
            hung = process.exitcode in (-signal.SIGPROF, -signal.SIGKILL)
            what = f"ended by {signal.Signals(-process.exitcode).name}" if process.exitcode < 0 else f"ended with {process.exitcode}"
            yield Part(inputs=here.value + 1 - done, findings=[Finding(here.value, "hung" if hung else "crashed", what)])
            done = here.value + 1
        first = done


def _work(name: str, seed: int, first: int, stop: int, here: Any, connection: Connection) -> None:
    """Main function of a worker process."""
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # interrupting the command is not a finding
    target = TARGETS[name]
    try:
        make = target.maker()
    except Exception:
        connection.send(f"seeds:\n{traceback.format_exc()}")
        return
    _quiet()
    with TemporaryDirectory(dir="/dev/shm" if os.path.isdir("/dev/shm") else None) as folder:
        path = Path(folder) / "input"
        for warm in range(-30, 0):  # late imports must not count as an input's time or memory
            with suppress(Exception):
                target.check(make(generator(name, seed, warm)), path)
        _limit_address_space()
        gauge = _Gauge()
        part = Part()
        for number in range(first, stop):
            here.value = number
            try:
                case = make(generator(name, seed, number))
            except Exception:
                connection.send(f"input {number}:\n{traceback.format_exc()}")
                return
            _run_one(target, case, number, path, gauge, part)
            if part.inputs == _REPORT_EVERY:
                connection.send(part)
                part = Part()
        connection.send(part)
    connection.close()


def _run_one(target: Target, case: Any, number: int, path: Path, gauge: _Gauge, part: Part) -> None:
    found = []
    gauge.rise()  # making the input is not counted
    signal.setitimer(signal.ITIMER_PROF, _ENDLESS)
    start = _processor_seconds()
    try:
        target.check(case, path)
    except UssegError as error:
        part.refused += 1
        found += _objections(error)
    except BaseException as error:
        found.append(("escaped", _described(error)))
    seconds, megabytes = _processor_seconds() - start, gauge.rise()
    if seconds > SECONDS_AT_MOST:
        found.append(("slow", f"{seconds:.2f} s"))
    if megabytes > MEGABYTES_AT_MOST:
        found.append(("memory", f"{megabytes:.0f} MB"))
    part.inputs += 1
    part.seconds += seconds
    part.slowest = max(part.slowest, (seconds, number))
    part.largest = max(part.largest, (megabytes, number))
    part.findings += [Finding(number, kind, what) for kind, what in found]


def _processor_seconds() -> float:
    """CPU time of this process. `time.process_time` has only tick resolution while a profiling timer is set."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _objections(error: UssegError) -> list[tuple[str, str]]:
    """Violations of the contract by an error raised for bad input."""
    text = str(error)
    found = []
    if not text.isprintable() or len(text) > _LONGEST_MESSAGE:
        found.append(("message", f"{len(text)} characters, {text[:200]!r}"))
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, MemoryError) or "bad_alloc" in str(cause) or "bad allocation" in str(cause):
            found.append(("memory", f"more than {_ADDRESS_SPACE >> 20} MB asked for: {text[:200]}"))
            break
        cause = cause.__cause__
    return found


def _described(error: BaseException) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "usseg_monai" in frame.filename]
    place = ours[-1] if ours else place
    return f"{type(error).__name__}: {str(error)[:200]} ({Path(place.filename).name}:{place.lineno})"


class _Gauge:
    """Resident memory beyond that at the start."""

    def __init__(self) -> None:
        _set_back()
        self._start = _peak()

    def rise(self) -> float:
        """Peak in megabytes since the last reset; a significant rise resets it."""
        rise = (_peak() - self._start) / 1e6
        if rise > _RISE:
            _set_back()
        return rise


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _set_back() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _limit_address_space() -> None:
    """Make requests for many gigabytes fail instead of exhausting the machine."""
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + _ADDRESS_SPACE
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _quiet() -> None:
    """Silence decoders that write about damaged files to the terminal."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
