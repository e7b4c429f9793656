"""What a run asks of a cluster whose workers process its images; `usseg_monai.cluster` has one.

The run itself stays where it was started: it plans the work, and writes tables, accounts and the run record. Workers read the images and
write masks, overlays and the like; only rows come back.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from usseg_monai.runs.ledger import Outcome, Turn
    from usseg_monai.runs.work import Work

__all__ = ["Cluster", "Workers"]


class Workers(Protocol):
    """The workers of a cluster that was joined.

    Attributes:
        count: their number, at most.
    """

    count: int

    def process(self, work: Work, turns: Iterable[Turn]) -> Generator[tuple[Turn, Outcome, bool], None, None]:
        """Process the turns; yields as `usseg_monai.runs.pipeline.process_frames` does, in the same order.

        Raises:
            ClusterError: the workers cannot do the work, or none is left.
        """
        ...


class Cluster(Protocol):
    """Where workers run. Its text names it in the run record."""

    def join(self, workers: int | None) -> AbstractContextManager[Workers]:
        """Connect, and leave at the end; ``workers`` is their number, by default that of the cluster's cores.

        Raises:
            ClusterError: the cluster cannot be reached.
        """
        ...
