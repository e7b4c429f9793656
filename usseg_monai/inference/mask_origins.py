"""Where the masks of a run belong: pixel size, position and phase, which a PNG cannot hold, from the records of the run.

So masks of a run can be corrected by hand and measured again. ``run.json`` tells which frame of which file a mask is of, ``results.csv``
its pixel size, and the tables of areas in ``studies/`` its slice and phase.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from usseg_monai.errors import ImageError, OutputError
from usseg_monai.imaging import Place, Spacing
from usseg_monai.inference.inputs import Input, frame_output
from usseg_monai.inference.outputs import FOLDERS
from usseg_monai.inference.results import TABLE, Row, read_table
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.inference.run_record import is_run_record, read_run_record
from usseg_monai.inference.stacks import FOLDER as STUDIES

__all__ = ["MaskOrigin", "MaskOrigins", "read_origins"]

_MASKS = FOLDERS["mask"]
_AREAS = "_areas.csv"
_NORMAL = (0.0, 0.0, 1.0)  # of all slices: positions are counted along it


class MaskOrigin(NamedTuple):
    """What the records of a run say of one of its masks.

    Attributes:
        spacing_mm: ``(row, col)``, ``None`` where it was not known.
        place: in its stack; ``None`` where the frame is in none, or its order is not known.
        shape: ``(rows, cols)`` of the picture, where the frame is in a stack.
    """

    spacing_mm: Spacing | None
    place: Place | None
    shape: tuple[int, int] | None = None


class MaskOrigins:
    """Finds the origins of masks; each run's records are read once. May be used from several threads.

    Args:
        run: output folder of the run that all masks are of; ``None``: that in whose ``masks/`` a mask lies, if it lies in one.
    """

    def __init__(self, run: Path | None = None) -> None:
        self._run = run
        self._known: dict[Path, dict[str, MaskOrigin]] = {}
        self._folders: dict[Path, Path | None] = {}
        self._lock = Lock()

    def find(self, mask: Input) -> MaskOrigin | None:
        """What a run says of a mask; ``None`` where it is of no run.

        Raises:
            ImageError: the mask has a name that the run did not give.
            OutputError: the records of the run cannot be read.
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
            raise ImageError(f"no mask of the run in {run} has this name; keep the names that its folder {_MASKS} has")
        return origins.get(name)

    def _run_of(self, folder: Path) -> Path | None:
        """The run in whose masks a folder lies."""
        if folder not in self._folders:
            places = (place.parent for place in (folder, *folder.parents) if place.name == _MASKS)
            self._folders[folder] = next((run for run in places if is_run_record(run / RUN_RECORD)), None)
        return self._folders[folder]


def read_origins(run: Path) -> dict[str, MaskOrigin]:
    """The origins of all masks of a run, by their names below ``masks/`` without suffix.

    Raises:
        OutputError: its records cannot be read, or contradict each other.
    """
    places = {key: place for file in sorted((run / STUDIES).rglob(f"*{_AREAS}")) for key, place in _read_places(run, file).items()}
    origins: dict[str, MaskOrigin] = {}
    rows = read_table(run / TABLE)
    with read_run_record(run) as (_, inputs):
        for item in inputs:
            for frame, row in enumerate(islice(rows, item.frames)):
                if row["frame"] != frame:
                    raise OutputError(f"{run / TABLE} has other rows than {run / RUN_RECORD} tells: run the command that made them again")
                origin = MaskOrigin(_spacing(row), *places.get((str(row["file"]), frame), (None, None)))
                origins[frame_output(item.output, frame, item.frames)] = origin
    return origins


def _read_places(run: Path, areas: Path) -> dict[tuple[str, int], tuple[Place, tuple[int, int] | None]]:
    study = areas.relative_to(run / STUDIES).as_posix().removesuffix(_AREAS)
    places: dict[tuple[str, int], tuple[Place, tuple[int, int] | None]] = {}
    for row in read_table(areas):
        position, phase, time, frame = (row[name] for name in ("position_mm", "phase", "time_ms", "frame"))
        if isinstance(position, (int, float)) and isinstance(phase, int) and isinstance(frame, int):
            time_ms = float(time) if isinstance(time, (int, float)) else None
            place = Place(study=study, series=study, position_mm=(0.0, 0.0, float(position)), normal=_NORMAL, time_ms=time_ms, number=phase)
            rows, cols = row.get("rows"), row.get("cols")
            places[str(row["file"]), frame] = place, (rows, cols) if isinstance(rows, int) and isinstance(cols, int) else None
    return places


def _spacing(row: Row) -> Spacing | None:
    down, right = row["spacing_mm_row"], row["spacing_mm_col"]
    return (float(down), float(right)) if isinstance(down, (int, float)) and isinstance(right, (int, float)) else None
