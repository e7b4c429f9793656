"""The only exceptions that this package raises for bad input.

A message is one line: what was wrong, the value found, what is allowed, what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

__all__ = [
    "ArchiveError",
    "ClusterError",
    "ImageError",
    "NoPictureError",
    "OutputError",
    "UsageError",
    "UssegError",
    "WeightsError",
    "did_you_mean",
    "printable",
    "quoted",
]

_SHOWN = 40  # characters of a quoted value

Error = TypeVar("Error", bound="UssegError")


class UssegError(Exception):
    """An error caused by the user's input, files or options. As text it is one line: file, reason, remedy.

    Args:
        reason: what was wrong, the value, what is allowed, what to do next; true wherever it is read.
        remedy: end of the line: what else helps on the command line and in Python, such as an option.
        file: name of the file that it is about.

    Attributes:
        code: stable name of the kind of error, for programs that answer in words of their own.
        reason: see above.
        remedy: see above; may be empty.
        file: see above; may be empty.

    >>> error = ImageError("5000 frames: too many; split it", remedy=", or read fewer: --frames", file="a.dcm")
    >>> str(error), error.code, error.reason
    ('a.dcm: 5000 frames: too many; split it, or read fewer: --frames', 'image', '5000 frames: too many; split it')
    """

    code: ClassVar[str] = "error"

    def __init__(self, reason: str = "", *, remedy: str = "", file: str = "") -> None:
        super().__init__(f"{file}: {reason}{remedy}" if file else f"{reason}{remedy}")
        self.reason, self.remedy, self.file = reason, remedy, file

    def about(self: Error, file: str) -> Error:
        """The same error with the name of the file that it is about."""
        return type(self)(self.reason, remedy=self.remedy, file=file)


class ImageError(UssegError):
    """A file without a usable image. In a batch it becomes a row with status ``failed``."""

    code = "image"


class NoPictureError(ImageError):
    """An intact file that holds no picture to predict, such as a DICOMDIR, a report or a segmentation.

    In a folder it is skipped with its reason; if the user names the file itself, its row has status ``failed``.
    """

    code = "no_picture"


class UsageError(UssegError):
    """Wrong usage: an unknown task or option value. The command line exits with 2."""

    code = "usage"


class WeightsError(UssegError):
    """Weights that are missing, damaged, or not the released ones."""

    code = "weights"


class OutputError(UssegError):
    """A result that could not be written: no permission, no space. It ends a batch."""

    code = "output"


class ArchiveError(UssegError):
    """An archive of DICOM objects that cannot be reached, refuses all, or goes away; what has arrived there stays."""

    code = "archive"


class ClusterError(UssegError):
    """A cluster that cannot be used: it cannot be reached, its workers have another version, or none is left. It ends a batch."""

    code = "cluster"


def printable(text: str) -> str:
    """Make text from a file or a library safe for one line of a terminal: unprintable characters become ``?``.

    >>> printable("a" + chr(27) + "[2J")
    'a?[2J'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def quoted(found: object) -> str:
    """A value as quoted in a one-line message: printable, and shortened if long.

    >>> quoted("1 2"), quoted("1" * 100)
    ("'1 2'", "'111111111111111111111111111111111111111...")
    """
    text = repr(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ending of a message about an unknown word: suggests the most similar known word, or is empty.

    >>> did_you_mean("nerf", ["nerve", "breast"]), did_you_mean("liver", ["nerve", "breast"])
    ("; did you mean 'nerve'?", '')
    """
    from difflib import get_close_matches  # late: rarely needed

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
