"""Objects in a store: what staging and uploading cost, and what a million images cost by that.

Prints Markdown tables, writes ``benchmarks/results/remote.json`` and exits with 1 if results at an address differ from local ones:

    python -m benchmarks.remote [--images N] [--data DIR] [--update-docs]

The store is moto's S3 server, a process of its own on this machine: it has no latency, but needs the same cores. So the processor time of
the command counts, not the clock. Speed and resuming of local runs are those of `benchmarks.scale`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from benchmarks.data import DATA_ROOT
from benchmarks.readme import insert_table
from benchmarks.scale import differences
from benchmarks.speed import copy_images, machine
from benchmarks.tasks import BENCHMARKED
from usseg_monai.inputs.find import find_inputs
from usseg_monai.remote.store import Store, store_of

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"
DOCS = REPOSITORY / "docs" / "large_runs.md"

IMAGES = 60
LISTED = 1_000
MILLION = 1_000_000

LATENCY_SECONDS = 0.03
"""Assumed: from the request to the end of a small object, within one region of a cloud."""

LIST_SECONDS = 0.1
"""Assumed: one request for the names of 1,000 objects."""

RAY_SECONDS = 0.0044
"""Assumed: processor time of Ray's driver and services per image, at most; tried once on two cores, by no command of the repository."""

MACHINE, SHARDS, SHARD, WORKERS = 16, 100, 4, 400
"""Assumed: cores of one machine, number of shards, cores of each, workers of Ray."""

