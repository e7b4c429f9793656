"""The results table and the overlays of a bundle that runs by ``python -m monai.bundle run``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from ignite.engine import Engine, Events

from usseg_monai.errors import ImageError
from usseg_monai.imaging import read_image
from usseg_monai.imaging.regions import scale_image
from usseg_monai.imaging.spacing import look_up_spacing, read_spacing_csv
from usseg_monai.inference.outputs import FOLDERS, write_overlay
from usseg_monai.inference.results import Table, failed_row, open_table, part_rows, result_row
from usseg_monai.measurements.result import with_remark
from usseg_monai.measurements.trust import TRUST_OUTPUTS
from usseg_monai.tasks import get_task

__all__ = ["ResultsHandler"]


class ResultsHandler:
    """Measures every mask of an evaluator's output and writes ``overlays/`` and the tables, ``results.csv`` and that of parts, as ``usseg
    predict`` does.

    The items are those of `usseg_monai.data.datalist.list_images`, with the mask ``(W, H)`` of 0 and 1 in the key ``pred``.

    Args:
        task: name of the task, whose measurement and columns are used.
        output_dir: folder for the table and the overlays.
        spacing_csv: table of pixel sizes, used for images that do not tell theirs; ``None`` for no such table. An image that it does not
            name is a row that failed.
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
        for item, output in zip(engine.state.batch, engine.state.output, strict=True):
            image = read_image(Path(item["image"].meta["filename_or_obj"]))
            try:
                given = None if image.spacing_mm else look_up_spacing(item["file"], self.spacings)
            except ImageError as error:
                self._table.append(failed_row(self.task, item["file"], 0, str(error)))
                continue
            mask = np.ascontiguousarray(np.asarray(output["pred"].cpu()).T)
            image, reason = scale_image(image, mask, given)
            measurement = self.task.measure_answer(mask, image.spacing_mm, {name: output[name] for name in known if name in output})
            measurement = with_remark(measurement, reason)
            row = result_row(self.task, item["file"], 0, image.spacing_mm, measurement)
            self._table.append(row, part_rows(self.task, item["file"], 0, measurement))
            write_overlay(self.folder / FOLDERS["overlay"] / f"{item['output']}.png", image, mask, measurement, self.task)
