"""Learning rate schedules."""

from __future__ import annotations

from typing import Any

from torch.optim.lr_scheduler import OneCycleLR

__all__ = ["ResumableOneCycleLR"]


class ResumableOneCycleLR(OneCycleLR):
    """torch's one-cycle schedule for trainings that are resumed or extended.

    A training resumed with another number of epochs continues on the new curve: torch's own schedule restores its length from the
    checkpoint and raises in the first epoch beyond it. A trainer that runs on after the end, as in each further round of a federated
    training, starts a new cycle.

    >>> import torch
    >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    >>> state = ResumableOneCycleLR(optimizer, max_lr=0.1, total_steps=10).state_dict()
    >>> longer = ResumableOneCycleLR(optimizer, max_lr=0.1, total_steps=20)
    >>> longer.load_state_dict(state)
    >>> longer.total_steps
    20
    """

    def step(self, *args: Any, **kwargs: Any) -> None:
        """Set the next learning rate; the first one after the end is the first of a new cycle."""
        if self.last_epoch >= self.total_steps - 1:
            self.last_epoch = 0
        super().step(*args, **kwargs)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({name: state_dict[name] for name in ("last_epoch", "_step_count", "_last_lr")})
