"""A server for associations that no sender can make use up memory or disk."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from pynetdicom.transport import ThreadedAssociationServer

__all__ = ["GuardedServer", "GuardedSocket"]

_LARGEST_PDU = 1 << 20  # bytes; we announce 16 kB, and requests of associations have less than 100 kB
_LOOK_EVERY = 16 << 20  # bytes, for room on the disk
_MOST_CONNECTIONS = 32
_HEAD = 6  # bytes of a PDU: its type, a free one, four of its length


class GuardedSocket(socket.socket):
    """A socket that fails, as if the other had closed it, when a PDU is too long or the disk gets full.

    pynetdicom reads a PDU of any stated length into memory, and an object of any length to the disk.
    """

    has_room: Callable[[], bool]

    def __init__(self, accepted: socket.socket, has_room: Callable[[], bool]) -> None:
        super().__init__(accepted.family, accepted.type, accepted.proto, accepted.detach())
        self.has_room = has_room
        self._head = bytearray()
        self._left = self._since_look = 0

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As `socket.socket.recv`.

        Raises:
            OSError: too long a PDU, or no room.
        """
        data = super().recv(size, flags)
        at = 0
        while at < len(data):
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
            else:
                step = min(_HEAD - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == _HEAD:
                    self._left = int.from_bytes(self._head[2:], "big")
                    self._head.clear()
                    if self._left > _LARGEST_PDU:
                        raise OSError(f"a PDU of {self._left} bytes")
            at += step
        self._since_look += len(data)
        if self._since_look > _LOOK_EVERY:
            self._since_look = 0
            if not self.has_room():
                raise OSError("no room on the disk")
        return data


class GuardedServer(ThreadedAssociationServer):
    """A server of pynetdicom whose connections are guarded, and which closes those above 32 at once."""

    has_room: Callable[[], bool] = staticmethod(lambda: True)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a connection."""
        accepted, address = super().get_request()
        return GuardedSocket(accepted, self.has_room), address

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether one more connection is taken."""
        return len(self.active_associations) < _MOST_CONNECTIONS
