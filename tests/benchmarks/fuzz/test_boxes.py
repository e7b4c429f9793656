"""Videos are taken apart and put together without a loss, and changed within their structure."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from benchmarks.fuzz.boxes import build, mutate_video, parse
from benchmarks.fuzz.mutate import LARGEST
from tests.imaging.samples import sample

pytest.importorskip("av")


@pytest.mark.parametrize("name", ["mp4", "mov", "avi"])
def test_a_file_is_built_again_from_its_parts(name: str) -> None:
    data = sample(name)
    assert build(parse(data), avi=name == "avi") == data
    names = {part.name for part in parse(data)}
    assert names == ({b"RIFF"} if name == "avi" else names | {b"moov", b"mdat"})


@pytest.mark.parametrize("name", ["mp4", "avi"])
def test_changes_follow_from_the_seed_and_differ(name: str) -> None:
    data = sample(name)
    made = [mutate_video(Random(number), data, [data]) for number in range(60)]
    assert made == [mutate_video(Random(number), data, [data]) for number in range(60)]
    assert len(set(made)) > 50 and max(map(len, made)) <= LARGEST + 300


def test_most_files_keep_lengths_that_fit() -> None:
    data = sample("mp4")
    made = [mutate_video(Random(number), data, [data]) for number in range(100)]
    fitting = sum(_fits(each) for each in made)
    assert np.clip(fitting, 40, 99) == fitting


def _fits(data: bytes) -> bool:
    at = 0
    while at + 8 <= len(data):
        at += max(8, int.from_bytes(data[at : at + 4], "big"))
    return at == len(data)
