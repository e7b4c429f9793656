"""Speed and memory of the command, compared with plain ``python -m monai.bundle run``, all in one run.

Prints a Markdown table, writes ``benchmarks/results/speed.json`` and exits with 1 if a bar is missed, naming it:

    python -m benchmarks.speed [--task TASK] [--data DIR] [--update-readme]

Every figure is of a whole separate process. This process imports little besides the standard library, since inherited memory would count
towards a new process's peak.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.data import DATA_ROOT
from benchmarks.reports import conclude
from benchmarks.tasks import BENCHMARKED, Benchmarked
from usseg_monai.tasks import TASKS, bundle_path

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
README = REPOSITORY / "README.md"
PAGE = REPOSITORY / "docs" / "speed.md"

START_AT_MOST = 0.12
HELP_AT_MOST = 0.06
MEGABYTES_AT_MOST = 150.0
IMAGES_A_SECOND_AT_LEAST = 40.0


@dataclass(frozen=True)
class Usage:
    """Resources used by a process.

    Attributes:
        seconds: wall time from start to end.
        megabytes: largest resident memory, in 10**6 bytes.
        output: standard output.
    """

    seconds: float
    megabytes: float
    output: str = ""


def measure(command: Sequence[str | Path], *, allowed: Collection[int] = (0,), **options: Any) -> Usage:
    """Run a command and measure it.

    Raises:
        RuntimeError: the command ended with a code that is not allowed; the message ends with its standard error.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(list(map(str, command)), stdout=output, stderr=errors, **options)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in allowed:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}: {errors.read()[-2000:]}")
        output.seek(0)
        unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
        return Usage(seconds, usage.ru_maxrss * unit / 1e6, output.read())


def median(command: Sequence[str | Path], *, runs: int) -> Usage:
    """Median time and maximum memory of some runs, after a warm-up run that fills the file caches."""
    measure(command)
    usages = [measure(command) for _ in range(runs)]
    return Usage(statistics.median(usage.seconds for usage in usages), max(usage.megabytes for usage in usages))


def copy_images(data: Path, record: Benchmarked, folder: Path, count: int) -> list[Path]:
    """Copy the first ``count`` images of a task into a fresh folder, numbered; ``data`` is the folder of all data sets."""
    found = sorted((data / record.data).glob(record.images))[:count]
    if len(found) < count:
        raise SystemExit(f"speed: {data / record.data} holds {len(found)} images {record.images}, {count} are needed (docs/data.md)")
    folder.mkdir(parents=True)
    return [Path(shutil.copy(path, folder / f"{number:04d}_{path.name}")) for number, path in enumerate(found)]


def measure_all(tasks: Sequence[str], data: Path, scratch: Path, count: int) -> dict[str, Any]:
    """All figures, by name, and by task; times in seconds, memory in 10**6 bytes."""
    importing = median([sys.executable, "-c", "import monai.bundle"], runs=3)
    helping = median([_usseg(), "--help"], runs=5)
    return {
        "import_monai_bundle_seconds": importing.seconds,
        "help_seconds": helping.seconds,
        "help_of_import": helping.seconds / importing.seconds,
        "images": count,
        "tasks": {task: measure_task(task, data, scratch / task, count, importing.seconds) for task in tasks},
    }


def measure_task(task: str, data: Path, scratch: Path, count: int, import_seconds: float) -> dict[str, float]:
    """The figures of one task, for both commands."""
    images = copy_images(data, BENCHMARKED[task], scratch / "many", count)
    (scratch / "one").mkdir()
    image = Path(shutil.copy(images[0], scratch / "one"))

    def predict(source: str | Path) -> list[str | Path]:
        return [_usseg(), "predict", task, source, "-o", scratch / "out", "--save", "mask"]

    def bundle(folder: Path) -> list[str | Path]:
        run: list[str | Path] = [
            sys.executable,
            "-m",
            "monai.bundle",
            "run",
            "--config_file",
            bundle_path(task) / "configs" / "inference.json",
        ]
        return [*run, "--dataset_dir", folder, "--output_dir", scratch / "bundle_out"]

    predicting = median(predict(image), runs=5)
    bundle_one = median(bundle(scratch / "one"), runs=1)
    predicting_many = median(predict(scratch / "many"), runs=3)
    bundle_many = measure(bundle(scratch / "many"))
    train: list[str | Path] = [
        _usseg(),
        "train",
        task,
        "--data",
        data / BENCHMARKED[task].data,
        "-o",
        scratch / "training",
        "--json",
        "max_epochs=1",
    ]
    training = measure(train)
    return {
        "predict_one_seconds": predicting.seconds,
        "predict_one_of_import": predicting.seconds / import_seconds,
        "predict_one_megabytes": predicting.megabytes,
        "predict_many_images_a_second": count / predicting_many.seconds,
        "predict_many_megabytes": predicting_many.megabytes,
        "training_images_a_second": json.loads(training.output)["images_a_second"],
        "bundle_one_seconds": bundle_one.seconds,
        "bundle_one_megabytes": bundle_one.megabytes,
        "bundle_many_images_a_second": count / bundle_many.seconds,
        "bundle_many_megabytes": bundle_many.megabytes,
    }


