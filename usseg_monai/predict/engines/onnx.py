"""The engine of the deployed graph: ONNX Runtime on the CPU, in a process without torch and MONAI."""

from __future__ import annotations

import hashlib
import math
import os
import stat
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any

import numpy as np

from usseg_monai.errors import ImageError, WeightsError, printable, quoted
from usseg_monai.geometry.types import GreyArray
from usseg_monai.predict.engines.base import Answer
from usseg_monai.tasks import Task, bundle_path, get_task

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["MAX_WEIGHTS_BYTES", "OnnxEngine"]

MAX_WEIGHTS_BYTES = 512 * 1024**2
"""Size limit of a graph file; the released ones are below 16 MB."""

STRANGERS_SECONDS = 60.0
"""Wall-clock limit per image for a user-supplied graph, which may never terminate."""

STRANGERS_BYTES = 2 * 1024**3
"""Memory limit per process for all user-supplied graphs: a tiny graph can request any amount."""

_KINDS = {"probability": "tensor(float)", "mask": "tensor(uint8)"}


class OnnxEngine:
    """Runs a task's ``model.onnx``: decoded grey values in, probability and mask on the same grid out.

    The released graph is opened only if its SHA-256 is the one in the task's record. A user-supplied graph is not checked this way, but its
    time and memory are limited (`STRANGERS_SECONDS`, `STRANGERS_BYTES`). Both must be self-contained, so that opening a graph never reads
    another file. Thread-safe.

    Args:
        task: name of a task.
        weights: a graph with the same inputs and outputs; the released one by default.
        threads: threads of one call. Use one if several images are processed concurrently.
        arena: whether the runtime keeps the memory of a call for the next one. Without it a program that runs for days takes what its
            largest image needed only while that image is processed: 0.3 GB instead of 1.1 GB after one of 20 megapixels, at equal speed.

    Raises:
        UsageError: unknown task.
        WeightsError: the file is missing, damaged, too large, not self-contained, or made for something else.

    >>> OnnxEngine("fetal_head", threads=2).device  # doctest: +SKIP
    'cpu'
    """

    name = "onnx"
    device = "cpu"

    def __init__(self, task: str, weights: Path | None = None, threads: int = 1, *, arena: bool = True) -> None:
        record = get_task(task)
        file = weights or bundle_path(task) / "models" / "model.onnx"
        remedy = record.weights_remedy if weights is None else "give the path of an exported network"
        graph = _read(file, remedy)
        self.weights_sha256 = hashlib.sha256(graph).hexdigest()
        if weights is None and self.weights_sha256 != record.weights_sha256:
            raise WeightsError(
                f"{file} is damaged or not the released one: its SHA-256 is {self.weights_sha256[:12]}..., the release's is "
                f"{record.weights_sha256[:12] or 'not set'}...; {remedy}, or name the file yourself to use it as it is"
            )
        # The released graph is opened by path, which takes 8 MB less at the peak. A user-supplied one is passed as bytes, so that the
        # runtime finds no other files beside it.
        source = str(file) if weights is None else graph
        del graph
        self._released = weights is None
        self._session = _open(source, file, threads, arena)
        _check(self._session, record, file)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, pixels: GreyArray) -> Answer:
        """Segment grey values ``(rows, cols)``; see `Answer`.

        Raises:
            ImageError: the graph cannot process this image, for example for lack of memory or time, or its output is not a finite number.
            WeightsError: the graph's output is not on the image's grid, or not made of numbers.
        """
        try:
            answers = self._run(np.ascontiguousarray(pixels, dtype=np.float32))
        except Exception as error:  # the runtime's exceptions have no other common base class
            raise ImageError(f"the network could not take the image of {pixels.shape[0]}x{pixels.shape[1]}: {_reason(error)}") from error
        found = dict(zip(self._outputs, answers, strict=True))
        probability, mask = found.pop("probability"), found.pop("mask")
        if probability.shape != pixels.shape or mask.shape != pixels.shape:
            raise WeightsError(f"the graph gave a mask of {mask.shape} for an image of {pixels.shape}: it must keep the image's grid")
        if any(value.size != 1 for value in found.values()):
            raise WeightsError(f"the graph gave {', '.join(found)}: beside probability and mask each output must be one number")
        extras = {name: value.item() for name, value in found.items()}
        if not self._released and not (np.isfinite(probability).all() and all(map(math.isfinite, extras.values()))):
            raise ImageError("the network's answer for this image is not a finite number; look at the image, or use other weights")
        return mask, probability, extras

    def _run(self, pixels: GreyArray) -> Sequence[Any]:
        """The graph's outputs; a user-supplied graph is stopped at its time limit."""
        if self._released:
            released: Sequence[Any] = self._session.run(None, {"pixels": pixels})
            return released
        from onnxruntime import RunOptions

        options = RunOptions()
        stop = Timer(STRANGERS_SECONDS, setattr, (options, "terminate", True))
        stop.daemon = True
        stop.start()
        try:
            named: Sequence[Any] = self._session.run(None, {"pixels": pixels}, options)
            return named
        except Exception as error:
            if options.terminate:
                raise _BoundError(f"no answer within {STRANGERS_SECONDS:g} s; take a smaller image or another graph") from error
            if "BFCArena" in str(error):  # the allocator of `_bound_memory`
                raise _BoundError(f"more than {STRANGERS_BYTES >> 20} MB are needed; take a smaller image or another graph") from error
            raise
        finally:
            stop.cancel()


