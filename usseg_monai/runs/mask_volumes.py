"""Masks with geometry, ``--save nifti``: one NIfTI file per input file, and one per stack of slices.

The masks of a NIfTI input are on its own grid. Slices of one stack in several files, as in DICOM, become one volume with the phases along
the fourth axis. Both can be opened over the pictures, corrected, and measured again by ``usseg measure``. They are assembled from the PNG
masks of the run once all frames are written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from usseg_monai.files.table import Row
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import Place, read_mask
from usseg_monai.inputs.naming import Input, frame_output
from usseg_monai.runs.outputs import output_files, volume_file
from usseg_monai.runs.table import FrameRows
from usseg_monai.tasks.study import SAME_DIRECTION, Stack, StudyFrame

__all__ = ["is_of_stack", "write_file_volume", "write_stack_volume"]

Outputs = Mapping[str, tuple[str, int]]
"""Input file's name in the results -> name of its masks, number of its frames."""


def is_of_stack(item: Input, frames: Sequence[FrameRows]) -> bool:
    """Whether the frames of a file are slices of a stack that may extend over several files."""
    located = frames[0].located
    return located is not None and not StudyFrame(Path(item.path), frames[0].row, *located).of_volume


def write_file_volume(folder: Path, item: Input, frames: Sequence[FrameRows], *, like_source: bool) -> None:
    """Write the masks of all frames of a file as one NIfTI file.

    Args:
        folder: output folder.
        item: the file.
        frames: rows of all its frames.
        like_source: whether the file is NIfTI: its header is read again, and the masks get its grid.

    Raises:
        ImageError: a mask cannot be read back.
        OutputError: the file cannot be written.
    """
    from usseg_monai.imaging.formats.nifti_mask import MaskGrid, write_nifti_mask, write_nifti_mask_like  # late: few runs write NIfTI

    count = len(frames)
    masks = (read_mask(_mask_file(folder, item.output, frame, count)) for frame in range(count))
    target = volume_file(folder, item.output)
    if like_source and write_nifti_mask_like(target, Path(item.path), masks, count):
        return
    first_mask = next(masks)
    shape = first_mask.shape
    places = [frame.located[0] for frame in frames if frame.located is not None]
    slices = sum(place.number == 0 for place in places)  # in a volume, all slices of the first phase come first
    known = len(places) == count and slices > 0 and count % slices == 0 and all(_is_known(place) for place in places)
    slices, first, last = (slices, places[0], places[slices - 1]) if known else (1, None, None)
    grid = MaskGrid((shape[0], shape[1]), slices, count // slices, _spacing(frames[0].row), first, last)
    write_nifti_mask(target, grid, chain([first_mask], masks))


def write_stack_volume(folder: Path, stack: Stack, outputs: Outputs) -> bool:
    """Write the masks of a stack as one NIfTI file; return ``False`` if its slices do not form a complete grid.

    Raises:
        ImageError: a mask cannot be read back.
        OutputError: it cannot be written.
    """
    from usseg_monai.imaging.formats.nifti_mask import MaskGrid, write_nifti_mask

    frames = [frame for phases in stack.slices for frame in phases]
    first, last = stack.slices[0][0], stack.slices[-1][0]
    if not stack.positions_mm or first.of_volume or len({len(phases) for phases in stack.slices}) > 1 or not _are_alike(frames):
        return False
    times = [time for time in stack.times_ms() if time is not None]
    steps = np.diff(times) if len(times) == stack.phases else np.array([])
    step_ms = float(np.median(steps)) if len(steps) and (steps > 0).all() else 0.0
    grid = MaskGrid(first.shape, len(stack.slices), stack.phases, _spacing(first.row), first.place, last.place, step_ms)
    files = (_file_of(folder, phases[phase], outputs) for phase in range(stack.phases) for phases in stack.slices)
    write_nifti_mask(volume_file(folder, stack.name), grid, map(read_mask, files))
    return True


def _are_alike(frames: Sequence[StudyFrame]) -> bool:
    """Whether all pictures have the same size, pixel size and orientation."""
    first = frames[0].place.orientation
    return (
        first is not None
        and len({(frame.shape, _spacing(frame.row)) for frame in frames}) == 1
        and all(
            frame.place.orientation is not None
            and np.dot(first[:3], frame.place.orientation[:3]) >= SAME_DIRECTION
            and np.dot(first[3:], frame.place.orientation[3:]) >= SAME_DIRECTION
            for frame in frames
        )
    )


def _is_known(place: Place) -> bool:
    return place.position_mm is not None and place.orientation is not None


def _file_of(folder: Path, frame: StudyFrame, outputs: Outputs) -> Path:
    output, frames = outputs[frame.file]
    number = frame.row["frame"]
    assert isinstance(number, int)
    return _mask_file(folder, output, number, frames)


def _mask_file(folder: Path, output: str, frame: int, frames: int) -> Path:
    return output_files(folder, frame_output(output, frame, frames), ("mask",))["mask"]


def _spacing(row: Row) -> Spacing | None:
    down, right = row["spacing_mm_row"], row["spacing_mm_col"]
    return (float(down), float(right)) if isinstance(down, (int, float)) and isinstance(right, (int, float)) else None
