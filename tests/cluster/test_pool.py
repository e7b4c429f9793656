"""The order of results, retries and their bounds, with workers that live in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import count

import pytest

from usseg_monai.cluster.pool import AHEAD, CHUNK, DEATHS_PER_WORKER, MOST_DEATHS, PATIENCE_SECONDS, Answer, Died, process_items
from usseg_monai.errors import ClusterError


class FakeCrew:
    """Workers that answer, or die, in an order that a test gives.

    Args:
        dies: whether a worker dies of the inputs that it is given.
        nodes: how many workers there is room for; others never start.
        order: which of the waiting answers comes first.
        room_after: whether the room of a dead worker can be used again.
    """

    def __init__(
        self,
        dies: Callable[[Sequence[int]], bool] = lambda items: False,
        nodes: int = 100,
        order: Callable[[list[Answer[str]]], int] = lambda waiting: 0,
        room_after: bool = True,
    ) -> None:
        self.given: list[tuple[int, list[int]]] = []
        self.started = self.closed = 0
        self._dies, self._room, self._order, self._room_after = dies, nodes, order, room_after
        self._answers: list[Answer[str]] = []
        self._numbers = count()
        self._pending: list[int] = []

    def start(self) -> int:
        self.started += 1
        self._pending.append(next(self._numbers))
        self._admit()
        return self._pending[-1] if self._pending else self.started - 1

    def give(self, worker: int, items: Sequence[int]) -> None:
        self.given.append((worker, list(items)))
        if self._dies(items):
            self._room += self._room_after
            self._answers.append(Answer(worker, Died("killed")))
        else:
            self._answers.append(Answer(worker, [[f"{item}.{frame}" for frame in range(1 + item % 2)] for item in items]))

    def wait(self, seconds: float) -> list[Answer[str]]:
        self._admit()
        return [self._answers.pop(self._order(self._answers))] if self._answers else []

    def close(self) -> None:
        self.closed += 1

    def _admit(self) -> None:
        while self._room and self._pending:
            self._room -= 1
            self._answers.append(Answer(self._pending.pop(0), []))


def _results(answer: Answer[str]) -> Sequence[Sequence[str]]:
    return [] if isinstance(answer.results, Died) else answer.results


def fail(item: int, frame: int, reason: str) -> str:
    return f"{item}.{frame} failed: {reason}"


def expected(items: Sequence[int], failed: Sequence[int] = ()) -> list[tuple[int, str, bool]]:
    """Even items have one frame, odd ones two."""
    reason = f"{MOST_DEATHS} workers died while they had this file alone; give it alone, with --threads 1, to see why"
    rows: list[tuple[int, str, bool]] = []
    for item in items:
        rows += [(item, f"{item}.0 failed: {reason}", True)] if item in failed else []
        rows += [] if item in failed else [(item, f"{item}.{frame}", frame == item % 2) for frame in range(1 + item % 2)]
    return rows


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("order", [lambda waiting: 0, lambda waiting: -1], ids=["first", "last"])
def test_results_come_in_order_whoever_is_first(workers: int, order: Callable[[list[Answer[str]]], int]) -> None:
    crew = FakeCrew(order=order)
    assert list(process_items(range(200), crew, fail, workers)) == expected(range(200))
    assert sorted(item for _, items in crew.given for item in items) == list(range(200))
    assert (crew.started, crew.closed) == (workers, 1)


def test_no_inputs_and_only_known_ones_start_no_worker() -> None:
    crew = FakeCrew()
    assert list(process_items([], crew, fail, 2)) == []
    assert list(process_items(range(500), crew, fail, 2, known=lambda item: "known")) == [(item, "known", True) for item in range(500)]
    assert crew.started == 0


def test_what_is_known_takes_its_place_and_is_not_given_away() -> None:
    crew = FakeCrew()
    found = list(process_items(range(6), crew, fail, 2, known=lambda item: "known" if item % 2 else None))
    assert [result for _, result, _ in found] == ["0.0", "known", "2.0", "known", "4.0", "known"]
    assert {item for _, items in crew.given for item in items} == {0, 2, 4}


def test_no_more_workers_start_than_there_are_inputs() -> None:
    crew = FakeCrew()
    assert list(process_items(range(2), crew, fail, 8)) == expected(range(2))
    assert crew.started == 2


def test_chunks_are_bounded_and_become_smaller_towards_the_end() -> None:
    crew = FakeCrew()
    list(process_items(range(100), crew, fail, 2))
    sizes = [len(items) for _, items in crew.given]
    assert max(sizes) == CHUNK and sizes[0] == CHUNK and sizes[-1] == 1


def test_a_slow_worker_holds_back_neither_the_others_nor_more_than_some() -> None:
    taken: list[int] = []

    def take() -> Iterator[int]:
        for item in range(10_000):
            taken.append(item)
            yield item

    def slow(waiting: list[Answer[str]]) -> int:
        """The chunk with the first input is answered last."""
        return next((place for place, answer in enumerate(waiting) if ["0.0"] not in _results(answer)), 0)

    crew = FakeCrew(order=slow)
    with closing(process_items(take(), crew, fail, 2)) as results:
        assert next(results) == (0, "0.0", True)
    assert len(taken) == 2 * AHEAD
    assert {item for _, items in crew.given for item in items} == set(range(2 * AHEAD))


def test_a_dead_worker_is_replaced_and_its_inputs_are_done_by_others() -> None:
    deaths = iter([False, False, True])
    crew = FakeCrew(dies=lambda items: next(deaths, False))
    assert list(process_items(range(100), crew, fail, 2)) == expected(range(100))
    assert crew.started == 3


def test_a_dead_machine_without_another_one_leaves_its_work_to_the_others() -> None:
    deaths = iter([False, False, True])
    crew = FakeCrew(dies=lambda items: next(deaths, False), nodes=2, room_after=False)
    assert list(process_items(range(100), crew, fail, 2)) == expected(range(100))
    assert len({worker for worker, _ in crew.given[3:]}) == 1


@pytest.mark.parametrize("workers", [1, 2, 5])
@pytest.mark.parametrize("poisoned", [(17,), (0,), (99,), tuple(range(8, 16)), (3, 4, 50)], ids=["one", "first", "last", "chunk", "some"])
def test_inputs_that_kill_their_workers_fail_and_no_other_does(workers: int, poisoned: tuple[int, ...]) -> None:
    killed = Counter[int]()

    def dies(items: Sequence[int]) -> bool:
        for item in set(items) & set(poisoned):
            killed[item] += 1
        return not set(items).isdisjoint(poisoned)

    crew = FakeCrew(dies)
    assert list(process_items(range(100), crew, fail, workers)) == expected(range(100), poisoned)
    assert all(MOST_DEATHS <= killed[item] <= MOST_DEATHS + 1 for item in poisoned)
    assert [len(items) for _, items in crew.given if not set(items).isdisjoint(poisoned)].count(1) == MOST_DEATHS * len(poisoned)


def test_workers_that_die_without_end_end_the_run() -> None:
    crew = FakeCrew(dies=lambda items: len(items) > 0)
    crew.start = lambda: _dead(crew)  # type: ignore[method-assign]
    with pytest.raises(
        ClusterError, match=r"^11 workers died, and none finished an image \(the last one died: no Python\); --resume goes on"
    ):
        list(process_items(range(100), crew, fail, 2))
    assert crew.closed == 1 and DEATHS_PER_WORKER * 2 == 10


def _dead(crew: FakeCrew) -> int:
    crew._answers.append(Answer(next(crew._numbers), Died("no Python")))
    return crew._answers[-1].worker


def test_a_run_without_workers_waits_and_ends() -> None:
    now = iter(float(second) for second in range(0, 10_000, 100))
    crew = FakeCrew(nodes=0)
    with pytest.raises(
        ClusterError, match="no worker for 10 minutes: free cores of the cluster, or give fewer --threads; --resume goes on"
    ):
        list(process_items(range(9), crew, fail, 2, clock=lambda: next(now)))
    assert next(now) == PATIENCE_SECONDS + 200 and crew.started == 2


def test_closing_early_closes_the_crew() -> None:
    crew = FakeCrew()
    with closing(process_items(range(100), crew, fail, 2)) as results:
        next(results)
        assert crew.closed == 0
    assert crew.closed == 1


def test_an_error_of_the_crew_ends_it() -> None:
    crew = FakeCrew()
    crew.wait = lambda seconds: 1 / 0  # type: ignore[assignment,method-assign,return-value]
    with pytest.raises(ZeroDivisionError):
        list(process_items(range(3), crew, fail, 1))
    assert crew.closed == 1
