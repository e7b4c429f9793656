"""Workers of a Ray cluster: actors without any retries of Ray's own, which have no end (see `usseg_monai.cluster.pool`).

Ray is imported when a cluster is joined. It reports nothing about its use to its makers. Workers on this machine get a cluster of their
own, which listens on 127.0.0.1 only, asks for a token that is made for it, and keeps its files in a temporary folder.
"""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from usseg_monai import __version__
from usseg_monai.cluster.pool import PATIENCE_SECONDS, Answer, Died, process_items
from usseg_monai.cluster.worker import Errand, for_workers
from usseg_monai.errors import ClusterError, UssegError, printable
from usseg_monai.runs.ledger import Outcome, Turn
from usseg_monai.runs.options import available_cores
from usseg_monai.runs.work import Work

__all__ = ["Ray", "RayCrew", "RayWorkers", "shell"]

_SILENT: dict[str, str | None] = {"RAY_USAGE_STATS_ENABLED": "0"}
_STORE_BYTES = 80_000_000  # Ray's smallest object store is 75 MiB; only rows travel
_LONGEST_FOLDER = 26  # of a temporary folder: the paths of Ray's sockets in it may have 103 characters
_REACH_SECONDS = 10.0  # for a connection to a cluster: Ray itself would try for minutes
_LOCAL_PATIENCE_SECONDS = 120.0  # for workers on this machine: if Ray's own processes there have died, none will come
_LAST_WORDS_SECONDS = 4.0  # to finish what is begun when a run is interrupted: another Ctrl-C ends the process after 5


@dataclass(frozen=True)
class Ray:
    """A cluster of Ray, a `usseg_monai.runs.elsewhere.Cluster`. In a program that has joined one already, that one is used.

    Attributes:
        address: ``HOST:PORT`` of a running cluster that this machine belongs to; ``None``: workers on this machine alone.
    """

    address: str | None = None

    def __str__(self) -> str:
        return "ray"

    @contextmanager
    def join(self, workers: int | None) -> Iterator[RayWorkers]:
        """Connect, and leave at the end. All machines must have the inputs and the output folder under the same paths.

        Args:
            workers: their number; by default that of the cluster's cores.

        Raises:
            ClusterError: Ray is not installed here, or the cluster cannot be reached.
        """
        with _environment(_SILENT if self.address else _SILENT | _private()):
            try:
                import ray
            except ImportError as error:
                raise ClusterError("a run on ray needs Ray, which is not installed: pip install 'usseg-monai[ray]'") from error
            if ray.is_initialized():
                yield RayWorkers(ray, workers)
                return
            with _initialised(ray, self.address, workers or available_cores()):
                yield RayWorkers(ray, workers, PATIENCE_SECONDS if self.address else _LOCAL_PATIENCE_SECONDS)


class RayWorkers:
    """The workers of a cluster that was joined, see `usseg_monai.runs.elsewhere.Workers`.

    Args:
        ray: the module.
        workers: their number; by default that of the cluster's cores.
        patience: seconds to wait for a worker when there is none.
    """

    def __init__(self, ray: Any, workers: int | None, patience: float = PATIENCE_SECONDS) -> None:
        self._ray, self._patience = ray, patience
        self.count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def process(self, work: Work, turns: Iterable[Turn]) -> Generator[tuple[Turn, Outcome, bool], None, None]:
        """Process the turns, see `usseg_monai.runs.elsewhere.Workers.process`."""
        crew = RayCrew(self._ray, Errand.of(work))
        return process_items(turns, crew, work.fail, self.count, work.known, self._patience)


class RayCrew:
    """Actors of Ray that process inputs, see `usseg_monai.cluster.pool.Crew`.

    Args:
        ray: the module.
        errand: what the workers are told.
    """

    def __init__(self, ray: Any, errand: Errand) -> None:
        self._ray, self._numbers = ray, count()
        self._errand = pickle.dumps(errand)
        # Without events of tasks: the cluster would keep one for each message.
        options = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "enable_task_events": False}
        self._actor = ray.remote(**options)(shell())
        self._actors: dict[int, Any] = {}
        self._expected: dict[Any, int] = {}  # answers, and the workers that owe them

    def start(self) -> int:
        """Begin to start a worker."""
        number = next(self._numbers)
        self._actors[number] = actor = self._actor.remote()
        self._expected[actor.begin.remote(__version__, self._errand)] = number
        return number

    def give(self, worker: int, items: Sequence[Turn]) -> None:
        """Give a worker inputs."""
        self._expected[self._actors[worker].process.remote([for_workers(turn) for turn in items])] = worker

    def wait(self, seconds: float) -> list[Answer[Outcome]]:
        """The answers that have come.

        Raises:
            ClusterError: a worker has another version or network than this run.
            UssegError: a result cannot be written.
        """
        ready, _ = self._ray.wait(list(self._expected), timeout=seconds)
        return [self._answer(reference) for reference in ready]

    def close(self) -> None:
        """Let the workers finish what they have, for a few seconds, and end them."""
        if self._expected:
            self._ray.wait(list(self._expected), num_returns=len(self._expected), timeout=_LAST_WORDS_SECONDS)
        for actor in self._actors.values():
            self._ray.kill(actor)

    def _answer(self, reference: Any) -> Answer[Outcome]:
        errors = self._ray.exceptions
        worker = self._expected.pop(reference)
        try:
            answer = self._ray.get(reference)
        except errors.RayTaskError:  # a fault of ours
            raise
        except errors.RayError as error:  # the worker, its machine or its answer is lost
            self._ray.kill(self._actors.pop(worker))
            return Answer(worker, Died(_in_short(error)))
        if isinstance(answer, UssegError):
            raise answer
        if isinstance(answer, str):
            raise ClusterError(answer)
        return Answer(worker, answer)


