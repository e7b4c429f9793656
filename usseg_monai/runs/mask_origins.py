"""Pixel size, position and phase of a run's masks, read from the run's files, because a PNG cannot store them.

So masks of a run can be corrected by hand and measured again. The account file states the file, frame and pixel size of each mask; the
tables of slices in ``studies/`` state its slice and phase.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import NamedTuple

from usseg_monai.errors import ImageError
from usseg_monai.files.table import read_table
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import Place
from usseg_monai.inputs.naming import Input, frame_output
from usseg_monai.inputs.results_folder import RUN_RECORD, is_run_record
from usseg_monai.runs.accounts import read_accounts
from usseg_monai.runs.outputs import FOLDERS
from usseg_monai.runs.table import row_spacing
from usseg_monai.tasks import TASKS
from usseg_monai.tasks.record import STUDY_FOLDER

__all__ = ["MaskOrigin", "MaskOrigins", "read_origins"]

_MASKS = FOLDERS["mask"]
_NORMAL = (0.0, 0.0, 1.0)  # assumed for all slices: positions are measured along it


class MaskOrigin(NamedTuple):
    """What a run recorded about one of its masks.

    Attributes:
        spacing_mm: ``(row, col)``, ``None`` if unknown.
        place: place in its stack; ``None`` if the frame is not in a stack, or its order is unknown.
        shape: ``(rows, cols)`` of the picture, if the frame is in a stack.
    """

    spacing_mm: Spacing | None
    place: Place | None
    shape: tuple[int, int] | None = None


class MaskOrigins:
    """Finds the origins of masks; reads each run's accounts once. Thread-safe.

    Args:
        run: output folder of the run that wrote all masks; ``None``: the run whose ``masks/`` contains a mask, if any.
    """

    def __init__(self, run: Path | None = None) -> None:
        self._run = run
        self._known: dict[Path, dict[str, MaskOrigin]] = {}
        self._folders: dict[Path, Path | None] = {}
        self._lock = Lock()

    def find(self, mask: Input) -> MaskOrigin | None:
        """The origin of a mask; ``None`` if it does not belong to a run.

        Raises:
            ImageError: the run wrote no mask with this name.
            OutputError: the accounts of the run cannot be read.
        """
        path = Path(mask.path).absolute()
        with self._lock:
            run = self._run or self._run_of(path.parent)
            if run is None:
                return None
            if run not in self._known:
                self._known[run] = read_origins(run)
            origins = self._known[run]
        masks = (run / _MASKS).absolute()
        name = path.relative_to(masks).with_suffix("").as_posix() if path.is_relative_to(masks) else mask.output
        if name not in origins and self._run is not None:
            raise ImageError(f"no mask of the run in {run} has this name; keep the names in its folder {_MASKS}")
        return origins.get(name)

    def _run_of(self, folder: Path) -> Path | None:
        """The run whose ``masks/`` is or contains a folder; ``None`` if there is none."""
        if folder not in self._folders:
            places = (place.parent for place in (folder, *folder.parents) if place.name == _MASKS)
            self._folders[folder] = next((run for run in places if is_run_record(run / RUN_RECORD)), None)
        return self._folders[folder]


def read_origins(run: Path) -> dict[str, MaskOrigin]:
    """The origins of all masks of a run, by name below ``masks/`` without suffix.

    Raises:
        OutputError: its accounts cannot be read.
    """
    places: dict[tuple[str, int], tuple[Place, tuple[int, int] | None]] = {}
    for ending in {task.study_files[0] for task in TASKS.values() if task.study_files}:
        for file in sorted((run / STUDY_FOLDER).rglob(f"*{ending}")):
            places |= _read_places(file, file.relative_to(run / STUDY_FOLDER).as_posix().removesuffix(ending))
    origins: dict[str, MaskOrigin] = {}
    for account in read_accounts(run):
        for frame, rows in enumerate(account.frames):
            origin = MaskOrigin(row_spacing(rows.row), *places.get((account.file, frame), (None, None)))
            origins[frame_output(account.output, frame, len(account.frames))] = origin
    return origins


def _read_places(slices: Path, study: str) -> dict[tuple[str, int], tuple[Place, tuple[int, int] | None]]:
    """Place and shape of each frame, by file and frame, from a study's table of slices."""
    places: dict[tuple[str, int], tuple[Place, tuple[int, int] | None]] = {}
    for row in read_table(slices):
        position, phase, time, frame = (row[name] for name in ("position_mm", "phase", "time_ms", "frame"))
        if isinstance(position, (int, float)) and isinstance(phase, int) and isinstance(frame, int):
            time_ms = float(time) if isinstance(time, (int, float)) else None
            place = Place(study=study, series=study, position_mm=(0.0, 0.0, float(position)), normal=_NORMAL, time_ms=time_ms, number=phase)
            rows, cols = row.get("rows"), row.get("cols")
            places[str(row["file"]), frame] = place, (rows, cols) if isinstance(rows, int) and isinstance(cols, int) else None
    return places
