"""Addresses of objects, such as ``s3://bucket/folder/1.png``: recognised and checked as text, without a network.

An address never holds credentials: they come from the environment, as for the store's own tools. An address that seems to hold some is
refused without being repeated, because messages and records show addresses.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from usseg_monai.errors import UsageError, quoted

__all__ = ["SCHEMES", "is_address", "pathlike", "place_of", "unusable_name"]

SCHEMES = ("s3", "gs", "memory")
"""Kinds of stores. ``memory`` is fsspec's store within this process. ``file://`` addresses are local paths."""

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.IGNORECASE | re.DOTALL)  # two letters or more: C:// is a drive
_LOCAL = ("file", "local")
_LONGEST_PART = 240  # bytes; file systems allow 255, and results have a number and a suffix of their own
_UNUSABLE = ("", ".", "..")


def is_address(place: str | os.PathLike[str]) -> bool:
    """Whether an argument is the address of an object or folder in a store, not a local path.

    >>> is_address("s3://bucket/1.png"), is_address("images/1.png"), is_address("C:/1.png")
    (True, False, False)
    """
    return isinstance(place, str) and _ADDRESS.match(place) is not None


def place_of(argument: str | os.PathLike[str]) -> str:
    """A local path, or a checked address without a slash at its end; ``file://`` addresses become local paths.

    Raises:
        UsageError: an unknown kind of store, no bucket, or an address that seems to hold credentials.

    >>> place_of("s3://bucket/folder/"), place_of("file:///data/1.png"), place_of("images/")
    ('s3://bucket/folder', '/data/1.png', 'images')
    >>> place_of("s3://key:secret@bucket/folder")
    Traceback (most recent call last):
    usseg_monai.errors.UsageError: an address of s3:// holds a user or a token: leave it out, credentials come from the environment
    """
    match = _ADDRESS.fullmatch(argument) if isinstance(argument, str) else None
    if match is None:
        return str(Path(argument))
    scheme, below = match[1].lower(), match[2]
    if "@" in below.partition("/")[0] or "?" in below:
        raise UsageError(f"an address of {scheme}:// holds a user or a token: leave it out, credentials come from the environment")
    if scheme in _LOCAL:
        return str(Path(below))
    if scheme not in SCHEMES:
        raise UsageError(f"addresses of {scheme}:// are not known: give s3://, gs://, file:// or a local path")
    below = below.rstrip("/")
    if not below or below.startswith("/"):
        raise UsageError(f"{quoted(argument)} names no bucket: give {scheme}://BUCKET/FOLDER")
    return f"{scheme}://{below}"


def unusable_name(address: str) -> str:
    """Why an object's name cannot be that of a file, for its failed row; empty if it can.

    Names of results follow those of the inputs, and a store allows names that would lead out of a folder, or that no drive can hold.

    >>> unusable_name("s3://bucket/a/1.png"), unusable_name("s3://bucket/../1.png")
    ('', "the object's name cannot be that of a file: a part of it is '..'; rename the object")
    """
    for part in address.partition("://")[2].split("/"):
        if part in _UNUSABLE:
            what = f"a part of it is {part!r}" if part else "a part of it is empty"
        elif "\0" in part or os.sep in part:
            what = "it has a zero byte" if "\0" in part else f"it has a {os.sep}"
        elif len(part.encode("utf-8", "surrogatepass")) > _LONGEST_PART:
            what = f"a part of it is longer than {_LONGEST_PART} bytes"
        else:
            continue
        return f"the object's name cannot be that of a file: {what}; rename the object"
    return ""


def pathlike(address: str) -> str:
    """The address of an object with an unusable name, with other words for its unusable parts; distinct for distinct names.

    >>> pathlike("s3://bucket/../1.png")
    's3://bucket/unusable-a1ebe57e/1.png'
    """
    scheme, _, below = address.partition("://")
    digest = hashlib.sha256(address.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    parts = [f"unusable-{digest}" if unusable_name(f"{scheme}://{part}") else part for part in below.split("/")]
    return f"{scheme}://{'/'.join(parts)}"
