"""What runs in the process of a worker: it reads inputs and processes their frames as the threads of a run do."""

from __future__ import annotations

import logging
import platform
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from usseg_monai.errors import ClusterError, OutputError
from usseg_monai.geometry.types import Spacing
from usseg_monai.predict.predictor import Predictor
from usseg_monai.runs.ledger import Outcome, Turn
from usseg_monai.runs.lock import join_folder
from usseg_monai.runs.options import Options
from usseg_monai.runs.pipeline import process_frames
from usseg_monai.runs.record import read_run_record
from usseg_monai.runs.work import FrameWork, Work

__all__ = ["Errand", "Worker", "for_workers"]


@dataclass(frozen=True)
class Errand:
    """What a worker must know of a run; it can be pickled.

    Attributes:
        task: name of the task.
        options: those of the run, with absolute paths.
        spacings: those of the user's table, by file.
        folder: absolute path of the output folder.
        started: when the run started, by its record.
        network: engine, device and SHA-256 of the weights, as the run records them.
    """

    task: str
    options: Options
    spacings: Mapping[str, Spacing] | None
    folder: str
    started: str
    network: tuple[str, str, str]

    @classmethod
    def of(cls, work: Work) -> Errand:
        """The errand of a run."""
        engine, options = work.predictor.engine, work.options
        configs = tuple(str(Path(config).absolute()) if Path(config).exists() else config for config in options.configs)
        weights = options.weights and options.weights.absolute()
        return cls(
            work.predictor.task.name,
            replace(options, on=None, threads=1, engine=engine.name, weights=weights, configs=configs, spacing_csv=None, masks_of=None),
            work.spacings,
            str(work.out.path.absolute()),
            read_run_record(work.out.path)["started"],
            (engine.name, engine.device, engine.weights_sha256),
        )


class Worker:
    """Processes inputs for a run that was started elsewhere, with one thread.

    Raises:
        ClusterError: its network is not that of the run.
        OutputError: it does not see the run's output folder.
        UssegError: its network cannot be loaded.
    """

    def __init__(self, errand: Errand) -> None:
        # Decoders warn about damaged files, some quoting their bytes, and the cluster would keep that.
        warnings.simplefilter("ignore")
        logging.getLogger("pydicom").setLevel(logging.ERROR)
        options = errand.options
        predictor = Predictor(
            errand.task,
            engine=options.engine,
            device=options.device,
            weights=options.weights,
            batch_size=options.batch_size,
            configs=options.configs,
        )
        engine, here = predictor.engine, platform.node()
        if (engine.name, engine.device, engine.weights_sha256) != errand.network:
            raise ClusterError(
                f"the worker on {here} has another network ({engine.name} on {engine.device}, SHA-256 {engine.weights_sha256[:12]}...) "
                f"than the run ({errand.network[0]} on {errand.network[1]}, {errand.network[2][:12]}...): install the same weights there"
            )
        self._closing = ExitStack()
        held = self._closing.enter_context(join_folder(Path(errand.folder)))
        if read_run_record(held.path)["started"] != errand.started:
            raise OutputError(f"{held.path} on {here} is not the folder of this run: give one on a drive that all machines share")
        self._work = FrameWork(predictor, held, options, errand.spacings)

    def process(self, turns: Sequence[Turn]) -> list[list[Outcome]]:
        """Process inputs; returns the results of the frames of each."""
        results: list[list[Outcome]] = [[]]
        work = self._work
        for _, result, last in process_frames(turns, work.read, work.process, work.fail, 1, skip=work.skip):
            results[-1].append(result)
            if last:
                results.append([])
        return results[:-1]

    def close(self) -> None:
        """Release the output folder."""
        self._closing.close()


def for_workers(turn: Turn) -> Turn:
    """A turn whose file is found from everywhere: workers have another working directory."""
    item, account = turn
    return replace(item, path=item.absolute), account
