"""The samples of the tasks' showcases, drawn or read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from threading import Lock
from typing import Any

from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS, load
from usseg_monai.tasks.showcase import Group, Sample, Showcase
from usseg_monai.web.decoding import decoded_content

__all__ = ["sample_file", "sample_groups"]


def sample_groups(tasks: Sequence[str]) -> list[dict[str, Any]]:
    """What samples there are for some tasks: task, name of the group, title, and a text about it."""
    return [{"task": task, "group": group.folder, "title": group.title, "text": group.text} for task in tasks for group in _groups(task)]


def sample_file(task: str, group: str, number: int) -> bytes:
    """The frames of one sample.

    Returns:
        As `usseg_monai.web.decoding.decoded_content`; ``more`` says whether the group has another one after it.

    Raises:
        UsageError: there is no such sample.
    """
    if task not in TASKS or group not in [known.folder for known in _groups(task)]:
        raise UsageError(f"no samples {group!r} of {task!r}; load the page again")
    found = _drawn(task, group).upto(number + 2)
    if not 0 <= number < len(found):
        raise UsageError(f"no sample {number} of {task!r}; load the page again")
    sample = found[number]
    return decoded_content(sample.name, sample.content, sample.spacing_mm, more=len(found) > number + 1)


class _Drawn:
    """Samples of a group that have been drawn so far; drawing one may take a second. Thread-safe."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._coming, self._found, self._lock = iter(samples), list[Sample](), Lock()

    def upto(self, count: int) -> Sequence[Sample]:
        """All samples that are there, at least so many if there are so many."""
        with self._lock:
            self._found += islice(self._coming, max(count - len(self._found), 0))
            return self._found


def _groups(task: str) -> Sequence[Group]:
    showcase: Showcase | None = load(TASKS[task].showcase) if TASKS[task].showcase else None
    return () if showcase is None else showcase.groups


@cache
def _drawn(task: str, group: str) -> _Drawn:
    return _Drawn(next(known for known in _groups(task) if known.folder == group).samples())
