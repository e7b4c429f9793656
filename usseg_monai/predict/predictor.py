"""Predicts a mask and its measurements from an image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.geometry.spacing import check_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, Limits, read_image
from usseg_monai.imaging.grey import to_grey
from usseg_monai.imaging.scale import GivenSpacing, scale_image
from usseg_monai.measuring.result import with_remark
from usseg_monai.predict.engines.base import Answer, Engine
from usseg_monai.predict.prediction import Prediction
from usseg_monai.tasks import Task, config_file, get_task

__all__ = ["ENGINES", "ImageSource", "Prediction", "Predictor", "as_image", "check_engine", "conclude", "engine_name", "network_threads"]

ENGINES = ("auto", "onnx", "torch")
"""Engines that run the network: ``onnx``, the deployed graph in ONNX Runtime, in 8 bits unless the user names another; ``torch``, the
bundle's MONAI pipeline, in float32."""

ImageSource: TypeAlias = "str | os.PathLike[str] | bytes | GreyImage | npt.NDArray[Any]"
"""Accepted forms of an image: file name, file content, decoded image, or array."""

_SOURCES = (str, os.PathLike, bytes, GreyImage, np.ndarray)


class Predictor:
    """Finds and measures a task's structure; loads the network once. A copy made by `pickle` loads it again.

    Args:
        task: name of a task, as listed by ``usseg tasks``.
        engine: ``onnx``, the deployed graph, which needs no torch and computes in 8 bits; ``torch``, the bundle's MONAI pipeline in
            float32; ``auto``: torch if the device is a GPU, onnx otherwise.
        device: ``auto``, ``cpu``, or for the engine torch ``cuda``, ``cuda:1`` ...; with torch, ``auto`` uses a GPU if there is one.
        threads: threads of the network on a CPU.
        weights: file used instead of the released weights: a graph for onnx, a checkpoint for torch.
        batch_size: maximum number of images per pass of the network when several threads call; for the engine torch only: the deployed
            graph takes one image at a time.
        configs: for the engine torch only: names such as ``teaching_inference`` (see `usseg_monai.tasks.config_file`) or paths of configs
            that override the bundle's ``inference.json``, in order. Configs execute code: use only configs you trust.

    Raises:
        UsageError: unknown or unusable task, engine, device or config.
        WeightsError: the weights are missing, damaged or not the released ones.

    >>> prediction = Predictor("fetal_head").predict("image.png", spacing_mm=0.2)  # doctest: +SKIP
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
        self._choices: dict[str, Any] = {
            "engine": engine,
            "device": device,
            "threads": threads,
            "weights": weights,
            "batch_size": batch_size,
            "configs": configs,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, such as one in another process, loads the network again."""
        return partial(Predictor, **self._choices), (self.task.name,)

    def __repr__(self) -> str:
        return f"<Predictor of {self.task.name}: engine {self.engine.name} on {self.engine.device}>"

    @overload
    def predict(self, source: ImageSource, *, spacing_mm: float | Spacing | GivenSpacing | None = None) -> Prediction: ...

    @overload
    def predict(
        self, source: list[ImageSource] | tuple[ImageSource, ...], *, spacing_mm: float | Spacing | GivenSpacing | None = None
    ) -> list[Prediction]: ...

    def predict(
        self,
        source: ImageSource | list[ImageSource] | tuple[ImageSource, ...],
        *,
        spacing_mm: float | Spacing | GivenSpacing | None = None,
    ) -> Prediction | list[Prediction]:
        """Find and measure the structure in one image. Thread-safe.

        Args:
            source: a file name (only the first frame is read; for the others see `usseg_monai.read_frames`); ``bytes``, the content of
                such a file; a decoded image; or an array, ``(rows, cols)`` grey or ``(rows, cols, 3)`` RGB. A list or tuple of these gives
                a list of predictions; the first that cannot be used raises its error.
            spacing_mm: ``(row, col)`` in mm between pixel centres, or one number for square pixels, used if the image states none; without
                either there are no values in millimetres. If regions of the image have different scales, that of the region with the
                structure is used.

        Raises:
            ImageError: the image cannot be used.
            UsageError: the spacing is not one or two positive numbers.

        >>> predictor = Predictor("fetal_head")  # doctest: +SKIP
        >>> [found.status for found in predictor.predict([array, "image.png", response.content], spacing_mm=0.2)]  # doctest: +SKIP
        """
        given = GivenSpacing.of(spacing_mm)
        if isinstance(source, (list, tuple)) and (not source or isinstance(source[0], _SOURCES)):  # a list of numbers is an array
            return [self._predict(image, given) for image in source]
        return self._predict(source, given)

    def _predict(self, source: ImageSource, given: GivenSpacing) -> Prediction:
        image = as_image(source)
        scale_image(image, given)  # an image missing from the user's table of pixel sizes fails before the network runs
        return conclude(self.task, image, self.engine(image.pixels), given)


