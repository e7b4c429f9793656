"""Bodies of requests: counted, timed, and bounded together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from usseg_monai.web.bodies import Bodies, Refusal


class Request:
    """What is asked of a request: headers, and a stream."""

    def __init__(self, *parts: bytes, length: str | None = None, pause_s: float = 0.0) -> None:
        self.headers = {} if length is None else {"content-length": length}
        self._parts, self._pause_s = parts, pause_s

    async def stream(self) -> AsyncIterator[bytes]:
        for part in self._parts:
            await asyncio.sleep(self._pause_s)
            yield part


async def taken(bodies: Bodies, request: Any) -> bytes:
    async with bodies.read(request) as file:
        return file.read()


def status(bodies: Bodies, request: Any) -> int:
    with pytest.raises(Refusal) as refused:
        asyncio.run(taken(bodies, request))
    return refused.value.status


def test_a_body_comes_whole_from_memory_or_from_disk() -> None:
    for size in (10, (8 << 20) + 1):
        parts = bytes(size // 2), b"x" * (size - size // 2)
        assert asyncio.run(taken(Bodies(64 << 20, 64 << 20), Request(*parts))) == b"".join(parts)


def test_size_declared_or_counted() -> None:
    bodies = Bodies(100, 1000)
    assert asyncio.run(taken(bodies, Request(bytes(60), bytes(40), length="100"))) == bytes(100)
    assert status(bodies, Request(length="101")) == status(bodies, Request(bytes(60), bytes(41))) == 413
    assert status(bodies, Request(length="-1")) == status(bodies, Request(length="9x")) == status(bodies, Request(length="²")) == 413


def test_all_bodies_together() -> None:
    bodies = Bodies(100, 150)

    async def two() -> None:
        async with bodies.read(Request(bytes(100))):  # type: ignore[arg-type]
            assert len(await taken(bodies, Request(bytes(50)))) == 50
            with pytest.raises(Refusal) as refused:
                await taken(bodies, Request(bytes(51)))
            assert refused.value.status == 503
        assert len(await taken(bodies, Request(bytes(100)))) == 100  # nothing is held any more

    asyncio.run(two())


def test_time() -> None:
    slow = Bodies(100, 100, pause_s=0.2, longest_s=0.5)
    assert status(slow, Request(b"x", pause_s=1.0)) == 408
    assert status(slow, Request(*[b"x"] * 20, pause_s=0.1)) == 408
    assert asyncio.run(taken(slow, Request(b"x", b"y", pause_s=0.05))) == b"xy"
