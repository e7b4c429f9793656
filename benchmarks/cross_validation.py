"""Cross-validate a training recipe, where the validation part is too small for choices and the test part too small for evaluation.

    python -m benchmarks.cross_validation TASK -o RUNS [--folds 3] [--data DIR] [--update-docs] [key=value ...]

The groups of the training and validation parts are dealt into folds. Each fold is predicted by a network trained on the others by
``usseg train TASK key=value ...``, with the weights of its last epoch: nothing is chosen on the fold, not even an epoch or a temperature.
The networks of all folds also predict the test groups, which shows how hard these are compared with the folds. After an interruption, the
same command resumes.
``--update-docs`` writes ``benchmarks/results/cross_validation.json`` and the table of the bundle's page.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.accuracy.cases import evaluate
from benchmarks.accuracy.tables import area_of, figure, overlap_cells, table
from benchmarks.data import DATA_ROOT
from benchmarks.readme import insert_table
from benchmarks.reports import update_reports
from benchmarks.tasks import BENCHMARKED
from usseg_monai.cli.engine_log import engine_log
from usseg_monai.cli.progress import progress
from usseg_monai.datasets.datalist import SECTIONS, load_datalist
from usseg_monai.errors import UssegError
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.evaluation.summary import summarize
from usseg_monai.files.write import write_text
from usseg_monai.predict.predictor import Predictor
from usseg_monai.tasks import TASKS, bundle_path, config_file
from usseg_monai.training.overrides import parse_overrides
from usseg_monai.training.run import train

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results" / "cross_validation.json"

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


def train_fold(task: str, taught: Items, held_out: Items, out: Path, overrides: Mapping[str, Any]) -> Predictor:
    """Train a network on ``taught``; ``out`` gets the datalist and the training."""
    out.mkdir(parents=True, exist_ok=True)
    datalist, config = out / "datalist.json", out / "last_epoch.json"
    write_text(datalist, json.dumps({"training": taught, "validation": [], "test": held_out}, indent=2))
    write_text(config, json.dumps(last_epoch(task), indent=2))
    with progress("iterations") as report, engine_log():
        result = train(task, datalist, out / "training", overrides, configs=[str(config)], report=report)
    return Predictor(task, engine="torch", device="cpu", weights=result.checkpoint)


def measure(task: str, data: Path, out: Path, folds: int, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of all folds together, and of the test part with the networks of all folds."""
    parts = {section: load_datalist(data / BENCHMARKED[task].data, section) for section in SECTIONS.values()}
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
        "held_out": _by_source(held_out),
        "test": _by_source(tested),
    }


def _by_source(results: Sequence[CaseResult]) -> dict[str, Any]:
    """Figures of each data set, ordered by name; the name is empty for a task with one data set."""
    sources = sorted({result.source or "" for result in results})
    return {source: summarize([result for result in results if (result.source or "") == source]) for source in sources}


def markdown(report: Mapping[str, Any]) -> str:
    """The table: one row per source for the folds, and one for the test part."""
    rows = [
        _row(", ".join(filter(None, (source, name))), summary)
        for name, part in (("folds", "held_out"), ("test part", "test"))
        for source, summary in report[part].items()
    ]
    header = ("", "images", "Dice of structures", "median", "Dice of all images", "found where none is", "area under the curve")
    options = "".join(f" {key}={json.dumps(value)}" for key, value in report["overrides"].items())
    return (
        f"{report['folds']} folds of the groups of the training and validation parts; each was predicted by a network that learnt from the "
        f"others (`configs/train.json`{options and f',{options}'}), with the weights of its last epoch. The test part was predicted by "
        f"every one of these {report['folds']} networks.\n\n{table(header, rows)}"
    )


def _row(name: str, summary: Mapping[str, Any]) -> list[str]:
    return [name, f"{summary['cases']} of {summary['groups']} groups", *overlap_cells(summary), figure(area_of(summary), 3)]


def main(argv: Sequence[str] | None = None) -> int:
    """Train the folds and print the table; returns 2 if something is missing."""
    parser = argparse.ArgumentParser(description="Cross-validate the training of a task.")
    parser.add_argument("task", choices=tuple(TASKS))
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the trainings, one a fold")
    parser.add_argument("--folds", type=int, default=3, help="2 or more (default: %(default)s)")
    parser.add_argument(
        "--data", type=Path, default=DATA_ROOT, help="folder of hc18/, nerve/, busi/, busbra/, sunnybrook/ (default: %(default)s)"
    )
    parser.add_argument("--update-docs", action="store_true", help="keep the figures, and put the table into the bundle's page")
    parser.add_argument("overrides", metavar="key=value", nargs="*", help="new values for configs/train.json, as of usseg train")
    args = parser.parse_intermixed_args(argv)
    if args.folds < 2:
        parser.error(f"--folds is {args.folds}: it must be 2 or more")
    try:
        report = measure(args.task, args.data, args.output, args.folds, parse_overrides(args.overrides))
    except UssegError as error:
        print(f"cross_validation: {error}", file=sys.stderr)
        return 2
    print(markdown(report))
    if args.update_docs:
        update_reports(RESULTS, {args.task: report})
        page = bundle_path(args.task) / "docs" / "README.md"
        page.write_text(insert_table(page.read_text(encoding="utf-8"), "cross_validation", markdown(report)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
