"""Many images to masks, overlays and one table: what ``usseg predict`` does."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.errors import ImageError, OutputError, UsageError
from usseg_monai.imaging import GreyImage, Limits, Place, Spacing, read_frames, read_spacing_csv
from usseg_monai.imaging.spacing import check_spacing, look_up_spacing
from usseg_monai.inference.given_masks import GivenMasks
from usseg_monai.inference.inputs import Input, find_inputs, frame_output, part_masks
from usseg_monai.inference.journal import Done, Journal, open_journal, read_journal
from usseg_monai.inference.outputs import FOLDERS, check_save, output_files, write_outputs
from usseg_monai.inference.pipeline import FrameResult, process_frames
from usseg_monai.inference.predictor import Predictor, engine_name
from usseg_monai.inference.results import FrameRows, Row, Table, failed_row, open_table, part_rows, result_row
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.inference.run_record import InputRecord, bundle_version, now, write_run_record
from usseg_monai.inference.stacks import StudyFrame
from usseg_monai.measurements.result import Status
from usseg_monai.tasks import Task, get_task

__all__ = ["TABLE", "Options", "Progress", "Summary", "available_cores", "run_batch"]

TABLE = "results.csv"
"""Name of the table in the output folder."""

Progress = Callable[[int, int, "Row | None"], None]
"""Told of every row: inputs done, inputs in all, the row. Called once before the first with the inputs that are skipped and no row."""


@dataclass(frozen=True)
class Options:
    """How a batch is run.

    Attributes:
        engine: as for `Predictor`.
        device: as for `Predictor`.
        weights: as for `Predictor`.
        configs: as for `Predictor`.
        batch_size: as for `Predictor`: of use on a GPU; on a CPU, ``threads`` is what counts.
        threads: images in flight, each with one thread of the network; a single input has them all for its network. ``None``: the cores
            that this process may use.
        spacing_mm: ``(row, col)`` for images whose file does not say, and that ``spacing_csv`` does not name.
        spacing_csv: table of spacings by file name, or by path as in the results, for images whose file does not say. An image that it
            does not name fails, unless there is ``spacing_mm``.
        save: what to write besides the table: ``mask``, ``overlay``, ``probability``.
        resume: skip files that an earlier run into the same folder was done with, under the same weights, options and version.
            Failed and changed files are done again.
        limits: what a file may ask for.
        epicardium: folder of epicardial contours of the one stack among the inputs, for the mass; for tasks with studies only.
    """

    engine: str = "auto"
    device: str = "auto"
    weights: Path | None = None
    configs: tuple[str, ...] = ()
    batch_size: int = 1
    threads: int | None = None
    spacing_mm: Spacing | None = None
    spacing_csv: Path | None = None
    save: tuple[str, ...] = ("mask", "overlay")
    resume: bool = False
    limits: Limits = field(default_factory=Limits)
    epicardium: Path | None = None


@dataclass(frozen=True)
class Summary:
    """What became of a batch.

    Attributes:
        rows: of the table, in its order; those of skipped inputs as the earlier run left them.
        done: number of inputs of which every frame was processed.
        failed: number of inputs with a frame that was not.
        skipped: number of inputs that an earlier run was done with.
        left_out: files that are by their names masks of an image beside them, and no inputs (`usseg_monai.inference.inputs`).
        seconds: from the start of the batch to its end.
        parts: rows of the table of parts, of tasks that have one.
        studies: rows of the table of studies, of tasks that have one.
    """

    rows: list[Row]
    done: int
    failed: int
    skipped: int
    left_out: list[str]
    seconds: float
    parts: list[Row] = field(default_factory=list)
    studies: list[Row] = field(default_factory=list)


def available_cores() -> int:
    """Number of processor cores that this process may use.

    >>> available_cores() >= 1
    True
    """
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_batch(
    task: str,
    inputs: Sequence[str | Path],
    output: str | Path,
    options: Options = Options(),
    on_progress: Progress = lambda done, total, row: None,
    *,
    given_masks: bool = False,
) -> Summary:
    """Find and measure a task's structure in files, and write what was found to a folder.

    The folder gets ``masks/``, ``overlays/``, ``probabilities/`` as asked for (`usseg_monai.inference.inputs` tells the names),
    ``results.csv``, a row a frame in the order of the inputs, for tasks with parts their table beside it (``lesions.csv``), and
    ``run.json``. Rows and files are written as they are done, each whole: whatever ends the run leaves no half of one.

    Args:
        task: name of a task.
        inputs: files, folders, globs.
        output: folder to write to.
        options: see `Options`.
        on_progress: see `Progress`.
        given_masks: the files are masks already: they are measured, and no network runs.

    Returns:
        The rows and how many inputs were done. A file that cannot be used is a row with status ``failed``.

    Raises:
        UsageError: unknown task, wrong option.
        ImageError: the inputs lead to no file at all.
        WeightsError: the weights cannot be used.
        OutputError: the folder cannot be written to; what was done before stays.

    >>> summary = run_batch("fetal_head", ["images"], "results", Options(save=("mask",)))  # doctest: +SKIP
    >>> summary.done, summary.failed  # doctest: +SKIP
    (100, 0)
    """
    started, folder = now(), Path(output)
    threads = _check(options, get_task(task))
    spacings = read_spacing_csv(options.spacing_csv) if options.spacing_csv else None
    found = find_inputs(inputs, leave_out=[folder, *(folder / name for name in FOLDERS.values())])
    found, masks = (found, []) if given_masks else part_masks(found)
    left_out = [_left_out(mask, image) for mask, image in masks]
    predictor = GivenMasks(task) if given_masks else _load(task, options, 1 if len(found) > 1 else threads, threads)
    facts = _facts(predictor, options, threads, spacings)
    earlier = read_journal(folder, facts["options_digest"]) if options.resume else {}
    kept = {item.file: done for item in found if (done := _still_done(earlier, item, folder, options.save))}
    _refuse_foreign_results(folder, options.save)
    write_run_record(folder, facts, started, "running", ())

    work = _Work(predictor, folder, options, spacings, [item for item in found if item.file not in kept])
    # With the engine torch, threads that wait for the network hold no core: more of them decode and write meanwhile, and fill a batch.
    in_flight = threads + options.batch_size if predictor.engine.name == "torch" else threads
    with (
        open_table(folder / TABLE, predictor.task) as table,
        open_journal(folder, facts["options_digest"], kept.values()) as journal,
        closing(process_frames(len(work.items), work.read, work.process, work.fail, in_flight)) as results,
    ):
        record = _Record(table, journal, len(found), on_progress)
        try:
            record.begin(len(kept))
            for item in found:
                record.skip(item, kept[item.file]) if item.file in kept else record.add(item, results)
            studies = work.sum_up([item for item in found if item.file in kept], record.rows)
        except BaseException as error:
            results.close()
            with suppress(OutputError):  # the error that is on its way says it
                record.skip_rest(found, kept)
                state = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                write_run_record(folder, facts, started, state, [*record.inputs, *left_out])
            raise
    write_run_record(folder, facts, started, "finished", [*record.inputs, *left_out])
    counts = Counter(item.state for item in record.inputs)
    seconds = (now() - started).total_seconds()
    names = [item.file for item in left_out]
    return Summary(record.rows, counts["done"], counts["failed"], counts["skipped"], names, seconds, record.parts, studies)


def _check(options: Options, task: Task) -> int:
    """The number of threads; `UsageError` for options that are wrong whatever the inputs."""
    if options.epicardium is not None and not task.study:
        raise UsageError(f"epicardial contours were given for {task.name}, which has no mass: leave --epicardium out")
    if options.epicardium is not None and not options.epicardium.is_dir():
        raise UsageError(f"{options.epicardium}: no such folder; --epicardium takes the folder of the contours' text files")
    check_save(options.save)
    if options.spacing_mm is not None:
        check_spacing(*options.spacing_mm)
    threads = available_cores() if options.threads is None else options.threads
    if threads < 1:
        raise UsageError(f"threads {threads}: must be 1 or more")
    return threads


def _load(task: str, options: Options, threads_onnx: int, threads_torch: int) -> Predictor:
    """The predictor for a batch. The deployed graph runs for several images at once, each on its own threads; torch runs for one batch."""
    threads = threads_onnx if engine_name(options.engine, options.device) == "onnx" else threads_torch
    return Predictor(
        task,
        engine=options.engine,
        device=options.device,
        threads=threads,
        weights=options.weights,
        batch_size=options.batch_size,
        configs=options.configs,
    )


def _facts(predictor: Predictor | GivenMasks, options: Options, threads: int, spacings: Mapping[str, Spacing] | None) -> dict[str, Any]:
    """What holds for the whole run, ready for JSON; ``options_digest`` covers all that changes a result."""
    engine = predictor.engine
    save = [kind for kind in FOLDERS if kind in options.save]
    decisive = {
        "version": __version__,
        "task": predictor.task.name,
        "weights_sha256": engine.weights_sha256,
        "engine": engine.name,
        "device": engine.device,
        "configs": options.configs,
        "spacing_mm": options.spacing_mm,
        "spacing_csv": spacings and sorted(spacings.items()),
        "save": save,
    }
    return {
        "task": predictor.task.name,
        "bundle_version": bundle_version(predictor.task.name),
        "weights_sha256": engine.weights_sha256,
        "engine": engine.name,
        "device": engine.device,
        "options": {
            "weights": options.weights and str(options.weights),
            "configs": options.configs,
            "batch_size": options.batch_size,
            "threads": threads,
            "spacing_mm": options.spacing_mm,
            "spacing_csv": options.spacing_csv and str(options.spacing_csv),
            "save": save,
            "resume": options.resume,
            "limits": asdict(options.limits),
        },
        "options_digest": hashlib.sha256(json.dumps(decisive).encode()).hexdigest(),
    }


def _still_done(earlier: Mapping[str, Done], item: Input, folder: Path, save: Collection[str]) -> Done | None:
    """What an earlier run left of an input, if that is all that this run would leave."""
    done = earlier.get(str(item.path.absolute()))
    if done is None or Done.of(item, done.rows, done.parts) != done or any(row["status"] == Status.FAILED.value for row in done.rows):
        return None
    names = (frame_output(item.output, frame, len(done.rows)) for frame in range(len(done.rows)))
    return done if all(file.is_file() for name in names for file in output_files(folder, name, save).values()) else None


def _left_out(mask: Input, image: str) -> InputRecord:
    reason = f"by its name a mask of {image}; name the file itself to have it predicted"
    return InputRecord(mask.file, str(mask.path.absolute()), "skipped", reason)


def _refuse_foreign_results(folder: Path, save: Collection[str]) -> None:
    """Keep hands off a folder ``masks`` that somebody else filled: it may be the truth that was drawn by hand."""
    if any((folder / name).exists() for name in (RUN_RECORD, TABLE)):
        return
    for kind in save:
        place = folder / FOLDERS[kind]
        if place.is_dir() and any(place.iterdir()):
            raise OutputError(f"{place} holds files of another origin, which could be overwritten: give another output folder")


@dataclass(frozen=True)
class _Work:
    """What is done with each frame of the inputs that are not skipped. Called from several threads at once."""

    predictor: Predictor | GivenMasks
    folder: Path
    options: Options
    spacings: Mapping[str, Spacing] | None
    items: Sequence[Input]
    places: dict[tuple[str, int], tuple[Place, tuple[int, int]]] = field(default_factory=dict)

    def read(self, index: int) -> Iterator[GreyImage]:
        item = self.items[index]
        if item.refusal:
            raise ImageError(item.refusal)
        yield from read_frames(item.path, limits=self.options.limits)

    def process(self, index: int, image: GreyImage) -> FrameRows:
        item, source, task = self.items[index], image.source, self.predictor.task
        self._note_place(item, image)
        spacing = image.spacing_mm or look_up_spacing(item.file, self.spacings, self.options.spacing_mm)
        prediction = self.predictor.predict(image, spacing_mm=spacing)
        output = frame_output(item.output, source.frame, source.frames)
        write_outputs(self.folder, output, self.options.save, prediction, task)
        row = result_row(task, item.file, source.frame, prediction.image.spacing_mm, prediction.measurement)
        return FrameRows(row, part_rows(task, item.file, source.frame, prediction.measurement))

    def fail(self, index: int, frame: int, reason: str) -> FrameRows:
        return FrameRows(failed_row(self.predictor.task, self.items[index].file, frame, reason))

    def sum_up(self, skipped: Sequence[Input], rows: Sequence[Row]) -> list[Row]:
        """Sum the rows up by studies, for tasks that have them. Files that an earlier run measured are read again, for their places."""
        task = self.predictor.task
        if not task.study:
            return []
        for item in skipped:
            for image in read_frames(item.path, limits=self.options.limits):
                self._note_place(item, image)
        paths = {item.file: item.path for item in [*self.items, *skipped]}
        found = ((row, str(row["file"]), self.places.get((str(row["file"]), int(row["frame"] or 0)))) for row in rows)
        frames = [StudyFrame(paths[file], row, *place) for row, file, place in found if place and row["status"] != Status.FAILED.value]
        module, function = task.study.split(":")
        studies: list[Row] = getattr(importlib.import_module(module), function)(task, self.folder, frames, self.options.epicardium)
        return studies

    def _note_place(self, item: Input, image: GreyImage) -> None:
        if self.predictor.task.study and image.place is not None:
            self.places[item.file, image.source.frame] = image.place, image.pixels.shape


class _Record:
    """Puts down what became of each input, in their order: table, journal, and the list for the run record."""

    def __init__(self, table: Table, journal: Journal, total: int, on_progress: Progress) -> None:
        self.rows: list[Row] = []
        self.parts: list[Row] = []
        self.inputs: list[InputRecord] = []
        self._table, self._journal, self._total, self._on_progress = table, journal, total, on_progress
        self._ahead = 0

    def begin(self, skipped: int) -> None:
        """Say how many inputs need no work."""
        self._ahead = skipped
        self._on_progress(skipped, self._total, None)

    def skip(self, item: Input, done: Done) -> None:
        """Put down an input that an earlier run was done with."""
        self._ahead -= 1
        for row in done.rows:
            self._put(FrameRows(row, [part for part in done.parts if part["frame"] == row["frame"]]))
        self._note(item, "skipped", "an earlier run with the same weights and options was done with it")

    def add(self, item: Input, results: Iterator[FrameResult[FrameRows]]) -> None:
        """Put down the frames of an input as they come."""
        rows: list[Row] = []
        parts: list[Row] = []
        for result in results:
            self._put(result.result)
            rows.append(result.result.row)
            parts.extend(result.result.parts)
            if result.last:
                break
            self._on_progress(len(self.inputs) + self._ahead, self._total, result.result.row)
        self._journal.add(Done.of(item, rows, parts))
        failure = next((str(row["message"]) for row in rows if row["status"] == Status.FAILED.value), None)
        self._note(item, "done" if failure is None else "failed", failure or "")
        self._on_progress(len(self.inputs) + self._ahead, self._total, rows[-1])

    def skip_rest(self, found: Sequence[Input], kept: Mapping[str, Done]) -> None:
        """Put down what an earlier run was done with among the inputs that this one did not come to."""
        for item in found[len(self.inputs) :]:
            if item.file in kept:
                self.skip(item, kept[item.file])

    def _put(self, frame: FrameRows) -> None:
        self._table.append(frame.row, frame.parts)
        self.rows.append(frame.row)
        self.parts.extend(frame.parts)

    def _note(self, item: Input, state: str, reason: str) -> None:
        self.inputs.append(InputRecord(item.file, str(item.path.absolute()), state, reason))
