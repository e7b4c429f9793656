"""Tests of usseg_monai.training.schedules."""

from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from usseg_monai.training.schedules import ResumableOneCycleLR


def rates(schedule: OneCycleLR, steps: int) -> list[float]:
    """Learning rate after each of some steps."""
    found = []
    for _ in range(steps):
        schedule.optimizer.step()
        schedule.step()
        found.append(float(schedule.get_last_lr()[0]))
    return found


def make(total_steps: int, kind: type[OneCycleLR] = ResumableOneCycleLR) -> OneCycleLR:
    return kind(torch.optim.AdamW([torch.zeros(1, requires_grad=True)], lr=0.002), max_lr=0.002, total_steps=total_steps)


def test_is_torchs_schedule() -> None:
    assert rates(make(20), 19) == rates(make(20, OneCycleLR), 19)


def test_goes_on_where_it_was() -> None:
    whole = rates(make(20), 19)
    first = make(20)
    begun = rates(first, 8)
    second = make(20)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    assert begun + rates(second, 11) == pytest.approx(whole)


def test_takes_up_the_curve_of_a_longer_training() -> None:
    first = make(20)
    rates(first, 19)
    second = make(60)
    second.load_state_dict(first.state_dict())
    assert rates(second, 40) == pytest.approx(rates(make(60), 59)[19:])


def test_begins_a_new_cycle_after_the_end() -> None:
    schedule = make(7)
    first, second, third = (rates(schedule, 6) for _ in range(3))
    assert first == second == third
    assert max(first) == pytest.approx(0.002, rel=0.1)
