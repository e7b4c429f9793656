"""Pictures of one lesion that are nearly the same: moved by a little, cropped, scaled, or with other marks burnt in.

A split that has one of them in the training part and one in the test part tests what was learnt by heart. Two steps find them: a perceptual
hash names the candidates, since comparing hashes is cheap; the correlation of reduced pictures decides.

The hash is that of Zauner, *Implementation and Benchmarking of Perceptual Image Hash Functions*, 2010, section 3.2: the signs of the lowest
frequencies of the discrete cosine transform, against their median.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from usseg_monai.data.contradictions import block_means

__all__ = ["find_near_duplicates", "perceptual_hash", "unite_groups"]

HASH_DISTANCE = 14
"""Most bits of 63 that the hashes of near-duplicates differ in. Those of strangers differ in 31 on average."""

CORRELATION = 0.65
"""Least correlation of two reduced pictures that are near-duplicates, of what is left when each row's mean is taken off: that tissue
is bright above and dark below is common to all ultrasound."""

_HASH_GRID = (32, 32)
_HASH_FREQUENCIES = 8
_GRID = (24, 24)


def find_near_duplicates(pictures: Iterable[npt.NDArray[Any]]) -> list[tuple[int, int]]:
    """Indices of the pictures that are nearly the same, pair by pair, the lower first.

    Args:
        pictures: grey values ``(rows, cols)``, of any sizes. Taken one by one: they need not all be in memory.

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
    """Names of groups after uniting those of which two members are a pair; a united group has the first name in the alphabet.

    Args:
        groups: name of each member's group; members of one name are together already.
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
    """A reduced picture less the mean of each row, as one row of length 1; zeros where nothing is left."""
    picture = block_means(pixels, _GRID)
    picture -= picture.mean(axis=1, keepdims=True)
    length = float(np.linalg.norm(picture))
    return picture.ravel() / length if length > 0 else picture.ravel()
