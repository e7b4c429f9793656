"""Mutations of valid files: pure functions of a random generator and bytes, text or JSON."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from random import Random
from typing import Any, Literal

__all__ = ["LARGEST", "mutate_bytes", "mutate_json", "mutate_text", "odd_number"]

LARGEST = 1 << 18
"""Maximum size of an input in bytes: repeated parts are truncated."""

_HEADS = (32, 128, 512)  # most bugs are in headers
_INTEGERS = (
    0,
    1,
    2,
    3,
    7,
    8,
    16,
    127,
    128,
    255,
    256,
    4096,
    4097,
    32767,
    32768,
    65535,
    65536,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63 - 1,
)
_NUMBERS = (
    *("0", "-0", "1", "-1", "0.5", "8", "255", "256", "4097", "65536", "2147483648", "-2147483649", "9223372036854775808", "1" * 40),
    *(
        "1e-320",
        "1e-30",
        "1e30",
        "1e308",
        "1e999",
        "-1e999",
        "nan",
        "-inf",
        "inf",
        "1_0",
        "0x10",
        "+5",
        "٣",
        "1.0.0",
        "1,5",
        "",
        " ",
        "None",
    ),
)
_ODD_TEXT = (
    "\0",
    "\n",
    "\r",
    "\r\n",
    "\t",
    '"',
    "'",
    "\\",
    ",",
    ";",
    ":",
    "=",
    "#",
    "..",
    "/",
    "\x1b[2J",
    "\x85",
    "\u2028",
    "\ufeff",
    "é",
    "💀",
    "{",
    "[",
    " " * 300,
    "9" * 5000,
)
_WORD = re.compile(r"[-+.\w]+")


def odd_number(rng: Random) -> str:
    """An unexpected number, or something that is not a number."""
    return rng.choice(_NUMBERS)


def mutate_bytes(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Between one and eight changes: cuts, flipped bits, odd integers, parts removed, moved, repeated, or taken from another file."""
    changed = bytearray(data)
    for _ in range(min(1 + int(rng.expovariate(0.7)), 8)):
        rng.choice(_BYTE_CHANGES)(rng, changed, others)
        del changed[LARGEST:]
    return bytes(changed)


def mutate_text(rng: Random, text: str, words: Sequence[str]) -> bytes:
    """Between one and eight changes to words and lines; sometimes to the bytes.

    Args:
        rng: source of randomness.
        text: a valid file.
        words: keywords and values of the format, to insert in wrong places.
    """
    for _ in range(min(1 + int(rng.expovariate(0.7)), 8)):
        text = rng.choice(_TEXT_CHANGES)(rng, text, words)[:LARGEST]
    data = text.encode("utf-8", "surrogatepass")
    return mutate_bytes(rng, data, [data]) if rng.random() < 0.1 else data


def mutate_json(rng: Random, value: Any, words: Sequence[str]) -> Any:
    """A JSON value with one part replaced, removed, nested deeper or repeated; the argument is not modified."""
    if rng.random() < 0.25 or not isinstance(value, (dict, list)) or not value:
        return _odd_value(rng, value, words)
    if isinstance(value, dict):
        key = rng.choice(list(value))
        copy: Any = dict(value)
        if rng.random() < 0.1:
            copy[rng.choice([*words, odd_number(rng)])] = copy.pop(key)
            return copy
    else:
        key = rng.randrange(len(value))
        copy = list(value)
    if rng.random() < 0.1:
        del copy[key]
    else:
        copy[key] = mutate_json(rng, copy[key], words)
    return copy


def _odd_value(rng: Random, value: Any, words: Sequence[str]) -> Any:
    kind = rng.randrange(9)
    if kind == 0:
        for _ in range(rng.choice([1, 2, 20, 150])):
            value = [value]
        return value
    if kind == 1:
        return [value] * rng.choice([0, 2, 30, 200])
    if kind == 2:
        return {rng.choice(words): value}
    if kind == 3:
        return rng.choice(words)
    if kind == 4:
        return rng.choice([None, True, False, {}, [], "", 0, -1, 1e308, float("nan"), float("inf"), 10**30, 1e-320])
    if kind == 5:
        return odd_number(rng)
    if kind == 6 and isinstance(value, str):
        return value + rng.choice(_ODD_TEXT)
    if kind == 7 and isinstance(value, str):
        return "../" * rng.choice([1, 3, 200]) + value
    return str(value)[:1000]