class _BoundError(Exception):
    """A graph exceeded its time or memory limit."""


def _read(file: Path, remedy: str) -> bytes:
    try:
        found = file.stat()
        size = found.st_size
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):  # reading a pipe or a device may never end
            raise WeightsError(f"{file} is not a regular file: give an exported network")
        if size > MAX_WEIGHTS_BYTES:
            raise WeightsError(f"{file} has {size} bytes: at most {MAX_WEIGHTS_BYTES} are taken for a graph; give an exported network")
        return file.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"no weights at {file}: {remedy}, or export a trained network with 'usseg export'") from None
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}; check the file and its permissions") from error


def _open(graph: str | bytes, file: Path, threads: int, arena: bool) -> InferenceSession:
    import onnxruntime  # late: importing it takes a tenth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = (
        arena  # the pattern of a first call lays all buffers of a second side by side
    )
    options.log_severity_level = 4  # errors are raised instead, and reported once
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave the cores to decoding and writing
    # The runtime would look for external weights in the working directory; there can be no file below the null device.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    if isinstance(graph, bytes):
        _bound_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as in __call__
        if "external data" in str(error).lower():
            raise WeightsError(f"{file} keeps weights in other files: export it as one file, as 'usseg export' does") from error
        raise WeightsError(f"{file} is not a graph that can be run: {_reason(error)}; give a file made by 'usseg export'") from error


@cache
def _bound_memory() -> None:
    """Set up the one allocator for all user-supplied graphs of this process."""
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT)
    same_as_requested = 1
    limits = onnxruntime.OrtArenaCfg({"max_mem": STRANGERS_BYTES, "arena_extend_strategy": same_as_requested})
    onnxruntime.create_and_register_allocator(place, limits)


def _check(session: InferenceSession, task: Task, file: Path) -> None:
    """Refuse graphs with other inputs or outputs, or of another task."""
    try:
        inputs = [(put.name, put.type, len(put.shape)) for put in session.get_inputs()]
        outputs = {put.name: put.type for put in session.get_outputs()}
        made_for: Any = session.get_modelmeta().custom_metadata_map.get("task")
    except UnicodeDecodeError as error:
        raise WeightsError(f"{file} is damaged: a name in it is not text; give a file made by 'usseg export'") from error
    if inputs != [("pixels", "tensor(float)", 2)] or not _KINDS.items() <= outputs.items() or not _are_numbers(outputs.values()):
        taken, given = (quoted(", ".join(names)) for names in ((name for name, *_ in inputs), sorted(outputs)))
        raise WeightsError(
            f"{file} is not a deployed graph: it takes {taken} and gives {given}, not pixels (rows, cols) and probability, mask as "
            "numbers; give a file made by 'usseg export'"
        )
    if made_for not in (None, task.name):
        raise WeightsError(f"{file} was made for the task {quoted(made_for)}, not for {task.name!r}: give the graph of {task.name!r}")


def _are_numbers(kinds: Iterable[str]) -> bool:
    return all(kind in ("tensor(float)", "tensor(double)", "tensor(uint8)", "tensor(int64)") for kind in kinds)


def _reason(error: Exception) -> str:
    """One line of the runtime's message, without its prefix; names in it come from the graph."""
    return printable(" ".join(str(error).split()).rsplit("[ONNXRuntimeError] : ", 1)[-1][:200])
