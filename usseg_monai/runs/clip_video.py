"""Annotated clips, ``--save clip``: one MP4 per video and per DICOM file of several frames, with outlines and numbers.

They are drawn once all frames of a file are measured, so that bridged masks and the best frame are known: the file is decoded once more, in
its own process, while threads draw and this one encodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from usseg_monai.errors import ImageError
from usseg_monai.files.video import write_video
from usseg_monai.geometry.boundary import boundaries
from usseg_monai.geometry.runs import paint
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import GreyImage
from usseg_monai.imaging.drawing.colors import BACKGROUND, TEXT
from usseg_monai.imaging.drawing.letters import draw_text, fit, readable
from usseg_monai.imaging.drawing.overlay import Marks, draw_result
from usseg_monai.imaging.drawing.strip import letter_size
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.report.caption import describe, marks
from usseg_monai.runs.clips import LARGEST, clip_frames
from usseg_monai.runs.table import FrameRows, row_spacing
from usseg_monai.tasks import Task
from usseg_monai.tasks.clip import Clip, bridged_masks
from usseg_monai.tasks.record import load

__all__ = ["ASSUMED_MS", "draw_frame", "write_clip"]

ASSUMED_MS = 40.0
"""Time between frames that have none: 25 frames a second."""

_BETWEEN = "  ·  "
_Drawn = tuple[float, npt.NDArray[np.uint8]]


def write_clip(path: Path, task: Task, frames: Sequence[FrameRows], images: Iterator[GreyImage], best: int | None, threads: int) -> None:
    """Write the annotated clip of a file.

    Args:
        path: target.
        task: the task.
        frames: rows of all frames, with their masks.
        images: the frames' pictures.
        best: index of the best frame, if the task names one.
        threads: number of threads that draw.

    Raises:
        ImageError: a picture cannot be read again, or is larger than `usseg_monai.runs.clips.LARGEST`.
        OutputError: the clip cannot be written.
    """
    bridged = _bridged(task, frames)
    times = [None if frame.located is None else frame.located[0].time_ms for frame in frames]
    known = [time for time in times if time is not None]
    first = known[0] if len(known) == len(frames) else 0.0

    def draw(number: int, image: GreyImage) -> _Drawn:
        if image.pixels.size > LARGEST:
            raise ImageError(f"frames of {image.pixels.shape[0]} x {image.pixels.shape[1]} pixels: at most {LARGEST} pixels are drawn")
        time_ms = (times[number] or 0.0) - first if len(known) == len(frames) else ASSUMED_MS * number
        return time_ms, draw_frame(task, frames[number], image, time_ms, bridged.get(number), best=number == best)

    with ThreadPoolExecutor(threads, thread_name_prefix="usseg-clip") as pool:
        write_video(path, _in_order(pool, draw, images, len(frames), 2 * threads))


def _in_order(
    pool: ThreadPoolExecutor, draw: Callable[[int, GreyImage], _Drawn], images: Iterator[GreyImage], count: int, ahead: int
) -> Iterator[_Drawn]:
    """The drawn frames; a few are drawn ahead."""
    waiting: deque[Future[_Drawn]] = deque()
    for number, image in enumerate(islice(images, count)):
        waiting.append(pool.submit(draw, number, image))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def draw_frame(
    task: Task, frame: FrameRows, image: GreyImage, time_ms: float, bridged: MaskArray | None = None, *, best: bool = False
) -> npt.NDArray[np.uint8]:
    """Draw one frame of a clip: picture, outline, and below it a line with time, status and numbers.

    A bridged mask is drawn as a thin line in the colour of measurements, and named; what was seen is drawn as in overlays.

    Args:
        task: the task.
        frame: its rows and mask.
        image: its picture.
        time_ms: when it is shown.
        bridged: mask between those of the neighbours, where nothing was seen.
        best: whether it is the clip's best frame.

    Returns:
        RGB, ``(rows, cols, 3)``, both even.
    """
    row = frame.row
    if bridged is not None:
        picture = draw_result(image, np.zeros_like(bridged), Marks(outlines=boundaries(bridged)))
        items = ["bridged: not seen"]
    else:
        mask: MaskArray = np.zeros(image.pixels.shape, np.uint8) if frame.mask is None else paint(frame.mask).astype(np.uint8)
        if mask.shape != image.pixels.shape:
            raise ImageError(f"frame {row['frame']} has another size than before: it was changed during the run")
        picture = draw_result(image, mask, marks(task.measure(mask, row_spacing(row))) if mask.any() else None)
        items = describe(task, Measurement({column.name: row[column.name] for column in task.columns}, Status(row["status"])))
    words = [f"{time_ms / 1000:.2f} s", str(row["status"]).replace("_", " "), *(["best frame"] if best else []), *items]
    return _with_line(picture, _BETWEEN.join(words))


def _with_line(picture: npt.NDArray[np.uint8], text: str) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageDraw

    rows, cols = picture.shape[:2]
    size = letter_size(cols)
    height = 2 * size
    whole = np.empty((rows + height + rows % 2, cols + cols % 2, 3), np.uint8)
    whole[:] = BACKGROUND
    whole[:rows, :cols] = picture
    strip = Image.new("RGB", (whole.shape[1], height), BACKGROUND)
    draw_text(ImageDraw.Draw(strip), (size // 2, round(1.4 * size)), fit(readable(text), size, cols - size), size, TEXT)
    whole[-height:] = np.asarray(strip)
    return whole


def _bridged(task: Task, frames: Sequence[FrameRows]) -> Mapping[int, MaskArray]:
    if not task.clip:
        return {}
    clip: Clip = load(task.clip)
    found = clip_frames(frames)
    return {number: mask for gap in clip.bridges(found) for number, mask in zip(gap, bridged_masks(found, gap), strict=False)}
