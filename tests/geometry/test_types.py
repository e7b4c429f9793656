"""Records that hold arrays are equal by what they hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from usseg_monai.geometry.types import EqualByContent


@dataclass(frozen=True, eq=False)
class Record(EqualByContent):
    name: str
    content: object


@dataclass(frozen=True, eq=False)
class Other(EqualByContent):
    name: str
    content: object


def _contents() -> list[object]:
    """Each different from all others; made anew by every call."""
    return [
        None,
        1,
        "one",
        np.zeros(3),
        np.array([0.0, 0.0, 1.0]),
        np.zeros((3, 1)),
        (np.zeros(3), 1),
        (np.zeros(3), 2),
        (np.ones(3), 1),
        (np.zeros(3),),
        [np.zeros(3), [np.ones(2)]],
        [np.zeros(3), [np.zeros(2)]],
        {"a": np.zeros(3)},
        {"a": np.ones(3)},
        {"b": np.zeros(3)},
        {"a": np.zeros(3), "b": 1},
        {"a": {"b": np.zeros(3)}},
    ]


@pytest.mark.parametrize("index", range(len(_contents())))
def test_equal_exactly_where_the_contents_are(index: int) -> None:
    record = Record("a", _contents()[index])
    assert [record == Record("a", content) for content in _contents()] == [other == index for other in range(len(_contents()))]
    assert hash(record) == hash(Record("a", _contents()[index]))
    assert record == record and record != replace(record, name="b")


def test_another_class_is_never_equal() -> None:
    assert Record("a", 1) != Other("a", 1)
    assert Record("a", 1) != ("a", 1)
    assert len({Record("a", 1), Other("a", 1), Record("a", 1)}) == 2


def test_hashes_tell_names_and_shapes_apart() -> None:
    """Records that differ in more than the elements of arrays land, as good as always, in different places of a set."""
    pairs = [("a", "b"), (np.zeros(3), np.zeros(4)), ({"a": 1}, {"b": 1}), ((1,), (1, 2))]
    for one, other in pairs:
        assert hash(Record("a", one)) != hash(Record("a", other))
