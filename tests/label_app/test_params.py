"""Values of requests."""

from __future__ import annotations

from typing import Any

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.label_app.params import Values, read_params


@pytest.mark.parametrize("text", ["{", "[1]", "3", "null", "[" * 100_000])
def test_only_an_object_is_taken(text: str) -> None:
    with pytest.raises(UsageError):
        read_params(text)


@pytest.mark.parametrize("value", [-1, 6, 1.0, True, None, "x", "1.5", [1]])
def test_whole_numbers_have_bounds(value: Any) -> None:
    assert [Values({"n": good}).whole("n", 3, 0, 5) for good in (0, 5, "4", " 2 ")] == [0, 5, 4, 2]
    with pytest.raises(UsageError, match="whole number from 0 to 5"):
        Values({"n": value}).whole("n", 3, 0, 5)


@pytest.mark.parametrize("value", ["c", 1, ["a"], {}])
def test_words(value: Any) -> None:
    assert Values({}).word("w", ["a", "b"]) == "a" and Values({"w": "b"}).word("w", ["a", "b"]) == "b"
    with pytest.raises(UsageError, match="it must be a, b"):
        Values({"w": value}).word("w", ["a", "b"])


@pytest.mark.parametrize("value", [0, -1, "x", [1, 2, 3], {"row": 1}, "1,2,3", "nan"])
def test_spacings(value: Any) -> None:
    assert Values({"s": 0.5}).spacing("s") == (0.5, 0.5) and Values({"s": [0.5, 1]}).spacing("s") == (0.5, 1)
    with pytest.raises(UsageError):
        Values({"s": value}).spacing("s")


def test_unknown_and_refused_names() -> None:
    Values({"client_id": "x", "a": 1}, known=("a",))
    with pytest.raises(UsageError, match="unknown value 'b': the values are a"):
        Values({"b": 1}, known=("a",))
    with pytest.raises(UsageError, match="must not hold 'image'"):
        Values({"image": 1}, refused=("image",))
