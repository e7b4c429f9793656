"""``usseg demo``: real and synthetic fetal heads, measured and shown on one page."""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from usseg_monai.tasks import get_task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from usseg_monai.inference.batch import Summary
    from usseg_monai.inference.report import Case, Report, Tolerance
    from usseg_monai.inference.results import Row

_EXAMPLE = """example: usseg demo -o demo

Exit codes: 0 all well, 1 an image failed, or a phantom's head circumference is not within 3 % of the truth."""

_TASK = "fetal_head"
_SAMPLES = Path(__file__).resolve().parents[1] / "samples" / "hc18"
_ATTRIBUTION = "ATTRIBUTION.txt"
_IMAGES, _REAL, _PHANTOMS, _TABLE = "images", "hc18", "phantoms", "pixel_size.csv"
_HC = "head_circumference_mm"
_PHANTOMS_MM = {11: 95.0, 12: 175.0, 13: 235.0, 14: 310.0}
"""Circumferences by seed: each trimester of pregnancy is there."""
_TOLERANCE_PERCENT = 3.0
_HIGHLIGHTS = (
    _HC,
    "biparietal_diameter_mm",
    "occipitofrontal_diameter_mm",
    "cephalic_index_percent",
    "gestational_age_hadlock_weeks",
    "gestational_age_intergrowth_weeks",
)


def add_parser(subparsers: Any) -> None:
    """Add the command's arguments."""
    parser = subparsers.add_parser(
        "demo",
        description="Find and measure four real fetal heads and four synthetic ones of known size, and show them on one page, "
        "OUT/index.html. OUT gets the images too, their masks, overlays and the table.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-o", "--output", metavar="OUT", type=Path, default=Path("demo"), help="folder to write to (default: demo)")


def run(args: argparse.Namespace) -> int:
    """Show everything; the exit code is 1 where an image failed or a phantom is not measured well."""
    from usseg_monai.cli.progress import progress
    from usseg_monai.imaging import write_text
    from usseg_monai.inference.batch import Options, run_batch
    from usseg_monai.inference.report import Tolerance, render_report

    output: Path = args.output
    truths = _write_images(output / _IMAGES)
    with progress("images") as report:
        options = Options(spacing_csv=output / _IMAGES / _TABLE)
        summary = run_batch(_TASK, [output / _IMAGES], output, options, lambda done, total, _: report(done, total))
    cases = {str(row["file"]): _case(output, row, truths) for row in summary.rows if row["file"] in truths}
    tolerance = Tolerance(_HC, _TOLERANCE_PERCENT)
    page = output / "index.html"
    write_text(page, render_report(_report(output, cases, summary, tolerance)))
    held = [tolerance.holds(case) for file, case in cases.items() if file.startswith(_PHANTOMS)]
    _print(cases)
    print(f"{sum(held)} of {len(_PHANTOMS_MM)} phantoms within {_TOLERANCE_PERCENT:g} % of the true head circumference")
    print(f"open {page.resolve().as_uri()}")
    return int(summary.failed > 0 or sum(held) < len(_PHANTOMS_MM))


def _write_images(folder: Path) -> dict[str, dict[str, float]]:
    """Write the samples, the phantoms and the table of their pixel sizes; return what is true of each, by its path in the folder."""
    from usseg_monai.imaging import write_png, write_text
    from usseg_monai.imaging.spacing import FILENAME_COLUMN, SPACING_COLUMN
    from usseg_monai.phantoms import fetal_head_phantom

    truths: dict[str, dict[str, float]] = {}
    spacings: list[tuple[str, str]] = []
    with (_SAMPLES / "pixel_size_and_HC.csv").open(encoding="utf-8", newline="") as table:
        for name, spacing, circumference in list(csv.reader(table))[1:]:
            _copy(_SAMPLES / name, folder / _REAL / name)
            truths[f"{_REAL}/{name}"] = {_HC: float(circumference)}
            spacings.append((f"{_REAL}/{name}", spacing))
    _copy(_SAMPLES / _ATTRIBUTION, folder / _REAL / _ATTRIBUTION)
    for seed, millimetres in _PHANTOMS_MM.items():
        phantom = fetal_head_phantom(seed, head_circumference_mm=millimetres)
        name, spacing_mm = f"{_PHANTOMS}/phantom_{millimetres:03.0f}mm.png", phantom.image.spacing_mm
        assert spacing_mm is not None  # a phantom knows its size
        write_png(folder / name, phantom.image.pixels.astype("uint8"))
        truths[name] = dict(phantom.truth)
        spacings.append((name, repr(spacing_mm[0])))
    lines = [(FILENAME_COLUMN, SPACING_COLUMN), *spacings]
    write_text(folder / _TABLE, "".join(f"{name},{spacing}\n" for name, spacing in lines))
    return truths


