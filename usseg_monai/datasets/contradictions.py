"""Find nearly identical frames with contradictory annotations: one has a structure, the other none or a different one.

Neighbouring frames of a film hardly differ, but annotators who saw them one by one did not always decide alike. A network cannot learn from
both, and a test that requires both cannot be passed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.dataset import Case, Dataset, name_remark
from usseg_monai.imaging import read_image

__all__ = ["Contradiction", "block_means", "drop_contradictions", "find_contradictions"]

SAME_FRAME = 0.95
"""Minimum correlation of two nearly identical frames. Frames of two subjects of Kaggle's nerve set stay below 0.7."""

SAME_STRUCTURE = 0.2
"""Annotations with a smaller Dice overlap contradict each other. Two readings of one nerve: median 0.8 in such frames."""

_GRID = (46, 64)  # blocks of about 9 pixels: fine enough for a fascia, too coarse for speckle

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contradiction:
    """Two nearly identical frames of one group with contradictory annotations.

    Attributes:
        first: the earlier one, in the order of the cases.
        second: the other one.
        correlation: of the two frames, at most 1.
        dice: overlap of the annotations, 0 to 1; 0 where only one frame has a structure.
    """

    first: Case
    second: Case
    correlation: float
    dice: float


def find_contradictions(cases: Sequence[Case]) -> list[Contradiction]:
    """Compare all frames of each group, by the correlation of the pictures' block means and the Dice overlap of the annotations'.

    Raises:
        ImageError: an image or annotation that cannot be used.
    """
    groups = defaultdict(list)
    for case in cases:
        groups[case.group].append(case)
    return [found for members in groups.values() for found in _find_in_group(members)]


def drop_contradictions(dataset: Dataset) -> Dataset:
    """Leave out frames until no contradiction is left; the remarks name them.

    The frame with most contradictions is left out first; frames with equally many are left out together, since of two frames that
    contradict only each other it is unknown which is right.

    Raises:
        ImageError: an image or annotation that cannot be used.
    """
    pairs = [(pair.first.image, pair.second.image) for pair in find_contradictions(dataset.cases)]
    dropped = _most_contested(pairs)
    names = [case.image.name for case in dataset.cases if case.image in dropped]
    remarks = name_remark("frames left out that others, nearly the same, contradict", names)
    kept = tuple(case for case in dataset.cases if case.image not in dropped)
    return replace(dataset, cases=kept, remarks=(*dataset.remarks, *remarks))


def block_means(pixels: npt.NDArray[Any], grid: tuple[int, int]) -> _Floats:
    """Means over a grid of blocks that cover a picture, float64 of the grid's shape; block sizes may differ by one pixel.

    >>> block_means(np.arange(12).reshape(3, 4), (3, 2))
    array([[ 0.5,  2.5],
           [ 4.5,  6.5],
           [ 8.5, 10.5]])
    """
    means = np.asarray(pixels, dtype=np.float64)
    for axis, blocks in enumerate(grid):
        size = means.shape[axis]
        begin = np.arange(blocks) * size // blocks
        count = np.maximum(np.diff(begin, append=size), 1)  # if the picture is smaller than the grid, pixels repeat
        means = np.moveaxis(np.moveaxis(np.add.reduceat(means, begin, axis=axis), axis, -1) / count, -1, axis)
    return means


def _find_in_group(cases: Sequence[Case]) -> Iterator[Contradiction]:
    pictures, masks = (np.stack(rows) for rows in zip(*map(_reduce, cases), strict=True))
    correlation = np.triu(pictures @ pictures.T, 1)
    for first, second in np.argwhere(correlation >= SAME_FRAME):
        dice = _soft_dice(masks[first], masks[second])
        if dice < SAME_STRUCTURE:
            yield Contradiction(cases[first], cases[second], float(correlation[first, second]), dice)


def _reduce(case: Case) -> tuple[_Floats, _Floats]:
    """Block means of the picture (standardised to mean 0 and length 1) and of the annotation, each as one row."""
    pixels = read_image(case.image).pixels
    picture = block_means(pixels, _GRID).ravel()
    picture -= picture.mean()
    return picture / max(float(np.linalg.norm(picture)), 1e-9), block_means(read_annotation(case.label, pixels.shape), _GRID).ravel()


def _soft_dice(first: _Floats, second: _Floats) -> float:
    """Dice overlap of two annotations given as shares of blocks; 1 where both are empty."""
    total = float(first.sum() + second.sum())
    return 2 * float(np.minimum(first, second).sum()) / total if total else 1.0


def _most_contested(pairs: Sequence[tuple[Path, Path]]) -> set[Path]:
    """Members to remove so that no pair is left: those with most pairs first, those with equally many together.

    >>> a, b, c = map(Path, "abc")
    >>> sorted(path.name for path in _most_contested([(a, b), (a, c)])), len(_most_contested([(a, b)]))
    (['a'], 2)
    """
    taken: set[Path] = set()
    while left := [pair for pair in pairs if taken.isdisjoint(pair)]:
        counts = Counter(member for pair in left for member in pair)
        most = max(counts.values())
        taken |= {member for member, count in counts.items() if count == most}
    return taken
