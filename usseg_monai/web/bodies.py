"""Reads the bodies of requests within bounds: size, time, and memory of all requests together. Large ones go to a file that has no name."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["Bodies", "Refusal"]

_SPOOL_AT = 8 << 20  # bytes that are kept in memory


class Refusal(Exception):
    """A request that is not answered.

    Attributes:
        status: of HTTP.
        reason: one line for the reader of the page.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Bodies:
    """All bodies that a server holds at a time.

    Args:
        most: bytes of one body.
        most_together: bytes of all bodies in work.
        pause_s: longest time without a byte.
        longest_s: longest time for a whole body.
    """

    def __init__(self, most: int, most_together: int, pause_s: float = 15.0, longest_s: float = 120.0) -> None:
        self._most, self._most_together, self._pause_s, self._longest_s = most, most_together, pause_s, longest_s
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[IO[bytes]]:
        """The body as a file, at its beginning; it is gone at the end of the block.

        Raises:
            Refusal: too large, too slow, too much at a time, or cut off.
        """
        declared = request.headers.get("content-length", "0")
        if not declared.isascii() or not declared.isdigit() or int(declared) > self._most:
            raise Refusal(413, f"more than {self._most >> 20} MB at a time; split it")
        taken = 0
        with tempfile.SpooledTemporaryFile(_SPOOL_AT) as file:
            try:
                async for part in self._parts(request):
                    taken += len(part)
                    self._held += len(part)
                    if taken > self._most:
                        raise Refusal(413, f"more than {self._most >> 20} MB at a time; split it")
                    if self._held > self._most_together:
                        raise Refusal(503, "too many large requests at a time; try again")
                    file.write(part)
                file.seek(0)
                yield file
            finally:
                self._held -= taken

    async def _parts(self, request: Request) -> AsyncIterator[bytes]:
        from starlette.requests import ClientDisconnect

        end = time.monotonic() + self._longest_s
        stream = request.stream()
        try:
            while True:
                try:
                    yield await asyncio.wait_for(anext(stream), min(self._pause_s, max(end - time.monotonic(), 0)))
                except StopAsyncIteration:
                    return
        except (asyncio.TimeoutError, TimeoutError) as error:
            raise Refusal(408, "the request came too slowly") from error
        except ClientDisconnect as error:
            raise Refusal(400, "the request was cut off") from error
