"""Which axes of a stored array are columns, rows, slices and phases, and where each slice lies: one rule for NIfTI, NRRD and MetaImage.

No header of these formats states reliably which axis ran across the slices at acquisition; after a reorientation it may be any of the
three. It is determined, in this order, by

1. an axis of a single voxel: the file is one slice;
2. what the header states (NIfTI's ``dim_info``), unless the steps contradict it;
3. the steps: one that is clearly larger than the two others, which agree with each other, runs across thick slices;
4. else the third axis, as all these formats are written by convention; it also stays the third in volumes of equal steps.

If steps or sizes speak against the third axis and nothing states the right one, the file is refused: wrong areas are worse than none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from usseg_monai.errors import ImageError
from usseg_monai.geometry.spacing import is_spacing
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging.image import Place

__all__ = ["Axes", "Grid", "Vector", "find_axes", "frame_place", "slice_axis", "trusted_spacing"]

Vector = tuple[float, float, float]

_LONGEST_STEP_MS = 1e6  # generous limit between two phases of a heart beat
_THICKER = 1.5  # times both other steps: slices are that thick
_ALIKE = 1.2  # times the smaller of two steps within the picture, at most
_FLATTER = 4  # times fewer voxels than along both other axes, which are within a factor of 2
_SHEARED = 0.01  # cosine between columns and rows: above it, a pixel is not a rectangle


@dataclass(frozen=True)
class Axes:
    """What the axes of a stored array are, counted from 0, the one that changes fastest first.

    Attributes:
        col, row: along which the columns and rows of a picture are counted.
        slice: across the slices; ``None`` if the file holds one picture, or pictures at unknown distances.
        channel: along which the samples of a pixel lie; ``None`` for grey pictures.
    """

    col: int = 0
    row: int = 1
    slice: int | None = None
    channel: int | None = None

    def others(self, axes: int) -> list[int]:
        """The axes that count frames, the fastest first.

        >>> Axes(col=1, row=2, channel=0).others(5)
        [3, 4]
        """
        return [axis for axis in range(axes) if axis not in (self.col, self.row, self.channel)]


@dataclass(frozen=True)
class Grid:
    """Where the voxels of an array lie.

    Attributes:
        axes: the two or three axes of the array that run through space.
        steps_mm: vector ``(x, y, z)`` from a voxel to the next along each of them.
        origin_mm: of the first voxel.
        oriented: whether the vectors have true directions; otherwise only their lengths are known.
    """

    axes: Sequence[int]
    steps_mm: Sequence[Vector]
    origin_mm: Vector = (0.0, 0.0, 0.0)
    oriented: bool = True

    @classmethod
    def of_lengths(cls, axes: Sequence[int], lengths_mm: Sequence[float]) -> Grid:
        """A grid with only the lengths of the steps known; a length that is not positive counts as unknown."""
        known = [length if length > 0 else math.nan for length in lengths_mm]
        steps = [tuple(length if place == index else 0.0 for place in range(3)) for index, length in enumerate(known)]
        return cls(axes, steps, oriented=False)  # type: ignore[arg-type]

    def lengths_mm(self) -> list[float]:
        """Length of each step."""
        return [math.hypot(*step) for step in self.steps_mm]

    def step(self, axis: int) -> Vector:
        """Vector of one of its axes."""
        return self.steps_mm[list(self.axes).index(axis)]

    def spacing_mm(self, axes: Axes) -> Spacing | None:
        """``(row, col)`` of a picture, ``None`` if unknown or if its pixels are not rectangles."""
        col, row = self.step(axes.col), self.step(axes.row)
        across, down = math.hypot(*col), math.hypot(*row)
        if not is_spacing(down, across) or (self.oriented and abs(np.dot(col, row)) > _SHEARED * across * down):
            return None
        return trusted_spacing(down, across)


def trusted_spacing(row: float, col: float) -> Spacing | None:
    """Spacing of a header, or ``None`` if it states none.

    Writers of these formats put exactly 1 x 1 if the spacing is unknown (a PNG converted by ITK): an unknown length must not become
    millimetres.

    >>> trusted_spacing(0.2, 0.1), trusted_spacing(1.0, 1.0), trusted_spacing(0.0, 0.1)
    ((0.2, 0.1), None, None)
    """
    return None if row == col == 1.0 or not is_spacing(row, col) else (row, col)


def slice_axis(size: Sequence[int], steps_mm: Sequence[float], stated: int | None = None) -> int:
    """Which of three axes in space runs across the slices; see the rule at the head of this module.

    Args:
        size: voxels along each of the three.
        steps_mm: from a voxel to the next along each; not finite or 0 where unknown.
        stated: the axis that the header states, if any.

    Raises:
        ImageError: the header contradicts itself, or it states nothing and the third axis cannot be right.

    >>> slice_axis((96, 10, 96), (1.4, 8.0, 1.4)), slice_axis((96, 96, 96), (1.0, 1.0, 1.0))
    (1, 2)
    """
    single = [axis for axis in range(3) if size[axis] == 1]
    if single:
        return single[0] if len(single) == 1 else 2
    thick, sure = _thick(steps_mm)
    if stated is not None:
        if thick not in (None, stated) and sure:
            raise _undecided(size, steps_mm, f"dim_info states axis {stated}, the steps axis {thick}, counted from 0")
        return stated
    if thick is None:
        if _flat(size) in (0, 1):
            raise _undecided(size, steps_mm, "the header does not state it, and the sizes speak against the third axis")
        return 2
    if thick == 2 or (not sure and size[thick] > size[2]):
        return 2
    if not sure or size[thick] > size[2]:
        raise _undecided(size, steps_mm, "steps and sizes do not decide it, and speak against the third axis")
    return thick


def find_axes(size: Sequence[int], grid: Grid, *, stated: int | None = None, channel: int | None = None) -> Axes:
    """What the axes of an array are.

    Args:
        size: voxels along every axis of the array, the fastest first.
        grid: which two or three of them run through space, and how.
        stated: the axis across the slices, if the header states it.
        channel: the axis of the samples of a pixel.

    >>> find_axes((96, 10, 96, 30), Grid((0, 1, 2), ((1.4, 0, 0), (0, 0, 8), (0, 1.4, 0))))
    Axes(col=0, row=2, slice=1, channel=None)
    """
    if len(grid.axes) < 3:
        return Axes(grid.axes[0], grid.axes[1], channel=channel)
    space = list(grid.axes)
    across = slice_axis([size[axis] for axis in space], grid.lengths_mm(), None if stated is None else space.index(stated))
    plane = [index for index in range(3) if index != across]
    if across != 2 and (_main(grid.steps_mm[plane[0]]) > _main(grid.steps_mm[plane[1]]) if grid.oriented else across == 0):
        plane.reverse()  # an array whose axes were reversed, as numpy shows what ITK has read: columns come last
    return Axes(space[plane[0]], space[plane[1]], space[across], channel)


def frame_place(index: int, size: Sequence[int], axes: Axes, grid: Grid, *, step_ms: float | None = None) -> Place:
    """Where and when a frame was taken.

    Args:
        index: of the frame.
        size, axes, grid: of the array.
        step_ms: from a phase to the next, from the header; ``None`` if it does not state it.
    """
    found = {}
    for axis in axes.others(len(size)):
        index, found[axis] = divmod(index, size[axis])
    number = found.pop(axes.slice, 0) if axes.slice is not None else 0
    phase = 0
    for axis in reversed(found):
        phase = phase * size[axis] + found[axis]
    time_ms = phase * step_ms if step_ms is not None and 0 < step_ms <= _LONGEST_STEP_MS else None
    normal = np.cross(grid.step(axes.col), grid.step(axes.row))
    length = float(np.linalg.norm(normal))
    if axes.slice is None or grid.spacing_mm(axes) is None or not length > 0:
        return Place(time_ms=time_ms, number=phase)
    step = grid.step(axes.slice)
    distance = math.hypot(*step)
    known = is_spacing(distance, distance) and all(map(math.isfinite, grid.origin_mm))
    position = tuple(float(start + number * part) for start, part in zip(grid.origin_mm, step, strict=True))
    return Place(
        position_mm=position if known else None,  # type: ignore[arg-type]
        normal=tuple(float(part) for part in normal / length),  # type: ignore[arg-type]
        orientation=tuple(part / math.hypot(*along) for along in (grid.step(axes.col), grid.step(axes.row)) for part in along),
        time_ms=time_ms,
        number=phase,
    )


def _thick(steps_mm: Sequence[float]) -> tuple[int | None, bool]:
    """The axis with by far the largest step, if there is one, and whether that is certain."""
    if not all(is_spacing(step, step) for step in steps_mm):
        return None, False
    low, middle, high = sorted(range(3), key=lambda axis: steps_mm[axis])
    alike = steps_mm[middle] <= _ALIKE * steps_mm[low]
    if steps_mm[high] > _THICKER * steps_mm[middle]:
        return high, alike
    return (high, False) if alike and steps_mm[high] > _ALIKE * steps_mm[middle] else (None, False)


def _flat(size: Sequence[int]) -> int | None:
    """The axis that has far fewer voxels than the two others."""
    few, middle, many = sorted(range(3), key=lambda axis: size[axis])
    return few if _FLATTER * size[few] <= size[middle] and size[many] <= 2 * size[middle] else None


def _main(step: Vector) -> int:
    """The direction in space that an axis mostly has."""
    return max(range(3), key=lambda place: abs(step[place]))


def _undecided(size: Sequence[int], steps_mm: Sequence[float], reason: str) -> ImageError:
    known = all(is_spacing(step, step) for step in steps_mm)
    steps = f" of {' x '.join(f'{step:g}' for step in steps_mm)} mm" if known else ""
    return ImageError(
        f"{' x '.join(map(str, size))} voxels{steps}: which axis runs across the slices cannot be determined ({reason}); "
        "save it with the slices along the third axis and their true steps in the affine"
    )
