"""Many images: check that memory and speed do not depend on their number, and that killed runs leave no damage.

Prints a Markdown table, writes ``benchmarks/results/scale.json`` and exits with 1 if a bar is missed, naming it:

    python -m benchmarks.scale [--many N] [--few N] [--kills N] [--killed-images N] [--data DIR] [--update-docs]

Every figure is of the command ``usseg predict fetal_head`` as a whole separate process. This process imports little besides the standard
library, as in `benchmarks.speed`; another one writes the images (`benchmarks.mixed_images`).
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.data import DATA_ROOT
from benchmarks.reports import conclude
from benchmarks.speed import machine, measure

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
DOCS = REPOSITORY / "docs" / "large_runs.md"

MANY, FEW, KILLS, KILLED_IMAGES = 10_000, 500, 30, 2000
MEMORY_AT_MOST = 1.10
SPEED_AT_LEAST = 0.90
LONGEST_LIFE_SECONDS = 2.0
"""A run is killed at a random time up to this age: while loading libraries, listing, skipping, working."""


def write_images(folder: Path, count: int, data: Path) -> Path:
    """Write images in a separate process, and return their folder."""
    program = [sys.executable, "-m", "benchmarks.mixed_images", folder, "--count", count, "--data", data]
    subprocess.run(list(map(str, program)), check=True, cwd=REPOSITORY)
    return folder / "images"


def predict(images: Path, output: Path) -> list[str]:
    """The command that is measured and killed."""
    usseg = Path(sys.executable).with_name("usseg")
    return list(map(str, [usseg, "predict", "fetal_head", images, "-o", output, "--save", "mask", "--resume"]))


def measure_folder(images: Path, output: Path, count: int) -> dict[str, float]:
    """Predict a folder, then run the same command again, which skips all but the broken ones; check the accounts."""
    first = measure(predict(images, output), allowed=(0, 1))
    wrong = wrong_accounts(output, count)
    again = measure(predict(images, output), allowed=(0, 1))
    return {
        "images": count,
        "seconds": first.seconds,
        "images_a_second": count / first.seconds,
        "megabytes": first.megabytes,
        "resume_seconds": again.seconds,
        "resume_megabytes": again.megabytes,
        "wrongly_accounted": wrong + wrong_accounts(output, count),
    }


def wrong_accounts(output: Path, count: int) -> int:
    """Number of images for which the table, the accounts, the counts or the masks are wrong."""
    with (output / "results.csv").open(encoding="utf-8", newline="") as table:
        failed = {row["file"]: row["status"] == "failed" for row in csv.DictReader(table)}
    inputs = read_inputs(output)
    states = {item["file"]: item["state"] for item in inputs}
    counts = json.loads((output / "run.json").read_text(encoding="utf-8"))["counts"]
    found = Counter(item["state"] for item in inputs)
    miscounted: int = sum(abs(counts[state] - found[state]) for state in ("done", "failed", "skipped"))
    masks = sum(not path.name.startswith(".") for path in (output / "masks").rglob("*.png"))
    wrong: int = sum(is_failed != ("broken" in file) or (states.get(file) == "failed") != is_failed for file, is_failed in failed.items())
    whole = sum("broken" not in file for file in states)
    return wrong + abs(count - len(failed)) + abs(count - len(inputs)) + abs(len(inputs) - len(states)) + abs(whole - masks) + miscounted


def read_inputs(output: Path) -> list[dict[str, Any]]:
    """The lines of the account file for the inputs of the last run."""
    lines = map(json.loads, (output / "accounts.jsonl").read_text(encoding="utf-8").splitlines())
    return [line for line in lines if "number" in line]


def kill_often(images: Path, scratch: Path, kills: int, seed: int = 20260101) -> dict[str, Any]:
    """Kill a run repeatedly at random moments, let it finish, and compare with an undisturbed one.

    Raises:
        SystemExit: the run finished before it was killed often enough.
    """
    undisturbed, killed = scratch / "undisturbed", scratch / "killed"
    measure(predict(images, undisturbed), allowed=(0, 1))
    moments = random.Random(seed)
    torn = 0
    for kill in range(kills):
        with subprocess.Popen(predict(images, killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(moments.uniform(0, LONGEST_LIFE_SECONDS))
            if process.poll() is not None:
                raise SystemExit(f"scale: the run ended before kill {kill + 1} of {kills}; give it more --killed-images")
            process.kill()
        torn += count_torn(killed)
    measure(predict(images, killed), allowed=(0, 1))
    return {"kills": kills, "torn": torn, "differences": differences(undisturbed, killed)}


def count_torn(output: Path) -> int:
    """Number of files that are not whole: table, accounts, run record, masks."""
    torn = 0
    table = output / "results.csv"
    if table.exists():
        text = table.read_text(encoding="utf-8")
        rows = list(csv.reader(text.splitlines()))
        torn += not text.endswith("\n") or any(len(row) != len(rows[0]) for row in rows)
    for name in filter(lambda name: (output / name).exists(), ("run.json", "accounts.jsonl")):
        text = (output / name).read_text(encoding="utf-8")
        try:
            for part in [text] if name == "run.json" else text.splitlines():
                json.loads(part)
            torn += not text.endswith("\n")
        except ValueError:
            torn += 1
    for mask in (output / "masks").rglob("[!.]*.png"):
        with mask.open("rb") as file:
            torn += not file.read().endswith(b"IEND\xaeB`\x82")
    return torn


def differences(one: Path, other: Path) -> list[str]:
    """Result files that are missing in one folder or differ, except for times."""
    names = {path.relative_to(folder) for folder in (one, other) for path in folder.rglob("*") if path.is_file()}
    compared = sorted(name for name in names if name.name not in ("accounts.jsonl", ".lock", "run.json"))
    found = [str(name) for name in compared if not _equal(one / name, other / name)]
    accounts = [_accounts(folder) for folder in (one, other)]
    return found + ["accounts.jsonl"] * (accounts[0] != accounts[1])


def _accounts(output: Path) -> Any:
    """Records of the run and each input with its rows, regardless of whether this or an earlier run made them."""
    record = json.loads((output / "run.json").read_text(encoding="utf-8"))
    inputs = [(item["number"], item["file"], item["state"] == "failed" and item["reason"], item["rows"]) for item in read_inputs(output)]
    return record["state"], record["counts"]["not_reached"], inputs


def _equal(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.read_bytes() == other.read_bytes()


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table and a sentence."""
    few, many, killed = figures["few"], figures["many"], figures["killed"]
    rows = [
        ("`usseg predict`, images a second", "{images_a_second:.1f}"),
        ("peak memory", "{megabytes:.0f} MB"),
        ("the same again with `--resume`, everything done", "{resume_seconds:.1f} s"),
        ("peak memory of that", "{resume_megabytes:.0f} MB"),
        ("images that table, accounts, counts or masks state wrongly", "{wrongly_accounted}"),
    ]
    table = [
        f"| | {few['images']} images | {many['images']} images |",
        "|---|---:|---:|",
        *(f"| {what} | {form.format(**few)} | {form.format(**many)} |" for what, form in rows),
    ]
    sentence = (
        f"A run over {killed['images']} images was killed {killed['kills']} times at random moments, resumed each time, then left alone: "
        f"{killed['torn']} torn files on the way, {len(killed['differences'])} files different from those of an undisturbed run."
    )
    return "\n".join([*table, "", sentence])


