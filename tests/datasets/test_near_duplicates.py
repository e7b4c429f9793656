"""Pictures that are nearly the same: made ones, groups of them, and real lesions that are there more than once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.datasets.samples import texture
from usseg_monai.datasets.near_duplicates import find_near_duplicates, perceptual_hash, unite_groups
from usseg_monai.imaging import read_image

Picture = npt.NDArray[Any]


def scaled(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((300, 200), Image.Resampling.BILINEAR))


def with_calipers(picture: Picture) -> Picture:
    marked: Picture = picture.copy()
    marked[30:34, 20:100] = marked[20:80, 60:62] = 255
    return marked


def noisy(picture: Picture) -> Picture:
    return picture + np.random.default_rng(0).normal(0, 15, picture.shape)


@pytest.mark.parametrize(
    "change",
    [
        np.copy,
        scaled,
        with_calipers,
        noisy,
        lambda picture: picture[2:, 3:],
        lambda picture: picture.astype(float) * 200 + 7,
        lambda picture: 255.0 * (picture / 255.0) ** 1.5,
    ],
    ids=["the same", "scaled", "calipers", "noise", "cropped", "16 bits", "gamma"],
)
def test_a_changed_picture_is_found_among_strangers(change: Callable[[Picture], Picture]) -> None:
    pictures = [texture(seed) for seed in range(20)]
    assert find_near_duplicates([*pictures, change(pictures[7])]) == [(7, 20)]


def test_tissue_in_layers_alone_makes_no_pair() -> None:
    layers = np.repeat(np.linspace(200, 20, 92), 128).reshape(92, 128)
    assert find_near_duplicates([layers + 0.3 * texture(1), layers + 0.3 * texture(2)]) == []


def test_mirrored_pictures_are_strangers() -> None:
    assert find_near_duplicates([texture(1), texture(1)[:, ::-1]]) == []


def test_pictures_without_content() -> None:
    assert find_near_duplicates([]) == []
    assert find_near_duplicates([np.zeros((50, 60))] * 2) == []
    assert find_near_duplicates([np.ones((1, 1)), np.full((3, 2), 7.0)]) == []


def test_hashes_of_strangers_differ_in_half_of_their_bits() -> None:
    hashes = np.stack([perceptual_hash(texture(seed)) for seed in range(40)])
    distances = (hashes[:, None] != hashes).sum(-1)[np.triu_indices(40, 1)]
    assert hashes.shape == (40, 63)
    assert abs(distances.mean() - 31.5) < 1
    assert distances.min() > 14


names = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20)


@given(names, st.data())
def test_united_groups_are_the_connected_ones(groups: list[str], data: st.DataObject) -> None:
    index = st.integers(0, len(groups) - 1)
    pairs = data.draw(st.lists(st.tuples(index, index), max_size=12))
    reached = np.array([[a == b for b in groups] for a in groups])
    for first, second in pairs:
        reached[first, second] = reached[second, first] = True
    for _ in groups:  # paths of any length
        reached = reached @ reached
    united = unite_groups(groups, pairs)
    assert np.array_equal(np.array([[a == b for b in united] for a in united]), reached)
    assert [min(groups[j] for j in np.flatnonzero(row)) for row in reached] == united


def test_real_lesions_that_are_there_more_than_once(data_root: Path) -> None:
    folder = data_root / "busi" / "Dataset_BUSI_with_GT"
    same = ("benign (240)", "benign (300)", "benign (102)", "benign (121)", "malignant (139)", "malignant (207)")
    others = ("malignant (19)", "malignant (25)", "benign (1)", "normal (4)")
    pictures = [read_image(folder / name.partition(" ")[0] / f"{name}.png").pixels for name in (*same, *others)]
    assert find_near_duplicates(pictures) == [(0, 1), (2, 3), (4, 5)]
