"""Cross-validate a training recipe, where the validation part is too small for choices and the test part too small for evaluation.

    python -m benchmarks.cross_validation TASK -o RUNS [--folds 3 | --leave-one-source-out] [--data DIR] [--update-docs] [key=value ...]

The groups of the training and validation parts are dealt into folds. Each fold is predicted by a network trained on the others by
``usseg train TASK key=value ...``, with the weights of its last epoch: nothing is chosen on the fold, not even an epoch or a temperature.
The networks of all folds also predict the test groups, which shows how hard these are compared with the folds. After an interruption, the
same command resumes.

With ``--leave-one-source-out`` a fold is a source, such as a hospital: its groups, test groups too, are predicted by a network that has
seen only the other sources. That is what images from elsewhere cost.

``--update-docs`` writes ``benchmarks/results/cross_validation.json``, or ``leave_one_source_out.json``, and the table of the bundle's page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.accuracy.cases import evaluate
from benchmarks.accuracy.tables import area_of, figure, overlap_cells, table
from benchmarks.data import DATA_ROOT
from benchmarks.readme import insert_table
from benchmarks.reports import update_reports
from benchmarks.tasks import BENCHMARKED
from usseg_monai.cli.engine_log import engine_log
from usseg_monai.cli.progress import progress
from usseg_monai.datasets.datalist import SECTIONS, load_datalist
from usseg_monai.errors import UsageError, UssegError
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.evaluation.summary import summarize
from usseg_monai.files.write import write_text
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS, bundle_path, config_file
from usseg_monai.training.overrides import parse_overrides
from usseg_monai.training.run import train

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"

Items = Sequence[Mapping[str, Any]]


def last_epoch(task: str) -> dict[str, Any]:
    """A config over the bundle's ``train.json``: no validation, the last epoch's weights, nothing fitted after the training.

    As ``refit.json``, except for what a refit takes over from the earlier training.
    """
    refit = json.loads(config_file(task, "refit").read_text(encoding="utf-8"))
    config = {key: refit[key] for key in ("validate#dataset#data", "train#trainer#train_handlers", "best_saver")}
    return config | {"initialize": [step for step in refit["initialize"] if "@trust" not in step]}


def deal(items: Items, folds: int) -> list[list[Mapping[str, Any]]]:
    """Deal the groups of all items into folds, in the order of their names, so that common prefixes are spread evenly.

    >>> [[item["group"] for item in fold] for fold in deal([{"group": name} for name in "abcab"], 2)]
    [['a', 'c', 'a'], ['b', 'b']]
    """
    fold_of = {group: number % folds for number, group in enumerate(sorted({item["group"] for item in items}))}
    return [[item for item in items if fold_of[item["group"]] == fold] for fold in range(folds)]


def by_source(items: Items) -> dict[str, list[Mapping[str, Any]]]:
    """The items of each source, ordered by name.

    Raises:
        UsageError: fewer than two sources: without one of them nothing would be left to learn from.

    >>> {source: len(items) for source, items in by_source([{"source": name} for name in "BAB"]).items()}
    {'A': 1, 'B': 2}
    """
    sources = sorted({item["source"] for item in items if "source" in item})
    if len(sources) < 2:
        raise UsageError(f"{len(sources)} sources of images: leaving one out needs two or more (docs/data.md)")
    return {source: [item for item in items if item.get("source") == source] for source in sources}


def train_fold(task: str, taught: Items, held_out: Items, out: Path, overrides: Mapping[str, Any]) -> Predictor:
    """Train a network on ``taught``; ``out`` gets the datalist and the training."""
    out.mkdir(parents=True, exist_ok=True)
    datalist, config = out / "datalist.json", out / "last_epoch.json"
    write_text(datalist, json.dumps({"training": taught, "validation": [], "test": held_out}, indent=2))
    write_text(config, json.dumps(last_epoch(task), indent=2))
    with progress("iterations") as report, engine_log():
        result = train(task, datalist, out / "training", overrides, configs=[str(config)], report=report)
    threads = torch.get_num_threads()  # the engine sets it for the process, in which the next fold is trained
    return Predictor(task, engine="torch", device="cpu", threads=threads, weights=result.checkpoint)


def measure(task: str, data: Path, out: Path, folds: int, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of all folds together, and of the test part with the networks of all folds."""
    parts = _parts(task, data)
    dealt = deal([*parts["training"], *parts["validation"]], folds)
    held_out: list[CaseResult] = []
    tested: list[CaseResult] = []
    for number, fold in enumerate(dealt):
        taught = [item for other in dealt if other is not fold for item in other]
        network = train_fold(task, taught, fold, out / f"fold_{number}", overrides)
        held_out += evaluate(network, fold)
        tested += evaluate(network, parts["test"])
    return {
        "folds": folds,
        "overrides": dict(overrides),
        "held_out": _summaries(held_out),
        "test": _summaries(tested),
    }


