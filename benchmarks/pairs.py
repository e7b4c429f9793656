"""Time `usseg predict` of this checkout against another one in alternating runs, so that the machine's noise affects both.

Prints, for each task, medians of wall and processor time and their ratio, for one image and for a hundred:

    python -m benchmarks.pairs OTHER_CHECKOUT [--data DIR] [--pairs N]
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

from benchmarks.data import DATA_ROOT
from benchmarks.tasks import BENCHMARKED

REPOSITORY = Path(__file__).resolve().parents[1]


def seconds(checkout: Path, task: str, files: Sequence[Path], save: str) -> tuple[float, float]:
    """Wall and CPU time of one run as a whole process.

    It runs in an empty folder, because Python looks for the package in the working folder first; so paths must be absolute.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "usseg_monai", "predict", task, *map(str, files), "-o", f"{folder}/out", "--save", save]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, env={**os.environ, "PYTHONPATH": str(checkout)}, check=True, capture_output=True, cwd=folder)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(checkouts: Mapping[str, Path], task: str, files: Sequence[Path], save: str, pairs: int) -> str:
    """One line: medians of both checkouts and their ratio. The order within a pair alternates."""
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
    for number in range(pairs):
        for name in sorted(checkouts, reverse=bool(number % 2)):
            runs[name].append(seconds(checkouts[name], task, files, save))
    cells = []
    for index, what in enumerate(("wall", "processor")):
        other, here = (statistics.median(run[index] for run in runs[name]) for name in ("other", "here"))
        cells.append(f"{what} {other:.2f} s -> {here:.2f} s ({here / other:.2f})")
    return f"{task}, {len(files)} images, {save}: {', '.join(cells)}"


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the checkouts on every task."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pairs")
    parser.add_argument("other", type=Path, help="checkout to compare with")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of all data sets")
    parser.add_argument("--pairs", type=int, default=5, help="runs of each checkout (default: 5)")
    args = parser.parse_args(argv)
    checkouts = {"other": args.other.resolve(), "here": REPOSITORY}
    for task, record in BENCHMARKED.items():
        files = sorted(args.data.resolve().glob(record.paired))
        for count, save in ((1, "mask"), (100, "mask"), (100, "mask,overlay")):
            print(compare(checkouts, task, list(islice(files, count)), save, args.pairs), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
