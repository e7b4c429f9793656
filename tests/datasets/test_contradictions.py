"""Near-duplicates with contradictory annotations: made ones, and those of the real films."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tests.datasets.samples import write_png
from usseg_monai.cli import main
from usseg_monai.datasets.contradictions import block_means, drop_contradictions, find_contradictions
from usseg_monai.datasets.dataset import Case, Dataset

SHAPE = (92, 128)


def speckle(seed: int) -> npt.NDArray[np.uint8]:
    """A picture that resembles no other."""
    coarse = np.random.default_rng(seed).integers(40, 200, (23, 32), dtype=np.uint8)
    return np.kron(coarse, np.ones((4, 4), np.uint8))


def make_case(folder: Path, name: str, picture: npt.NDArray[np.uint8], nerve: tuple[int, int] | None, group: str = "1") -> Case:
    """A frame with a nerve of 12 x 16 pixels at a place, or with none."""
    mask = np.zeros(picture.shape, np.uint8)
    if nerve:
        mask[nerve[0] : nerve[0] + 12, nerve[1] : nerve[1] + 16] = 255
    return Case(write_png(folder / f"{name}.png", picture), write_png(folder / f"{name}_mask.png", mask), group)


def noisy(picture: npt.NDArray[np.uint8], seed: int) -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(seed).normal(0, 10, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def test_a_pair_with_and_without_a_nerve(tmp_path: Path) -> None:
    film = speckle(0)
    cases = [
        make_case(tmp_path, "with", film, (30, 40)),
        make_case(tmp_path, "without", noisy(film, 1), None),
        make_case(tmp_path, "another", speckle(1), None),
        make_case(tmp_path, "same in another group", film, None, group="2"),
    ]
    (found,) = find_contradictions(cases)
    assert (found.first, found.second, found.dice) == (cases[0], cases[1], 0)
    assert 0.95 <= found.correlation < 1
    kept = drop_contradictions(Dataset("film", "nerve", tuple(cases), ("before",)))
    assert [case.image.stem for case in kept.cases] == ["another", "same in another group"]
    assert kept.remarks == ("before", "2 frames left out that others, nearly the same, contradict: with.png, without.png")


@pytest.mark.parametrize(("place", "contradicts"), [((30, 40), False), ((33, 44), False), ((40, 54), True), ((60, 80), True)])
def test_nerves_that_hardly_overlap_contradict_each_other(tmp_path: Path, place: tuple[int, int], contradicts: bool) -> None:
    film = speckle(0)
    cases = [make_case(tmp_path, "first", film, (30, 40)), make_case(tmp_path, "second", film, place)]
    assert bool(find_contradictions(cases)) == contradicts


def test_the_one_that_many_contradict_goes_alone(tmp_path: Path) -> None:
    film = speckle(0)
    cases = [make_case(tmp_path, f"{number}", noisy(film, number), (30, 40)) for number in range(4)]
    cases.append(make_case(tmp_path, "odd", film, None))
    assert len(find_contradictions(cases)) == 4
    assert drop_contradictions(Dataset("film", "nerve", tuple(cases))).cases == tuple(cases[:4])


def test_frames_of_two_sizes_are_compared(tmp_path: Path) -> None:
    film = speckle(0)
    large = np.kron(film, np.ones((2, 2), np.uint8))
    cases = [make_case(tmp_path, "small", film, (30, 40)), make_case(tmp_path, "large", large, None)]
    assert len(find_contradictions(cases)) == 1


def test_two_empty_frames_agree_and_flat_ones_resemble_nothing(tmp_path: Path) -> None:
    film, flat = speckle(0), np.full(SHAPE, 7, np.uint8)
    assert not find_contradictions([make_case(tmp_path, name, film, None) for name in "ab"])
    assert not find_contradictions([make_case(tmp_path, "c", flat, None), make_case(tmp_path, "d", flat, (30, 40))])


@settings(max_examples=40, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))), st.integers(1, 8), st.integers(1, 8))
def test_block_means_lie_between_the_pixels_and_keep_the_mean(pixels: npt.NDArray[np.uint8], rows: int, cols: int) -> None:
    means = block_means(pixels, (rows, cols))
    assert means.shape == (rows, cols)
    assert pixels.min() - 1e-9 <= means.min() and means.max() <= pixels.max() + 1e-9
    if pixels.shape[0] % rows == pixels.shape[1] % cols == 0:
        assert means.mean() == pytest.approx(pixels.mean())


def test_the_command_drops_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    film = speckle(0)
    for name, nerve in (("p1_1", (30, 40)), ("p1_2", None)):
        make_case(tmp_path, name, film, nerve)
    make_case(tmp_path, "p2_1", speckle(1), (30, 40))
    output = tmp_path / "list.json"
    for option, images in (([], 3), (["--drop-contradictions"], 1)):
        assert main(["datalist", "folder", str(tmp_path), "-o", str(output), *option]) == 0
        datalist = json.loads(output.read_text())
        assert sum(len(datalist[section]) for section in ("training", "validation", "test")) == images
    assert "2 frames left out" in capsys.readouterr().err


def test_real_frames_with_and_without_a_nerve(data_root: Path) -> None:
    folder = data_root / "nerve" / "original" / "train"
    cases = [Case(folder / f"1_{number}.tif", folder / f"1_{number}_mask.tif", "1") for number in (1, 9, 14, 35, 36)]
    pairs = {(pair.first.image.stem, pair.second.image.stem): pair for pair in find_contradictions(cases)}
    assert pairs.keys() == {("1_9", "1_14"), ("1_35", "1_36")}
    assert all(pair.correlation > 0.99 and pair.dice == 0 for pair in pairs.values())
