"""Results table and overlays of a bundle run by ``python -m monai.bundle run``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from ignite.engine import Engine, Events

from usseg_monai.errors import ImageError
from usseg_monai.imaging import read_image
from usseg_monai.imaging.scale import GivenSpacing
from usseg_monai.imaging.spacing import read_spacing_csv
from usseg_monai.measuring.result import TRUST_OUTPUTS
from usseg_monai.predict.predictor import conclude
from usseg_monai.runs.outputs import FOLDERS
from usseg_monai.runs.table import Table, failed_row, open_table, part_rows, result_row
from usseg_monai.tasks import get_task

__all__ = ["ResultsHandler"]


class ResultsHandler:
    """Measures every mask of an evaluator's output and writes ``overlays/``, ``results.csv`` and the table of parts, as ``usseg predict``
    does.

    The items are those of `usseg_monai.datasets.datalist.list_images`, with the mask ``(W, H)`` of 0 and 1 in the key ``pred``.

    Args:
        task: name of the task, whose measurement and columns are used.
        output_dir: folder for the table and the overlays.
        spacing_csv: table of pixel sizes for images that do not state theirs; ``None`` for no table. An image missing in the table gives a
            failed row.
    """

    def __init__(self, task: str, output_dir: str, spacing_csv: str | None = None) -> None:
        self.task = get_task(task)
        self.folder = Path(output_dir)
        self.spacings = None if spacing_csv is None else read_spacing_csv(spacing_csv)
        self._open = ExitStack()
        self._table: Table | None = None

    def attach(self, engine: Engine) -> None:
        """Register on the evaluator's events."""
        engine.add_event_handler(Events.STARTED, self._begin)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self._add)
        engine.add_event_handler(Events.COMPLETED, self._open.close)
        engine.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def _begin(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._table = self._open.enter_context(open_table(self.folder / "results.csv", self.task))

    def _fail(self, error: BaseException) -> None:
        self._open.close()
        raise error

    def _add(self, engine: Engine) -> None:
        assert self._table is not None  # opened when the engine started
        known = (*self.task.outputs, *TRUST_OUTPUTS)
        state: Any = engine.state  # ignite declares neither the type of batch nor of output
        for item, output in zip(state.batch, state.output, strict=True):
            mask = np.ascontiguousarray(np.asarray(output["pred"].cpu()).T)
            answer = mask, mask.astype(np.float32), {name: output[name] for name in known if name in output}
            image = read_image(Path(item["image"].meta["filename_or_obj"]))
            try:
                prediction = conclude(self.task, image, answer, GivenSpacing(file=item["file"], table=self.spacings))
            except ImageError as error:
                self._table.append(failed_row(self.task, item["file"], 0, str(error)))
                continue
            row = result_row(self.task, item["file"], 0, prediction.image.spacing_mm, prediction.measurement)
            self._table.append(row, part_rows(self.task, item["file"], 0, prediction.measurement))
            prediction.save(self.folder / FOLDERS["overlay"] / f"{item['output']}.png", "overlay")