def conclude(task: Task, image: GreyImage, answer: Answer, given: GivenSpacing) -> Prediction:
    """Measure the mask that a network found in an image, with the pixel size of its region.

    Raises:
        ImageError: the network's output holds an invalid number, such as a confidence of NaN.
    """
    mask, probability, extras = answer
    image, reason = scale_image(image, given, mask)
    try:
        measurement = task.measure_answer(mask, image.spacing_mm, extras)
    except UsageError as error:
        raise ImageError(f"the network's answer cannot be used: {error}") from error
    return Prediction(image, mask, probability, with_remark(measurement, reason), task)


def as_image(source: ImageSource) -> GreyImage:
    """Convert any accepted form of an image to a `GreyImage`; raises `ImageError` if it cannot be used."""
    if isinstance(source, (str, os.PathLike, bytes)):
        return read_image(source)
    if isinstance(source, GreyImage):
        if source.pixels.ndim != 2 or source.pixels.size == 0:
            raise ImageError(f"grey values of shape {source.pixels.shape}: an image has rows and columns, at least one of each")
        spacing_mm = None if source.spacing_mm is None else check_spacing(source.spacing_mm)
        return source if spacing_mm == source.spacing_mm else replace(source, spacing_mm=spacing_mm)
    pixels = to_grey(np.asarray(source))
    Limits().check(*pixels.shape)
    return GreyImage(pixels)


def engine_name(engine: str, device: str) -> str:
    """The engine that an engine and device choice selects, ``onnx`` or ``torch``; raises `UsageError` for an unknown engine.

    >>> engine_name("auto", "cpu"), engine_name("auto", "cuda")
    ('onnx', 'torch')
    """
    if engine not in ENGINES:
        raise UsageError(f"unknown engine {engine!r}: the engines are {', '.join(ENGINES)}")
    if engine == "auto":
        return "onnx" if device in ("auto", "cpu") else "torch"
    return engine


def network_threads(engine: str, device: str, threads: int, images: int) -> int:
    """Threads of the network in a batch whose images are processed by several threads.

    The deployed graph runs several images at once, one thread each; torch runs one batch at a time, with all threads.

    Args:
        engine, device: as for a `Predictor`.
        threads: threads that process images.
        images: number of images.

    >>> [network_threads(engine, "cpu", threads=4, images=100) for engine in ("onnx", "torch")]
    [1, 4]
    >>> network_threads("onnx", "cpu", threads=4, images=1)
    4
    """
    return 1 if images > 1 and engine_name(engine, device) == "onnx" else threads


def check_engine(task: str, engine: str, device: str, batch_size: int, configs: Sequence[str]) -> None:
    """Raise `UsageError` for arguments of a `Predictor` that are wrong for any image; loads nothing."""
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
        from usseg_monai.predict.engines.onnx import OnnxEngine

        return OnnxEngine(task, weights, threads)
    return _load_bundle_engine(task, device, threads, weights, batch_size, configs)


def _load_bundle_engine(task: str, device: str, threads: int, weights: Path | None, batch_size: int, configs: Sequence[str]) -> Engine:
    try:
        from usseg_monai.predict.engines.monai import BundleEngine
    except ImportError as error:
        raise UsageError(f"the engine torch needs torch and MONAI ({error}); install the whole package, or use the engine onnx") from error
    from usseg_monai.predict.engines.batching import Batching

    return Batching(BundleEngine(task, device, weights, threads, configs), batch_size)
