"""Processes each input of a batch, and what all of them are summed up to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from usseg_monai.errors import ImageError, printable
from usseg_monai.files.table import Row
from usseg_monai.geometry.runs import find_runs
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, Place, read_frames
from usseg_monai.imaging.scale import GivenSpacing
from usseg_monai.inputs.naming import Input, frame_output, is_image
from usseg_monai.measuring.result import Status
from usseg_monai.predict.prediction import PICTURES, Prediction
from usseg_monai.runs.accounts import Account, Accounts
from usseg_monai.runs.clips import clip_files, clip_row, is_clip, located_in_clip, write_track
from usseg_monai.runs.earlier import remove_output
from usseg_monai.runs.given_masks import GivenMasks
from usseg_monai.runs.ledger import Ledger, Outcome, Turn
from usseg_monai.runs.lock import HeldFolder
from usseg_monai.runs.options import Options, available_cores
from usseg_monai.runs.outputs import SHOWN, clip_file, output_files, track_file, volume_file
from usseg_monai.runs.record import RunRecord
from usseg_monai.runs.table import FrameRows, column_names, failed_row, part_column_names, part_rows, result_row
from usseg_monai.tasks import Task
from usseg_monai.tasks.record import load

if TYPE_CHECKING:
    from usseg_monai.predict.predictor import Predictor
    from usseg_monai.tasks.study import Study

__all__ = ["SKIPPED", "FrameWork", "Work", "check_modality"]

SKIPPED = "an earlier run with the same weights and options finished it"
"""Why an input is skipped when a run resumes."""


@dataclass
class FrameWork:
    """Reads and processes the frames of single inputs, here or in a worker on another machine. All methods are thread-safe.

    Attributes:
        out: output folder.
        spacings: those of the user's table, by file.
    """

    predictor: Predictor | GivenMasks
    out: HeldFolder
    options: Options
    spacings: Mapping[str, Spacing] | None

    def read(self, turn: Turn) -> Iterator[GreyImage]:
        limits, predictor = self.options.limits, self.predictor
        if turn[0].refusal:
            raise ImageError(turn[0].refusal)
        with turn[0].local(limits.max_file_bytes) as item:
            for image in self.frames_of(item):
                if not self.options.any_modality:
                    check_modality(predictor.task, image)
                yield image

    def frames_of(self, item: Input) -> Iterator[GreyImage]:
        """The frames of a file on this machine."""
        predictor, limits = self.predictor, self.options.limits
        return predictor.read(item, limits) if isinstance(predictor, GivenMasks) else read_frames(item.path, limits=limits)

    def process(self, turn: Turn, image: GreyImage) -> Outcome:
        item, source, task = turn[0], image.source, self.predictor.task
        given = GivenSpacing.of(self.options.spacing_mm)._replace(file=item.file, table=self.spacings, listed=item.spacing_mm)
        prediction = self.predictor.predict(image, spacing_mm=given)
        files = output_files(Path(), frame_output(item.output, source.frame, source.frames), self.options.save)
        with self.out.writing(*files.values()) as folder:
            _save(prediction, folder, files, item.file)
        row = result_row(task, item.file, source.frame, prediction.image.spacing_mm, prediction.measurement)
        located = (image.place, image.pixels.shape) if task.study and image.place is not None else None
        parts = part_rows(task, item.file, source.frame, prediction.measurement)
        wanted = source.frames > 1 and (task.clip or "clip" in self.options.save)
        if not wanted or not (in_clip := located_in_clip(source, image.place, image.pixels.shape)):
            return FrameRows(row, parts, located, source.format == "nifti")
        return FrameRows(row, parts, located or in_clip, mask=find_runs(prediction.mask))

    def fail(self, turn: Turn, frame: int, reason: str) -> Outcome:
        return FrameRows(failed_row(self.predictor.task, turn[0].file, frame, reason))

    def skip(self, turn: Turn, reason: str) -> Outcome | None:
        """The account of a file without a picture; ``None`` for a file that the user named, which fails instead."""
        item, account = turn
        if item.named:
            return None
        own_name = f"{printable(Path(item.path).name)}: "  # the same reason for all such files, without advice: the user need not act
        return replace(account, state="skipped", reason=reason.removeprefix(own_name).partition("; ")[0])


@dataclass
class Work(FrameWork):
    """The work of a run: which inputs there are, what is left to do, and what is done once all frames are processed.

    Attributes:
        items: the inputs of this run.
        numbers: index of each in the list of all inputs of the command.
        record: its total is reduced when an input turns out not to be an image.
        outputs: for files with slices of stacks, the name of their masks and the number of their frames.
        remarks: remarks for the user at the end of the run.
    """

    items: Sequence[Input]
    numbers: Sequence[int]
    record: RunRecord
    looked_at: int = 0
    outputs: dict[str, tuple[str, int]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def plan(self, accounts: Accounts, first: int = 0, *, ended: bool = False) -> Iterator[Turn]:
        """The inputs from number ``first`` on, with their accounts.

        An input is examined when its turn comes, and its processing begins, unless the run has ended.
        """
        for position in range(bisect_left(self.numbers, first), len(self.items)):
            item, new = self.items[position], position >= self.looked_at
            self.looked_at = max(self.looked_at, position + 1)
            if is_image(item):
                account = accounts.open(self.numbers[position], item)
                if self.options.absolute:
                    account = replace(account, path=item.absolute)
                done = self._still_done(accounts, item, account)
                if done is None and not ended:
                    if accounts.knows(account):
                        remove_output(self.out.path, item.output)
                    accounts.begin(account)
                yield item, done or account
            elif new:
                self.record.total -= 1

    def known(self, turn: Turn) -> Outcome | None:
        """The account of an input that needs no work; ``None`` for others."""
        return turn[1] if turn[1].state else None

    def sum_up(self, ledger: Ledger) -> list[Row]:
        """Compute the study rows, for tasks that have studies."""
        task = self.predictor.task
        if not task.study:
            return []
        study: Study = load(task.study)
        with self.out.writing() as folder:
            rows = study.sum_up(task, folder, ledger.study_frames, **self.options.task_options)
        if self.outputs:
            self._write_stacks(study, ledger)
        return rows

    def _write_stacks(self, study: Study, ledger: Ledger) -> None:
        from usseg_monai.runs.mask_volumes import write_stack_volume  # late: few runs write NIfTI

        for stack in study.find_stacks(ledger.study_frames):
            self._write_volume(stack.name, partial(write_stack_volume, stack=stack, outputs=self.outputs))

    def end_file(self, item: Input, frames: Sequence[FrameRows], done: bool) -> Row | None:
        """Write what all frames of a file give together, unless an earlier run did, and return the row of a clip."""
        self._save_volume(item, frames, done)
        task = self.predictor.task
        row = clip_row(task, item.file, frames) if len(frames) > 1 and is_clip(task, frames) else None
        if row is not None and not done:
            with self.out.writing(track_file(Path(), item.output)) as folder:
                write_track(folder, task, item.output, frames)
        if "clip" in self.options.save and not done and all(frame.mask is not None for frame in frames):
            self._write_clip(item, frames, row or {})
        return row

    def _write_clip(self, item: Input, frames: Sequence[FrameRows], row: Row) -> None:
        from usseg_monai.runs.clip_video import write_clip  # late: few runs write clips

        best, threads, limits = row.get("best_frame"), self.options.threads or available_cores(), self.options.limits
        try:
            with item.local(limits.max_file_bytes) as here, self.out.writing(clip_file(Path(), item.output)) as folder:
                images = self.frames_of(here)
                write_clip(
                    clip_file(folder, item.output), self.predictor.task, frames, images, best if isinstance(best, int) else None, threads
                )
        except ImageError as error:
            self.remarks.append(f"no annotated clip of {printable(item.output)}: {error}")

    def _save_volume(self, item: Input, frames: Sequence[FrameRows], done: bool) -> None:
        """Write the masks of a file with their geometry; if it holds slices of a stack, remember them for the stack's volume."""
        if "nifti" not in self.options.save or any(frame.row["status"] == Status.FAILED.value for frame in frames):
            return
        from usseg_monai.runs.mask_volumes import is_of_stack, write_file_volume  # late, as above

        if self.predictor.task.study and is_of_stack(item, frames):
            self.outputs[item.file] = item.output, len(frames)
        elif not done:
            like_source = any(frame.from_nifti for frame in frames)
            with item.local(self.options.limits.max_file_bytes) if like_source else nullcontext(item) as here:
                self._write_volume(item.output, partial(write_file_volume, item=here, frames=frames, like_source=like_source))

    def _write_volume(self, output: str, write: Callable[[Path], object]) -> None:
        try:
            with self.out.writing(volume_file(Path(), output)) as folder:
                write(folder)
        except ImageError as error:
            self.remarks.append(f"no NIfTI file for the masks of {printable(output)}: {error}")

    def _still_done(self, accounts: Accounts, item: Input, account: Account) -> Account | None:
        """The account of an input that an earlier run finished, if none of its results is missing."""
        done = accounts.find(account)
        if done is None or not done.is_of_same_file(account) or not all(map(self._stays, done.frames)):
            return None
        count = len(done.frames)
        names = (frame_output(item.output, frame, count) for frame in range(count))
        files = [file for name in names for file in output_files(self.out.path, name, self.options.save).values()]
        if "nifti" in self.options.save:
            from usseg_monai.runs.mask_volumes import is_of_stack  # late, as above

            if not (self.predictor.task.study and is_of_stack(item, done.frames)):
                files.append(volume_file(self.out.path, item.output))
        if count > 1:
            files += clip_files(self.out.path, self.predictor.task, item.output, done.frames, self.options.save)
        if not all(map(_is_there, files)):
            return None
        done = accounts.restore(done, partial(self._read_place, item))
        return done and replace(done, number=account.number, state="skipped", reason=SKIPPED, path=account.path)

    def _stays(self, frame: FrameRows) -> bool:
        """Whether a frame of an earlier run did not fail, and its rows have the columns of the tables."""
        task = self.predictor.task
        columns, part_columns = column_names(task), part_column_names(task)
        whole = tuple(frame.row) == columns and all(tuple(part) == part_columns for part in frame.parts)
        return whole and frame.row["status"] != Status.FAILED.value

    def _read_place(self, item: Input, frame: int) -> Place | None:
        limits = self.options.limits
        with suppress(ImageError), item.local(limits.max_file_bytes) as here:
            image = next(islice(read_frames(here.path, limits=limits), frame, None), None)
            return None if image is None else image.place
        return None


def _save(prediction: Prediction, folder: Path, files: Mapping[str, Path], name: str) -> None:
    """Write the files of one frame, by kind; ``name`` is that of its input in the results."""
    for kind in files.keys() & set(PICTURES):
        prediction.save(folder / files[kind], kind)
    if "labelstudio" in files:
        from usseg_monai.annotation.labelstudio import save_task  # late: few runs write it

        save_task(prediction, folder, file=name, task=files["labelstudio"], picture=files[SHOWN])


def check_modality(task: Task, image: GreyImage) -> None:
    """Raise `ImageError` if the header states another modality than the task's."""
    modality = "" if image.place is None else image.place.modality
    if not task.accepts(modality):
        raise ImageError(
            f"the header says {printable(modality)}, and {task.name} is for {task.modality}: give --any-modality to use the picture anyway"
        )


def _is_there(file: Path) -> bool:
    """Whether a file exists and is not empty: a power cut may leave an empty one."""
    try:
        return file.stat().st_size > 0
    except OSError:
        return False
