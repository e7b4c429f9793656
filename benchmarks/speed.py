"""Speed and memory of the command, beside the same work done by plain ``python -m monai.bundle run``, all in one run.

Prints a Markdown table, writes ``benchmarks/results/speed.json`` and exits with 1 if a bar is missed, saying which:

    python -m benchmarks.speed [--data HC18_DIR] [--update-readme]

Every figure is that of a process of its own, from its start to its end. This one imports the standard library only: what a fresh
process inherits counts into its peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.readme import insert_table

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
INFERENCE = REPOSITORY / "bundles" / "fetal_head" / "configs" / "inference.json"
SIZE = (800, 540)

START_AT_MOST = 0.12
HELP_AT_MOST = 0.06
MEGABYTES_AT_MOST = 150.0
IMAGES_A_SECOND_AT_LEAST = 40.0


@dataclass(frozen=True)
class Usage:
    """What a process took.

    Attributes:
        seconds: wall time from start to end.
        megabytes: largest resident memory, in 10**6 bytes.
        output: standard output.
    """

    seconds: float
    megabytes: float
    output: str = ""


def measure(command: Sequence[str | Path], **options: Any) -> Usage:
    """Run a command and measure it.

    Raises:
        RuntimeError: the command failed; the message ends with what it wrote to standard error.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=errors, **options)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}: {errors.read()[-2000:]}")
        output.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
        return Usage(seconds, usage.ru_maxrss * unit / 1e6, output.read())


def median(command: Sequence[str | Path], *, runs: int) -> Usage:
    """Median time and largest memory of some runs, after one that fills the file caches."""
    measure(command)
    usages = [measure(command) for _ in range(runs)]
    return Usage(statistics.median(usage.seconds for usage in usages), max(usage.megabytes for usage in usages))


def copy_images(data: Path, folder: Path, count: int) -> list[Path]:
    """Copy the first ``count`` images of HC18 of the usual size into a fresh folder."""
    found = sorted(path for path in data.glob("t*_set/*.png") if not path.stem.endswith("_Annotation"))
    chosen = [path for path in found if png_size(path) == SIZE][:count]
    if len(chosen) < count:
        raise SystemExit(f"speed: {data} holds {len(chosen)} images of {SIZE[0]}x{SIZE[1]}, {count} are needed (docs/data.md)")
    folder.mkdir()
    return [Path(shutil.copy(path, folder)) for path in chosen]


def png_size(path: Path) -> tuple[int, int]:
    """Width and height from the header of a PNG file."""
    with path.open("rb") as file:
        width, height = struct.unpack(">II", file.read(24)[16:])
    return width, height


def measure_all(data: Path, scratch: Path, count: int) -> dict[str, Any]:
    """All figures, by name; times in seconds, memory in 10**6 bytes."""
    python, usseg = sys.executable, Path(sys.executable).with_name("usseg")
    images = copy_images(data, scratch / "many", count)
    (scratch / "one").mkdir()
    image = shutil.copy(images[0], scratch / "one")

    def predict(source: str | Path) -> list[str | Path]:
        return [usseg, "predict", "fetal_head", source, "-o", scratch / "out", "--save", "mask"]

    def bundle(folder: Path) -> list[str | Path]:
        run = [python, "-m", "monai.bundle", "run", "--config_file", INFERENCE]
        return [*run, "--dataset_dir", folder, "--output_dir", scratch / "bundle_out"]

    importing = median([python, "-c", "import monai.bundle"], runs=3)
    helping = median([usseg, "--help"], runs=5)
    predicting = median(predict(image), runs=5)
    bundle_one = median(bundle(scratch / "one"), runs=1)
    predicting_many = measure(predict(scratch / "many"))
    bundle_many = measure(bundle(scratch / "many"))
    training = measure([usseg, "train", "fetal_head", "--data", data, "-o", scratch / "training", "--json", "max_epochs=1"])
    return {
        "import_monai_bundle_seconds": importing.seconds,
        "help_seconds": helping.seconds,
        "help_of_import": helping.seconds / importing.seconds,
        "predict_one_seconds": predicting.seconds,
        "predict_one_of_import": predicting.seconds / importing.seconds,
        "predict_one_megabytes": predicting.megabytes,
        "predict_many_images": count,
        "predict_many_images_a_second": count / predicting_many.seconds,
        "predict_many_megabytes": predicting_many.megabytes,
        "training_images_a_second": json.loads(training.output)["images_a_second"],
        "bundle_one_seconds": bundle_one.seconds,
        "bundle_one_megabytes": bundle_one.megabytes,
        "bundle_many_images_a_second": count / bundle_many.seconds,
        "bundle_many_megabytes": bundle_many.megabytes,
    }


