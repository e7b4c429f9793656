"""Splits an answer of several parts while it arrives: no part is held in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.message import Message

from usseg_monai.errors import ArchiveError

__all__ = ["boundary_of", "split_parts"]

_LONGEST_HEAD = 1 << 16


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a multipart answer; ``None`` for an answer of one part.

    >>> boundary_of('multipart/related; type="application/dicom"; boundary="a b"'), boundary_of("application/dicom")
    (b'a b', None)
    """
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    return boundary.encode("latin-1", "replace") if boundary and message.get_content_maintype() == "multipart" else None


def split_parts(chunks: Iterable[bytes], boundary: bytes) -> Iterator[tuple[bytes, bool]]:
    r"""Pieces of the contents of all parts, each with whether it is the last of its part.

    Args:
        chunks: of the answer, of any size.
        boundary: of the answer.

    Raises:
        ArchiveError: the answer is cut, or has no parts.

    >>> list(split_parts([b"--x\r\nA: b\r\n\r\nfirst\r\n--", b"x\r\n\r\nsecond\r\n--x--"], b"x"))
    [(b'first', False), (b'', True), (b'second', True)]
    """
    delimiter = b"\r\n--" + boundary
    buffer = bytearray(b"\r\n")  # the first delimiter may have no line before it
    state = "before"
    for chunk in chunks:
        buffer += chunk
        while True:
            if state == "head":
                if buffer.startswith(b"--"):
                    return
                at = buffer.find(b"\r\n\r\n")
                if len(buffer) > _LONGEST_HEAD and not 0 <= at <= _LONGEST_HEAD:
                    raise ArchiveError("the archive's answer cannot be split: the head of a part does not end")
                if at < 0:
                    break
                del buffer[: at + 4]
                state = "content"
            at = buffer.find(delimiter)
            if at < 0:
                ready = max(len(buffer) - len(delimiter) + 1, 0)
                if state == "content" and ready:
                    yield bytes(buffer[:ready]), False
                del buffer[:ready]
                break
            if state == "content":
                yield bytes(buffer[:at]), True
            del buffer[: at + len(delimiter)]
            state = "head"
    raise ArchiveError("the archive's answer is cut; run the same command again: it goes on where it was")
