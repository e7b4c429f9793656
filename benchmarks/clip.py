"""Speed of `usseg predict` on a clip, beside the time of its stages, all in one run.

Prints a Markdown table, writes ``benchmarks/results/clip.json`` and exits with 1 if the bar is missed:

    python -m benchmarks.clip [--data DIR] [--runs N] [--update-docs]

The clip is made of real images at run time, and is removed at the end: 300 frames of 580 x 420 in H.264 in slow motion through frames of
Kaggle's nerves. Figures are of whole processes on two cores, from start to end; those of the stages are processor time per frame.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import DATA_ROOT
from benchmarks.reports import conclude
from benchmarks.speed import RESULTS, machine, measure
from tests.imaging.samples import video_bytes
from usseg_monai.files.png import write_png
from usseg_monai.files.video import write_video
from usseg_monai.geometry.runs import find_runs
from usseg_monai.imaging import read_frames, read_image
from usseg_monai.predict.predictor import Predictor
from usseg_monai.runs.clip_video import draw_frame
from usseg_monai.runs.table import FrameRows, result_row

PAGE = Path(__file__).resolve().parents[1] / "docs" / "how_to" / "clips.md"

FRAMES, SHAPE = 300, (420, 580)
CORES = 2
FRAMES_A_SECOND_AT_LEAST = 25.0
TASK = "nerve"

IMAGES = "nerve/original/test/[0-9]*.tif"
_HELD = 60  # frames through which one image moves
_STAGE_FRAMES = 40


def make_clip(data: Path, frames: int = FRAMES) -> bytes:
    """A clip of real images, each moving slowly."""
    paths = sorted((data).glob(IMAGES))[: -(-frames // _HELD)]
    if len(paths) * _HELD < frames:
        raise SystemExit(f"clip: {data} holds {len(paths)} images {IMAGES}, {-(-frames // _HELD)} are needed (docs/data.md)")
    pictures = [read_image(path).pixels.astype(np.uint8) for path in paths]
    moved = [np.roll(pictures[number // _HELD], number % _HELD, axis=1) for number in range(frames)]
    return video_bytes(moved, crf="18", preset="fast")


def measure_runs(clip: Path, scratch: Path, save: str, runs: int) -> dict[str, float]:
    """Medians over some runs of the command: wall and processor seconds, frames a second, memory of the program in 10**6 bytes."""
    usseg = Path(sys.executable).with_name("usseg")
    command: list[str | Path] = [usseg, "predict", TASK, clip, "-o", scratch / save, "--save", save, "--threads", str(CORES)]
    walls, processors, memory = [], [], 0.0
    for number in range(runs + 1):  # the first fills the file caches
        before = os.times()
        usage = measure(command)
        after = os.times()
        if number:
            walls.append(usage.seconds)
            processors.append(after.children_user + after.children_system - before.children_user - before.children_system)
            memory = max(memory, usage.megabytes)
    seconds = statistics.median(walls)
    return {
        "seconds": seconds,
        "frames_a_second": FRAMES / seconds,
        "processor_seconds": statistics.median(processors),
        "frames_a_second_of_processor": CORES * FRAMES / statistics.median(processors),
        "megabytes": memory,
    }


def measure_stages(clip: Path, scratch: Path) -> dict[str, float]:
    """Processor milliseconds per frame of each stage, in this process; decoding is wall time, as it is done by another one."""
    predictor = Predictor(TASK)
    start = time.perf_counter()
    images = [image for image in read_frames(clip) if image.source.frame < _STAGE_FRAMES]
    stages = {"decode": 1000 * (time.perf_counter() - start) / FRAMES}
    answers = [predictor.engine(image.pixels) for image in images]  # the first calls are slower
    stages["network"] = _milliseconds(lambda: [predictor.engine(image.pixels) for image in images])
    masks = [mask for mask, _, _ in answers]
    stages["measure"] = _milliseconds(lambda: [predictor.task.measure(mask, None) for mask in masks])

    def write() -> None:
        for mask in masks:
            write_png(scratch / "mask.png", mask * np.uint8(255))

    stages["masks"] = _milliseconds(write)
    rows = [
        FrameRows(result_row(predictor.task, "clip", number, None, predictor.task.measure(mask, None)), mask=find_runs(mask))
        for number, mask in enumerate(masks)
    ]
    drawn: list[tuple[float, npt.NDArray[np.uint8]]] = []

    def draw() -> None:
        drawn[:] = [
            (40.0 * number, draw_frame(predictor.task, row, image, 40.0 * number))
            for number, (row, image) in enumerate(zip(rows, images, strict=True))
        ]

    stages["draw"] = _milliseconds(draw)
    stages["encode"] = _milliseconds(lambda: write_video(scratch / "drawn.mp4", drawn))
    return stages


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return 1000 * (time.process_time() - start) / _STAGE_FRAMES


def markdown(figures: Mapping[str, Any]) -> str:
    """The figures as a Markdown table and a sentence."""
    rows = (
        ("frames a second, end to end", "{frames_a_second:.0f}"),
        ("wall seconds", "{seconds:.1f}"),
        ("processor seconds, all processes", "{processor_seconds:.1f}"),
        ("frames a second if both cores were free for it all the time", "{frames_a_second_of_processor:.0f}"),
        ("peak memory of the program, MB", "{megabytes:.0f}"),
    )
    stages = ", ".join(f"{name} {value:.1f}" for name, value in figures["stages"].items())
    return "\n".join(
        [
            "| | `--save mask` | `--save mask,clip` |",
            "|---|---|---|",
            *(f"| {what} | {form.format(**figures['mask'])} | {form.format(**figures['mask,clip'])} |" for what, form in rows),
            "",
            f"Stages, in milliseconds per frame: {stages}. Load of the machine by other programs before the runs: {figures['load']:.1f} "
            f"processes on {figures['machine']['cores']} cores.",
        ]
    )


def missed_bars(figures: Mapping[str, Any]) -> list[str]:
    """One line per bar that the figures miss."""
    rates = {save: figures[save]["frames_a_second"] for save in ("mask", "mask,clip")}
    return [
        f"{save}: {rate:.1f} frames a second, at least {FRAMES_A_SECOND_AT_LEAST:g} are wanted"
        for save, rate in rates.items()
        if rate < FRAMES_A_SECOND_AT_LEAST
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write, print; returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description="Speed of usseg predict on a clip of 300 frames.")
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of nerve/ (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=RESULTS / "clip.json", help="JSON file to write (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="runs of which the medians are taken (default: %(default)s)")
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/how_to/clips.md")
    args = parser.parse_args(argv)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        clip = scratch / "clip.mp4"
        clip.write_bytes(make_clip(args.data))
        figures = {save: measure_runs(clip, scratch, save, args.runs) for save in ("mask", "mask,clip")}
        stages = measure_stages(clip, scratch)
    found = {"machine": machine(), "load": load, **figures, "stages": stages}
    table = markdown(found)
    return conclude("clip", found, args.output, table, missed_bars(found), {PAGE: table} if args.update_docs else None)


if __name__ == "__main__":
    raise SystemExit(main())
