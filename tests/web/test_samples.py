"""Samples come one by one, each labelled by its group."""

from __future__ import annotations

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS
from usseg_monai.web.samples import sample_file, sample_groups
from usseg_monai.web.wire import split


def test_every_task_has_samples_and_phantoms_are_called_so() -> None:
    groups = sample_groups(list(TASKS))
    assert {group["task"] for group in groups} == set(TASKS)
    assert all("Real" in group["title"] or "Phantom" in group["title"] for group in groups)


def test_one_after_the_other() -> None:
    names: list[str] = []
    more = True
    while more:
        text, pixels = split(sample_file("fetal_head", "hc18", len(names)))
        (frame,), more = text["frames"], text["more"]
        assert frame["given_mm"] and len(pixels) == frame["bytes"]
        names.append(frame["file"])
    assert len(set(names)) == 4
    for task, group, number in (("fetal_head", "hc18", 4), ("fetal_head", "../x", 0), ("x", "hc18", 0), ("fetal_head", "hc18", -1)):
        with pytest.raises(UsageError):
            sample_file(task, group, number)
