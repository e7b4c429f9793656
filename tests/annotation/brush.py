"""An independent decoder of Label Studio's brush code, written from the format's published definition.

That definition is the decoder in https://github.com/thi-ng/umbrella/blob/develop/packages/rle-pack, which Label Studio's editor uses:
number of values (32 bits), bits of a value less 1 (5), four times the bits of a length less 1 (4 each); then, until all values are there,
1 bit (run or list), 2 bits (which length), the length less 1, and one value (run) or as many as the length says (list).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


class _Bits:
    def __init__(self, code: Sequence[int]) -> None:
        self._text = "".join(f"{byte:08b}" for byte in code)
        self._at = 0

    def read(self, count: int) -> int:
        assert self._at + count <= len(self._text), "the code ends early"
        self._at += count
        return int(self._text[self._at - count : self._at], 2)

    @property
    def rest(self) -> str:
        return self._text[self._at :]


def decode_brush(code: Sequence[int], rows: int, cols: int) -> npt.NDArray[np.uint8]:
    """The picture ``(rows, cols, 4)``, RGBA."""
    assert all(isinstance(byte, int) and 0 <= byte <= 255 for byte in code)
    bits = _Bits(code)
    count, value_bits = bits.read(32), bits.read(5) + 1
    length_bits = [bits.read(4) + 1 for _ in range(4)]
    assert count == rows * cols * 4
    values: list[int] = []
    while len(values) < count:
        is_run = bits.read(1)
        length = bits.read(length_bits[bits.read(2)]) + 1
        values += [bits.read(value_bits)] * length if is_run else [bits.read(value_bits) for _ in range(length)]
    assert len(values) == count and set(bits.rest) <= {"0"} and len(bits.rest) < 16
    return np.array(values, np.uint8).reshape(rows, cols, 4)
