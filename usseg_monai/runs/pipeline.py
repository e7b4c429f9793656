"""Decodes and processes the frames of many files in several threads; results come in order, and memory is bounded.

A thread takes a file, decodes a frame and processes it; meanwhile another thread decodes the file's next frame, or another file. Decoders,
network and PNG compression release the GIL, so the stages overlap. Only the frames being processed are in memory, at most one file per
thread is open, and the number of files started before the oldest one is finished is limited.
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

__all__ = ["process_frames"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 8  # files per thread that may be started before the oldest is finished, so that one slow file does not stop the others


@dataclass
class _File(Generic[Item]):
    number: int  # in the order of the results
    item: Item
    frames: Iterator[GreyImage]
    next_frame: int = 0
    count: int = 1  # number of frames, as far as known


@dataclass
class _Shared(Generic[Item, Result]):
    """State shared by the threads."""

    process: Callable[[Item, GreyImage], Result]
    fail: Callable[[Item, int, str], Result]
    skip: Callable[[Item, str], Result | None]
    files: queue.PriorityQueue[tuple[float, _File[Item] | None]] = field(default_factory=queue.PriorityQueue)  # the oldest first
    results: queue.SimpleQueue[tuple[int, int, Result, bool] | BaseException] = field(default_factory=queue.SimpleQueue)
    stopped: bool = False


def process_frames(
    items: Iterable[Item],
    read: Callable[[Item], Iterator[GreyImage]],
    process: Callable[[Item, GreyImage], Result],
    fail: Callable[[Item, int, str], Result],
    threads: int,
    known: Callable[[Item], Result | None] = lambda item: None,
    skip: Callable[[Item, str], Result | None] = lambda item, reason: None,
) -> Generator[tuple[Item, Result, bool], None, None]:
    """Read and process all frames of all files.

    Yields the item, the result of one of its frames, and whether that is the item's last frame, in the order of items and frames.

    If a frame raises `ImageError`, runs out of memory or hits a bug in a library, its result is that of `fail`, and the rest goes on.
    Any other `UssegError`, such as an output that cannot be written, ends the iteration. Closing the iterator waits for frames in progress.

    Args:
        items: one per file; taken as they are needed.
        read: returns the frames of an item's file.
        process: returns the result of an item's frame; called from several threads at once.
        fail: returns the result of a failed frame, from the item, the index of the frame, and the reason.
        threads: number of threads.
        known: returns the only result of an item that needs no work; ``None`` for other items.
        skip: returns the only result of a file that holds no picture (`NoPictureError`), from the item and the reason; ``None`` if that is
            a failure.
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
) -> Iterator[tuple[Item, Result, bool]]:
    oldest = frame = begun = 0
    waiting: dict[int, Item] = {}
    early: dict[tuple[int, int], tuple[Result, bool]] = {}
    while True:
        for item in islice(items, oldest + ahead - begun):
            waiting[begun] = item
            result = known(item)
            if result is None:
                shared.files.put((begun, _File(begun, item, read(item))))
            else:
                early[begun, 0] = result, True
            begun += 1
        if oldest == begun:
            return
        while (oldest, frame) not in early:
            arrived = shared.results.get()
            if isinstance(arrived, BaseException):
                raise arrived
            early[arrived[:2]] = arrived[2:]
        result, last = early.pop((oldest, frame))
        item = waiting.pop(oldest) if last else waiting[oldest]
        oldest, frame = (oldest + 1, 0) if last else (oldest, frame + 1)
        yield item, result, last


def _work(shared: _Shared[Item, Result]) -> None:
    while (file := shared.files.get()[1]) is not None and not shared.stopped:
        try:
            frame = file.next_frame
            shared.results.put((file.number, frame, *_next_result(file, shared)))
        except BaseException as error:  # re-raised in the thread that waits for results
            shared.results.put(error)


def _next_result(file: _File[Item], shared: _Shared[Item, Result]) -> tuple[Result, bool]:
    """Decode and process the next frame of a file; while it is processed, another thread may go on with the file.

    Returns the result, and whether it is the last one of the file.
    """
    frame = file.next_frame
    try:
        image = next(file.frames)
    except StopIteration:
        reason = "the file holds fewer images than it says; export it again"
        return shared.fail(file.item, frame, reason), True
    except Exception as error:
        if isinstance(error, NoPictureError) and (skipped := shared.skip(file.item, str(error))) is not None:
            return skipped, True
        left = file.count - frame - 1
        reason = _reason(error) + (f" (the {left} frames after it were not read)" if left > 0 else "")
        return shared.fail(file.item, frame, reason), True
    file.next_frame, file.count = frame + 1, image.source.frames
    last = file.next_frame >= file.count
    if not last:
        shared.files.put((file.number, file))
    try:
        result = shared.process(file.item, image)
    except Exception as error:
        result = shared.fail(file.item, frame, _reason(error))
    return result, last


def _reason(error: Exception) -> str:
    """Why a frame failed, in words; raises an error that affects more than this frame."""
    if isinstance(error, ImageError):
        return str(error)
    if isinstance(error, UssegError):
        raise error
    if isinstance(error, MemoryError):
        return "not enough memory for this image; reduce it, or use fewer threads"
    return f"unexpected {type(error).__name__}: {error}; please report it"  # a bug must not abort an overnight batch
