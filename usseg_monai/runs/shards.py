"""Divides the inputs of a run among several processes or machines.

Shard ``I/N`` processes every N-th input of the list, starting at the I-th. The shards of one command process each input once, as long as
all see the same list. Tasks with studies need all files of one stack in one shard, and its series may lie in several folders. For these
tasks, a shard gets every N-th of the folders directly below the inputs' deepest common folder, with everything in them: whole patients, if
the archive has one folder per patient. Files directly in the common folder stay together.
"""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

from usseg_monai.errors import UsageError
from usseg_monai.files.names import common_folder
from usseg_monai.inputs.naming import Input

__all__ = ["Shard", "parse_shard", "shard_numbers"]

_FORM = re.compile(r"(\d{1,9})/(\d{1,9})", re.ASCII)


@dataclass(frozen=True)
class Shard:
    """The ``index``-th of ``count`` parts of a run, counted from 1.

    >>> str(Shard(2, 8))
    '2/8'
    """

    index: int
    count: int

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


def parse_shard(text: str) -> Shard:
    """Parse a shard written as ``I/N``.

    >>> parse_shard("9/8")
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: shard '9/8': give I/N, the I-th of N, from 1/N to N/N
    """
    match = _FORM.fullmatch(text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"shard {text!r}: give I/N, the I-th of N, from 1/N to N/N")
    return Shard(int(match[1]), int(match[2]))


def shard_numbers(inputs: Sequence[Input], shard: Shard, *, by_folder: bool) -> Sequence[int]:
    """Indices of a shard's inputs in the whole list, from 0, in order.

    Args:
        inputs: all inputs of the command.
        shard: the shard.
        by_folder: keep together the files of each folder directly below the deepest common one.

    >>> inputs = [Input(f"/in/{name}", name) for name in ("a/1.dcm", "a/2.dcm", "b/1.dcm", "c/1.dcm", "c/x/2.dcm")]
    >>> list(shard_numbers(inputs, Shard(1, 2), by_folder=False)), list(shard_numbers(inputs, Shard(1, 2), by_folder=True))
    ([0, 2, 4], [0, 1, 3, 4])
    """
    if not by_folder:
        return range(shard.index - 1, len(inputs), shard.count)
    paths = [item.absolute for item in inputs]
    start = len(os.path.join(common_folder(paths), ""))
    owners: dict[str, int] = {}
    numbers = array("q")
    for number, path in enumerate(paths):
        first, _, below = os.path.abspath(path)[start:].partition(os.sep)
        owner = owners.setdefault(first if below else "", len(owners))
        if owner % shard.count == shard.index - 1:
            numbers.append(number)
    return numbers