def machine() -> dict[str, Any]:
    """What the figures depend on beside the code."""
    packages = ("usseg-monai", "monai", "torch", "onnxruntime", "numpy", "pillow")
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table and a sentence."""
    count = figures["predict_many_images"]
    rows = [
        ("start to mask of one image", "{predict_one_seconds:.2f} s", "{bundle_one_seconds:.1f} s"),
        ("peak memory, one image", "{predict_one_megabytes:.0f} MB", "{bundle_one_megabytes:.0f} MB"),
        (
            f"{count} images of {SIZE[0]}x{SIZE[1]}, file to mask",
            "{predict_many_images_a_second:.0f} images/s",
            "{bundle_many_images_a_second:.1f} images/s",
        ),
        (f"peak memory, {count} images", "{predict_many_megabytes:.0f} MB", "{bundle_many_megabytes:.0f} MB"),
        ("training", "{training_images_a_second:.0f} images/s", "the same engine"),
    ]
    table = ["| | `usseg` | `python -m monai.bundle run` |", "|---|---|---|"]
    table += [f"| {what} | {ours} | {theirs} |" for what, ours, theirs in rows]
    sentence = (
        "`python -c 'import monai.bundle'` alone takes {import_monai_bundle_seconds:.1f} s; `usseg predict` of one image takes "
        "{predict_one_of_import:.3f} of that, `usseg --help` ({help_seconds:.2f} s) {help_of_import:.3f}."
    )
    return "\n".join([*table, "", sentence]).format(**figures)


def missed_bars(figures: Mapping[str, float]) -> list[str]:
    """One line for each bar that the figures miss."""
    most = {"predict_one_of_import": START_AT_MOST, "help_of_import": HELP_AT_MOST, "predict_one_megabytes": MEGABYTES_AT_MOST}
    missed = [f"{name} is {figures[name]:.3g}, allowed are {bar:g}" for name, bar in most.items() if figures[name] > bar]
    rate = figures["predict_many_images_a_second"]
    if rate < IMAGES_A_SECOND_AT_LEAST:
        missed.append(f"predict_many_images_a_second is {rate:.1f}, at least {IMAGES_A_SECOND_AT_LEAST:g} are wanted")
    return missed


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Speed and memory of the command, beside plain monai.bundle.")
    data_root = Path(os.environ.get("USSEG_DATA", REPOSITORY.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=data_root / "hc18", help="HC18 in its official layout (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "speed.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--images", type=int, default=100, help="images in the folder (default: %(default)s)")
    parser.add_argument("--update-readme", action="store_true", help="put the table into README.md")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure_all(args.data, Path(scratch), args.images)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps({"machine": machine(), **figures}, indent=2) + "\n", encoding="utf-8")
    table = markdown(figures)
    print(table)
    if args.update_readme:
        readme = REPOSITORY / "README.md"
        readme.write_text(insert_table(readme.read_text(encoding="utf-8"), "speed", table), encoding="utf-8")
    missed = missed_bars(figures)
    for message in missed:
        print(f"speed: missed: {message}", file=sys.stderr)
    return int(bool(missed))


if __name__ == "__main__":
    raise SystemExit(main())
