"""What DICOM objects cost: time, memory and bytes of ``usseg dicom``.

    python -m benchmarks.dicom_out [--update-docs]

An image: a phantom of a head, 800 x 540, in one process that has made objects before; processor time of its one thread. A stack: 13
slices and 20 phases of a phantom of a heart in 260 files, predicted by the released network; the command runs in a process of its own,
start and imports included; its processor time. ``--update-docs`` puts the table into ``docs/dicom_objects.md``.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from benchmarks.readme import insert_table
from usseg_monai.dicom.case import Case, Maker, Shot
from usseg_monai.dicom.headers import cured
from usseg_monai.dicom.make import make_objects
from usseg_monai.geometry.types import GreyArray
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import run_batch
from usseg_monai.tasks import get_task
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom
from usseg_monai.tasks.left_ventricle.phantom import left_ventricle_stack_phantom

DOCS = Path(__file__).resolve().parents[1] / "docs" / "dicom_objects.md"
SLICES, PHASES = 13, 20

_ULTRASOUND, _MR = "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.4"
_RUNS = 15


class Figure(NamedTuple):
    """What was measured, its value, and the largest value allowed."""

    what: str
    value: float
    bar: float
    unit: str


def picture(sop_class: str, name: str, pixels: GreyArray, **elements: Any) -> Dataset:
    """A file of a scanner."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.SOPClassUID, made.SOPInstanceUID = UID(sop_class), generate_uid(entropy_srcs=["benchmark", name])
    made.StudyInstanceUID, made.SeriesInstanceUID = (generate_uid(entropy_srcs=["benchmark", part]) for part in ("study", "series"))
    made.Modality = "MR" if sop_class == _MR else "US"
    made.PatientName, made.PatientID, made.PatientBirthDate, made.PatientSex = "Phantom^A", "1", "", ""
    made.StudyDate, made.StudyTime, made.StudyID, made.AccessionNumber, made.ReferringPhysicianName = "20260101", "100000", "1", "", ""
    made.SeriesNumber, made.InstanceNumber = 1, 1
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 8, 8, 7
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    made.PixelData = pixels.clip(0, 255).astype(np.uint8).tobytes()
    return made


def image_seconds() -> float:
    """Processor time of segmentation and report of an image, written to memory: the fastest of some after the first."""
    phantom = fetal_head_phantom(1)
    task = get_task("fetal_head")
    header = cured(picture(_ULTRASOUND, "head", phantom.image.pixels))
    spacing = phantom.image.spacing_mm
    times = []
    for _ in range(_RUNS + 1):
        started = time.process_time()
        case = Case(datetime(2026, 1, 1), [Shot(header, 0, phantom.mask, task.measure(phantom.mask, spacing), spacing)])
        for made in make_objects(case, Maker(task, "0" * 64)):
            made.dataset.save_as(io.BytesIO(), enforce_file_format=True)
        times.append(time.process_time() - started)
    return min(times[1:])


def write_stack(folder: Path) -> None:
    """A cine of short-axis slices, one file for each slice and phase."""
    folder.mkdir(parents=True)
    stack = left_ventricle_stack_phantom(1, slices=SLICES, phases=PHASES, distance_mm=8)
    for number, phases in enumerate(stack.slices):
        for phase, phantom in enumerate(phases):
            assert phantom.image.spacing_mm is not None
            place = {"ImagePositionPatient": [0, 0, 8 * number], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
            spacing = {"PixelSpacing": [round(side, 6) for side in phantom.image.spacing_mm], "SliceThickness": 8}
            time_ = {"TriggerTime": 40 * phase, "InstanceNumber": number * PHASES + phase + 1}
            frame = {"FrameOfReferenceUID": generate_uid(entropy_srcs=["benchmark", "frame"]), "PositionReferenceIndicator": ""}
            file = picture(_MR, f"{number} {phase}", phantom.image.pixels, **place, **spacing, **time_, **frame)
            file.save_as(folder / f"{number:02d}-{phase:02d}.dcm", enforce_file_format=True)


def stack_figures(folder: Path) -> list[Figure]:
    """The command on a stack that was predicted."""
    write_stack(folder / "in" / "heart")
    run_batch("left_ventricle", [folder / "in"], folder / "out", Options(save=("mask",)))
    command = [sys.executable, "-m", "usseg_monai", "dicom", str(folder / "out"), str(folder / "in"), "--json"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory = after.ru_maxrss / 1024
    made = json.loads(done.stdout)
    assert [row["kind"] for row in made["objects"]] == ["seg", "seg", "sr"] and not made["failed"]
    report = (folder / "out" / "dicom" / "heart_sr.dcm").stat().st_size / 1000
    name = f"a stack of {SLICES * PHASES} files, SEG of end diastole and end systole, SR"
    return [
        Figure(f"{name}: the command, processor time", seconds, 10, "s"),
        Figure("its memory", memory, 400, "MB"),
        Figure("its SR", report, 100, "kB"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update-docs", action="store_true", help="put the table into docs/dicom_objects.md")
    args = parser.parse_args()
    figures = [Figure(f"SEG and SR of an image, 800 x 540, warm, processor time, fastest of {_RUNS}", image_seconds(), 0.15, "s")]
    with tempfile.TemporaryDirectory() as temporary:
        figures += stack_figures(Path(temporary))
    lines = ["| What | Found | Bar |", "| --- | ---: | ---: |"]
    for what, value, bar, unit in figures:
        missed = "" if value <= bar else " **missed**"
        lines.append(f"| {what} | {value:.{2 if unit == 's' else 0}f} {unit}{missed} | {bar:g} {unit} |")
    print("\n".join(lines))
    if args.update_docs:
        DOCS.write_text(insert_table(DOCS.read_text(encoding="utf-8"), "dicom_out", "\n".join(lines)), encoding="utf-8")
    return int(any(value > bar for _, value, bar, _ in figures))


if __name__ == "__main__":
    sys.exit(main())
