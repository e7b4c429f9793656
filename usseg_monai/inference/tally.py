"""What there is to say about the frames of a run at its end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from usseg_monai.errors import printable
from usseg_monai.inference.results import Row
from usseg_monai.measurements.result import Status

__all__ = ["OTHER_REASONS", "Tally"]

OTHER_REASONS = "other reasons"

_MOST_REASONS = 100  # that are told apart


@dataclass
class Tally:
    """Counts over the frames and inputs that a run processed; those that an earlier run was done with are not among them.

    Attributes:
        statuses: number of frames by status, without failed ones.
        without_spacing: number of these frames whose pixel size is not known.
        failures: number of failed inputs by reason; from the hundredth reason on all are `OTHER_REASONS`.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    without_spacing: int = 0
    failures: Counter[str] = field(default_factory=Counter)

    def add_frame(self, row: Row) -> None:
        """Count a frame, by its row."""
        if row["status"] != Status.FAILED.value:
            self.statuses[str(row["status"])] += 1
            self.without_spacing += row["spacing_mm_row"] is None

    def add_failure(self, file: str, message: str) -> None:
        """Count a failed input, by its name in the results and the message of its first failed frame."""
        reason = message.removeprefix(f"{printable(file.rpartition('/')[2])}: ")  # one reason for all such files
        self.failures[reason if reason in self.failures or len(self.failures) < _MOST_REASONS else OTHER_REASONS] += 1
