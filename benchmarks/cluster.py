"""Runs on Ray: that faults change nothing, that two workers are faster than one, and that memory does not grow with the images.

Prints a Markdown table, writes ``benchmarks/results/cluster.json`` and exits with 1 if a bar is missed, naming it:

    python -m benchmarks.cluster [--images N] [--many N] [--data DIR] [--update-docs]

Every run is the command ``usseg predict fetal_head``, a process of its own, on images of HC18, repeated as needed. Workers and machines are
killed with SIGKILL. Linux only: processes are found in /proc.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.data import DATA_ROOT
from benchmarks.reports import conclude
from benchmarks.scale import differences
from benchmarks.speed import machine

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
DOCS = REPOSITORY / "docs" / "large_runs.md"

IMAGES, MANY, ROUNDS = 160, 2000, 2
DISTINCT = 160
SPEED_AT_LEAST = 1.8
GROWTH_AT_MOST = 20.0
"""In 10**6 bytes over 2,000 images, all processes together."""

WARM_ROWS = 400
"""Rows after which memory is measured for the first time: the workers have seen their largest image, allocators have filled."""

_PATIENCE_SECONDS = 180.0  # without a new row, or for the end
_KINDS = {
    "ray::Shell": "workers",
    "ray::": "agents",
    "gcs_server": "gcs",
    "raylet/raylet": "raylet",
    "runtime_env": "agents",
    "dashboard": "agents",
    "usseg": "driver",
}
_POISON = """
import os
from usseg_monai.runs.work import FrameWork
read = FrameWork.read
def poisoned(self, turn):
    if "poison" in turn[0].file:
        os.kill(os.getpid(), 9)
    return read(self, turn)
