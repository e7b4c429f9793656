"""``usseg demo``: measure real and synthetic images of every task and show them on one page."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usseg_monai.errors import WeightsError
from usseg_monai.tasks import TASKS, has_weights

if TYPE_CHECKING:
    from usseg_monai.cli.progress import Report as Progress
    from usseg_monai.demo.build import Predicted, Written
    from usseg_monai.report.model import Report, Section
    from usseg_monai.tasks.showcase import Figure, Showcase

__all__ = ["add_parser", "run"]

_EXAMPLE = """example: usseg demo -o demo

Exit codes: 0 all well, 1 an image failed, or a phantom's error exceeds its task's tolerance."""


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "demo",
        description="Find and measure the structures of every task, in real images and in synthetic ones of known size, and show them on "
        "one page, OUT/index.html. OUT gets the images too, their masks, overlays and tables, in one folder per task.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, default=Path("demo"), help="folder to write to (default: demo)")


def run(args: argparse.Namespace) -> int:
    """Run the demo; the exit code is 1 if an image failed or a phantom's error exceeds its tolerance."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.demo import SHOWCASES
    from usseg_monai.demo.build import predict, write_samples
    from usseg_monai.files.write import write_text
    from usseg_monai.report.page import render_report

    showcases = [SHOWCASES[name] for name in TASKS if name in SHOWCASES and has_weights(name)]
    for name in TASKS:
        if not has_weights(name):
            print(f"usseg: {name} is left out, its weights are not here: {TASKS[name].weights_remedy}", file=sys.stderr)
    if not showcases:
        raise WeightsError("there is nothing to show: no task has its weights here; install the package again")
    written = {showcase.task: write_samples(showcase, args.output) for showcase in showcases}
    total = sum(len(group.samples) for groups in written.values() for group in groups)
    predicted: dict[str, list[Predicted]] = {task: [] for task in written}
    with progress("images") as report:
        ahead = 0
        for task, groups in written.items():
            for group in groups:
                predicted[task].append(predict(group, partial(_report_done, report, ahead, total)))
                ahead += len(group.samples)
    page = args.output / "index.html"
    write_text(page, render_report(_report(showcases, written, predicted)))
    off = 0
    for showcase in showcases:
        off += _print(showcase, predicted[showcase.task])
    print(f"open {page.resolve().as_uri()}")
    return int(off > 0 or any(group.summary.failed for groups in predicted.values() for group in groups))


def _report_done(report: Progress, ahead: int, total: int, done: int) -> None:
    report(ahead + done, total)


def _report(
    showcases: Sequence[Showcase], written: Mapping[str, Sequence[Written]], predicted: Mapping[str, Sequence[Predicted]]
) -> Report:
    from usseg_monai.report.model import Chapter, Report
    from usseg_monai.tasks import get_task

    groups = [group for showcase in showcases for group in predicted[showcase.task]]
    record = groups[0].record
    first, program = showcases[0].task, _program()
    return Report(
        title="Found and measured",
        lead="Every outline and number here was computed when this page was made. Point at a picture to see it without its outline.",
        chapters=[
            Chapter(
                get_task(showcase.task),
                showcase.title,
                showcase.highlights,
                [group.section for group in predicted[showcase.task]],
                [*showcase.notes, f"Weights: {get_task(showcase.task).weights_license}."],
            )
            for showcase in showcases
        ],
        commands=[
            *(("The same from the command line", _command(groups[0], program)) for groups in written.values()),
            ("Your own images, 0.2 mm per pixel", f"{program} predict {first} FOLDER -o results --spacing-mm 0.2,0.2"),
            (
                "From Python",
                f'from usseg_monai import Predictor; Predictor("{first}").predict("image.png", spacing_mm=(0.2, 0.2)).measurements',
            ),
        ],
        facts=[
            *record["versions"].items(),
            ("engine", f"{record['engine']} on {record['device']}"),
            *((f"weights of {name}", groups[0].record["weights_sha256"][:12]) for name, groups in predicted.items()),
            ("time", f"{sum(group.summary.seconds for group in groups):.1f} s"),
        ],
    )


def _command(group: Written, program: str) -> str:
    """The command that predicts the files of a group again."""
    table = "" if group.spacing_csv is None else f" --spacing-csv {group.spacing_csv}"
    return f"{program} predict {group.task.name} {group.images} -o results{table}"


def _program() -> str:
    """The command that starts this program in a shell: ``usseg`` if it is on the path, else the file, as after ``make demo``."""
    beside = Path(sys.executable).with_name("usseg")
    found = shutil.which("usseg")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "usseg"
    if not beside.is_file():
        return f"{sys.executable} -m usseg_monai"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)


def _print(showcase: Showcase, groups: Sequence[Predicted]) -> int:
    """Print a chapter of the page; returns the number of samples and figures whose error exceeds their tolerance."""
    main = showcase.highlights[0]
    names = [case.name for group in groups for case in group.section.cases]
    width = max(len(name) for name in names)
    print(f"{showcase.task}: {main}")
    print(f"{'image':{width}}  {'found':>8}  {'true':>8}  {'diff':>7}  status")
    for group in groups:
        for case in group.section.cases:
            numbers = (case.values[main], case.truth.get(main), case.difference(main))
            found, true, difference = ("" if number is None else f"{number:.1f}" for number in numbers)
            print(f"{case.name:{width}}  {found:>8}  {true:>8}  {difference:>7}  {case.status.value}")
    for group in groups:
        for figure in group.section.figures:
            _print_figure(figure)
    for group in groups:
        if group.section.misses is not None:
            misses = group.section.misses
            print(f"missed: {len(misses.missed)} of {misses.pictures} {group.section.title.lower()}")
    return sum(_print_tolerance(group.section) + sum(not figure.holds() for figure in group.section.figures) for group in groups)


def _print_figure(figure: Figure) -> None:
    for name, value in figure.values.items():
        found = "not known" if value is None else f"{value:.1f}" if isinstance(value, float) else str(value)
        print(f"{name}: found {found}" + (f", true {figure.truth[name]:.1f}" if name in figure.truth else ""))


def _print_tolerance(section: Section) -> int:
    if section.tolerance is None:
        return 0
    held = sum(case.keeps(section.tolerance) for case in section.cases)
    title, tolerance = section.title.lower(), section.tolerance
    print(f"{held} of {len(section.cases)} {title} within {tolerance.percent:g} % of the true {tolerance.column}")
    return len(section.cases) - held
