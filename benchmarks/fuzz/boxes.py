"""Mutations of videos by their structure: boxes of MP4 and QuickTime, chunks of AVI.

A part is changed, left out, repeated, moved, renamed or nested, and the sizes of all parts around it are corrected, so that it is not a
wrong length that stops the file; sometimes one length lies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from benchmarks.fuzz.mutate import LARGEST, mutate_bytes

__all__ = ["Part", "build", "mutate_video", "parse"]

_BOXES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"udta", b"dinf")
_LISTS = (b"RIFF", b"LIST")
_MOST_PARTS = 400


@dataclass
class Part:
    """A box or a chunk.

    Attributes:
        name: four letters.
        body: its content before the parts within it; of a list the kind of list.
        parts: the parts within it.
        lie: added to its length.
    """

    name: bytes
    body: bytes = b""
    parts: list[Part] = field(default_factory=list)
    lie: int = 0


def parse(data: bytes) -> list[Part]:
    """The parts of an intact file.

    >>> [part.name for part in parse(b"\\0\\0\\0\\x0cfreeabcd")]
    [b'free']
    """
    avi = data[:4] == b"RIFF"
    found = []
    at = 0
    while at + 8 <= len(data):
        name, length = (data[at : at + 4], data[at + 4 : at + 8]) if avi else (data[at + 4 : at + 8], data[at : at + 4])
        size = 8 + int.from_bytes(length, "little") if avi else max(8, int.from_bytes(length, "big"))
        body = data[at + 8 : at + size]
        if avi and name in _LISTS:
            found.append(Part(name, body[:4], _parse_chunks(body[4:])))
        else:
            found.append(Part(name, b"", parse(body)) if not avi and name in _BOXES else Part(name, body))
        at += size + (size % 2 if avi else 0)
    return found


def _parse_chunks(data: bytes) -> list[Part]:
    found = []
    at = 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        found.append(Part(name, body[:4], _parse_chunks(body[4:])) if name in _LISTS else Part(name, body))
        at += 8 + size + size % 2
    return found


def build(parts: Sequence[Part], *, avi: bool) -> bytes:
    """The file with these parts.

    >>> build(parse(b"\\0\\0\\0\\x0cfreeabcd"), avi=False)
    b'\\x00\\x00\\x00\\x0cfreeabcd'
    """
    whole = bytearray()
    for part in parts:
        body = part.body + build(part.parts, avi=avi)
        if avi:
            whole += part.name + ((len(body) + part.lie) % 2**32).to_bytes(4, "little") + body + bytes(len(body) % 2)
        else:
            whole += ((8 + len(body) + part.lie) % 2**32).to_bytes(4, "big") + part.name + body
    return bytes(whole)


def mutate_video(rng: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Between one and six changes to parts of a video; sometimes to its bytes."""
    avi, parts = data[:4] == b"RIFF", parse(data)
    for _ in range(min(1 + int(rng.expovariate(0.7)), 6)):
        places = list(_places(parts))
        if not places:  # all were left out
            break
        siblings, index = rng.choice(places)
        part, kind = siblings[index], rng.randrange(10)
        if kind < 4:
            part.body = mutate_bytes(rng, part.body, others)
        elif kind == 4 and len(places) > 1:
            del siblings[index]
        elif kind == 5:
            siblings[index:index] = [part] * min(rng.choice((1, 2, 50)), max(1, _MOST_PARTS - len(places)))
        elif kind == 6:
            other, there = rng.choice(places)
            if part not in _below(other[there]) and other[there] not in _below(part):
                other.insert(there, siblings.pop(index))
        elif kind == 7:
            part.name = rng.choice([siblings[at].name for siblings, at in places])
        elif kind == 8:
            for _ in range(rng.choice((1, 5, 40))):
                part = siblings[index] = Part(b"LIST" if avi else rng.choice(_BOXES), b"hdrl" if avi else b"", [part])
        else:
            part.lie = rng.choice((-8, -1, 1, 8, 1000, 2**31))
    changed = build(parts, avi=avi)[:LARGEST]
    return mutate_bytes(rng, changed, others) if rng.random() < 0.1 else changed


def _places(parts: list[Part]) -> Iterator[tuple[list[Part], int]]:
    for index, part in enumerate(parts):
        yield parts, index
        yield from _places(part.parts)


def _below(part: Part) -> list[Part]:
    return [part, *(siblings[index] for siblings, index in _places(part.parts))]
