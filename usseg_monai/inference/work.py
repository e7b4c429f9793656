"""What a batch does with each of its inputs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from usseg_monai.errors import ImageError, printable
from usseg_monai.imaging import GreyImage, Place, Spacing, read_frames
from usseg_monai.imaging.spacing import look_up_spacing
from usseg_monai.inference.earlier import remove_output
from usseg_monai.inference.given_masks import GivenMasks
from usseg_monai.inference.inputs import Input, frame_output, is_image
from usseg_monai.inference.journal import Done, Journal, Stamp
from usseg_monai.inference.ledger import Ledger, NoPicture, Outcome, Planned
from usseg_monai.inference.lock import HeldFolder
from usseg_monai.inference.mask_volumes import is_of_stack, write_file_volume, write_stack_volume
from usseg_monai.inference.outputs import output_files, volume_file, write_outputs
from usseg_monai.inference.results import FrameRows, Row, failed_row, part_rows, result_row
from usseg_monai.inference.run_record import RunRecord
from usseg_monai.inference.stacks import find_stacks
from usseg_monai.measurements.result import Status

if TYPE_CHECKING:
    from usseg_monai.inference.batch import Options
    from usseg_monai.inference.predictor import Predictor

__all__ = ["Work"]


@dataclass
class Work:
    """What is done with each frame of the inputs. All methods except `plan` and `sum_up` are thread-safe.

    Attributes:
        out: folder of the results.
        items: the inputs of this run.
        numbers: of each in the list of all inputs of the command.
        record: its total is reduced when an input turns out not to be an image.
        outputs: of files with slices of stacks, the name of their masks and the number of their frames.
        remarks: what the user has to know when the run is over.
    """

    predictor: Predictor | GivenMasks
    out: HeldFolder
    options: Options
    spacings: Mapping[str, Spacing] | None
    items: Sequence[Input]
    numbers: Sequence[int]
    record: RunRecord
    looked_at: int = 0
    outputs: dict[str, tuple[str, int]] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)

    def plan(self, journal: Journal, start: int = 0, *, ended: bool = False) -> Iterator[Planned]:
        """The inputs from one on, one by one, each looked at no sooner than its turn comes; work on them begins, unless it has ended."""
        for position in range(start, len(self.items)):
            item, new = self.items[position], position >= self.looked_at
            self.looked_at = max(self.looked_at, position + 1)
            if is_image(item):
                stamp = Stamp.of(item.path)
                done = self._still_done(journal, item, stamp)
                if done is None and not ended:
                    if journal.knows(item):
                        remove_output(self.out.path, item.output)
                    journal.begin(item)
                yield Planned(position, self.numbers[position], item, stamp, done)
            elif new:
                self.record.total -= 1

    def known(self, planned: Planned) -> Outcome | None:
        return planned.done

    def read(self, planned: Planned) -> Iterator[GreyImage]:
        if planned.item.refusal:
            raise ImageError(planned.item.refusal)
        item, limits, predictor = planned.item, self.options.limits, self.predictor
        for image in predictor.read(item, limits) if isinstance(predictor, GivenMasks) else read_frames(item.path, limits=limits):
            self._check_modality(image)
            yield image

    def process(self, planned: Planned, image: GreyImage) -> Outcome:
        item, source, task = planned.item, image.source, self.predictor.task
        prediction = self.predictor.predict(image, spacing_mm=self._given_spacing(item, image))
        output = frame_output(item.output, source.frame, source.frames)
        with self.out.writing(*output_files(Path(), output, self.options.save).values()) as folder:
            write_outputs(folder, output, self.options.save, prediction, task)
        row = result_row(task, item.file, source.frame, prediction.image.spacing_mm, prediction.measurement)
        located = (image.place, image.pixels.shape) if task.study and image.place is not None else None
        return FrameRows(row, part_rows(task, item.file, source.frame, prediction.measurement), located)

    def _given_spacing(self, item: Input, image: GreyImage) -> Spacing | None:
        """What the user says of an image that does not say itself, or says it of a part."""
        if item.spacing_mm is not None or (image.spacing_mm is not None and not image.regions):
            return item.spacing_mm
        with suppress(ImageError) if image.regions else nullcontext():  # the table lacks the image, which may do without
            return look_up_spacing(item.file, self.spacings, self.options.spacing_mm)
        return None

    def fail(self, planned: Planned, frame: int, reason: str) -> Outcome:
        return FrameRows(failed_row(self.predictor.task, planned.item.file, frame, reason))

    def skip(self, planned: Planned, reason: str) -> Outcome | None:
        """A file without a picture was meant only if the user named it."""
        if planned.item.named:
            return None
        own_name = f"{printable(Path(planned.item.path).name)}: "  # one reason for all such files, and no advice: nothing is to be done
        return NoPicture(reason.removeprefix(own_name).partition("; ")[0])

    def sum_up(self, ledger: Ledger) -> list[Row]:
        """Sum the rows up by studies, for tasks that have them."""
        task = self.predictor.task
        if not task.study:
            return []
        module, function = task.study.split(":")
        sum_up = getattr(importlib.import_module(module), function)
        with self.out.writing() as folder:
            studies: list[Row] = sum_up(task, folder, ledger.study_frames, self.options.epicardium)
        for stack in find_stacks(ledger.study_frames) if self.outputs else ():
            self._write_volume(stack.name, partial(write_stack_volume, stack=stack, outputs=self.outputs))
        return studies

    def save_volume(self, item: Input, frames: Sequence[FrameRows], done: bool) -> None:
        """Write the masks of a file with their geometry, or note where those of a stack are that it has slices of."""
        if "nifti" not in self.options.save or any(frame.row["status"] == Status.FAILED.value for frame in frames):
            return
        if is_of_stack(item, frames):
            self.outputs[item.file] = item.output, len(frames)
        elif not done:
            self._write_volume(item.output, partial(write_file_volume, item=item, frames=frames))

    def _write_volume(self, output: str, write: Callable[[Path], object]) -> None:
        try:
            with self.out.writing(volume_file(Path(), output)) as folder:
                write(folder)
        except ImageError as error:
            self.remarks.append(f"no NIfTI file of the masks of {printable(output)}: {error}")

    def _check_modality(self, image: GreyImage) -> None:
        task, modality = self.predictor.task, "" if image.place is None else image.place.modality
        if not (self.options.any_modality or task.accepts(modality)):
            raise ImageError(
                f"the header says {printable(modality)}, and {task.name} is for {task.modality}: "
                "give --any-modality if the picture is one all the same"
            )

    def _still_done(self, journal: Journal, item: Input, stamp: Stamp) -> Done | None:
        """What an earlier run left of an input, if that is all that this run would leave."""
        done = journal.find(item)
        if done is None or not done.is_of(item, stamp) or any(row["status"] == Status.FAILED.value for row in done.rows):
            return None
        names = (frame_output(item.output, frame, len(done.rows)) for frame in range(len(done.rows)))
        files = [file for name in names for file in output_files(self.out.path, name, self.options.save).values()]
        if "nifti" in self.options.save and not is_of_stack(item, list(done.frames())):
            files.append(volume_file(self.out.path, item.output))
        return journal.restore(done, partial(self._read_place, item)) if all(map(_is_there, files)) else None

    def _read_place(self, item: Input, frame: int) -> Place | None:
        with suppress(ImageError):
            image = next(islice(read_frames(item.path, limits=self.options.limits), frame, None), None)
            return None if image is None else image.place
        return None


def _is_there(file: Path) -> bool:
    """Whether there is a file with something in it: a power cut may leave the name of one alone."""
    try:
        return file.stat().st_size > 0
    except OSError:
        return False
