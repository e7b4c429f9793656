"""The engine of the deployed graph: ONNX Runtime on the CPU, in a process that knows neither torch nor MONAI."""

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
from usseg_monai.imaging.image import GreyArray
from usseg_monai.inference.engines.base import EngineOutput
from usseg_monai.tasks import Task, bundle_path, get_task

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["MAX_WEIGHTS_BYTES", "OnnxEngine"]

MAX_WEIGHTS_BYTES = 512 * 1024**2
"""Larger files are no graph of ours: the released ones stay below 16 MB."""

STRANGERS_SECONDS = 60.0
"""Of the clock, that a graph named by the user may take for one image: a graph may hold a loop without an end."""

STRANGERS_BYTES = 2 * 1024**3
"""Memory that all graphs named by the user may take in a process: a few bytes of a graph can ask for any amount."""

_KINDS = {"probability": "tensor(float)", "mask": "tensor(uint8)"}


class OnnxEngine:
    """Runs a task's ``model.onnx``: decoded grey values in, probability and mask on the same grid out.

    The released graph is opened only if it is, byte for byte, the one that the task's record names. A file that the user names is his own
    choice; both must be self-contained, so that opening a graph never reads another file. What it may take is bounded (`STRANGERS_SECONDS`,
    `STRANGERS_BYTES`). May be called from several threads at once.

    Args:
        task: name of a task.
        weights: a graph of the same form; the released one unless given.
        threads: threads of one call. One is best when several images are in flight.

    Raises:
        UsageError: unknown task.
        WeightsError: the file is missing, damaged, too large, not self-contained, or made for something else.

    >>> OnnxEngine("fetal_head", threads=2).device  # doctest: +SKIP
    'cpu'
    """

    name = "onnx"
    device = "cpu"

    def __init__(self, task: str, weights: Path | None = None, threads: int = 1) -> None:
        record = get_task(task)
        file = weights or bundle_path(task) / "models" / "model.onnx"
        graph = _read(file)
        self.weights_sha256 = hashlib.sha256(graph).hexdigest()
        if weights is None and self.weights_sha256 != record.weights_sha256:
            raise WeightsError(
                f"{file} is damaged or not the released one: its SHA-256 is {self.weights_sha256[:12]}..., the release's is "
                f"{record.weights_sha256[:12] or 'not set'}...; install the package again, or name the file yourself to use it as it is"
            )
        # The released graph is opened by its name, which takes 8 MB less at the peak. A stranger's is handed over as bytes, beside which
        # no other files can lie.
        source = str(file) if weights is None else graph
        del graph
        self._released = weights is None
        self._session = _open(source, file, threads)
        _check(self._session, record, file)
        self._outputs = [output.name for output in self._session.get_outputs()]

    def __call__(self, pixels: GreyArray) -> EngineOutput:
        """Segment grey values ``(rows, cols)``; see `EngineOutput`.

        Raises:
            ImageError: the graph cannot take this image, for want of memory or time for one, or answers with what is no number.
            WeightsError: the graph does not answer on the image's grid, or not by numbers.
        """
        try:
            answers = self._run(np.ascontiguousarray(pixels, dtype=np.float32))
        except Exception as error:  # the runtime's own exceptions have no common class but this
            raise ImageError(f"the network could not take the image of {pixels.shape[0]}x{pixels.shape[1]}: {_reason(error)}") from error
        found = dict(zip(self._outputs, answers, strict=True))
        probability, mask = found.pop("probability"), found.pop("mask")
        if probability.shape != pixels.shape or mask.shape != pixels.shape:
            raise WeightsError(f"the graph gave a mask of {mask.shape} for an image of {pixels.shape}: it must keep the image's grid")
        if any(value.size != 1 for value in found.values()):
            raise WeightsError(f"the graph gave {', '.join(found)}: beside probability and mask each output must be one number")
        extras = {name: value.item() for name, value in found.items()}
        if not self._released and not (np.isfinite(probability).all() and all(map(math.isfinite, extras.values()))):
            raise ImageError("the network's answer for this image is no finite number; look at the image, or use other weights")
        return EngineOutput(probability, mask, extras)

    def _run(self, pixels: GreyArray) -> Sequence[Any]:
        """The graph's outputs; one that the user named is stopped when its time is over."""
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
    """A graph took more than is allowed."""


def _read(file: Path) -> bytes:
    try:
        found = file.stat()
        size = found.st_size
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):  # a pipe or a device would be read for ever
            raise WeightsError(f"{file} is no regular file: give an exported network")
        if size > MAX_WEIGHTS_BYTES:
            raise WeightsError(f"{file} has {size} bytes: at most {MAX_WEIGHTS_BYTES} are taken for a graph; give an exported network")
        return file.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"no weights at {file}: install the package again, or export a trained network with 'usseg export'") from None
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}; check the file and its permissions") from error


def _open(graph: str | bytes, file: Path, threads: int) -> InferenceSession:
    import onnxruntime  # late: it costs a tenth of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, and said once
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting threads leave the cores to decoding and writing
    # The runtime would look for weights outside the graph in the working directory; no file can lie below the null device.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
    if isinstance(graph, bytes):
        _bound_memory()
        options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as in __call__
        if "external data" in str(error).lower():
            raise WeightsError(f"{file} keeps weights in other files: export it as one file, as 'usseg export' does") from error
        raise WeightsError(f"{file} is no graph that can be run: {_reason(error)}; give a file made by 'usseg export'") from error


@cache
def _bound_memory() -> None:
    """Set up the one allocator of all graphs that users name in this process."""
    import onnxruntime

    place = onnxruntime.OrtMemoryInfo("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT)
    same_as_requested = 1
    limits = onnxruntime.OrtArenaCfg({"max_mem": STRANGERS_BYTES, "arena_extend_strategy": same_as_requested})
    onnxruntime.create_and_register_allocator(place, limits)


def _check(session: InferenceSession, task: Task, file: Path) -> None:
    """Refuse graphs of another form or another task."""
    try:
        inputs = [(put.name, put.type, len(put.shape)) for put in session.get_inputs()]
        outputs = {put.name: put.type for put in session.get_outputs()}
        made_for: Any = session.get_modelmeta().custom_metadata_map.get("task")
    except UnicodeDecodeError as error:
        raise WeightsError(f"{file} is damaged: a name in it is no text; give a file made by 'usseg export'") from error
    if inputs != [("pixels", "tensor(float)", 2)] or not _KINDS.items() <= outputs.items() or not _are_numbers(outputs.values()):
        taken, given = (quoted(", ".join(names)) for names in ((name for name, *_ in inputs), sorted(outputs)))
        raise WeightsError(
            f"{file} is no deployed graph: it takes {taken} and gives {given}, not pixels (rows, cols) and probability, mask as numbers; "
            "give a file made by 'usseg export'"
        )
    if made_for not in (None, task.name):
        raise WeightsError(f"{file} was made for the task {quoted(made_for)}, not for {task.name!r}: give the graph of {task.name!r}")


def _are_numbers(kinds: Iterable[str]) -> bool:
    return all(kind in ("tensor(float)", "tensor(double)", "tensor(uint8)", "tensor(int64)") for kind in kinds)


def _reason(error: Exception) -> str:
    """One line of the runtime's message, without its numbering; names in it are the graph's."""
    return printable(" ".join(str(error).split()).rsplit("[ONNXRuntimeError] : ", 1)[-1][:200])
