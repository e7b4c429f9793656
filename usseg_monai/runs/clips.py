"""Clips of a run: one row of ``clips.csv`` and one table of frames for each video and each DICOM file of several frames.

Only for tasks whose record names a `usseg_monai.tasks.clip.Clip`.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from pathlib import Path

from usseg_monai.files.table import Row, one_line, write_table
from usseg_monai.imaging import Place, Source
from usseg_monai.measuring.result import Status
from usseg_monai.runs.outputs import clip_file, track_file
from usseg_monai.runs.table import FrameRows, Located
from usseg_monai.tasks import Task
from usseg_monai.tasks.clip import Clip, ClipFrame
from usseg_monai.tasks.record import load

__all__ = [
    "FORMATS",
    "LARGEST",
    "clip_columns",
    "clip_files",
    "clip_frames",
    "clip_row",
    "is_clip",
    "located_in_clip",
    "track_columns",
    "write_track",
]

FORMATS = frozenset(("dicom", "video"))
"""Formats whose frames follow each other in time; pages and slices of others do not."""


LARGEST = 4_000_000
"""Pixels of the largest frames of which an annotated clip is written; encoders need 20 frames of memory."""


def located_in_clip(source: Source, place: Place | None, shape: tuple[int, int]) -> Located | None:
    """Time and shape of one of several frames, by which it is known as one of a clip; ``None`` for pages and slices."""
    if source.format not in FORMATS:
        return None
    return Place(time_ms=None if place is None else place.time_ms, number=source.frame), shape


def is_clip(task: Task, frames: Sequence[FrameRows]) -> bool:
    """Whether the frames of a file are those of a clip, for tasks that sum up clips."""
    return bool(task.clip) and any(frame.located is not None for frame in frames)


def clip_files(folder: Path, task: Task, output: str, frames: Sequence[FrameRows], save: Collection[str]) -> list[Path]:
    """The files that an undamaged clip has, given the rows of all its frames; none for other files."""
    files = [track_file(folder, output)] if is_clip(task, frames) else []
    if "clip" in save and len(frames) > 1 and not task.study:  # with studies, located frames may be those of a volume
        places = [frame.located for frame in frames if frame.located is not None]
        if len(places) == len(frames) and all(math.prod(shape) <= LARGEST for _, shape in places):
            files.append(clip_file(folder, output))
    return files


def clip_columns(task: Task) -> tuple[str, ...]:
    """All columns of a task's table of clips, in order."""
    return ("file", "frames", "duration_ms", *(column.name for column in task.clip_columns), "message")


def track_columns(task: Task) -> tuple[str, ...]:
    """All columns of a task's table of one clip's frames, in order."""
    return ("frame", "time_ms", "status", *(column.name for column in task.clip_frame_columns))


def clip_row(task: Task, file: str, frames: Sequence[FrameRows]) -> Row:
    """The row of a clip.

    Args:
        task: the task.
        file: the input's name in the results.
        frames: rows of all its frames.
    """
    clip: Clip = load(task.clip)
    found = clip_frames(frames)
    row, remark = clip.sum_up(found)
    times = [frame.time_ms for frame in found if frame.time_ms is not None]
    failed = sum(frame.row["status"] == Status.FAILED.value for frame in found)
    words = ("1 frame was" if failed == 1 else f"{failed} frames were") + " not read"
    return {
        "file": file,
        "frames": len(frames),
        "duration_ms": times[-1] - times[0] if len(times) > 1 else None,
        **{column.name: row[column.name] for column in task.clip_columns},
        "message": one_line("; ".join(filter(None, (words if failed else "", remark)))),
    }


def write_track(folder: Path, task: Task, output: str, frames: Sequence[FrameRows]) -> None:
    """Write the table of a clip's frames.

    Args:
        folder: output folder.
        task: the task.
        output: name of the input's results.
        frames: rows of all its frames, with their masks.

    Raises:
        OutputError: it cannot be written.
    """
    clip: Clip = load(task.clip)
    found = clip_frames(frames)
    rows: list[Row] = [
        {"frame": frame.row["frame"], "time_ms": frame.time_ms, "status": frame.row["status"], **more}
        for frame, more in zip(found, clip.track(found), strict=True)
    ]
    write_table(track_file(folder, output), track_columns(task), rows)


def clip_frames(frames: Sequence[FrameRows]) -> list[ClipFrame]:
    return [ClipFrame(frame.row, None if frame.located is None else frame.located[0].time_ms, frame.mask) for frame in frames]
