"""The command; see the package."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from benchmarks.fuzz.targets import TARGETS
from benchmarks.fuzz.worker import MEGABYTES_AT_MOST, SECONDS_AT_MOST, Finding, Part, generator, run_range
from benchmarks.readme import insert_table
from usseg_monai.errors import UssegError
from usseg_monai.files.write import write_text

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"
DOCS = REPOSITORY / "docs" / "security.md"
MILLION = 1_000_000

_A_PROCESS = 20_000  # inputs per process, then a fresh one takes over
_PACKAGES = ("numpy", "pillow", "pydicom", "nibabel", "onnxruntime", "scipy")
_SHOWN = 20  # maximum number of printed findings per target


def shares(inputs: int, names: Sequence[str]) -> dict[str, int]:
    """Number of inputs of each target out of ``inputs``, at least one."""
    whole = sum(TARGETS[name].inputs for name in names)
    return {name: max(1, round(inputs * TARGETS[name].inputs / whole)) for name in names}


def fuzz(wanted: Mapping[str, int], seed: int, parts: dict[str, Part], processes: int, output: Path) -> None:
    """Run the remaining inputs of each target, several concurrently, the most expensive first; the report is updated regularly."""
    lock = Lock()

    def run(name: str) -> None:
        for part in _run_target(name, seed, parts[name].inputs, wanted[name]):
            with lock:
                parts[name].add(part)
                write_text(output, json.dumps(report(wanted, seed, parts), indent=2) + "\n")
        with lock:
            print(f"fuzz: {name}: {_line(parts[name])}", file=sys.stderr)

    with ThreadPoolExecutor(processes) as pool:
        for future in [pool.submit(run, name) for name in sorted(wanted, key=lambda name: name != "onnx")]:
            future.result()


def _run_target(name: str, seed: int, first: int, stop: int) -> Iterator[Part]:
    for begin in range(first, stop, _A_PROCESS):
        whole = Part()
        for part in run_range(TARGETS[name], seed, begin, min(begin + _A_PROCESS, stop)):
            whole.add(part)
        yield whole


def _line(part: Part) -> str:
    cost = f"{part.seconds:.0f} s, slowest {part.slowest[0]:.2f} s, largest {part.largest[0]:.0f} MB"
    return f"{part.inputs} inputs, {cost}, {len(part.findings)} findings"


def report(wanted: Mapping[str, int], seed: int, parts: Mapping[str, Part]) -> dict[str, Any]:
    """Content of the results file."""
    return {
        "seed": seed,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES},
        "targets": {
            name: {
                "wanted": wanted[name],
                "inputs": part.inputs,
                "refused": part.refused,
                "seconds": round(part.seconds, 2),
                "slowest": {"seconds": round(part.slowest[0], 3), "number": part.slowest[1]},
                "largest": {"megabytes": round(part.largest[0], 1), "number": part.largest[1]},
                "findings": [vars(finding) for finding in part.findings],
            }
            for name, part in parts.items()
        },
    }


def read_report(path: Path, seed: int) -> dict[str, Part]:
    """The finished parts of an interrupted run with the same seed."""
    written = json.loads(path.read_text(encoding="utf-8"))
    if written["seed"] != seed:
        raise SystemExit(f"fuzz: {path} is of seed {written['seed']}, not {seed}: give --seed {written['seed']}, or leave out --resume")
    return {
        name: Part(
            inputs=target["inputs"],
            refused=target["refused"],
            seconds=target["seconds"],
            slowest=(target["slowest"]["seconds"], target["slowest"]["number"]),
            largest=(target["largest"]["megabytes"], target["largest"]["number"]),
            findings=[Finding(**finding) for finding in target["findings"]],
        )
        for name, target in written["targets"].items()
    }


def markdown(figures: Mapping[str, Any]) -> str:
    """The report as a Markdown table and a sentence."""
    rows = [
        "| target | reads | inputs | refused | processor, s | slowest, s | largest, MB | findings |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, target in figures["targets"].items():
        rows.append(
            f"| `{name}` | {TARGETS[name].what} | {target['inputs']:,} | {100 * target['refused'] / max(target['inputs'], 1):.0f} % "
            f"| {target['seconds']:.0f} | {target['slowest']['seconds']:.2f} | {target['largest']['megabytes']:.0f} "
            f"| {len(target['findings'])} |"
        )
    targets = figures["targets"].values()
    inputs, seconds = sum(target["inputs"] for target in targets), sum(target["seconds"] for target in targets)
    findings = sum(len(target["findings"]) for target in targets)
    rows += [
        "",
        f"{inputs:,} inputs of seed {figures['seed']}, {findings} findings, {seconds:.0f} s of the processor "
        f"(Python {figures['python']}, {', '.join(f'{name} {number}' for name, number in figures['versions'].items())}).",
    ]
    return "\n".join(rows)


def replay(name: str, seed: int, number: int, folder: Path) -> int:
    """Run one input in this process, keep it if it is a file, and show its outcome; returns 1 if it breaks the contract."""
    case = TARGETS[name].maker()(generator(name, seed, number))
    if isinstance(case, bytes):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}_{seed}_{number}").write_bytes(case)
        print(folder / f"{name}_{seed}_{number}")
    else:
        print(repr(case))
    start = time.process_time()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            TARGETS[name].check(case, Path(scratch) / "input")
        print("taken")
    except UssegError as error:
        print(f"refused: {error}")
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        print(f"{time.process_time() - start:.3f} s")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz, write, print; returns 1 for any finding."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description="Odd inputs for everything that reads what others made.")
    parser.add_argument(
        "--target", choices=tuple(TARGETS), action="append", metavar="NAME", help=f"one of {', '.join(TARGETS)}; may be repeated"
    )
    parser.add_argument("--inputs", type=int, default=MILLION, help="in all, over the targets chosen (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: %(default)s)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "fuzz.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--resume", action="store_true", help="go on where the run that wrote the output stopped")
    parser.add_argument("--replay", type=int, metavar="NUMBER", help="run this one input of one target, and keep it in out/fuzz")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/security.md")
    args = parser.parse_args(argv)
    names = args.target or list(TARGETS)
    if args.replay is not None:
        return replay(names[0], args.seed, args.replay, REPOSITORY / "out" / "fuzz")
    wanted = shares(args.inputs, names)
    parts = {name: Part() for name in names}
    if args.resume:
        parts |= {name: part for name, part in read_report(args.output, args.seed).items() if name in parts}
    try:
        fuzz(wanted, args.seed, parts, args.processes, args.output)
    except KeyboardInterrupt:  # threads wait for processes, which end when nothing reads from them
        print("fuzz: interrupted; go on with --resume", file=sys.stderr, flush=True)
        os._exit(130)
    figures = json.loads(args.output.read_text(encoding="utf-8"))
    table = markdown(figures)
    print(table)
    if args.update_docs:
        write_text(DOCS, insert_table(DOCS.read_text(encoding="utf-8"), "fuzz", table))
    for name, part in parts.items():
        for finding in part.findings[:_SHOWN]:
            again = f"python -m benchmarks.fuzz --target {name} --seed {args.seed} --replay {finding.number}"
            print(f"fuzz: {name}: {finding.kind}: {finding.what}; again: {again}", file=sys.stderr)
    print(
        f"fuzz: allowed are {SECONDS_AT_MOST:g} s and {MEGABYTES_AT_MOST:g} MB; any input again: "
        f"python -m benchmarks.fuzz --target NAME --seed {args.seed} --replay NUMBER",
        file=sys.stderr,
    )
    return int(any(part.findings for part in parts.values()))


if __name__ == "__main__":
    raise SystemExit(main())
