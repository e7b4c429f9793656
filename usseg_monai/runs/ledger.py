"""Writes the outcome of each input, in order, to the tables, the account file and the run record; keeps only counts in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from usseg_monai.errors import printable
from usseg_monai.files.table import Row
from usseg_monai.inputs.naming import Input
from usseg_monai.measuring.result import Status
from usseg_monai.runs.accounts import Account, Accounts
from usseg_monai.runs.record import RunRecord
from usseg_monai.runs.table import FrameRows, Table
from usseg_monai.tasks.study import StudyFrame

__all__ = ["OTHER_REASONS", "Ledger", "OnFile", "Outcome", "Progress", "Tally", "Turn"]

Progress = Callable[[int, int, "Row | None"], None]
"""Callback ``(done, total, row)``, in numbers of inputs. ``row`` is ``None`` for inputs skipped by ``--resume``, and for the first call."""

Turn = tuple[Input, Account]
"""The next input and its account: a new one, or that of an earlier run if nothing is left to do."""

Outcome = FrameRows | Account
"""The result of a turn: the rows of a frame, or the account of an input that needed no work."""

OnFile = Callable[[Input, Sequence[FrameRows], bool], "Row | None"]
"""Callback ``(input, frames, done)`` for each file; ``done``: an earlier run finished it. It returns the row of a clip."""

OTHER_REASONS = "other reasons"

_MOST_REASONS = 100  # that are counted separately


@dataclass
class Tally:
    """Counts over the frames and inputs that this run processed, without those that an earlier run finished.

    Attributes:
        frames: number of rows of the table, including those of an earlier run.
        statuses: number of frames by status, without failed ones.
        without_spacing: number of these frames without a known pixel size.
        failures: number of failed inputs by reason; after 100 different reasons, new ones count as `OTHER_REASONS`.
        without_picture: number of files that were skipped because they hold no picture, by reason.
    """

    frames: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    without_spacing: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    without_picture: Counter[str] = field(default_factory=Counter)

    def add_frame(self, row: Row) -> None:
        """Count a frame, given its row."""
        if row["status"] != Status.FAILED.value:
            self.statuses[str(row["status"])] += 1
            self.without_spacing += row["spacing_mm_row"] is None

    def add_failure(self, file: str, message: str) -> None:
        """Count a failed input, given its name in the results and the message of its first failed frame."""
        reason = message.removeprefix(f"{printable(file.rpartition('/')[2])}: ")  # the same reason for all such files
        self.failures[reason if reason in self.failures or len(self.failures) < _MOST_REASONS else OTHER_REASONS] += 1


class Ledger:
    """Writes the outcome of each input to the table, the account file and the run record.

    Args:
        table: receives one row per frame.
        accounts: receives one line per input.
        record: counts the inputs.
        studies: whether to keep the frames for studies, which are computed at the end.
        on_progress: see `Progress`.
        on_file: called with the frames of each file before its account is written.

    Attributes:
        reached: number of the next input, see `Account.number`.
        study_frames: frames that the studies are computed from.
        tally: see `Tally`.
    """

    def __init__(self, table: Table, accounts: Accounts, record: RunRecord, studies: bool, on_progress: Progress, on_file: OnFile) -> None:
        self.reached = 0
        self.study_frames: list[StudyFrame] = []
        self.tally = Tally()
        self._table, self._accounts, self._record, self._on_progress = table, accounts, record, on_progress
        self._studies, self._on_file = studies, on_file
        self._frames: list[FrameRows] = []  # of the current file

    def tell(self, row: Row | None) -> None:
        """Report progress."""
        self._on_progress(self._record.counts.total(), self._record.total, row)

    def put_frame(self, turn: Turn, frame: FrameRows, last: bool) -> None:
        """Write a processed frame; after the last frame of a file, write the file's account."""
        item, account = turn
        if frame.located is not None:
            frame = frame._replace(located=(self._accounts.conceal(frame.located[0]), frame.located[1]))
        self._put(item, frame)
        self.tally.add_frame(frame.row)
        self._frames.append(frame)
        if last:
            frames, self._frames = tuple(self._frames), []
            self._end_file(item, frames, False)
            reason = next((str(frame.row["message"]) for frame in frames if frame.row["status"] == Status.FAILED.value), None)
            if reason is not None:
                self.tally.add_failure(item.file, reason)
            self.put_account(replace(account, state="done" if reason is None else "failed", reason=reason or "", frames=frames))
        self.tell(frame.row)

    def skip(self, turn: Turn) -> None:
        """Write the outcome of an input that needed no work: an earlier run finished it, or it holds no picture."""
        item, account = turn
        if account.frames:
            self._end_file(item, account.frames, True)
        else:
            self.tally.without_picture[account.reason] += 1
        for frame in account.frames:
            self._put(item, frame)
        self.put_account(account)
        self.tell(None)

    def put_account(self, account: Account) -> None:
        """Write and count an account."""
        if account.number is not None:
            self.reached = account.number + 1  # set first, so that no input is written twice after an interrupt
        self._accounts.add(account)
        self._record.count(account.state)

    def _end_file(self, item: Input, frames: Sequence[FrameRows], done: bool) -> None:
        clip = self._on_file(item, frames, done)
        if clip is not None:
            self._table.append_clip(clip)

    def _put(self, item: Input, frame: FrameRows) -> None:
        self._table.append(frame.row, frame.parts)
        self.tally.frames += 1
        if self._studies and frame.located is not None and frame.row["status"] != Status.FAILED.value:
            self.study_frames.append(StudyFrame(Path(item.path), frame.row, *frame.located))