def _copy(source: Path, target: Path) -> None:
    from usseg_monai.imaging import atomic_path

    with atomic_path(target) as temporary:
        temporary.write_bytes(source.read_bytes())


def _case(output: Path, row: Row, truths: Mapping[str, Mapping[str, float]]) -> Case:
    """A picture of the page, from its row of the table and the mask that was written."""
    from usseg_monai.imaging import read_image, read_mask
    from usseg_monai.inference.report import Case
    from usseg_monai.measurements.result import Measurement, Status

    task, file = get_task(_TASK), str(row["file"])
    mask = output / "masks" / file
    outlines = task.measure(read_mask(mask), None).outlines if mask.exists() else ()
    values = {column.name: row[column.name] for column in task.columns}
    measurement = Measurement(values, Status(row["status"]), str(row["message"]), outlines)
    return Case(file, read_image(output / _IMAGES / file), measurement, truths[file])


def _report(output: Path, cases: Mapping[str, Case], summary: Summary, tolerance: Tolerance) -> Report:
    from usseg_monai.inference.report import Report, Section

    real = Section(
        "Real images (HC18)",
        "Four images of exams that no part of the training saw. True values: the ellipses that a trained sonographer drew.",
        [case for file, case in cases.items() if file.startswith(_REAL)],
    )
    phantoms = Section(
        "Phantoms",
        "Synthetic ultrasound of heads of exactly known size: random scatterers seen through a point-spread function, with skull, "
        "brain, fluid, shadows and the field of view of a convex probe.",
        [case for file, case in cases.items() if file.startswith(_PHANTOMS)],
        tolerance,
    )
    record = json.loads((output / "run.json").read_text(encoding="utf-8"))
    versions = list(record["versions"].items())
    return Report(
        task=get_task(_TASK),
        title="Fetal heads, outlined and measured",
        lead="Every outline and measurement here was computed when this page was made. Point at a picture to see it without its outline.",
        highlights=_HIGHLIGHTS,
        sections=[real, phantoms],
        commands=[
            (
                "The same again from the command line",
                f"usseg predict {_TASK} {output / _IMAGES} -o results --spacing-csv {output / _IMAGES / _TABLE}",
            ),
            ("Your own images, 0.2 mm a pixel", f"usseg predict {_TASK} FOLDER -o results --spacing-mm 0.2,0.2"),
            (
                "From Python",
                f'from usseg_monai import Predictor; Predictor("{_TASK}").predict("image.png", spacing_mm=(0.2, 0.2)).measurements',
            ),
        ],
        notes=[" ".join((_SAMPLES / _ATTRIBUTION).read_text(encoding="utf-8").split())],
        facts=[
            *versions,
            ("engine", f"{record['engine']} on {record['device']}"),
            ("weights", record["weights_sha256"][:12]),
            ("time", f"{summary.seconds:.1f} s"),
        ],
    )


def _print(cases: Mapping[str, Case]) -> None:
    """The page's table, for the terminal."""
    width = max(len(file) for file in cases)
    print(f"{'image':{width}}  {'HC mm':>7}  {'true':>7}  {'diff':>6}  status")
    for file, case in cases.items():
        measured, difference = case.measurement.values[_HC], case.difference(_HC)
        numbers = (
            f"{measured:7.1f}  {case.truth[_HC]:7.1f}  {difference:+6.1f}"
            if difference is not None
            else f"{'':7}  {case.truth[_HC]:7.1f}  {'':6}"
        )
        print(f"{file:{width}}  {numbers}  {case.measurement.status.value}")
