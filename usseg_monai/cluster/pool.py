"""Hands the inputs of a run to workers that may die, and puts the results in order.

Every retry is decided here, and bounded. A worker that dies is replaced, and what it had is given to others: each input alone from then on,
so that one that kills its worker takes no other with it. An input that kills three workers while it is alone has failed. If workers die
without end, or none is left for minutes, the run ends; it can be resumed.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from usseg_monai.errors import ClusterError

__all__ = ["AHEAD", "CHUNK", "DEATHS_PER_WORKER", "MOST_DEATHS", "PATIENCE_SECONDS", "Answer", "Crew", "Died", "process_items"]

Item = TypeVar("Item")
Result = TypeVar("Result")
ItemIn = TypeVar("ItemIn", contravariant=True)
ResultOut = TypeVar("ResultOut", covariant=True)

CHUNK = 8
"""Inputs that a worker gets at once, at most: a message costs a few hundredths of an image's time."""

AHEAD = 4 * CHUNK
"""Inputs per worker that may be begun before the oldest is finished, so that a slow one does not stop the others."""

MOST_DEATHS = 3
"""Workers that one input may kill while it is alone."""

DEATHS_PER_WORKER = 5
"""Workers that may die, for each one wanted, while no input is finished."""

PATIENCE_SECONDS = 600.0
"""How long a run waits for a worker when it has none, unless told otherwise: a cluster may have to start a machine."""

_WAIT_SECONDS = 1.0


@dataclass(frozen=True)
class Died:
    """Comes in the place of an answer: the worker is gone, and what it had is not done."""

    reason: str


@dataclass(frozen=True)
class Answer(Generic[ResultOut]):
    """What comes from a worker: the results of the frames of each input that it was given; nothing when it has started."""

    worker: int
    results: Sequence[Sequence[ResultOut]] | Died


class Crew(Protocol[ItemIn, ResultOut]):
    """Starts workers, which are known by numbers, and speaks with them."""

    def start(self) -> int:
        """Begin to start a worker; returns at once. Its first answer, without results, says that it is ready."""
        ...

    def give(self, worker: int, items: Sequence[ItemIn]) -> None:
        """Give a worker inputs; it answers once."""
        ...

    def wait(self, seconds: float) -> Sequence[Answer[ResultOut]]:
        """The answers that have come; waits for the first one, at most for some seconds."""
        ...

    def close(self) -> None:
        """Let the workers finish what they have, for a few seconds, and end them."""
        ...


def process_items(
    items: Iterable[Item],
    crew: Crew[Item, Result],
    fail: Callable[[Item, int, str], Result],
    workers: int,
    known: Callable[[Item], Result | None] = lambda item: None,
    patience: float = PATIENCE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[tuple[Item, Result, bool], None, None]:
    """Let workers process items; the counterpart of `usseg_monai.runs.pipeline.process_frames`, which lets threads do it.

    Yields the item, the result of one of its frames, and whether that is the item's last frame, in the order of items and frames. Closing
    the iterator closes the crew.

    Args:
        items: taken as they are needed.
        crew: starts the workers.
        fail: returns the only result of an item that kills its workers, from the item, the frame 0, and the reason.
        workers: number of workers, at most.
        known: returns the only result of an item that needs no work; ``None`` for other items.
        patience: seconds to wait for a worker when there is none.
        clock: the time in seconds.

    Raises:
        ClusterError: workers die without end, or none is left.
    """
    source, begun, pool = iter(items), deque[_Turn[Item, Result]](), _Pool(crew, fail, workers, patience, clock)
    try:
        while True:
            for item in islice(source, AHEAD * workers - len(begun)):
                result = known(item)
                begun.append(_Turn(item, [] if result is None else [result]))
                if result is None:
                    pool.waiting.append(begun[-1])
            if not begun:
                return
            if not begun[0].results:
                pool.go_on()
            while begun and begun[0].results:
                turn = begun.popleft()
                for left, each in zip(reversed(range(len(turn.results))), turn.results, strict=True):
                    yield turn.item, each, not left
    finally:
        crew.close()


@dataclass
class _Turn(Generic[Item, Result]):
    item: Item
    results: Sequence[Result]  # of its frames: at least one, once it is finished
    suspect: bool = False  # a worker died that had it
    deaths: int = 0  # of workers that had it alone


class _Pool(Generic[Item, Result]):
    """The workers: who starts, who is free, who is at what."""

    def __init__(
        self, crew: Crew[Item, Result], fail: Callable[[Item, int, str], Result], workers: int, patience: float, clock: Callable[[], float]
    ) -> None:
        self.waiting: deque[_Turn[Item, Result]] = deque()
        self._crew, self._fail, self._workers, self._patience, self._clock = crew, fail, workers, patience, clock
        self._starting: set[int] = set()
        self._free: set[int] = set()
        self._given: dict[int, list[_Turn[Item, Result]]] = {}
        self._dead_in_a_row, self._alive_at = 0, clock()
        self._last_death = ""

    def go_on(self) -> None:
        """Give work to all who are free, and wait until something changes."""
        wanted = min(len(self.waiting), self._workers - len(self._given))
        for _ in range(wanted - len(self._free) - len(self._starting)):
            self._starting.add(self._crew.start())
        self._hand_out()
        for answer in self._crew.wait(_WAIT_SECONDS):
            self._starting.discard(answer.worker)
            turns = self._given.pop(answer.worker, [])
            if isinstance(answer.results, Died):
                self._bury(turns, answer.results.reason)
            else:
                self._free.add(answer.worker)
                for turn, results in zip(turns, answer.results, strict=True):
                    turn.results, self._dead_in_a_row = results, 0
        self._hand_out()  # before the results are written, which takes its time
        if self._free or self._given:
            self._alive_at = self._clock()
        elif self._clock() - self._alive_at > self._patience:
            raise ClusterError(
                f"no worker for {self._patience / 60:.0f} minutes{self._last_death}: free cores of the cluster, or give fewer --threads; "
                "--resume goes on"
            )

    def _hand_out(self) -> None:
        while self._free and self.waiting:
            worker, turns = self._free.pop(), self._take()
            self._given[worker] = turns
            self._crew.give(worker, [turn.item for turn in turns])

    def _take(self) -> list[_Turn[Item, Result]]:
        """The next inputs for a worker: fewer towards the end, so that all end together; a suspect alone."""
        most = min(CHUNK, -(-len(self.waiting) // (2 * self._workers)))
        turns = [self.waiting.popleft()]
        while len(turns) < most and not turns[0].suspect and not self.waiting[0].suspect:
            turns.append(self.waiting.popleft())
        return turns

    def _bury(self, turns: list[_Turn[Item, Result]], reason: str) -> None:
        """Take back what a dead worker had."""
        self._dead_in_a_row += 1
        self._last_death = f" (the last one died: {reason})"
        if self._dead_in_a_row > DEATHS_PER_WORKER * self._workers:
            raise ClusterError(f"{self._dead_in_a_row} workers died, and none finished an image{self._last_death}; --resume goes on")
        if len(turns) == 1:
            turns[0].deaths += 1
        for turn in reversed(turns):
            turn.suspect = True
            if turn.deaths < MOST_DEATHS:
                self.waiting.appendleft(turn)
            else:
                advice = "give it alone, with --threads 1, to see why"
                turn.results = [self._fail(turn.item, 0, f"{MOST_DEATHS} workers died while they had this file alone; {advice}")]
                self._dead_in_a_row = 0
