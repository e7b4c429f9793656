"""Measure the label server: start, time of an inference, twenty at once, memory, and its masks against those of ``usseg predict``.

    python -m benchmarks.label_server [--data DIR] [--images 2] [--requests 200] [--stock]

The server runs in the environment that ``make label`` sets up, over a folder with real images of every task, each as PNG, JPEG and DICOM.
``--stock`` adds MONAI Label's own app with copies of the bundles. Exits with 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.data import DATA_ROOT
from benchmarks.label_client import LabelServer, serving
from benchmarks.label_stock import STOCK_VARIABLES, prepare_stock, stock_command
from benchmarks.tasks import BENCHMARKED
from usseg_monai import predict_folder, read_image, read_mask
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.tasks import TASKS

START_S, INFER_S, INFO_S, GROWTH_MB = 20.0, 0.3, 0.3, 100.0
"""Bars: process start to the first answer, one warm inference, ``/info/`` while twenty run, growth of memory over all requests."""

AT_ONCE = 20
SUFFIXES = (".png", ".jpg", ".dcm")


def write_studies(folder: Path, data: Path, images: int) -> dict[str, list[str]]:
    """Real images of the test parts in three formats; names of the files by task."""
    names: dict[str, list[str]] = {}
    for task in TASKS:
        items = load_datalist(data / BENCHMARKED[task].data, "test")
        for number, index in enumerate(np.linspace(0, len(items) - 1, images).astype(int)):
            pixels = np.rint(read_image(items[index]["image"]).pixels)
            grey = (pixels / max(float(pixels.max()) / 255, 1)).astype(np.uint8)
            for suffix in SUFFIXES:
                file = folder / f"{task}{number}{suffix[1]}{suffix}"
                if suffix == ".dcm":
                    _write_dicom(file, grey, TASKS[task].modality)
                else:
                    Image.fromarray(grey).save(file)
                names.setdefault(task, []).append(file.name)
    return names


def _write_dicom(file: Path, pixels: np.ndarray, modality: str) -> None:
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.Modality, data.SamplesPerPixel, data.PhotometricInterpretation = modality, 1, "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation, data.PixelSpacing = 7, 0, [0.2, 0.2]
    data.add_new("PixelData", "OB", pixels.tobytes() + b"\0" * (pixels.size % 2))
    data.save_as(file, enforce_file_format=True)


def different_pixels(server: LabelServer, studies: Path, names: dict[str, list[str]], work: Path, engine: str) -> tuple[int, int]:
    """Pixels that differ from the masks of ``usseg predict --engine ENGINE``, over all tasks and formats; and the number of images."""
    different = count = 0
    for task, files in names.items():
        out = work / engine / task
        predict_folder(task, [studies / name for name in files], out, engine=engine)
        for name in files:
            answer = server.infer(task, Path(name).stem, "image", {"result_extension": ".png"})
            expected = read_mask(out / "masks" / f"{Path(name).stem}.png")
            found = np.asarray(Image.open(BytesIO(answer.body)))
            different += int(np.count_nonzero((found != 0) != expected)) if found.shape == expected.shape else expected.size
            count += 1
    return different, count


def memory_mb(process: int) -> float:
    """Resident memory of a process, in MB."""
    (line,) = [line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def seconds_of(server: LabelServer, model: str, image: str, repeats: int) -> float:
    """Median time of an inference."""
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        assert server.infer(model, image, "image").status == 200
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def under_load(server: LabelServer, work: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """Number of inferences that succeed if all are sent at once, and the longest time that ``/info/`` took meanwhile."""
    with ThreadPoolExecutor(len(work)) as pool:
        answers = [pool.submit(server.infer, model, image, "image") for model, image in work]
        longest = 0.0
        while not all(answer.done() for answer in answers):
            begun = time.perf_counter()
            server.call("GET", "/info/")
            longest = max(longest, time.perf_counter() - begun)
            time.sleep(0.02)
    return sum(answer.result().status == 200 for answer in answers), longest


def measured(data: Path, images: int, requests: int, stock: bool, work: Path) -> Iterator[tuple[str, str, bool]]:
    """Name, value and whether the bar is met, one after the other."""
    studies = work / "studies"
    studies.mkdir()
    names = write_studies(studies, data, images)
    head = "fetal_head0p"
    with ExitStack() as stack:
        begun = time.perf_counter()
        server, process = stack.enter_context(serving(studies))
        started = time.perf_counter() - begun
        yield "process start to /info/", f"{started:.1f} s", started <= START_S
        different, count = different_pixels(server, studies, names, work, "onnx")
        yield f"pixels that differ from usseg predict, {count} images", str(different), different == 0
        _wait_until_scored(server)
        rows, cols = read_image(studies / f"{head}.png").pixels.shape
        once = seconds_of(server, "fetal_head", head, 20)
        yield f"warm inference, {cols} x {rows}", f"{once:.3f} s", once <= INFER_S
        load = [(task, Path(files[0]).stem) for task, files in names.items()] * (AT_ONCE // len(names))
        right, longest = under_load(server, load)
        yield f"right of {len(load)} at once", str(right), right == len(load)
        yield "longest /info/ meanwhile", f"{longest:.3f} s", longest <= INFO_S
        before = memory_mb(process.pid)
        for number in range(requests):
            server.infer(*load[number % len(load)])
        after = memory_mb(process.pid)
        yield f"memory before and after {requests} requests", f"{before:.0f} MB, {after:.0f} MB", after - before <= GROWTH_MB
    if stock:
        with ExitStack() as stack:
            app = prepare_stock(work, list(TASKS))
            command = stock_command(app, studies, list(TASKS))
            server, _ = stack.enter_context(serving(studies, command=command, variables=STOCK_VARIABLES))
            different, count = different_pixels(server, studies, names, work, "torch")
            yield f"stock app: pixels that differ from usseg predict --engine torch, {count} images", str(different), different == 0


def _wait_until_scored(server: LabelServer) -> None:
    """Until the server has scored all images, which it does while nobody asks."""
    while any(server.call("POST", "/activelearning/random", body={}).json["status"] == "not scored yet" for _ in range(20)):
        time.sleep(1)
    time.sleep(3)


def main(words: Sequence[str] | None = None) -> int:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA_ROOT, help="folder of the data sets (default: %(default)s)")
    parser.add_argument("--images", type=int, default=2, help="of each task (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=200, help="over which memory must not grow (default: %(default)s)")
    parser.add_argument("--stock", action="store_true", help="MONAI Label's own app, too")
    args = parser.parse_args(words)
    missed = 0
    with tempfile.TemporaryDirectory() as work:
        for name, value, met in measured(args.data, args.images, args.requests, args.stock, Path(work)):
            missed += not met
            print(f"{name:52} {value:18} {'ok' if met else 'MISSED'}", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