def _usseg() -> Path:
    return Path(sys.executable).with_name("usseg")


def machine() -> dict[str, Any]:
    """What the figures depend on besides the code."""
    packages = ("usseg-monai", "monai", "torch", "onnxruntime", "numpy", "pillow")
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
    }


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table, one column per task, and a sentence."""
    count, tasks = figures["images"], figures["tasks"]
    rows = [
        ("start to mask of one image", "{predict_one_seconds:.2f} s"),
        ("- the same by `python -m monai.bundle run`", "{bundle_one_seconds:.1f} s"),
        ("peak memory, one image", "{predict_one_megabytes:.0f} MB"),
        ("- by `monai.bundle`", "{bundle_one_megabytes:.0f} MB"),
        (f"{count} images, file to mask", "{predict_many_images_a_second:.0f} images/s"),
        ("- by `monai.bundle`", "{bundle_many_images_a_second:.1f} images/s"),
        (f"peak memory, {count} images", "{predict_many_megabytes:.0f} MB"),
        ("- by `monai.bundle`", "{bundle_many_megabytes:.0f} MB"),
        ("training, either way", "{training_images_a_second:.0f} images/s"),
    ]
    table = [
        "| | " + " | ".join(f"`{task}`" for task in tasks) + " |",
        "|---|" + "---|" * len(tasks),
        "| images | " + " | ".join(BENCHMARKED[task].size for task in tasks) + " |",
        *(f"| {what} | " + " | ".join(form.format(**each) for each in tasks.values()) + " |" for what, form in rows),
    ]
    slowest = max(each["predict_one_of_import"] for each in tasks.values())
    sentence = (
        f"`python -c 'import monai.bundle'` alone takes {figures['import_monai_bundle_seconds']:.1f} s; `usseg predict` of one image takes "
        f"{slowest:.3f} of that or less, `usseg --help` ({figures['help_seconds']:.2f} s) {figures['help_of_import']:.3f}."
    )
    return "\n".join([*table, "", sentence])


def in_short(figures: Mapping[str, Any]) -> str:
    """The figures over all tasks in a sentence."""
    one, many, bundle_one, bundle_many = (
        _from_to([each[name] for each in figures["tasks"].values()], digits)
        for name, digits in (
            ("predict_one_seconds", 2),
            ("predict_many_images_a_second", 0),
            ("bundle_one_seconds", 1),
            ("bundle_many_images_a_second", 1),
        )
    )
    return (
        f"From start to mask, one image takes {one} s; a folder of {figures['images']} passes at {many} images/s. The same by "
        f"`python -m monai.bundle run`: {bundle_one} s, {bundle_many} images/s."
    )


def _from_to(values: Sequence[float], digits: int) -> str:
    """Smallest and largest of some numbers.

    >>> _from_to([2.0, 1.25], 1), _from_to([1.0, 1.01], 0)
    ('1.2 to 2.0', '1')
    """
    low, high = (f"{value:.{digits}f}" for value in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def missed_bars(figures: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    missed = _above("help_of_import", figures["help_of_import"], HELP_AT_MOST)
    for task, each in figures["tasks"].items():
        for name, bar in (("predict_one_of_import", START_AT_MOST), ("predict_one_megabytes", MEGABYTES_AT_MOST)):
            missed += _above(f"{task}: {name}", each[name], bar)
        rate = each["predict_many_images_a_second"]
        if rate < IMAGES_A_SECOND_AT_LEAST:
            missed.append(f"{task}: predict_many_images_a_second is {rate:.1f}, at least {IMAGES_A_SECOND_AT_LEAST:g} are wanted")
    return missed


def _above(name: str, value: float, bar: float) -> list[str]:
    return [f"{name} is {value:.3g}, allowed are {bar:g}"] if value > bar else []


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Speed and memory of the command, beside plain monai.bundle.")
    parser.add_argument("--task", choices=tuple(TASKS), action="append", help="one task only; may be repeated")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of hc18/, nerve/, busi/, sunnybrook/ (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "speed.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--images", type=int, default=100, help="images in the folder (default: %(default)s)")
    parser.add_argument("--update-readme", action="store_true", help="put the figures into README.md and docs/speed.md")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure_all(args.task or list(TASKS), args.data, Path(scratch), args.images)
    table = markdown(figures)
    return conclude(
        "speed",
        {"machine": machine(), **figures},
        args.output,
        table,
        missed_bars(figures),
        {README: in_short(figures), PAGE: table} if args.update_readme else None,
    )


if __name__ == "__main__":
    raise SystemExit(main())
