"""The rule that assigns groups of images to training, validation and test."""

from __future__ import annotations

import hashlib
from typing import Literal

__all__ = ["Split", "split_of"]

Split = Literal["train", "validation", "test"]

_TRAIN_BELOW = 0.75
_VALIDATION_BELOW = 0.85


def split_of(task: str, group: str) -> Split:
    """Return the part that a group belongs to: 75 % train, 10 % validation, 15 % test.

    A group is what a split must keep together: an exam, a patient, a subject, images of one lesion. Its part depends on the two
    names alone, so that adding or removing data moves no other group, on any machine and in any order.

    The first eight bytes of the SHA-256 of ``task/group``, read as a big-endian fraction of 2**64, are compared with 0.75 and 0.85.

    >>> split_of("fetal_head", "000"), split_of("fetal_head", "005")
    ('train', 'validation')
    """
    digest = hashlib.sha256(f"{task}/{group}".encode()).digest()
    fraction = int.from_bytes(digest[:8], "big") / 2**64
    if fraction < _TRAIN_BELOW:
        return "train"
    return "validation" if fraction < _VALIDATION_BELOW else "test"
