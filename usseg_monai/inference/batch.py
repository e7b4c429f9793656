"""Many images to masks, overlays and one table: what ``usseg predict`` does."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.errors import ImageError, OutputError, UsageError
from usseg_monai.imaging import Limits, Spacing, read_spacing_csv
from usseg_monai.imaging.spacing import check_spacing
from usseg_monai.inference.changes import brief, describe_changes
from usseg_monai.inference.earlier import earlier_facts, refuse_foreign_results, remove_results, tidy
from usseg_monai.inference.given_masks import GivenMasks
from usseg_monai.inference.inputs import Input, find_inputs, part_masks
from usseg_monai.inference.journal import NAME as JOURNAL
from usseg_monai.inference.journal import Done, open_journal, read_head, shared_salt
from usseg_monai.inference.ledger import Ledger, Progress
from usseg_monai.inference.lock import lock_folder
from usseg_monai.inference.outputs import FOLDERS, check_save, no_inputs
from usseg_monai.inference.pipeline import process_frames
from usseg_monai.inference.predictor import Predictor, check_engine, engine_name
from usseg_monai.inference.results import TABLE, Row, open_table, part_table
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.inference.run_record import InputRecord, bundle_version, is_run_record, now, open_run_record
from usseg_monai.inference.shards import Shard, shard_numbers
from usseg_monai.inference.work import Work
from usseg_monai.tasks import Task, get_task

__all__ = ["TABLE", "Options", "Progress", "Summary", "available_cores", "check_options", "run_batch"]


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
        save: what to write besides the table: ``mask``, ``overlay``, ``probability``, ``nifti``, which brings the masks along.
        resume: skip files that an earlier run into the same folder was done with, under the same weights, options and version.
            Failed and changed files are done again.
        limits: what a file may ask for.
        epicardium: folder of epicardial contours of the one stack among the inputs, for the mass; for tasks with studies only.
        follow_links: follow links in folders wherever they point; else those that lead out of their folder fail.
        any_modality: do files too whose DICOM header names another modality than the task's; else they fail.
        masks_of: output folder of the run that given masks are of; see `GivenMasks`.
        label: value of the structure, where given masks are maps of several labels.
        shard: the part of the inputs that this run is for; each shard needs a folder of its own (`usseg_monai.inference.merge`).
        absolute: write absolute paths of inputs, weights and tables to ``run.json``; else their names only.
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
    follow_links: bool = False
    any_modality: bool = False
    masks_of: Path | None = None
    label: int | None = None
    shard: Shard | None = None
    absolute: bool = False


@dataclass(frozen=True)
class Summary:
    """What became of a batch; `usseg_monai.inference.results.read_table` reads its rows.

    Attributes:
        done: number of inputs of which every frame was processed.
        failed: number of inputs with a frame that was not.
        skipped: number of inputs that an earlier run was done with.
        left_out: files that are by their names masks of an image beside them, and no inputs (`usseg_monai.inference.inputs`).
        frames: number of rows of the table.
        seconds: from the start of the batch to its end.
        studies: rows of the table of studies, of tasks that have one.
        without_picture: number of files in folders and globs that hold no picture and were skipped, by the reason.
        remarks: what the user has to know of the inputs, all together.
        statuses: number of frames by status, of those that this run processed; without failed ones.
        without_spacing: number of these frames whose pixel size is not known.
        failures: number of failed inputs by reason.
    """

    done: int
    failed: int
    skipped: int
    left_out: list[str]
    frames: int
    seconds: float
    studies: list[Row] = field(default_factory=list)
    without_picture: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    without_spacing: int = 0
    failures: dict[str, int] = field(default_factory=dict)


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
    on_redo: Callable[[str], None] = lambda why: None,
) -> Summary:
    """Find and measure a task's structure in files, and write what was found to a folder.

    The folder gets ``masks/``, ``overlays/``, ``probabilities/`` as asked for (`usseg_monai.inference.inputs` tells the names),
    ``results.csv`` with one row per frame in the order of the inputs, for tasks with parts their table beside it (``lesions.csv``), and
    ``run.json``. Rows and files are written as they are done, each whole: whatever ends the run leaves no half of one. Of a million inputs
    little more than their names is in memory, and work begins as soon as they are listed.

    Args:
        task: name of a task.
        inputs: files, folders, globs, lists.
        output: folder to write to.
        options: see `Options`.
        on_progress: see `Progress`.
        given_masks: the files are masks already: they are measured, and no network runs.
        on_redo: told why a run that resumes does everything again.

    Returns:
        How many inputs were done. A file that cannot be used is a row with status ``failed``.

    Raises:
        UsageError: unknown task, wrong option.
        ImageError: the inputs lead to no file at all.
        WeightsError: the weights cannot be used.
        OutputError: the folder cannot be written to, or another run writes to it; what was done before stays.

    >>> summary = run_batch("fetal_head", ["images"], "results", Options(save=("mask",)))  # doctest: +SKIP
    >>> summary.done, summary.failed  # doctest: +SKIP
    (100, 0)
    """
    started, folder = now(), Path(output)
    if "nifti" in options.save and "mask" not in options.save:
        options = replace(options, save=(*options.save, "mask"))
    threads = check_options(options, get_task(task), given_masks=given_masks)
    spacings = read_spacing_csv(options.spacing_csv) if options.spacing_csv else None
    found = find_inputs(inputs, leave_out=no_inputs(folder), follow_links=options.follow_links)
    found, masks = (found, []) if given_masks else part_masks(found)
    numbers: Sequence[int] = range(len(found))
    shard = None
    if options.shard is not None:
        shard = {**asdict(options.shard), "inputs": len(found), "inputs_digest": _digest(found)}
        numbers = shard_numbers(found, options.shard, by_folder=bool(get_task(task).study))
        masks = masks if options.shard.index == 1 else []  # they are accounted for once
    left_out = [_left_out(mask, image, options.absolute) for mask, image in masks]
    items = [found[number] for number in numbers]
    del found, masks
    predictor = (
        GivenMasks(task, label=options.label, run=options.masks_of)
        if given_masks
        else _load(task, options, 1 if len(items) > 1 else threads, threads)
    )
    facts = {**_facts(predictor, options, threads, spacings), "shard": shard}
    refuse_foreign_results(folder, options.save)
    with lock_folder(folder) as held:
        tidy(held)
        head = read_head(folder)
        goes_on = options.resume and head is not None and head[0] == facts["options_digest"]
        if options.resume and not goes_on and (earlier := earlier_facts(folder)) is not None:
            changes = describe_changes(earlier.get("decisive", {}), facts["decisive"])
            on_redo(changes or f"{folder / JOURNAL}, which lists what was done, is missing or damaged")
        remove_results(folder, frozenset(hash(item.output) for item in items) if goes_on else ())
        with open_run_record(folder, facts, started, len(items) + len(left_out)) as record:
            held.watch(folder / RUN_RECORD)
            try:
                for mask in left_out:
                    record.add(mask)
                work = Work(predictor, held, options, spacings, items, numbers, record)
                ledger, studies = _carry_out(work, facts, threads, on_progress)
                if options.shard is None:
                    _check_pictures(ledger)
                held.check()
                record.end("finished")
            except BaseException as error:
                with suppress(OutputError):  # the error that is on its way says it
                    record.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
                raise
            counts, seconds = record.counts, (now() - started).total_seconds()
    names = [mask.file for mask in left_out]
    without_picture = dict(ledger.without_picture)
    skipped = counts["skipped"] - len(names) - sum(without_picture.values())
    remarks = [*work.remarks, *(predictor.remarks if isinstance(predictor, GivenMasks) else [])]
    tally = ledger.tally
    return Summary(
        counts["done"],
        counts["failed"],
        skipped,
        names,
        ledger.frames,
        seconds,
        studies,
        without_picture,
        remarks,
        dict(tally.statuses),
        tally.without_spacing,
        dict(tally.failures),
    )


def _carry_out(work: Work, facts: Mapping[str, Any], threads: int, on_progress: Progress) -> tuple[Ledger, list[Row]]:
    """Do the work and write its outcome; returns the accounts, and the rows of studies."""
    task = work.predictor.task
    # With the engine torch, threads that wait for the network hold no core: more of them decode and write meanwhile, and fill a batch.
    in_flight = threads + work.options.batch_size if work.predictor.engine.name == "torch" else threads
    folder, shard = work.out.path, facts["shard"]
    salt = shared_salt(shard["inputs_digest"]) if shard else ""
    with (
        open_table(folder / TABLE, task) as table,
        open_journal(folder, facts["options_digest"], resume=work.options.resume, salt=salt) as journal,
        closing(
            process_frames(work.plan(journal), work.read, work.process, work.fail, in_flight, known=work.known, skip=work.skip)
        ) as results,
    ):
        work.out.watch(folder / TABLE, folder / JOURNAL, *([part_table(folder / TABLE, task)] if task.part_name else []))
        ledger = Ledger(table, journal, work.record, bool(task.study), work.options.absolute, on_progress, work.save_volume)
        try:
            ledger.tell(None)
            for result in results:
                if not isinstance(result.result, Done):
                    work.out.check()
                ledger.put(result)
        except BaseException:
            results.close()
            with suppress(OutputError):  # what an earlier run was done with stays in the table
                for planned in work.plan(journal, ledger.reached, ended=True):
                    if planned.done is not None:
                        ledger.skip(planned, planned.done)
            raise
        return ledger, work.sum_up(ledger)


def _check_pictures(ledger: Ledger) -> None:
    """Raise `ImageError` where not one of the files holds a picture."""
    if ledger.without_picture and not ledger.frames:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in ledger.without_picture.items())
        raise ImageError(f"none of the files holds a picture ({reasons}): give the folder of the images")


def check_options(options: Options, task: Task, *, given_masks: bool = False) -> int:
    """The number of threads; `UsageError` for options that are wrong whatever the inputs."""
    if not given_masks:
        check_engine(task.name, options.engine, options.device, options.batch_size, options.configs)
    if options.epicardium is not None and not task.study:
        raise UsageError(f"epicardial contours were given for {task.name}, which has no mass: leave --epicardium out")
    if options.epicardium is not None and not options.epicardium.is_dir():
        raise UsageError(f"{options.epicardium}: no such folder; --epicardium takes the folder of the contours' text files")
    if options.masks_of is not None and not is_run_record(options.masks_of / RUN_RECORD):
        raise UsageError(f"{options.masks_of} holds no {RUN_RECORD}: --run takes the output folder of the run that the masks are of")
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
        "any_modality": options.any_modality,
        "label": options.label,
        "masks_of": options.masks_of and read_head(options.masks_of),
    }
    return {
        "task": predictor.task.name,
        "bundle_version": bundle_version(predictor.task.name),
        "weights_sha256": engine.weights_sha256,
        "engine": engine.name,
        "device": engine.device,
        "options": {
            "weights": options.weights and _name(options.weights, options.absolute),
            "configs": [_name(config, options.absolute) for config in options.configs],
            "batch_size": options.batch_size,
            "threads": threads,
            "spacing_mm": options.spacing_mm,
            "spacing_csv": options.spacing_csv and _name(options.spacing_csv, options.absolute),
            "save": save,
            "any_modality": options.any_modality,
            "label": options.label,
            "masks_of": options.masks_of and _name(options.masks_of, options.absolute),
            "resume": options.resume,
            "follow_links": options.follow_links,
            "limits": asdict(options.limits),
        },
        "decisive": brief(decisive),
        "options_digest": hashlib.sha256(json.dumps(decisive).encode()).hexdigest(),
    }


def _name(path: str | Path, absolute: bool) -> str:
    """A file as the run record names it; the name of a bundle's config is no path."""
    known = Path(path)
    return str(known.absolute()) if absolute and (isinstance(path, Path) or known.exists()) else known.name


def _digest(found: Sequence[Input]) -> str:
    """Tells lists of inputs apart, by the names in the results."""
    digest = hashlib.sha256()
    for item in found:
        digest.update(f"{item.file}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _left_out(mask: Input, image: str, absolute: bool) -> InputRecord:
    reason = f"by its name a mask of {image}; name the file itself to have it predicted"
    return InputRecord(None, mask.file, "skipped", reason, path=mask.absolute if absolute else "")
