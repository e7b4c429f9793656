"""Messages come back as they were sent; whatever else is sent is refused in one line."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import Limits, Place, Region
from usseg_monai.web.wire import grey_of, mask_of, packed, place_of, regions_of, smallest, spacing_of, split


@pytest.mark.parametrize(
    ("pixels", "kind"),
    [([[0, 255]], "u1"), ([[0, 256]], "u2"), ([[0, 65535]], "u2"), ([[0, 65536]], "f4"), ([[-1, 0]], "f4"), ([[0.5, 1]], "f4")],
)
def test_pixels_travel_in_the_smallest_exact_type(pixels: list[list[float]], kind: str) -> None:
    grey = np.tile(np.array(pixels, np.float32), (10, 5))
    found, data = smallest(grey)
    back, rest = grey_of({"rows": 10, "cols": 10, "type": found}, data + b"more", Limits())
    assert found == kind and np.array_equal(back, grey) and back.dtype == np.float32 and rest == b"more"


def test_the_bytes_begin_at_a_multiple_of_four() -> None:
    for name in ("a", "ab", "abc", "abcd"):
        message = packed({"file": name}, [b"xyz"])
        assert (len(message) - 3) % 4 == 0
        text, data = split(message)
        assert text == {"file": name} and bytes(data) == b"xyz"


@pytest.mark.parametrize(
    "message",
    [b"", b"abc", (5).to_bytes(4, "little") + b"{}", (2).to_bytes(4, "little") + b"[]", (2).to_bytes(4, "little") + b"{,", packed({})[:3],
     (1 << 31).to_bytes(4, "little") + b"{}", (200_000).to_bytes(4, "little") + b"[" * 200_000],
)  # fmt: skip
def test_no_message(message: bytes) -> None:
    with pytest.raises(UsageError):
        split(message)


@pytest.mark.parametrize(
    "text",
    [{}, {"rows": -1, "cols": 10, "type": "u1"}, {"rows": 10**9, "cols": 10**9, "type": "u1"}, {"rows": 10.0, "cols": 10, "type": "u1"},
     {"rows": True, "cols": 10, "type": "u1"}, {"rows": 10, "cols": 11, "type": "u1"}, {"rows": 10, "cols": 10, "type": "u2"},
     {"rows": 10, "cols": 10, "type": "O"}, {"rows": 5, "cols": 20, "type": "u1"}],
)  # fmt: skip
def test_pixels_that_are_not_described(text: dict[str, Any]) -> None:
    with pytest.raises((UsageError, ImageError)):
        grey_of(text, bytes(100), Limits())


def test_values_that_are_not_finite() -> None:
    with pytest.raises(UsageError, match="finite"):
        grey_of({"rows": 8, "cols": 8, "type": "f4"}, np.full(64, np.nan, "<f4").tobytes(), Limits())


def test_masks_are_0_and_1() -> None:
    mask, rest = mask_of({"rows": 8, "cols": 8}, bytes(range(64)) + b"!", Limits())
    assert set(np.unique(mask)) == {0, 1} and rest == b"!"


@pytest.mark.parametrize("value", [[0.2], [0.2, -0.1], [0.2, "0.1"], ["nan", 1], 0.2, [True, 1], [1e9, 1]])
def test_spacing_that_is_none(value: object) -> None:
    with pytest.raises(UsageError):
        spacing_of(value)


def test_regions() -> None:
    assert regions_of([[0, 4, 0, 5, 0.2, 0.1]]) == (Region(0, 4, 0, 5, (0.2, 0.1)),)
    for wrong in ("x", [[0, 4]], [[-1, 4, 0, 5, 0.2, 0.1]], [[0, 4, 0, 5, 0.2, 0]], [[0, 1, 2, 3, 4, 5]] * 101):
        with pytest.raises(UsageError):
            regions_of(wrong)


def test_places_come_back() -> None:
    place = Place("MR", "a", "b", (1.0, 2.0, 3.0), (0.0, 0.0, 1.0), 12.5, 3, orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    told = json.loads(json.dumps({name: getattr(place, name) for name in Place.__dataclass_fields__}))
    assert place_of(told) == place and place_of(None) is None
    wrong: Any
    for wrong in ({"number": 1.5}, {"position_mm": [1, 2]}, {"time_ms": "1"}, {"modality": "M" * 201}, {"normal": [0, 0, None]}, []):
        with pytest.raises(UsageError):
            place_of(wrong)
