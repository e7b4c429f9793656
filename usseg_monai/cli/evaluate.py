"""``usseg evaluate``: compare predictions with the truth."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usseg_monai.cli.parser import with_task
from usseg_monai.errors import UsageError, printable
from usseg_monai.runs.outputs import REPORT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from usseg_monai.evaluation.cases import CaseResult, Predicts

__all__ = ["add_parser", "run"]

_EXAMPLES = """examples:
  usseg evaluate TASK hc18/ -o evaluation                                       the network of the package
  usseg evaluate TASK DATALIST.json --masks nnunet_output/ -o evaluation        anybody's masks
  usseg evaluate TASK hc18 --data hc18/ --masks OUT/masks -o evaluation         on the package's list of a public set
  usseg evaluate TASK hc18 --data hc18/ --masks A --against B -o evaluation     paired differences, A minus B

Exit codes: 0 all done, 1 some images failed, 2 wrong use, 130 interrupted. docs/benchmark.md explains masks, lists and figures."""

_SHOWN = 5  # failures that are printed
_NETWORK = {"engine": "auto", "device": "auto", "threads": 1, "weights": None, "config": []}
"""Options of the network, with their defaults: wrong use with ``--masks``, where no network runs."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "evaluate",
        description="Compare with the truth, on the annotated images of one section of a datalist: what the network predicts, or masks "
        "that anybody made (--masks). Overlap (Dice), contour distances, lengths and the task's other clinical numbers with bias and "
        "limits of agreement, classes if the network has them; 95 % intervals by group. Writes metrics.json, cases.csv, overlays of the "
        "worst cases, Bland-Altman plots of lengths and of numbers of patients, and ROC curves of classes.",
        epilog=with_task(_EXAMPLES),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("task", metavar="TASK", help="name of a task, see 'usseg tasks'")
    parser.add_argument(
        "datalist",
        metavar="DATALIST",
        help="JSON file of a datalist, a folder that 'usseg datalist' can read, or with --data the name of a list in the package",
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, required=True, help="folder to write to")
    parser.add_argument("--data", metavar="DIR", type=Path, help="folder of the public data set whose list in the package DATALIST names")
    parser.add_argument("--masks", metavar="DIR", type=Path, help="evaluate the masks in this folder, named as their images, not a network")
    parser.add_argument("--against", metavar="DIR", type=Path, help="masks to compare with: paired differences on the same images")
    parser.add_argument("--label", metavar="N", type=int, help="value of the structure in label maps, for --masks and --against")
    parser.add_argument("--section", default="test", choices=("training", "validation", "test"), help="section to evaluate (default: test)")
    parser.add_argument(
        "--engine", default="auto", choices=("auto", "onnx", "torch"), help="onnx (8 bits), torch (float32) (default: auto)"
    )
    parser.add_argument("--device", default="auto", help="for the torch engine: auto, cpu, cuda, cuda:1 (default: auto)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="threads of the network (default: 1)")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="network to use instead of the released one")
    parser.add_argument("--config", metavar="NAME", action="append", default=[], help="for torch: config overriding inference.json")
    parser.add_argument(
        "--report",
        action="store_true",
        help="also write report.html: agreement with the truth, pictures with both outlines and numbers on one page, the worst first",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON summary")


def run(args: argparse.Namespace) -> int:
    """Evaluate; the exit code is 1 if an image failed."""
    from usseg_monai.evaluation.benchmark import benchmark_report, paired_differences
    from usseg_monai.evaluation.cases import write_evaluation
    from usseg_monai.evaluation.figures import write_plots, write_worst_cases
    from usseg_monai.evaluation.mask_folder import MaskFolder
    from usseg_monai.measuring.result import Status

    _check(args)
    items, remarks = _items(args)
    made_by: Predicts = MaskFolder(args.task, args.masks, items, label=args.label) if args.masks else _network(args)
    other = MaskFolder(args.task, args.against, items, label=args.label) if args.against else None
    results = _evaluate(made_by, items)
    summary = {
        "task": args.task,
        "datalist": args.datalist,
        "section": args.section,
        "masks": _origin(made_by),
        **benchmark_report(made_by.task, items, results),
    }
    if other is not None:
        others = _evaluate(other, items)
        against = {"masks": _origin(other), **benchmark_report(other.task, items, others)}
        summary |= {"against": against, "difference": paired_differences(made_by.task, results, others)}
        write_evaluation(args.output / "against", others, against)
    write_evaluation(args.output, results, summary)
    write_worst_cases(args.output, made_by, items, results)
    write_plots(args.output, made_by.task, results)
    if args.report:
        _write_page(args, made_by, items, results, summary)
    for masks in (made_by, other):
        remarks += masks.remarks if isinstance(masks, MaskFolder) else []
    for remark in remarks:
        print(f"usseg: {printable(remark)}", file=sys.stderr)
    if args.json:
        print(json.dumps(summary))
    else:
        print(_text(summary))
        print(f"written to {args.output}: metrics.json, cases.csv, pictures")
        if args.report:
            print(f"open {(args.output / REPORT).resolve().as_uri()}")
    return int(any(result.status is Status.FAILED for result in results))


def _write_page(
    args: argparse.Namespace,
    made_by: Predicts,
    items: Sequence[Mapping[str, Any]],
    results: Sequence[CaseResult],
    summary: Mapping[str, Any],
) -> None:
    from usseg_monai.evaluation.page import write_evaluation_page

    facts = [
        *summary["versions"].items(),
        ("masks", summary["masks"]),
        ("section", args.section),
        ("datalist", summary["datalist_sha256"][:12]),
    ]
    write_evaluation_page(args.output / REPORT, made_by, items, results, notes=_text(summary).splitlines(), facts=facts)


def _check(args: argparse.Namespace) -> None:
    """Raise `UsageError` for options that contradict each other; loads nothing."""
    from usseg_monai.inputs.results_folder import RUN_RECORD
    from usseg_monai.predict.predictor import check_engine

    if args.report and (args.output / RUN_RECORD).exists():
        raise UsageError(f"{args.output} holds a run, whose page has the same name, {REPORT}: give another folder with -o")
    if args.masks is not None:
        given = [name for name, default in _NETWORK.items() if getattr(args, name) != default]
        if given:
            raise UsageError(f"--{given[0]} was given with --masks: no network runs there; leave one of the two out")
    elif args.label is not None and args.against is None:
        raise UsageError("--label was given without masks: it is the value of the structure in the files of --masks or --against")
    check_engine(args.task, args.engine, args.device, 1, args.config)


def _items(args: argparse.Namespace) -> tuple[list[dict[str, Any]], list[str]]:
    """The items to evaluate, and remarks on them."""
    from usseg_monai.datasets.datalist import load_datalist
    from usseg_monai.datasets.shipped import load_shipped, read_shipped, shipped_names

    if args.data is None:
        if args.datalist in shipped_names() and not Path(args.datalist).exists():
            raise UsageError(f"{args.datalist} is a list in the package: name the folder of its data set with --data DIR (docs/data.md)")
        return load_datalist(args.datalist, args.section), []
    task = read_shipped(args.datalist)["task"]
    if task != args.task:
        raise UsageError(f"the list {args.datalist!r} is of the task {task}, not of {args.task}")
    return load_shipped(args.datalist, args.data, args.section)


def _network(args: argparse.Namespace) -> Predicts:
    from usseg_monai.predict.predictor import Predictor

    return Predictor(args.task, engine=args.engine, device=args.device, threads=args.threads, weights=args.weights, configs=args.config)


def _evaluate(made_by: Predicts, items: Sequence[Mapping[str, Any]]) -> list[CaseResult]:
    from usseg_monai.cli.progress import progress
    from usseg_monai.evaluation.cases import evaluate_case

    results = []
    with progress("images") as report:
        report(0, len(items))
        for item in items:
            results.append(evaluate_case(made_by, item))
            report(len(results), len(items))
    return results


def _origin(made_by: Predicts) -> str:
    """Who made the masks, for the report: the name of their folder, without the path to it, or the network."""
    from usseg_monai.evaluation.mask_folder import MaskFolder

    return made_by.folder.resolve().name if isinstance(made_by, MaskFolder) else "network"


def _text(summary: Mapping[str, Any]) -> str:
    """The figures for human readers, one per line."""
    statuses = ", ".join(f"{count} {status}" for status, count in summary["status"].items())
    lines = [f"{summary['cases']} images of {summary['groups']} groups: {statuses}"]
    lines += [f"failed, with Dice 0: {each['reason']}" for each in summary["failures"][:_SHOWN]]
    if len(summary["failures"]) > _SHOWN:
        lines.append(f"and {len(summary['failures']) - _SHOWN} more failed (metrics.json)")
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
    for name, distance in summary["contours"].items():
        lines.append(f"{name}: {_spread(distance, 2)}{_without(distance)}")
    lines += [_agreement(name, number) for name, number in summary["clinical"].items()]
    if "difference" in summary:
        other = summary["against"]
        lines.append(f"against {other['masks']}, which has {len(other['failures'])} failures, difference of the masks on the same images:")
        lines += [f"  {name}: {_signed(number)}" for name, number in summary["difference"].items() if number]
    return "\n".join(map(printable, lines))


def _agreement(name: str, number: Mapping[str, Any]) -> str:
    """Bias, limits of agreement and absolute difference of one clinical number."""
    if not number["cases"]:
        return f"{name}: no values{_without(number)}"
    limits = number["limits_of_agreement"]
    within = f", limits of agreement {limits['lower']['value']:+.2f} to {limits['upper']['value']:+.2f}" if limits else ""
    return (
        f"{name}: absolute difference {_spread(number['absolute_difference'], 2)}; bias {number['bias']['mean']:+.2f}"
        f"{_tail(number['bias'], 2)}{within}; {number['cases']} values{_without(number)}"
    )


def _without(figure: Mapping[str, Any]) -> str:
    return f", {figure['without_value']} without" if figure["without_value"] else ""


def _signed(difference: Mapping[str, Any]) -> str:
    interval = difference["interval_95"]
    tail = f", 95 % interval {interval[0]:+.4f} to {interval[1]:+.4f}" if interval else ""
    return f"{difference['mean']:+.4f} of {difference['cases']}{tail}"


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