def missed_bars(figures: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    few, many, killed = figures["few"], figures["many"], figures["killed"]
    missed = []
    for name in ("megabytes", "resume_megabytes"):
        if many[name] > MEMORY_AT_MOST * few[name]:
            missed.append(f"{name} is {many[name]:.0f} with many, {few[name]:.0f} with few: at most {MEMORY_AT_MOST:g} times is wanted")
    rates = many["images_a_second"], few["images_a_second"]
    if rates[0] < SPEED_AT_LEAST * rates[1]:
        missed.append(f"images_a_second is {rates[0]:.1f} with many, {rates[1]:.1f} with few: at least {SPEED_AT_LEAST:g} times is wanted")
    wrong = few["wrongly_accounted"] + many["wrongly_accounted"]
    if wrong:
        missed.append(f"{wrong} images are accounted for wrongly, none may be")
    if killed["torn"]:
        missed.append(f"{killed['torn']} files were torn by kills, none may be")
    if killed["differences"]:
        missed.append(f"{len(killed['differences'])} files differ after kills, {killed['differences'][0]} first; none may")
    return missed


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Memory, speed and faults of runs over many images.")
    parser.add_argument("--many", type=int, default=MANY, help="images of the large run (default: %(default)s)")
    parser.add_argument("--few", type=int, default=FEW, help="images of the small run (default: %(default)s)")
    parser.add_argument("--kills", type=int, default=KILLS, help="how often a run is killed (default: %(default)s)")
    parser.add_argument("--killed-images", type=int, default=KILLED_IMAGES, help="images of that run (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of hc18/, or else phantoms (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "scale.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/large_runs.md")
    args = parser.parse_args(argv)
    figures: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name, count in (("few", args.few), ("many", args.many)):
            figures[name] = measure_folder(write_images(scratch / name, count, args.data), scratch / f"{name}_out", count)
        images = write_images(scratch / "killed_in", args.killed_images, args.data)
        figures["killed"] = {"images": args.killed_images, **kill_often(images, scratch, args.kills)}
    table = markdown(figures)
    return conclude("scale", figures, args.output, table, missed_bars(figures), {DOCS: table} if args.update_docs else None)


if __name__ == "__main__":
    raise SystemExit(main())