SERVER = """
import logging, sys
from moto.server import ThreadedMotoServer
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def serving(home: Path) -> Iterator[dict[str, str]]:
    """A store with the bucket ``bench``; yields the variables of the environment that lead to it."""
    with subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdin is not None
        lines = (line.strip() for line in server.stdout)
        port = next(line for line in lines if line.isdigit())
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}
        try:
            yield keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "XDG_CACHE_HOME": str(home), "HOME": str(home)}
        finally:
            server.stdin.close()


def predict(source: str | Path, output: str | Path) -> tuple[float, float]:
    """Clock and processor seconds of the command."""
    command = [Path(sys.executable).with_name("usseg"), "predict", "fetal_head", source, "-o", output, "--save", "mask", "--quiet"]
    begun = time.perf_counter()
    process = subprocess.Popen(list(map(str, command)))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"remote: the command ended with {process.returncode}")
    return time.perf_counter() - begun, usage.ru_utime + usage.ru_stime


def processor_seconds(store: Store, images: Sequence[Path], scratch: Path) -> dict[str, float]:
    """Mean processor time of this process for each object: listing, fetching, uploading."""
    begun, spent = time.process_time(), {}
    for number, image in enumerate(images):
        store.put(image, f"s3://bench/puts/{number}.png")
    put = time.process_time()
    for number in range(len(images)):
        store.get(f"s3://bench/puts/{number}.png", scratch / "got.png")
    got = time.process_time()
    store.list("s3://bench/puts")
    listed = time.process_time()
    for name, start, end in (("put", begun, put), ("get", put, got), ("list", got, listed)):
        spent[name] = (end - start) / len(images)
    return spent


def bytes_of_an_input() -> dict[str, float]:
    """Memory of this process for each object of a large folder: at most while it is listed, and afterwards."""
    names = [f"bench/archive/{number % 100:03d}/image_{number:06d}.png" for number in range(LISTED)]
    fsspec.filesystem("s3").pipe(dict.fromkeys(names, b"1"))
    tracemalloc.start()
    found = find_inputs(["s3://bench/archive"], objects=True)
    kept, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {"listing": most / len(found), "kept": kept / len(found)}


def measure(data: Path, count: int, scratch: Path) -> dict[str, Any]:
    """All figures."""
    images = copy_images(data, BENCHMARKED["fetal_head"], scratch / "in", count)
    with serving(scratch / "home") as environment:
        os.environ.update(environment)
        store = store_of("s3://bench")
        fsspec.filesystem("s3", use_listings_cache=False).mkdir("bench")
        for image in images:
            store.put(image, f"s3://bench/in/{image.name}")
        objects = processor_seconds(store, images[:50], scratch)
        memory = bytes_of_an_input()
        here, there = [], []
        for number in range(2):  # one after the other, so that what else runs on the machine disturbs both
            here.append(predict(scratch / "in", scratch / f"here{number}"))
            there.append(predict("s3://bench/in", f"s3://bench/out{number}"))
        (working,) = (scratch / "home" / "usseg-monai").glob("out0-*")
        (working / ".uploaded").unlink()
        different = differences(scratch / "here0", working)
        different += [name for name in _results(working) if not _is_equal(name, working)]
    return {
        "machine": machine(),
        "images": count,
        "megabytes_an_image": sum(image.stat().st_size for image in images) / count / 1e6,
        "object_processor_seconds": objects,
        "local_processor_seconds": min(spent for _, spent in here) / count,
        "store_processor_seconds": min(spent for _, spent in there) / count,
        "input_bytes": memory,
        "differences": different,
    }


def _results(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def _is_equal(name: str, working: Path) -> bool:
    uploaded: bytes = fsspec.filesystem("s3", use_listings_cache=False).cat_file(f"bench/out0/{name}")
    return uploaded == (working / name).read_bytes()


def markdown(figures: Mapping[str, Any], scale: Mapping[str, Any]) -> str:
    """What objects cost, and a million images, as Markdown."""
    spent, memory = figures["object_processor_seconds"], figures["input_bytes"]
    more = figures["store_processor_seconds"] - figures["local_processor_seconds"]
    rate = scale["many"]["images_a_second"] / scale["machine"]["cores"]
    driver = (scale["many"]["resume_seconds"] - scale["few"]["resume_seconds"]) / (scale["many"]["images"] - scale["few"]["images"])
    staged = 1 / (1 / rate + more)
    listing = MILLION / 1000 * LIST_SECONDS + MILLION * spent["list"]
    one, array = (MILLION / rate / cores / 3600 for cores in (MACHINE, SHARDS * SHARD))
    one_staged, array_staged = (MILLION / staged / cores / 3600 for cores in (MACHINE, SHARDS * SHARD))
    at_most = 1 / (driver + RAY_SECONDS)
    by_ray = min(rate * WORKERS, at_most)
    size, cores = figures["megabytes_an_image"], SHARDS * SHARD
    names = f"{memory['listing'] * MILLION / 1e9:.1f} GB"
    hours = MILLION / rate / 3600
    lines = [
        "| processor time or memory per image | |",
        "|---|---:|",
        f"| `usseg predict --save mask`, local files | {figures['local_processor_seconds'] * 1e3:.0f} ms |",
        f"| the same from a store into a store | {figures['store_processor_seconds'] * 1e3:.0f} ms |",
        *(f"| one object to {name} | {spent[name] * 1e3:.2f} ms |" for name in ("list", "get", "put")),
        f"| an input of a store in memory | {memory['kept']:.0f} bytes, while it is listed {memory['listing']:.0f} |",
        "",
        f"Files that differ from those of a local run of {figures['images']} images: {len(figures['differences'])}. A million images of "
        f"HC18's size ({size:.3f} MB), masks saved:",
        "",
        f"| | one machine, {MACHINE} cores | job array, {SHARDS} shards of {SHARD} cores | Ray, {WORKERS} workers |",
        "|---|---:|---:|---:|",
        f"| core hours | {hours:.1f} | {hours:.1f} | {hours + MILLION / at_most / 3600:.1f} |",
        f"| hours, files | {one:.2f} | {array:.3f} | {MILLION / by_ray / 3600:.2f} |",
        f"| hours, from a store into a store | {one_staged + listing / 3600:.2f} | {array_staged + listing / 3600:.3f} | not tried |",
        f"| of that, listing by each process | {listing / 60:.1f} min | {listing / 60:.1f} min | |",
        f"| images a second, files | {rate * MACHINE:.0f} | {rate * cores:.0f} | {by_ray:.0f} |",
        "| read from the drive, MB/s | " + " | ".join(f"{each * size:.0f}" for each in (rate * MACHINE, rate * cores, by_ray)) + " |",
        f"| memory of the names, of a store | {names} | {names} each | |",
        "| bottleneck | its cores | the drive that all read; for a store, listing | the process that plans and writes the accounts |",
        "",
        f"Measured: {rate:.1f} images a second and core and {driver * 1e3:.2f} ms to plan an image and write its row (`make scale`, "
        f"{scale['machine']['cores']} cores), and the first table (`python -m benchmarks.remote`). Assumed: all cores like these; "
        f"{LIST_SECONDS:g} s to list 1,000 objects; {RAY_SECONDS * 1e3:g} ms of Ray's driver and services per image, at most (tried "
        f"once, by no command). Of a store that answers in {LATENCY_SECONDS * 1e3:.0f} ms (assumed) nothing is felt: twice as many threads "
        f"as cores read from it, and cores wait only if it takes longer than the {1e3 / staged:.0f} ms that an image takes a core.",
    ]
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if results differ."""
    parser = argparse.ArgumentParser(description="What objects in a store cost.")
    parser.add_argument("--images", type=int, default=IMAGES, help="images of a run (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of hc18/ (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "remote.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the tables into docs/large_runs.md")
    args = parser.parse_args(argv)
    scale = json.loads((RESULTS / "scale.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(args.data, args.images, Path(scratch))
    args.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    table = markdown(figures, scale)
    print(table)
    if args.update_docs:
        DOCS.write_text(insert_table(DOCS.read_text(encoding="utf-8"), "cost", table), encoding="utf-8")
    for name in itertools.islice(figures["differences"], 3):
        print(f"remote: {name} differs from that of a local run", file=sys.stderr)
    return 1 if figures["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
