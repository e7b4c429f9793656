"""The only exceptions that bad input may raise out of this package.

A message is one line: what was wrong, the value found, what is allowed, what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable

_SHOWN = 40  # characters of what was found


class UssegError(Exception):
    """Anything that the user's input, files or options made impossible."""


class ImageError(UssegError):
    """A file that holds no image we can use. In a batch it becomes a row with status ``failed``."""


class NoPictureError(ImageError):
    """A file that is whole but holds no picture to predict, such as a DICOMDIR, a report or a segmentation.

    In a folder it is skipped with its reason; where the user names the file itself, its row has status ``failed``.
    """


class UsageError(UssegError):
    """Wrong use: an unknown task or option value. The command line exits with 2."""


class WeightsError(UssegError):
    """Weights that are missing, damaged, or not the ones that were released."""


class OutputError(UssegError):
    """A result that could not be written: no permission, no space. It ends a batch."""


def printable(text: str) -> str:
    """Text of a file or a library, fit for one line of a terminal: what is not printable becomes ``?``.

    >>> printable("a" + chr(27) + "[2J")
    'a?[2J'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def quoted(found: object) -> str:
    """What was found, as a message of one line quotes it: printable, and cut where it is long.

    >>> quoted("1 2"), quoted("1" * 100)
    ("'1 2'", "'111111111111111111111111111111111111111...")
    """
    text = repr(found)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: the known one that is most like it, or nothing.

    >>> did_you_mean("nerf", ["nerve", "breast"]), did_you_mean("liver", ["nerve", "breast"])
    ("; did you mean 'nerve'?", '')
    """
    from difflib import get_close_matches  # late: few need it

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
