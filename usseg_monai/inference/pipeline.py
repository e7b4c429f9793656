"""Frames of many files through one function in several threads: overlapped, bounded, in order.

A thread takes a file, decodes a frame and processes it; while it does, another decodes the file's next frame, or another file. Decoders,
network and PNG compression release Python's lock, so that the stages overlap. Only the frames that threads work on are in memory, no more
files are open than there are threads, and files are handed out only so far ahead of the oldest one that is not done.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from usseg_monai.errors import ImageError, NoPictureError, UssegError
from usseg_monai.imaging import GreyImage

__all__ = ["FrameResult", "process_frames"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 8  # files a thread that may be begun before the oldest is done: one slow file does not stop the others


@dataclass(frozen=True)
class FrameResult(Generic[Item, Result]):
    """What came of one frame.

    Attributes:
        item: what stands for the file.
        frame: index from 0 in the file.
        last: whether the file is done with it.
        result: of the function, or of the one for failures.
    """

    item: Item
    frame: int
    last: bool
    result: Result


@dataclass
class _File(Generic[Item]):
    number: int  # in the order of the results
    item: Item
    frames: Iterator[GreyImage]
    next_frame: int = 0
    count: int = 1  # frames, as far as known


@dataclass
class _Shared(Generic[Item, Result]):
    """What the threads have in common."""

    process: Callable[[Item, GreyImage], Result]
    fail: Callable[[Item, int, str], Result]
    skip: Callable[[Item, str], Result | None]
    files: queue.PriorityQueue[tuple[float, _File[Item] | None]] = field(default_factory=queue.PriorityQueue)  # the oldest first
    results: queue.SimpleQueue[tuple[int, FrameResult[Item, Result]] | BaseException] = field(default_factory=queue.SimpleQueue)
    stopped: bool = False


def process_frames(
    items: Iterable[Item],
    read: Callable[[Item], Iterator[GreyImage]],
    process: Callable[[Item, GreyImage], Result],
    fail: Callable[[Item, int, str], Result],
    threads: int,
    known: Callable[[Item], Result | None] = lambda item: None,
    skip: Callable[[Item, str], Result | None] = lambda item, reason: None,
) -> Generator[FrameResult[Item, Result], None, None]:
    """Read and process all frames of all files; results come in the order of files and frames.

    A frame that raises `ImageError`, runs out of memory or meets a fault of a library becomes the result of `fail`, and the rest goes on.
    Other `UssegError`, an output that cannot be written for one, end it. Closing the iterator waits for the frames that are in work.

    Args:
        items: what stands for each file; taken one by one, as they are needed.
        read: item to the frames of its file.
        process: item and one of its frames to a result; called from several threads at once.
        fail: item, index of a frame, and the reason, to a result.
        threads: number of threads.
        known: the only result of an item that needs no work; ``None`` for those that do.
        skip: item and reason to the only result of a file that holds no picture (`NoPictureError`); ``None`` where that is a failure.
    """
    shared: _Shared[Item, Result] = _Shared(process, fail, skip)
    workers = [threading.Thread(target=_work, args=(shared,), name=f"usseg-{number}") for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        yield from _in_order(iter(items), read, known, shared, ahead=_AHEAD * threads)
    finally:
        shared.stopped = True
        for _ in workers:
            shared.files.put((math.inf, None))
        for worker in workers:
            worker.join()


def _in_order(
    items: Iterator[Item],
    read: Callable[[Item], Iterator[GreyImage]],
    known: Callable[[Item], Result | None],
    shared: _Shared[Item, Result],
    ahead: int,
) -> Iterator[FrameResult[Item, Result]]:
    oldest = frame = begun = 0
    early: dict[tuple[int, int], FrameResult[Item, Result]] = {}
    while True:
        for item in islice(items, oldest + ahead - begun):
            result = known(item)
            if result is None:
                shared.files.put((begun, _File(begun, item, read(item))))
            else:
                early[begun, 0] = FrameResult(item, 0, True, result)
            begun += 1
        if oldest == begun:
            return
        while (oldest, frame) not in early:
            arrived = shared.results.get()
            if isinstance(arrived, BaseException):
                raise arrived
            early[arrived[0], arrived[1].frame] = arrived[1]
        following = early.pop((oldest, frame))
        oldest, frame = (oldest + 1, 0) if following.last else (oldest, frame + 1)
        yield following


def _work(shared: _Shared[Item, Result]) -> None:
    while (file := shared.files.get()[1]) is not None and not shared.stopped:
        try:
            shared.results.put((file.number, _next_result(file, shared)))
        except BaseException as error:  # carried over to the thread that waits for results
            shared.results.put(error)


def _next_result(file: _File[Item], shared: _Shared[Item, Result]) -> FrameResult[Item, Result]:
    """Decode and process the next frame of a file, and let another thread go on with the file meanwhile."""
    frame = file.next_frame
    try:
        image = next(file.frames)
    except StopIteration:
        reason = "the file holds fewer images than it says; export it again"
        return FrameResult(file.item, frame, True, shared.fail(file.item, frame, reason))
    except Exception as error:
        if isinstance(error, NoPictureError) and (skipped := shared.skip(file.item, str(error))) is not None:
            return FrameResult(file.item, frame, True, skipped)
        left = file.count - frame - 1
        reason = _reason(error) + (f" (the {left} frames after it were not read)" if left > 0 else "")
        return FrameResult(file.item, frame, True, shared.fail(file.item, frame, reason))
    file.next_frame, file.count = frame + 1, image.source.frames
    last = file.next_frame >= file.count
    if not last:
        shared.files.put((file.number, file))
    try:
        result = shared.process(file.item, image)
    except Exception as error:
        result = shared.fail(file.item, frame, _reason(error))
    return FrameResult(file.item, frame, last, result)


def _reason(error: Exception) -> str:
    """Why a frame failed, in words; raises what is more than the failure of a frame."""
    if isinstance(error, ImageError):
        return str(error)
    if isinstance(error, UssegError):
        raise error
    if isinstance(error, MemoryError):
        return "not enough memory for this image; reduce it, or use fewer threads"
    return f"unexpected {type(error).__name__}: {error}; please report it"  # a fault of ours or of a library must not end a night's work
