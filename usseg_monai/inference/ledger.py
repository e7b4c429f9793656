"""Writes the outcome of each input, in order, to table, journal and run record; keeps nothing in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from usseg_monai.inference.inputs import Input
from usseg_monai.inference.journal import Done, Journal, Stamp
from usseg_monai.inference.pipeline import FrameResult
from usseg_monai.inference.results import FrameRows, Row, Table
from usseg_monai.inference.run_record import InputRecord, RunRecord
from usseg_monai.inference.study_frames import StudyFrame
from usseg_monai.inference.tally import Tally
from usseg_monai.measurements.result import Status

__all__ = ["SKIPPED", "Ledger", "NoPicture", "Outcome", "Planned", "Progress"]

Progress = Callable[[int, int, "Row | None"], None]
"""Callback ``(done, total, row)``, in numbers of inputs. ``row`` is ``None`` for inputs skipped by ``--resume``, and for the first call."""

SKIPPED = "an earlier run with the same weights and options was done with it"


class Planned(NamedTuple):
    """An input whose turn it is.

    Attributes:
        position: among the inputs of this run, from 0.
        number: in the list of all inputs of the command, its shards together.
        item: the input.
        stamp: by which it is known to be unchanged, from before it is read.
        done: what an earlier run left of it, if that is all that this run would leave.
    """

    position: int
    number: int
    item: Input
    stamp: Stamp
    done: Done | None


class NoPicture(NamedTuple):
    """What comes of a file that holds no picture, and that the user did not name."""

    reason: str


OnFile = Callable[[Input, Sequence[FrameRows], bool], None]
"""Told of a file: the input, its frames, and whether an earlier run was done with it."""

Outcome = FrameRows | Done | NoPicture
"""What can come of an input."""


class Ledger:
    """The accounts of a run.

    Args:
        table: gets one row per frame.
        journal: gets one line per file.
        record: gets one entry per input.
        studies: whether to keep the frames of studies, which are summed up at the end.
        absolute: whether the record gets absolute paths.
        on_progress: see `Progress`.
        on_file: told of the frames of each file, before it is put down that the file is done.

    Attributes:
        reached: position of the input that the next result is of.
        frames: number of rows of the table.
        study_frames: those that studies are made of.
        tally: counts over the frames that were processed.
        without_picture: number of files that were skipped because they hold no picture, by the reason.
    """

    def __init__(
        self, table: Table, journal: Journal, record: RunRecord, studies: bool, absolute: bool, on_progress: Progress, on_file: OnFile
    ) -> None:
        self.reached = self.frames = 0
        self.study_frames: list[StudyFrame] = []
        self.tally = Tally()
        self.without_picture: Counter[str] = Counter()
        self._table, self._journal, self._record, self._on_progress = table, journal, record, on_progress
        self._studies, self._absolute, self._on_file = studies, absolute, on_file
        self._file: list[FrameRows] = []

    def tell(self, row: Row | None) -> None:
        """Say how far the run is."""
        self._on_progress(self._record.counts.total(), self._record.total, row)

    def put(self, result: FrameResult[Planned, Outcome]) -> None:
        """Put down a frame that was processed, or an input that needed no work."""
        planned, came = result.item, result.result
        if isinstance(came, Done):
            self.skip(planned, came)
            return
        if isinstance(came, NoPicture):
            self.without_picture[came.reason] += 1
            self._note(planned, "skipped", came.reason, ())
            self.tell(None)
            return
        if came.located is not None:
            came = came._replace(located=(self._journal.conceal(came.located[0]), came.located[1]))
        self._put(planned.item, came)
        self.tally.add_frame(came.row)
        self._file.append(came)
        if result.last:
            frames, self._file = self._file, []
            self._on_file(planned.item, frames, False)
            self._journal.add(planned.item, planned.stamp, frames)
            failure = next((str(frame.row["message"]) for frame in frames if frame.row["status"] == Status.FAILED.value), None)
            if failure is not None:
                self.tally.add_failure(planned.item.file, failure)
            self._note(planned, "done" if failure is None else "failed", failure or "", frames)
        self.tell(came.row)

    def skip(self, planned: Planned, done: Done) -> None:
        """Put down an input that an earlier run was done with."""
        frames = list(done.frames())
        self._on_file(planned.item, frames, True)
        for frame in frames:
            self._put(planned.item, frame)
        self._note(planned, "skipped", SKIPPED, frames)
        self.tell(None)

    def _put(self, item: Input, frame: FrameRows) -> None:
        self._table.append(frame.row, frame.parts)
        self.frames += 1
        if self._studies and frame.located is not None and frame.row["status"] != Status.FAILED.value:
            self.study_frames.append(StudyFrame(Path(item.path), frame.row, *frame.located))

    def _note(self, planned: Planned, state: str, reason: str, frames: Sequence[FrameRows]) -> None:
        item, parts = planned.item, sum(len(frame.parts) for frame in frames)
        path = item.absolute if self._absolute else ""
        self._record.add(InputRecord(planned.number, item.file, state, reason, item.output, len(frames), parts, path))
        self.reached = planned.position + 1
