"""``usseg evaluate``: compare predictions with the truth."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXAMPLE = "example: usseg evaluate fetal_head hc18/ -o evaluation"


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "evaluate",
        description="Predict the annotated images of one section of a datalist and compare: overlap (Dice), measured lengths and, where "
        "the task has them, classes, with 95 % intervals by group. Writes cases.csv, metrics.json, overlays of the worst cases, "
        "Bland-Altman plots of lengths and ROC curves of classes.",
        epilog=_EXAMPLE,
    )
    parser.add_argument("task", metavar="TASK", help="as listed by 'usseg tasks'")
    parser.add_argument("datalist", metavar="DATALIST", help="datalist's JSON file, or a folder that 'usseg datalist' can read")
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder to write to")
    parser.add_argument("--section", default="test", choices=("training", "validation", "test"), help="what to evaluate (default: test)")
    parser.add_argument("--engine", default="auto", choices=("auto", "onnx", "torch"), help="what runs the network (default: auto)")
    parser.add_argument("--device", default="auto", help="for the torch engine: auto, cpu, cuda, cuda:1 (default: auto)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the network (default: 1)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="another network in place of the released one")
    parser.add_argument("--config", metavar="NAME", action="append", default=[], help="for torch: a config over inference.json")
    parser.add_argument("--json", action="store_true", help="print a JSON summary")


def run(args: argparse.Namespace) -> int:
    """Evaluate; the exit code is 1 where some image failed."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.data.datalist import load_datalist
    from usseg_monai.data.evaluation import evaluate_case, write_evaluation
    from usseg_monai.data.evaluation_figures import write_plots, write_worst_cases
    from usseg_monai.data.summary import summarize
    from usseg_monai.inference.predictor import Predictor, check_engine
    from usseg_monai.measurements.result import Status

    check_engine(args.task, args.engine, args.device, 1, args.config)
    items = load_datalist(args.datalist, args.section)
    predictor = Predictor(
        args.task, engine=args.engine, device=args.device, threads=args.threads, weights=args.weights, configs=args.config
    )
    results = []
    with progress("images") as report:
        report(0, len(items))
        for item in items:
            results.append(evaluate_case(predictor, item))
            report(len(results), len(items))
    summary = {"task": args.task, "datalist": args.datalist, "section": args.section, **summarize(results)}
    write_evaluation(args.output, results, summary)
    write_worst_cases(args.output, predictor, items, results)
    if importlib.util.find_spec("matplotlib"):
        write_plots(args.output, predictor.task, results)
    else:
        print("usseg: no Bland-Altman plots and no ROC curves: they need matplotlib (pip install matplotlib)", file=sys.stderr)
    if args.json:
        print(json.dumps(summary))
    else:
        print(_text(summary))
        print(f"written to {args.output}: metrics.json, cases.csv, pictures")
    return int(any(result.status is Status.FAILED for result in results))


def _text(summary: Mapping[str, Any]) -> str:
    """The figures for a person, one line each."""
    statuses = ", ".join(f"{count} {status}" for status, count in summary["status"].items())
    lines = [f"{summary['cases']} images of {summary['groups']} groups: {statuses}"]
    if summary["dice"]:
        lines.append(f"Dice: {_spread(summary['dice'], 4)}")
    if summary["false_positives"]:
        if summary["dice_of_structures"]:
            lines.append(f"Dice of images with a structure: {_spread(summary['dice_of_structures'], 4)}")
        lines.append(f"images without a structure in which one was found: {_share(summary['false_positives'])}")
    if summary["pixel_accuracy"]:
        pixels = summary["pixel_accuracy"]
        lines.append(f"pixel accuracy: {100 * pixels['mean']:.2f} %; with empty masks {100 * pixels['of_an_empty_mask']:.2f} %")
    if summary["classes"]:
        lines += _classes(summary["classes"])
    for name, column in summary["columns"].items():
        lines.append(
            f"{name}: absolute difference {_spread(column['absolute_difference'], 2)}; mean difference "
            f"{column['difference']['mean']:+.2f}; {100 * column['share_above_5_mm']:.1f} % above 5 mm"
        )
    return "\n".join(lines)


def _classes(classes: Mapping[str, Any]) -> list[str]:
    area, accuracy = classes["area_under_curve"], classes.get("accuracy")
    lines = []
    if area:
        lines.append(f"area under the ROC curve{', mean of the classes' if accuracy else ''}: {area['value']:.4f}{_tail(area, 4)}")
    if accuracy:
        lines.append(f"classification accuracy: {_share(accuracy)}")
    return lines


def _share(share: Mapping[str, Any]) -> str:
    interval = share["interval_95"]
    tail = f", 95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f} %" if interval else ""
    return f"{100 * share['mean']:.1f} % of {share['cases']}{tail}"


def _spread(spread: Mapping[str, Any], digits: int) -> str:
    return f"mean {spread['mean']:.{digits}f}, median {spread['median']:.{digits}f}{_tail(spread, digits)}"


def _tail(figure: Mapping[str, Any], digits: int) -> str:
    interval = figure["interval_95"]
    return f", 95 % interval {interval[0]:.{digits}f} to {interval[1]:.{digits}f}" if interval else ""
