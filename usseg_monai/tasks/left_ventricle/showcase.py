"""Real short-axis slices of Sunnybrook, and a synthetic cine stack with exact volumes."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from usseg_monai.files.table import csv_rows, read_table
from usseg_monai.tasks.left_ventricle.phantom import StackPhantom, left_ventricle_stack_phantom
from usseg_monai.tasks.showcase import Figure, Group, Sample, Showcase, attribution

__all__ = ["LEFT_VENTRICLE", "SAMPLES"]

SAMPLES = Path(__file__).with_name("samples")
"""Folder of the real images."""

_SEED, _FRACTION_PERCENT, _SLICES, _PHASES, _DISTANCE_MM, _PHASE_MS = 10, 55.0, 8, 8, 10.0, 106.25
_SHOWN_SLICES = (3, _SLICES - 1)  # in the middle, and beyond the apex
_TOLERANCE_PERCENT = 10.0
_FUNCTION = ("end_diastolic_volume_ml", "end_systolic_volume_ml", "stroke_volume_ml", "ejection_fraction_percent")


def _real() -> Sequence[Sample]:
    with csv_rows(SAMPLES / "areas.csv") as rows:
        areas = {row["filename"]: float(row["area_px"]) for row in rows}
    return [Sample(name, (SAMPLES / name).read_bytes(), {0: {"area_px": area}}) for name, area in areas.items()]


@cache
def _stack() -> StackPhantom:
    return left_ventricle_stack_phantom(
        _SEED, ejection_fraction_percent=_FRACTION_PERCENT, slices=_SLICES, phases=_PHASES, distance_mm=_DISTANCE_MM
    )


def _cine() -> Sequence[Sample]:
    stack = _stack()
    shown = [int(stack.truth[phase]) * _SLICES + index for index in _SHOWN_SLICES for phase in ("end_diastole_phase", "end_systole_phase")]
    frames = [phases[phase] for phase in range(_PHASES) for phases in stack.slices]  # as in the file: slices, then phases
    truths = {number: frame.truth for number, frame in enumerate(frames)}
    masks = {number: frame.mask for number, frame in enumerate(frames)}
    return [Sample("stack.nii.gz", _nifti(stack), truths, masks, frames=shown)]


def _nifti(stack: StackPhantom) -> bytes:
    """The stack as a file: columns, rows, slices, phases."""
    from nibabel import nifti1

    spacing = stack.slices[0][0].image.spacing_mm
    assert spacing is not None  # phantoms have a pixel size
    frames = np.array([[phantom.image.pixels for phantom in phases] for phases in stack.slices], np.uint8)
    zooms = (spacing[1], spacing[0], _DISTANCE_MM, _PHASE_MS)
    kind: Any = nifti1.Nifti1Image  # nibabel is not typed
    image = kind(frames.transpose(3, 2, 0, 1), np.diag([*zooms[:3], 1.0]))
    image.header.set_zooms(zooms)
    image.header.set_xyzt_units("mm", "msec")
    return gzip.compress(image.to_bytes(), mtime=0)


def _figures(results: Path) -> Sequence[Figure]:
    truth = _stack().truth
    figures = []
    for row in read_table(results / "studies.csv"):
        curve = results / "studies" / f"{row['study']}_volume.png"
        values = {name: float(value) if isinstance(value := row[name], (int, float)) else None for name in _FUNCTION}
        drawing = curve.read_bytes() if curve.is_file() else b""
        known = {name: truth[name] for name in _FUNCTION}
        figures.append(Figure("Volume over the heart beat", values, known, drawing, str(row["message"] or ""), _TOLERANCE_PERCENT))
    return figures


LEFT_VENTRICLE = Showcase(
    task="left_ventricle",
    title="The left ventricle, slice by slice and beat by beat",
    highlights=("area_px", "equivalent_diameter_mm", "equivalent_diameter_px", "area_mm2"),
    groups=(
        Group(
            "sunnybrook",
            "Real images (Sunnybrook)",
            "Four slices of patients that no part of the training saw, one of them near the apex. True values: the contours that an expert "
            "drew. These files hold no pixel size, so there are no millimetres.",
            _real,
        ),
        Group(
            "cine",
            "Phantom stack",
            f"A synthetic cine of {_SLICES} slices and {_PHASES} phases in one file, with exactly known volumes. The largest sum of areas "
            "is end diastole, the smallest end systole; a slice in the middle and the last one are shown at both. The last slice lies "
            "beyond the apex and has no cavity: what is outlined there is a miss, and makes the volumes too large. The network was "
            "trained on real images alone, and remarks that phantoms come from another source.",
            _cine,
            figures=_figures,
        ),
    ),
    notes=(attribution(SAMPLES),),
)
