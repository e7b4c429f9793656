from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from usseg_monai.errors import ImageError, NoPictureError, OutputError
from usseg_monai.imaging import GreyImage, Source
from usseg_monai.runs.pipeline import process_frames


def image(index: int, frame: int = 0, frames: int = 1) -> GreyImage:
    return GreyImage(np.full((2, 2), index, np.float32), source=Source(Path(str(index)), frame, frames))


def cine(frames: int) -> Iterator[GreyImage]:
    return (image(0, frame, frames) for frame in range(frames))


def fail(index: int, frame: int, reason: str) -> str:
    return f"failed: {reason}"


def value(index: int, frame: GreyImage) -> str:
    assert frame.pixels[0, 0] == index
    return f"{index}.{frame.source.frame}"


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_order_whoever_is_first(threads: int) -> None:
    def process(index: int, frame: GreyImage) -> str:
        time.sleep(0.002 * (index % 3 == 0))
        return value(index, frame)

    found = list(process_frames(range(60), lambda index: iter([image(index)]), process, fail, threads))
    assert found == [(n, f"{n}.0", True) for n in range(60)]


def test_no_files() -> None:
    assert list(process_frames(range(0), lambda index: cine(1), value, fail, 2)) == []


def test_frames_of_one_file_overlap_and_come_in_order() -> None:
    together = threading.Barrier(2)

    def process(index: int, frame: GreyImage) -> str:
        if frame.source.frame < 2:
            together.wait(10)  # breaks, and fails the frame, if the second is not begun while the first is in work
        return value(0, frame)

    found = list(process_frames(range(1), lambda index: cine(5), process, fail, 2))
    assert found == [(0, f"0.{n}", n == 4) for n in range(5)]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_no_more_files_are_open_than_there_are_threads(threads: int) -> None:
    opened: set[int] = set()
    most = 0

    def frames(index: int) -> Iterator[GreyImage]:
        nonlocal most
        opened.add(index)
        most = max(most, len(opened))
        for frame in range(4):
            if frame == 3:
                opened.discard(index)
            yield image(index, frame, 4)

    assert sum(last for _, _, last in process_frames(range(20), frames, value, fail, threads)) == 20
    assert 1 <= most <= threads


def test_a_slow_file_holds_back_neither_the_others_nor_more_than_some() -> None:
    begun: list[int] = []
    release = threading.Event()

    def process(index: int, frame: GreyImage) -> str:
        begun.append(index)
        if index == 0:
            assert release.wait(10)
        return value(index, frame)

    results = process_frames(range(1000), lambda index: iter([image(index)]), process, fail, 2)
    first: list[object] = []
    waiting = threading.Thread(target=lambda: first.append(next(results)))
    waiting.start()
    deadline = time.monotonic() + 10
    while len(begun) < 16 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert len(begun) == 16  # 8 a thread, then it waits
    release.set()
    waiting.join()
    results.close()


def test_failures_become_results_and_the_rest_goes_on() -> None:
    def read(index: int) -> Iterator[GreyImage]:
        if index == 1:
            raise ImageError("1.png: damaged")
        yield image(index)

    def process(index: int, frame: GreyImage) -> str:
        if index == 2:
            raise MemoryError
        if index == 3:
            raise ValueError("a fault")
        return value(index, frame)

    assert [result for _, result, _ in process_frames(range(5), read, process, fail, 2)] == [
        "0.0",
        "failed: 1.png: damaged",
        "failed: not enough memory for this image; reduce it, or use fewer threads",
        "failed: unexpected ValueError: a fault; please report it",
        "4.0",
    ]


def test_a_file_without_a_picture_may_be_skipped() -> None:
    def read(index: int) -> Iterator[GreyImage]:
        if index != 1:
            raise NoPictureError(f"report {index}")
        yield image(index)

    def skip(index: int, reason: str) -> str | None:
        return f"skipped: {reason}" if index == 0 else None

    found = process_frames(range(3), read, value, fail, 2, skip=skip)
    assert [result for _, result, _ in found] == ["skipped: report 0", "1.0", "failed: report 2"]


def test_a_frame_that_cannot_be_read_ends_its_file() -> None:
    def read(index: int) -> Iterator[GreyImage]:
        yield from (image(0, frame, 5) for frame in range(2))
        raise ImageError("page damaged")

    found = list(process_frames(range(1), read, value, fail, 1))
    assert found == [
        (0, "0.0", False),
        (0, "0.1", False),
        (0, "failed: page damaged (the 2 frames after it were not read)", True),
    ]


def test_a_frame_that_cannot_be_processed_does_not() -> None:
    def process(index: int, frame: GreyImage) -> str:
        if frame.source.frame == 1:
            raise ImageError("odd")
        return value(0, frame)

    assert [result for _, result, _ in process_frames(range(1), lambda index: cine(3), process, fail, 2)] == ["0.0", "failed: odd", "0.2"]


def test_a_file_that_ends_too_soon() -> None:
    found = list(process_frames(range(1), lambda index: iter([image(0, 0, 3)]), value, fail, 2))
    assert [last for _, _, last in found] == [False, True] and "fewer images" in found[1][1]


def test_an_output_that_cannot_be_written_ends_it_and_leaves_no_thread() -> None:
    def process(index: int, frame: GreyImage) -> str:
        if index == 5:
            raise OutputError("no space")
        return value(index, frame)

    before = threading.active_count()
    got: list[str] = []
    with pytest.raises(OutputError, match="no space"):
        got += (result for _, result, _ in process_frames(range(100), lambda index: iter([image(index)]), process, fail, 2))
    assert threading.active_count() == before


def test_closing_waits_for_what_is_in_work_and_begins_nothing_more() -> None:
    begun, ended = [], []

    def process(index: int, frame: GreyImage) -> str:
        begun.append(index)
        time.sleep(0.005)
        ended.append(index)
        return value(index, frame)

    before = threading.active_count()
    with closing(process_frames(range(100), lambda index: iter([image(index)]), process, fail, 2)) as results:
        next(results)
    assert threading.active_count() == before
    assert sorted(begun) == sorted(ended) and len(begun) <= 4


def test_what_is_known_takes_its_place_and_is_not_read() -> None:
    read: list[int] = []

    def note(index: int) -> Iterator[GreyImage]:
        read.append(index)
        yield image(index)

    results = process_frames(range(6), note, value, fail, 2, known=lambda index: "known" if index % 2 else None)
    assert [result for _, result, _ in results] == ["0.0", "known", "2.0", "known", "4.0", "known"]
    assert sorted(read) == [0, 2, 4]


def test_items_are_taken_no_sooner_than_they_are_needed() -> None:
    taken: list[int] = []

    def take() -> Iterator[int]:
        for index in range(1000):
            taken.append(index)
            yield index

    with closing(process_frames(take(), cine, value, fail, 1, known=lambda index: "known")) as results:
        assert [next(results)[0] for _ in range(20)] == list(range(20))
    assert len(taken) <= 20 + 8
