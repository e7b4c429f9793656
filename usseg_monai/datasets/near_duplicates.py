"""Find near-duplicates, pictures of one lesion that differ by a small shift, cropping, scaling, or burnt-in marks.

A split with one of them in the training part and one in the test part tests memorisation. Two steps find them: a perceptual hash selects
candidates, since comparing hashes is cheap; the correlation of reduced pictures decides.

The hash is that of Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010, section 3.2: the signs of the lowest
frequencies of the discrete cosine transform, against their median.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.datasets.contradictions import block_means

__all__ = ["find_near_duplicates", "perceptual_hash", "unite_groups"]

HASH_DISTANCE = 14
"""Maximum number of differing bits, of 63, between hashes of near-duplicates. Unrelated pictures differ in 31 on average."""

CORRELATION = 0.65
"""Minimum correlation of two reduced near-duplicates after subtracting each row's mean, since all ultrasound is bright above and dark
below."""

_HASH_GRID = (32, 32)
_HASH_FREQUENCIES = 8
_GRID = (24, 24)


def find_near_duplicates(pictures: Iterable[npt.NDArray[Any]]) -> list[tuple[int, int]]:
    """Pairs of indices of near-duplicates, the lower index first.

    Args:
        pictures: grey values ``(rows, cols)``, of any size. They are read one by one and need not all be in memory.

    >>> rows, cols = np.mgrid[:90, :120]
    >>> picture = np.sin(rows / 9) * np.cos(cols / 7) + np.sin((rows + 2 * cols) / 12)
    >>> find_near_duplicates([picture, picture[::-1], picture[1:, 1:]])
    [(0, 2)]
    """
    reduced = [(perceptual_hash(pixels), _without_layers(pixels)) for pixels in pictures]
    if not reduced:
        return []
    hashes, details = (np.stack(rows).astype(np.float64) for rows in zip(*reduced, strict=True))
    counts = hashes.sum(axis=1)
    distance = counts[:, None] + counts - 2 * (hashes @ hashes.T)
    found = np.triu((distance <= HASH_DISTANCE) & (details @ details.T >= CORRELATION), 1)
    return [(int(first), int(second)) for first, second in np.argwhere(found)]


def perceptual_hash(pixels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """63 bits that hardly change when a picture is scaled, brightened, or changed in small places.

    >>> picture = np.random.default_rng(1).random((60, 80))
    >>> int((perceptual_hash(picture) != perceptual_hash(3 * picture + 20)).sum())
    0
    """
    from scipy.fft import dctn

    spectrum = dctn(block_means(pixels, _HASH_GRID), norm="ortho")[:_HASH_FREQUENCIES, :_HASH_FREQUENCIES]
    lowest = spectrum.ravel()[1:]  # the first is the mean brightness
    bits: npt.NDArray[np.bool_] = lowest > np.median(lowest)
    return bits


def unite_groups(groups: Sequence[str], pairs: Iterable[tuple[int, int]]) -> list[str]:
    """Names of groups after uniting those with members in one pair; a united group has the alphabetically first name.

    Args:
        groups: name of each member's group.
        pairs: indices of members that belong together.

    >>> unite_groups(["c", "b", "a", "d", "d"], [(0, 1), (1, 3)])
    ['b', 'b', 'a', 'b', 'b']
    """
    parent = {name: name for name in groups}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for first, second in pairs:
        low, high = sorted((root(groups[first]), root(groups[second])))
        parent[high] = low
    return [root(name) for name in groups]


def _without_layers(pixels: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """A reduced picture minus the mean of each row, flattened and scaled to length 1; zeros if nothing is left."""
    picture = block_means(pixels, _GRID)
    picture -= picture.mean(axis=1, keepdims=True)
    length = float(np.linalg.norm(picture))
    return picture.ravel() / length if length > 0 else picture.ravel()