def _place(rng: Random, size: int) -> int:
    """Somewhere in a file, often near its beginning."""
    return rng.randrange(min(size, rng.choice((*_HEADS, size))) or 1)


def _cut(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    del data[_place(rng, len(data)) :]


def _flip(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, len(data))] ^= 1 << rng.randrange(8)


def _byte(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    if data:
        data[_place(rng, len(data))] = rng.choice((0, 1, 0x20, 0x2D, 0x30, 0x39, 0x7F, 0x80, 0xFF, rng.randrange(256)))


def _integer(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    size, form = rng.choice(((2, "H"), (4, "I"), (8, "Q"), (4, "f")))
    at = _place(rng, len(data))
    value: float = rng.choice(_INTEGERS)
    value = (
        float(rng.choice((value, -value, 0.5, float("nan"), float("inf"))))
        if form == "f"
        else (int(value) * rng.choice((1, -1))) % (1 << 8 * size)
    )
    data[at : at + size] = struct.pack(rng.choice("<>") + form, value)


def _step(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    """Change a two-byte integer by a little: lengths that are just wrong."""
    at = _place(rng, len(data))
    orders: tuple[Literal["little", "big"], ...] = ("little", "big")
    order = rng.choice(orders)
    value = int.from_bytes(data[at : at + 2], order) + rng.choice((-2, -1, 1, 2, 16))
    data[at : at + 2] = (value % 65536).to_bytes(2, order)


def _leave_out(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, len(data))
    del data[at : at + _length(rng)]


def _repeat(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, len(data))
    data[at:at] = data[at : at + _length(rng)] * rng.choice((1, 1, 2, 50, 5000))


def _insert(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    at = _place(rng, len(data))
    data[at:at] = rng.randbytes(_length(rng))


def _noise(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    """Noise after a valid beginning."""
    data[_place(rng, len(data)) :] = rng.randbytes(rng.choice((8, 60, 600)))


def _splice(rng: Random, data: bytearray, others: Sequence[bytes]) -> None:
    """A part of another file, at its original position or elsewhere."""
    other = rng.choice(others)
    begin = _place(rng, len(other))
    part = other[begin : begin + _length(rng)]
    at = rng.choice((begin, _place(rng, len(data))))
    data[at : at + rng.choice((0, len(part)))] = part


def _length(rng: Random) -> int:
    return rng.choice((1, 2, 4, 8, 16, 64, 300))


_BYTE_CHANGES = (_cut, _flip, _flip, _flip, _byte, _byte, _integer, _integer, _step, _leave_out, _repeat, _insert, _noise, _splice)


def _replace_word(rng: Random, text: str, words: Sequence[str]) -> str:
    found = list(_WORD.finditer(text[:5000]))
    if not found:
        return text + rng.choice(words)
    match = rng.choice(found)
    return text[: match.start()] + (odd_number(rng) if rng.random() < 0.6 else rng.choice(words)) + text[match.end() :]


def _odd_part(rng: Random, text: str, words: Sequence[str]) -> str:
    at = _place(rng, len(text))
    return text[:at] + rng.choice((*_ODD_TEXT, chr(rng.randrange(0xD800)))) + text[at + rng.choice((0, 1)) :]


def _lines(rng: Random, text: str, words: Sequence[str]) -> str:
    """A line removed, repeated, moved or made very long."""
    lines = text.splitlines(keepends=True) or [""]
    at = rng.randrange(len(lines))
    kind = rng.randrange(4)
    line = lines[at]
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines[at:at] = [line] * min(rng.choice((1, 2, 100)), 1 + LARGEST // (len(line) or 1))
    elif kind == 2:
        lines.insert(rng.randrange(len(lines)), lines.pop(at))
    else:
        lines[at] = line.rstrip("\r\n") * min(rng.choice((2, 50, 2000)), 1 + LARGEST // (len(line) or 1)) + "\n"
    return "".join(lines)


def _cut_text(rng: Random, text: str, words: Sequence[str]) -> str:
    return text[: _place(rng, len(text))]


_TEXT_CHANGES = (_replace_word, _replace_word, _replace_word, _odd_part, _odd_part, _lines, _cut_text)