FrameWork.read = poisoned
"""
"""A ``sitecustomize`` that stands in for a fault of a decoder: who reads a file of that name is dead."""


def link_images(data: Path, folder: Path, number: int) -> Path:
    """Make a folder of so many images of HC18, of which the same ones are the same file on the drive."""
    found = sorted((data / "hc18").rglob("*HC.png"))[:DISTINCT]
    if not found:
        raise SystemExit(f"cluster: {data / 'hc18'} holds no images *HC.png (docs/data.md)")
    (folder / "distinct").mkdir(parents=True)
    copies = [Path(shutil.copy(path, folder / "distinct")) for path in found]
    (folder / "images").mkdir()
    for index, path in zip(range(number), itertools.cycle(copies), strict=False):
        os.link(path, folder / "images" / f"{index:06d}.png")
    return folder / "images"


class Run:
    """A run that goes on while it is watched; see `started`."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process, self.output = process, output

    def rows(self) -> int:
        """Number of rows in the table."""
        try:
            return max(0, (self.output / "results.csv").read_bytes().count(b"\n") - 1)
        except FileNotFoundError:
            return 0

    def reach(self, rows: int) -> float:
        """Wait for so many rows; returns the time."""
        found, last = -1, time.monotonic()
        while self.rows() < rows:
            if self.rows() > found:
                found, last = self.rows(), time.monotonic()
            if self.process.poll() is not None or time.monotonic() - last > _PATIENCE_SECONDS:
                raise SystemExit(f"cluster: the run in {self.output} has {self.rows()} rows, not {rows}: see what it printed")
            time.sleep(0.02)
        return time.monotonic()

    def end(self) -> None:
        """Wait for the end; a run with failed images is one, too."""
        if self.process.wait(_PATIENCE_SECONDS) not in (0, 1):
            raise SystemExit(f"cluster: the run in {self.output} ended with {self.process.returncode}: see what it printed")

    def processes(self) -> dict[int, str]:
        """The kind of each process of the run, by number; others have none."""
        parents, names = {}, {}
        for path in Path("/proc").glob("[0-9]*"):
            try:
                number, parent = int(path.name), int((path / "stat").read_text().rpartition(")")[2].split()[1])
                names[number] = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                parents[number] = parent
            except OSError:  # it has ended
                continue
        own = {self.process.pid}
        while more := {number for number, parent in parents.items() if parent in own} - own:
            own |= more
        return {number: _kind(names[number]) for number in own if number in names}

    def megabytes(self) -> dict[str, float]:
        """Memory that the processes of each kind have for themselves, in 10**6 bytes."""
        found: Counter[str] = Counter()
        for number, kind in self.processes().items():
            try:
                lines = (Path("/proc") / str(number) / "smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            found[kind] += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
        return {kind: kilobytes * 1024 / 1e6 for kind, kilobytes in found.items()}


def _kind(command: str) -> str:
    return next((kind for name, kind in _KINDS.items() if name in command), "others")


@contextmanager
def started(images: Path, output: Path, *more: str, workers: int = 2, on: str | None = "ray", **variables: str) -> Iterator[Run]:
    """Start a run in a process of its own, which is killed if it has not ended."""
    usseg = Path(sys.executable).with_name("usseg")
    command: list[str | Path] = [usseg, "predict", "fetal_head", images, "-o", output, "--save", "mask", "--threads", str(workers), "-q"]
    with subprocess.Popen([*command, *(["--on", on] if on else []), *more], env=os.environ | variables) as process:
        try:
            yield Run(process, output)
        finally:
            process.kill()


def undisturbed(images: Path, output: Path, *more: str, **options: Any) -> None:
    """A run that is left alone."""
    with started(images, output, *more, **options) as run:
        run.end()


def worker_killed(images: Path, output: Path, rows: int) -> None:
    """A run one of whose workers is killed."""
    with started(images, output) as run:
        run.reach(rows // 4)
        os.kill(next(number for number, kind in run.processes().items() if kind == "workers"), signal.SIGKILL)
        run.end()


def driver_killed(images: Path, output: Path, rows: int) -> None:
    """A run that is killed itself, and resumed."""
    with started(images, output) as run:
        run.reach(rows // 3)
    undisturbed(images, output, "--resume")


def node_dead(images: Path, output: Path, rows: int) -> None:
    """A run on two machines, one of which is gone and not replaced: two `raylets` of Ray's own tests."""
    with tempfile.TemporaryDirectory(prefix="usseg-") as folder:
        token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        os.environ |= token | {
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": folder,
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_worker_niceness": "0",
        }
        (Path(folder) / "ray").mkdir()
        from ray.cluster_utils import Cluster  # late: this process must be small, and Ray reads its variables once

        node: dict[str, Any] = {
            "num_cpus": 1,
            "node_ip_address": "127.0.0.1",
            "object_store_memory": 80_000_000,
            "include_dashboard": False,
        }
        cluster = Cluster(initialize_head=True, head_node_args=node)
        try:
            other = cluster.add_node(**node)
            with started(images, output, on=f"ray:{cluster.address}") as run:
                run.reach(rows // 4)
                cluster.remove_node(other, allow_graceful=False)
                run.end()
        finally:
            cluster.shutdown()  # type: ignore[no-untyped-call] # Ray's


def poisoned(images: Path, output: Path, scratch: Path) -> None:
    """A run over images one of which kills who reads it."""
    (scratch / "site").mkdir()
    (scratch / "site" / "sitecustomize.py").write_text(_POISON)
    undisturbed(images, output, PYTHONPATH=os.pathsep.join([str(scratch / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]))


def faults(scratch: Path, data: Path, number: int) -> Iterator[dict[str, Any]]:
    """What each fault changes, against a run of threads."""
    images = link_images(data, scratch, number)
    undisturbed(images, scratch / "threads", on=None)
    cases: list[tuple[str, Callable[[Path], None]]] = [
        ("undisturbed", lambda output: undisturbed(images, output)),
        ("a worker killed", lambda output: worker_killed(images, output, number)),
        ("one of two machines dead, not replaced", lambda output: node_dead(images, output, number)),
        ("the run itself killed, and resumed", lambda output: driver_killed(images, output, number)),
    ]
    for name, case in cases:
        output = scratch / name.replace(" ", "_")
        yield {"case": name, "seconds": timed(case, output), "differences": differences(scratch / "threads", output)}
    next(images.glob(f"*{number // 2}.png")).rename(images / "poison.png")
    undisturbed(images, scratch / "whole", on=None)
    output = scratch / "poisoned"
    seconds = timed(lambda output: poisoned(images, output, scratch), output)
    yield {"case": "one image kills its workers", "seconds": seconds, "differences": unexpected_rows(scratch / "whole", output)}


def timed(case: Callable[[Path], None], output: Path) -> float:
    """Seconds that a case takes, the start of Ray included."""
    start = time.monotonic()
    case(output)
    return time.monotonic() - start


def unexpected_rows(whole: Path, output: Path) -> list[str]:
    """Files whose row is not that of a run without poison, but for the poisoned one, which must have failed."""
    rows = [{row["file"]: row for row in read_table(folder)} for folder in (whole, output)]
    files = dict.fromkeys([*rows[0], *rows[1]])
    return [name for name in files if (not is_failed(rows[1].get(name)) if "poison" in name else rows[0].get(name) != rows[1].get(name))]


def read_table(output: Path) -> list[dict[str, str]]:
    """The rows of a run's table."""
    with (output / "results.csv").open(encoding="utf-8", newline="") as table:
        return list(csv.DictReader(table))


def is_failed(row: Mapping[str, str] | None) -> bool:
    """Whether a row is there and failed."""
    return row is not None and row["status"] == "failed"


def speed(scratch: Path, data: Path, number: int) -> dict[str, float]:
    """Images a second of one worker and of two, in turns, from the first hundred rows to the last; medians."""
    images = link_images(data, scratch, number)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(ROUNDS):
        for workers, found in rates.items():
            with started(images, scratch / f"{workers}_{turn}", workers=workers) as run:
                begin, first = run.reach(100), run.rows()
                found.append((number - first) / (run.reach(number) - begin))
                run.end()
    one, two = (statistics.median(rates[workers]) for workers in (1, 2))
    return {"images": number, "one_worker": one, "two_workers": two, "times": two / one}


def growth(scratch: Path, data: Path, number: int) -> dict[str, Any]:
    """Memory of all processes of a run, by kind, after `WARM_ROWS` and near the end."""
    images = link_images(data, scratch, number + WARM_ROWS)
    with started(images, scratch / "out") as run:
        run.reach(WARM_ROWS)
        before = run.megabytes()
        run.reach(number + WARM_ROWS - 50)
        after = run.megabytes()
        run.end()
    grown = sum(after.values()) - sum(before.values())
    return {"images": number - 50, "before": before, "after": after, "growth_of_2000": grown * 2000 / (number - 50)}


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table."""
    rows = []
    for fault in figures["faults"]:
        found = fault["differences"]
        as_wanted = "as of threads, one row `failed`" if "kills" in fault["case"] else "as of threads"
        told = f"{len(found)} files differ" if found else as_wanted
        rows.append(f"| {fault['case']} | {told} | {fault['seconds']:.0f} s |")
    fast, memory = figures["speed"], figures["growth"]
    before, after = (sum(memory[name].values()) for name in ("before", "after"))
    return "\n".join(
        [
            f"| Two workers on this machine, {figures['images']} images | table and masks | time, start included |",
            "|---|---|---:|",
            *rows,
            "",
            f"Two workers do {fast['two_workers']:.1f} images a second, one {fast['one_worker']:.1f}: {fast['times']:.2f} times. Memory of "
            f"all processes, Ray's own included: {before:.0f} MB after {WARM_ROWS} images, {after:.0f} MB after {memory['images']} more, "
            f"{memory['growth_of_2000']:+.0f} MB over 2000.",
        ]
    )


def missed_bars(figures: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    missed = [f"{fault['case']}: {', '.join(fault['differences'][:3])} differ" for fault in figures["faults"] if fault["differences"]]
    if figures["speed"]["times"] < SPEED_AT_LEAST:
        missed.append(f"two workers are {figures['speed']['times']:.2f} times as fast as one: at least {SPEED_AT_LEAST:g} times is wanted")
    if figures["growth"]["growth_of_2000"] > GROWTH_AT_MOST:
        grown = figures["growth"]["growth_of_2000"]
        missed.append(f"memory grows by {grown:.0f} MB over 2000 images: at most {GROWTH_AT_MOST:g} MB is wanted")
    return missed


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Faults, speed and memory of runs on Ray.")
    parser.add_argument("--images", type=int, default=IMAGES, help="images of a run with a fault (default: %(default)s)")
    parser.add_argument("--many", type=int, default=MANY, help="images over which memory is measured (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of hc18/ (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "cluster.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/large_runs.md")
    args = parser.parse_args(argv)
    figures: dict[str, Any] = {"machine": machine(), "images": args.images}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # workers of a killed run may write a little longer
        scratch = Path(folder)
        figures["speed"] = speed(scratch / "speed", args.data, 100 + 2 * args.images)
        figures["growth"] = growth(scratch / "growth", args.data, args.many)
        figures["faults"] = list(faults(scratch / "faults", args.data, args.images))
    table = markdown(figures)
    return conclude("cluster", figures, args.output, table, missed_bars(figures), {DOCS: table} if args.update_docs else None)


if __name__ == "__main__":
    raise SystemExit(main())