def measure_sources(task: str, data: Path, out: Path, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of each source with a network that has seen only the others: ``held_out`` of its training and validation groups,
    ``test`` of its test groups.

    Raises:
        UsageError: the data have fewer than two sources.
    """
    parts = _parts(task, data)
    dealt = by_source([*parts["training"], *parts["validation"]])
    report: dict[str, Any] = {"sources": list(dealt), "overrides": dict(overrides), "held_out": {}, "test": {}}
    for source, fold in dealt.items():
        taught = [item for other, items in dealt.items() if other != source for item in items]
        network = train_fold(task, taught, fold, out / f"without_{source}", overrides)
        report["held_out"] |= _summaries(evaluate(network, fold))
        report["test"] |= _summaries(evaluate(network, [item for item in parts["test"] if item.get("source") == source]))
    return report


def _parts(task: str, data: Path) -> dict[str, list[dict[str, Any]]]:
    return {section: load_datalist(data / BENCHMARKED[task].data, section) for section in SECTIONS.values()}


def _summaries(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Figures of each data set, ordered by name; the name is empty for a task with one data set."""
    sources = sorted({result.source or "" for result in results})
    return {source: summarize([result for result in results if (result.source or "") == source]) for source in sources}


def markdown(report: Mapping[str, Any]) -> str:
    """The table: one row per source for the folds, and one for the test part."""
    text = (
        f"{report['folds']} folds of the groups of the training and validation parts; each was predicted by a network that learnt from the "
        f"others ({_recipe(report)}), with the weights of its last epoch. The test part was predicted by "
        f"every one of these {report['folds']} networks."
    )
    return f"{text}\n\n{_table(report, 'folds')}"


def markdown_of_sources(report: Mapping[str, Any]) -> str:
    """The table of a report of `measure_sources`, likewise."""
    text = (
        f"{', '.join(report['sources'])}: each was predicted by a network that learnt from the training and validation parts of the others "
        f"alone ({_recipe(report)}), with the weights of its last epoch."
    )
    return f"{text}\n\n{_table(report, 'training and validation parts')}"


def _recipe(report: Mapping[str, Any]) -> str:
    """The config, with the new values that the command gave it."""
    options = "".join(f" {key}={json.dumps(value)}" for key, value in report["overrides"].items())
    return f"`configs/train.json`{options and f',{options}'}"


def _table(report: Mapping[str, Any], held_out: str) -> str:
    rows = [
        _row(", ".join(filter(None, (source, name))), summary)
        for name, part in ((held_out, "held_out"), ("test part", "test"))
        for source, summary in report[part].items()
    ]
    header = ("", "images", "Dice of structures", "median", "Dice of all images", "found where none is", "area under the curve")
    return table(header, rows)


def _row(name: str, summary: Mapping[str, Any]) -> list[str]:
    return [name, f"{summary['cases']} of {summary['groups']} groups", *overlap_cells(summary), figure(area_of(summary), 3)]


def main(argv: Sequence[str] | None = None) -> int:
    """Train the folds and print the table; returns 2 if something is missing."""
    parser = argparse.ArgumentParser(description="Cross-validate the training of a task.")
    parser.add_argument("task", choices=tuple(TASKS))
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the trainings, one per fold")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--folds", type=int, default=3, help="2 or more (default: %(default)s)")
    how.add_argument("--leave-one-source-out", action="store_true", help="one fold per source of the images")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="keep the figures, and put the table into the bundle's page")
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="new values for configs/train.json, as of usseg train")
    args = parser.parse_intermixed_args(argv)
    if args.folds < 2:
        parser.error(f"--folds is {args.folds}: it must be 2 or more")
    try:
        overrides = parse_overrides(args.overrides)
        if args.leave_one_source_out:
            report = measure_sources(args.task, args.data, args.output, overrides)
            name, text = "leave_one_source_out", markdown_of_sources(report)
        else:
            report = measure(args.task, args.data, args.output, args.folds, overrides)
            name, text = "cross_validation", markdown(report)
    except UssegError as error:
        print(f"cross_validation: {error}", file=sys.stderr)
        return 2
    print(text)
    if args.update_docs:
        update_reports(RESULTS / f"{name}.json", {args.task: report})
        page = bundle_path(args.task) / "docs" / "README.md"
        page.write_text(insert_table(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
