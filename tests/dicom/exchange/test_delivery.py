"""Status codes in words."""

from __future__ import annotations

import pytest

from usseg_monai.dicom.exchange.delivery import is_there, meaning


@pytest.mark.parametrize(
    ("status", "there", "words"),
    [
        (0x0110, False, "processing failure (0110)"),
        (0xA7FF, False, "out of resources (A7FF)"),
        (0xA900, False, "data set does not match its class (A900)"),
        (0xC999, False, "cannot understand (C999)"),
        (0xBFFF, True, "refused (BFFF)"),
        (0x1234, False, "refused (1234)"),
    ],
)
def test_ranges_of_the_standard(status: int, there: bool, words: str) -> None:
    assert is_there(status) == there and meaning(status) == words