def shell() -> type[Any]:
    """The class of the actors. Ray sends it as a whole, not by its name: a machine may have another version of this package, or none."""

    class Shell:
        """Holds a worker; errors of ours are answers."""

        def begin(self, version: str, errand: bytes) -> Any:
            import pickle
            import platform

            try:
                import usseg_monai
            except ImportError:
                return f"the worker on {platform.node()} has no usseg-monai: install version {version} there"
            if usseg_monai.__version__ != version:
                return (
                    f"the worker on {platform.node()} has usseg-monai {usseg_monai.__version__}, this machine {version}: install the same"
                )
            from usseg_monai.cluster.worker import Worker
            from usseg_monai.errors import UssegError

            self.error = UssegError
            try:
                self.worker = Worker(pickle.loads(errand))
            except UssegError as error:
                return error
            return []

        def process(self, turns: Any) -> Any:
            try:
                return self.worker.process(turns)
            except self.error as error:
                return error

    return Shell


@contextmanager
def _initialised(ray: Any, address: str | None, cores: int) -> Iterator[None]:
    """Join a cluster, or start one on this machine, and leave it."""
    if address:
        _reach(address)
    folder = None if address else tempfile.mkdtemp(prefix="usseg-", dir=_short_folder())
    own = {
        "num_cpus": cores,
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
        "_temp_dir": folder and os.path.join(folder, "ray"),  # which Ray opens to everybody; the folder around it stays closed
    }
    try:
        try:
            ray.init(address or "local", log_to_driver=False, logging_level="CRITICAL", **({} if address else own))
        except (ConnectionError, OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            where = f"the Ray cluster at {address} cannot be joined" if address else "Ray cannot start workers on this machine"
            raise ClusterError(f"{where}: {_in_short(error, lines=8)}") from error
        try:
            with _without_remarks(ray):
                yield
        finally:
            ray.shutdown()
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _reach(address: str) -> None:
    """Raise `ClusterError` if nothing answers there."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACH_SECONDS).close()
    except OSError as error:
        reason = error.strerror or str(error)
        advice = "give the address that 'ray start --head' printed there"
        raise ClusterError(f"the Ray cluster at {address} cannot be joined ({reason}): {advice}") from error


@contextmanager
def _without_remarks(ray: Any) -> Iterator[None]:
    """Ray would print what it thinks of dead workers to standard output, where a summary for programs may go."""
    printing = ray._private.worker
    before = getattr(printing, "_worker_logs_enabled", True)
    printing._worker_logs_enabled = False
    try:
        yield
    finally:
        printing._worker_logs_enabled = before


@contextmanager
def _environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """Set environment variables for a while, or unset those that are ``None``; Ray's processes inherit them."""
    before = {name: os.environ.get(name) for name in variables}
    _set(variables)
    try:
        yield
    finally:
        _set(before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@cache
def _token() -> str:
    """The token of all clusters that this process starts: Ray reads it once."""
    return secrets.token_hex(32)


def _private() -> dict[str, str | None]:
    """Variables for workers on this machine.

    Other machines are kept out: the setting, which is meant for macOS and Windows, lets Ray listen on 127.0.0.1. Other users are kept out
    by a token: Ray's default, but not in a file in the user's home. Workers are no nicer than the run.
    """
    return {
        "RAY_AUTH_MODE": None,
        "RAY_AUTH_TOKEN": _token(),
        "RAY_AUTH_TOKEN_PATH": None,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_worker_niceness": "0",
    }


def _short_folder() -> str:
    """A folder for temporary files with a path that is short enough for sockets."""
    usual = tempfile.gettempdir()
    return usual if sys.platform == "win32" or len(usual) <= _LONGEST_FOLDER else "/tmp"


def _in_short(error: BaseException, lines: int = 1) -> str:
    """The first lines of a library's message, as one line."""
    said = [line.strip() for line in str(error).splitlines() if line.strip()]
    return printable(" ".join(said[:lines]) if said else type(error).__name__)
