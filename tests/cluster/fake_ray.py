"""As much of Ray as a run uses, in this process: actors work at once, and die as a test says."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class ActorDiedError(RayError):
    pass


class FakeRay:
    """Stands in the place of the module ``ray``.

    Args:
        dies: whether a worker dies of a message, from the names of the method and the files in it.

    Attributes:
        inits: arguments of each call of ``init``, and the environment's variables of Ray then.
        options: those of the actors.
        started, killed: numbers of the actors.
    """

    __version__ = "0"

    def __init__(self, dies: Callable[[str, Sequence[str]], bool] = lambda method, files: False, cores: float = 2.0) -> None:
        self.exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        self._private = SimpleNamespace(worker=SimpleNamespace(_worker_logs_enabled=True))
        self.inits: list[dict[str, Any]] = []
        self.options: dict[str, Any] = {}
        self.started: list[int] = []
        self.killed: list[int] = []
        self.initialized = False
        self.refuses: Exception | None = None
        self._dies, self._cores = dies, cores
        self._answers: dict[str, Any] = {}
        self._numbers = count()

    def init(self, address: str, **options: Any) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.inits.append({"address": address, **options})
        self.initialized = True

    def shutdown(self) -> None:
        self.initialized = False

    def is_initialized(self) -> bool:
        return self.initialized

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": self._cores}

    def remote(self, **options: Any) -> Callable[[type[Any]], Any]:
        self.options = options
        return lambda kind: SimpleNamespace(remote=lambda: self._start(kind))

    def wait(self, references: list[str], num_returns: int = 1, timeout: float | None = None) -> tuple[list[str], list[str]]:
        """The last message is answered first: the order of the table must not depend on that of the answers."""
        assert references and 0 < num_returns <= len(references)
        ready = [reference for reference in reversed(references) if reference in self._answers][:num_returns]
        return ready, [reference for reference in references if reference not in ready]

    def get(self, reference: str) -> Any:
        answer = self._answers.pop(reference)
        if isinstance(answer, RayError):
            raise answer
        return pickle.loads(answer)

    def kill(self, actor: Any) -> None:
        self.killed.append(actor.number)
        if worker := getattr(actor.held, "worker", None):
            worker.close()

    def _start(self, kind: type[Any]) -> Any:
        number = next(self._numbers)
        self.started.append(number)
        held = kind()
        methods = {name: SimpleNamespace(remote=self._method(held, name)) for name in ("begin", "process")}
        return SimpleNamespace(number=number, held=held, **methods)

    def _method(self, held: Any, name: str) -> Callable[..., str]:
        def call(*given: Any) -> str:
            reference = f"answer {next(self._numbers)}"
            files = [item.file for item, _ in given[0]] if name == "process" else []
            if self._dies(name, files):
                self._answers[reference] = ActorDiedError("The actor died.\nIts process was killed.")
            else:
                copied = pickle.loads(pickle.dumps(given))  # as in another process: nothing is shared
                try:
                    self._answers[reference] = pickle.dumps(getattr(held, name)(*copied))
                except ValueError as error:
                    self._answers[reference] = RayTaskError(str(error))
            return reference

        return call
