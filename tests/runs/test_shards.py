from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usseg_monai.errors import UsageError
from usseg_monai.inputs.naming import Input
from usseg_monai.runs.shards import Shard, parse_shard, shard_numbers

FOLDERS = st.sampled_from(["/in", "/in/a", "/in/b", "/in/b/x", "/in/b/y", "/in/c/x/z"])
PATHS = st.sets(st.builds("{}/{}.dcm".format, FOLDERS, st.integers(0, 9)), min_size=1, max_size=30)


def test_how_a_shard_is_written() -> None:
    assert parse_shard("3/10") == Shard(3, 10) and str(Shard(3, 10)) == "3/10"
    for wrong in ("", "3", "0/3", "4/3", "-1/3", "1/0", "1/2/3", "a/b", "1 /2", "١/٢", "1/" + "9" * 5000):
        with pytest.raises(UsageError, match="give I/N"):
            parse_shard(wrong)


@given(PATHS, st.integers(1, 6), st.booleans())
def test_shards_part_the_inputs(paths: set[str], count: int, by_folder: bool) -> None:
    inputs = [Input(path, path[1:]) for path in sorted(paths)]
    shards = [list(shard_numbers(inputs, Shard(index, count), by_folder=by_folder)) for index in range(1, count + 1)]
    assert sorted(number for shard in shards for number in shard) == list(range(len(inputs)))
    assert all(shard == sorted(shard) for shard in shards)
    if not by_folder:
        assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_what_may_be_one_stack_stays_together() -> None:
    """Slices of one series, and the series of one patient, in whatever depth the patients lie."""
    names = [f"{patient}/{series}/{number}.dcm" for patient in "abcde" for series in ("s1", "s2") for number in range(3)]
    for root in ("/archive/2024", "/archive"):
        inputs = [Input(f"{root}/{name}", name) for name in names]
        for count in (1, 2, 3, 7):
            for index in range(1, count + 1):
                patients = [inputs[number].file[0] for number in shard_numbers(inputs, Shard(index, count), by_folder=True)]
                assert {patient: patients.count(patient) for patient in patients} == dict.fromkeys("abcde"[index - 1 :: count], 6)
