"""Predicts many images and writes masks, overlays and one table: the implementation of ``usseg predict``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from usseg_monai import __version__
from usseg_monai.errors import ImageError, OutputError, UsageError
from usseg_monai.files.table import Row
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import read_spacing_csv
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import Input, part_masks
from usseg_monai.predict.predictor import Predictor, network_threads
from usseg_monai.remote.address import is_address, place_of
from usseg_monai.runs.accounts import ACCOUNTS, Account, open_accounts, read_head, shared_salt
from usseg_monai.runs.changes import brief
from usseg_monai.runs.earlier import refuse_foreign_results, remove_results, tidy, why_anew
from usseg_monai.runs.elsewhere import Workers
from usseg_monai.runs.given_masks import GivenMasks
from usseg_monai.runs.ledger import Ledger, Outcome, Progress, Tally, Turn
from usseg_monai.runs.options import Options, check_options
from usseg_monai.runs.outputs import FOLDERS, no_inputs
from usseg_monai.runs.pipeline import process_frames
from usseg_monai.runs.place import hold_output, output_folder
from usseg_monai.runs.record import RunRecord, bundle_version, now
from usseg_monai.runs.shards import shard_numbers
from usseg_monai.runs.table import TABLE, open_table, part_table
from usseg_monai.runs.work import Work
from usseg_monai.tasks import get_task

__all__ = ["TABLE", "Progress", "Summary", "run_batch"]


@dataclass(frozen=True)
class Summary:
    """The outcome of a batch; `usseg_monai.files.table.read_table` reads its rows.

    Attributes:
        done: number of inputs whose frames were all processed.
        failed: number of inputs with a failed frame.
        skipped: number of inputs that an earlier run finished.
        left_out: files that are not inputs because their name marks them as masks of an image beside them (`usseg_monai.inputs.naming`).
        frames: number of rows of the table.
        seconds: duration of the batch.
        studies: rows of the studies table, for tasks that have one.
        without_picture: number of files in folders and globs that were skipped because they hold no picture, by reason.
        remarks: remarks for the user on the inputs as a whole.
        statuses: number of frames that this run processed, by status; without failed ones.
        without_spacing: number of these frames without a known pixel size.
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
    """Find and measure a task's structure in files, and write the results to a folder.

    The folder gets ``masks/``, ``overlays/``, ``probabilities/`` as requested (for the names see `usseg_monai.inputs.naming`),
    ``results.csv`` with one row per frame in the order of the inputs, for tasks with parts a parts table beside it (``lesions.csv``),
    ``accounts.jsonl`` with the outcome of each input, and ``run.json``. Each row and file is written as soon as it is ready, completely or
    not at all, however the run ends. For a million inputs, little more than their names is kept in memory, and work begins as soon as they
    are listed.

    Args:
        task: name of a task.
        inputs: files, folders, globs, lists, addresses of objects.
        output: folder to write to, or its address.
        options: see `Options`.
        on_progress: see `Progress`.
        given_masks: the files are masks: they are measured, and no network runs.
        on_redo: called with the reason why a run with ``resume`` starts over.

    Returns:
        Counts of the inputs. A file that cannot be used becomes a row with status ``failed``.

    Raises:
        UsageError: unknown task, wrong option.
        ImageError: the inputs contain no file at all.
        WeightsError: the weights cannot be used.
        OutputError: the folder cannot be written to, or another run writes to it; results written so far stay.
        ClusterError: the cluster cannot be used, or no worker is left; results written so far stay.

    >>> summary = run_batch("fetal_head", ["images"], "results", Options(save=("mask",)))  # doctest: +SKIP
    >>> summary.done, summary.failed  # doctest: +SKIP
    (100, 0)
    """
    started, folder = now(), output_folder(output)
    if "nifti" in options.save and "mask" not in options.save:
        options = replace(options, save=(*options.save, "mask"))
    if options.spacing_mm is not None:
        options = replace(options, spacing_mm=check_spacing(options.spacing_mm))
    threads = check_options(options, get_task(task), given_masks=given_masks)
    spacings = read_spacing_csv(options.spacing_csv) if options.spacing_csv else None
    found = find_inputs(inputs, leave_out=[*no_inputs(folder), place_of(output)], follow_links=options.follow_links, objects=True)
    found, masks = (found, []) if given_masks else part_masks(found)
    numbers: Sequence[int] = range(len(found))
    shard = None
    if options.shard is not None:
        shard = {**asdict(options.shard), "inputs": len(found), "inputs_digest": _digest(found)}
        numbers = shard_numbers(found, options.shard, by_folder=bool(get_task(task).study))
        masks = masks if options.shard.index == 1 else []  # only the first shard lists them
    left_out = [_left_out(mask, image, options.absolute) for mask, image in masks]
    items = [found[number] for number in numbers]
    del found, masks
    predictor = (
        GivenMasks(task, label=options.label, run=options.masks_of)
        if given_masks
        else _load(task, options, 1 if options.on else network_threads(options.engine, options.device, threads, len(items)))
    )
    if options.on and predictor.engine.device != "cpu":
        raise UsageError(f"device {predictor.engine.device}: the workers on {options.on} run the network on a CPU; give the device cpu")
    refuse_foreign_results(folder, options.save)
    with options.on.join(options.threads) if options.on else nullcontext() as workers, hold_output(output, resume=options.resume) as held:
        facts = {**_facts(predictor, options, workers.count if workers else threads, spacings), "shard": shard}
        tidy(held)
        head = read_head(folder)
        goes_on = options.resume and head is not None and head[0] == facts["options_digest"]
        if options.resume and not goes_on and (why := why_anew(folder, facts["decisive"])):
            on_redo(why)
        record = RunRecord(held, facts, started, len(items) + len(left_out))
        try:
            remove_results(folder, frozenset(hash(item.output) for item in items) if goes_on else ())
            work = Work(predictor, held, options, spacings, items, numbers, record)
            tally, studies = _carry_out(work, facts, left_out, workers or threads, on_progress)
            if options.shard is None:
                _check_pictures(tally)
            held.check()
            record.end("finished")
        except BaseException as error:
            with suppress(OutputError):  # the error being raised is the one to report
                record.end("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
            raise
    counts, seconds = record.counts, (now() - started).total_seconds()
    names = [mask.file for mask in left_out]
    without_picture = dict(tally.without_picture)
    skipped = counts["skipped"] - len(names) - sum(without_picture.values())
    remarks = [*work.remarks, *(predictor.remarks if isinstance(predictor, GivenMasks) else [])]
    return Summary(
        counts["done"],
        counts["failed"],
        skipped,
        names,
        tally.frames,
        seconds,
        studies,
        without_picture,
        remarks,
        dict(tally.statuses),
        tally.without_spacing,
        dict(tally.failures),
    )


def _carry_out(
    work: Work, facts: Mapping[str, Any], left_out: Sequence[Account], hands: Workers | int, on_progress: Progress
) -> tuple[Tally, list[Row]]:
    """Process the inputs, by so many threads or by workers, and write their outcomes; returns the counts and the study rows."""
    task = work.predictor.task
    folder, shard = work.out.path, facts["shard"]
    salt = shared_salt(shard["inputs_digest"]) if shard else ""
    with (
        open_table(folder / TABLE, task) as table,
        open_accounts(folder, facts["options_digest"], resume=work.options.resume, salt=salt) as accounts,
        closing(_results(work, work.plan(accounts), hands)) as results,
    ):
        work.out.watch(folder / TABLE, folder / ACCOUNTS, *([part_table(folder / TABLE, task)] if task.part_name else []))
        ledger = Ledger(table, accounts, work.record, bool(task.study), on_progress, work.end_file)
        try:
            for mask in left_out:
                ledger.put_account(mask)
            ledger.tell(None)
            for (item, account), result, last in results:
                if isinstance(result, Account):
                    ledger.skip((item, result))
                else:
                    work.out.check()
                    ledger.put_frame((item, account), result, last)
        except BaseException:
            results.close()
            with suppress(OutputError):  # inputs that an earlier run finished stay in the table
                for item, account in work.plan(accounts, ledger.reached, ended=True):
                    if account.state:
                        ledger.skip((item, account))
            work.record.recount()
            raise
        return ledger.tally, work.sum_up(ledger)


def _results(work: Work, turns: Iterable[Turn], hands: Workers | int) -> Generator[tuple[Turn, Outcome, bool], None, None]:
    """The result of each frame, and whether it is the last one of its file, in order."""
    if not isinstance(hands, int):
        return hands.process(work, turns)
    # With the engine torch, threads waiting for the network occupy no core: extra threads decode and write meanwhile, and fill a batch.
    threads = hands + work.options.batch_size if work.predictor.engine.name == "torch" else hands
    if any(is_address(item.path) for item in work.items):
        threads += hands  # those that wait for the store
    return process_frames(turns, work.read, work.process, work.fail, threads, known=work.known, skip=work.skip)


def _check_pictures(tally: Tally) -> None:
    """Raise `ImageError` if no file holds a picture."""
    if tally.without_picture and not tally.frames:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in tally.without_picture.items())
        raise ImageError(f"none of the files holds a picture ({reasons}): give the folder of the images")


def _load(task: str, options: Options, threads: int) -> Predictor:
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
    """Facts about the whole run as JSON values; ``options_digest`` covers everything that affects results."""
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
            "on": options.on and str(options.on),
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
    """A file's name in the run record; the name of a bundle's config is not a path."""
    known = Path(path)
    return str(known.absolute()) if absolute and (isinstance(path, Path) or known.exists()) else known.name


def _digest(found: Sequence[Input]) -> str:
    """Identifies a list of inputs by the names in the results."""
    digest = hashlib.sha256()
    for item in found:
        digest.update(f"{item.file}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _left_out(mask: Input, image: str, absolute: bool) -> Account:
    reason = f"its name marks it as a mask of {image}; name the file itself to predict it"
    return Account(None, mask.file, state="skipped", reason=reason, path=mask.absolute if absolute else "")
