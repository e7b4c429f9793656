"""From an image to a mask and its measurements."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import GreyImage, Limits, MaskArray, Spacing, read_image
from usseg_monai.imaging.grey import to_grey
from usseg_monai.imaging.regions import scale_image
from usseg_monai.imaging.spacing import check_spacing
from usseg_monai.inference.engines.base import Engine
from usseg_monai.measurements.result import Measurement, Status, Value, with_remark
from usseg_monai.tasks import config_file, get_task

__all__ = ["ENGINES", "Prediction", "Predictor", "check_engine", "engine_name"]

ENGINES = ("auto", "onnx", "torch")
"""What runs the network: the deployed graph in ONNX Runtime, or the bundle's MONAI chain."""


@dataclass(frozen=True)
class Prediction:
    """What was found in one image.

    Attributes:
        image: as it was read, with the spacing that was used.
        mask: uint8 ``(rows, cols)`` of the image's size, background 0, structure 1.
        probability: float32 ``(rows, cols)``, 0 to 1.
        measurement: the numbers, with their status.
    """

    image: GreyImage
    mask: MaskArray
    probability: npt.NDArray[np.float32]
    measurement: Measurement

    @property
    def measurements(self) -> Mapping[str, Value]:
        """Numbers by result column of the task; unknown ones are ``None``."""
        return self.measurement.values

    @property
    def status(self) -> Status:
        """How far the numbers can be believed."""
        return self.measurement.status

    @property
    def message(self) -> str:
        """What there is to add, in one line."""
        return self.measurement.message


class Predictor:
    """Finds and measures a task's structure; loads the network once.

    Args:
        task: name of a task, as ``usseg tasks`` lists them.
        engine: ``onnx``, the deployed graph, which needs no torch; ``torch``, the bundle's MONAI chain; ``auto``: torch where a GPU is
            named as the device, onnx otherwise.
        device: ``auto``, ``cpu``, or for the engine torch ``cuda``, ``cuda:1`` ...; its ``auto`` takes a GPU where there is one.
        threads: threads of the network on a CPU.
        weights: a file in place of the released weights: a graph for onnx, a checkpoint for torch.
        batch_size: most images that go through the network together when several threads call; for the engine torch only, the deployed
            graph takes one image at a time.
        configs: for the engine torch only: laid over the bundle's ``inference.json``, one after the other, by the names that they have in
            the bundle (``teaching_inference``) or by their paths. Configs are programs: take them from nobody whom you do not trust.

    Raises:
        UsageError: unknown task, engine, device or config, or one that cannot be used here.
        WeightsError: the weights are missing, damaged or not the released ones.

    >>> prediction = Predictor("fetal_head").predict("image.png", spacing_mm=(0.2, 0.2))  # doctest: +SKIP
    >>> prediction.measurements["head_circumference_mm"]  # doctest: +SKIP
    251.3
    """

    def __init__(
        self,
        task: str,
        *,
        engine: str = "auto",
        device: str = "auto",
        threads: int = 1,
        weights: str | Path | None = None,
        batch_size: int = 1,
        configs: Sequence[str] = (),
    ) -> None:
        self.task = get_task(task)
        self.engine = _load_engine(task, engine, device, threads, None if weights is None else Path(weights), batch_size, configs)

    def predict(self, source: str | Path | GreyImage | npt.NDArray[Any], *, spacing_mm: Spacing | None = None) -> Prediction:
        """Find and measure the structure in one image. May be called from several threads at once.

        Args:
            source: a file (of several frames, the first; see `usseg_monai.imaging.read_frames` for the others), an image as read from
                one, or an array: ``(rows, cols)`` grey, ``(rows, cols, 3)`` RGB.
            spacing_mm: ``(row, col)`` in mm between pixel centres, used where the image itself does not say; without either there are no
                millimetres. Where regions of the image have different scales, the one that holds the structure says it.

        Raises:
            ImageError: no image that can be used.
            UsageError: the spacing is no pair of positive numbers.
        """
        image = _image(source)
        if spacing_mm is not None:
            spacing_mm = check_spacing(*spacing_mm)
        output = self.engine(image.pixels)
        image, reason = scale_image(image, output.mask, spacing_mm)
        try:
            measurement = self.task.measure_answer(output.mask, image.spacing_mm, output.extras)
        except UsageError as error:  # a number that is none, such as a confidence of nan
            raise ImageError(f"the network's answer cannot be used: {error}") from error
        return Prediction(image, output.mask, output.probability, with_remark(measurement, reason))


def _image(source: str | Path | GreyImage | npt.NDArray[Any]) -> GreyImage:
    if isinstance(source, (str, os.PathLike)):
        return read_image(source)
    if isinstance(source, GreyImage):
        if source.pixels.ndim != 2 or source.pixels.size == 0:
            raise ImageError(f"grey values of shape {source.pixels.shape}: an image has rows and columns, at least one of each")
        return source
    pixels = to_grey(np.asarray(source))
    Limits().check(*pixels.shape)
    return GreyImage(pixels)


def engine_name(engine: str, device: str) -> str:
    """The engine that a choice of engine and device leads to, ``onnx`` or ``torch``; `UsageError` for an unknown engine.

    >>> engine_name("auto", "cpu"), engine_name("auto", "cuda")
    ('onnx', 'torch')
    """
    if engine not in ENGINES:
        raise UsageError(f"unknown engine {engine!r}: the engines are {', '.join(ENGINES)}")
    if engine == "auto":
        return "onnx" if device in ("auto", "cpu") else "torch"
    return engine


def check_engine(task: str, engine: str, device: str, batch_size: int, configs: Sequence[str]) -> None:
    """Raise `UsageError` for choices of a `Predictor` that are wrong whatever the images; loads nothing."""
    get_task(task)
    if batch_size < 1:
        raise UsageError(f"batch_size {batch_size}: must be 1 or more")
    if engine_name(engine, device) == "onnx":
        if device not in ("auto", "cpu"):
            raise UsageError(f"device {device!r}: the engine onnx runs on the CPU; use the engine torch, or the device cpu")
        if configs:
            raise UsageError(f"config {configs[0]!r}: the engine onnx runs a graph, which takes no configs; use the engine torch")
    for name in configs:
        config_file(task, name)


def _load_engine(
    task: str, engine: str, device: str, threads: int, weights: Path | None, batch_size: int, configs: Sequence[str]
) -> Engine:
    if threads < 1:
        raise UsageError(f"threads {threads}: must be 1 or more")
    check_engine(task, engine, device, batch_size, configs)
    if engine_name(engine, device) == "onnx":
        from usseg_monai.inference.engines.onnx import OnnxEngine

        return OnnxEngine(task, weights, threads)
    return _load_bundle_engine(task, device, threads, weights, batch_size, configs)


def _load_bundle_engine(task: str, device: str, threads: int, weights: Path | None, batch_size: int, configs: Sequence[str]) -> Engine:
    try:
        from usseg_monai.inference.engines.bundle import BundleEngine
    except ImportError as error:
        raise UsageError(f"the engine torch needs torch and MONAI ({error}); install the whole package, or use the engine onnx") from error
    from usseg_monai.inference.engines.batching import Batching

    return Batching(BundleEngine(task, device, weights, threads, configs), batch_size)
