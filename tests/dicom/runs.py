"""Runs over DICOM files, by a network that takes what is bright for the structure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from pydicom.dataset import Dataset

from tests.dicom.sources import SHAPE, US, blob, slice_of_heart, source
from tests.tiny import save_graph
from usseg_monai.geometry.types import MaskArray
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch


def graph(folder: Path, task: str) -> Path:
    """A graph that finds what is brighter than 127; the probability is the grey value / 255."""
    folder.mkdir(parents=True, exist_ok=True)
    nodes = [
        helper.make_node("Div", ["pixels", "full"], ["probability"]),
        helper.make_node("Greater", ["pixels", "half"], ["above"]),
        helper.make_node("Cast", ["above"], ["mask"], to=TensorProto.UINT8),
        helper.make_node("Identity", ["trust"], ["confidence"]),
    ]
    constants = {"full": 255.0, "half": 127.0, "trust": 0.9375}
    tensors = [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in constants.items()]
    outputs = {"probability": TensorProto.FLOAT, "mask": TensorProto.UINT8, "confidence": TensorProto.FLOAT}
    properties = {"task": task, "version": "0", "labels": "[]", "checkpoint_sha256": "0" * 64}
    return save_graph(folder / f"{task}.onnx", nodes, outputs, properties, initializer=tensors)


def picture(mask: MaskArray, elements: Dataset) -> Dataset:
    """The file with a bright structure."""
    elements.PixelData = np.where(mask, 204, 40).astype(np.uint8).tobytes()
    return elements


def save(elements: Dataset, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    elements.save_as(file, enforce_file_format=True)
    return file


def heads(folder: Path) -> Path:
    """Two heads and a picture without one."""
    for name, mask in (("a", blob(SHAPE, 60, 80, 40, 52, 20)), ("b", blob(SHAPE, 55, 70, 35, 44)), ("none", np.zeros(SHAPE, np.uint8))):
        region = Dataset()
        region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
        region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = SHAPE[1] - 1, SHAPE[0] - 1
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
        region.PhysicalDeltaX = region.PhysicalDeltaY = 0.05
        save(picture(mask, source(US, name, SequenceOfUltrasoundRegions=[region])), folder / f"{name}.dcm")
    return folder


RADII = ((9, 6, 9), (18, 10, 15), (16, 9, 14), (6, 0, 4))
"""Of the cavity in pixels, by slice and phase."""


def stack(folder: Path, **elements: Any) -> Path:
    for number, phases in enumerate(RADII):
        for phase, radius in enumerate(phases):
            mask = blob((64, 64), 32, 30, max(radius, 0.1), max(radius, 0.1))
            save(picture(mask, slice_of_heart(number, phase, **elements)), folder / f"{number}{phase}.dcm")
    return folder


def predict(task: str, inputs: Path, out: Path, **options: Any) -> Summary:
    weights = graph(out.parent / "graphs", task)
    return run_batch(task, [inputs], out, Options(**{"threads": 1, "save": ("mask",), "weights": weights, **options}))
