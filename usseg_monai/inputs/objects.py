"""Objects at an address as inputs: they are listed like the files of a folder, and staged when their turn comes.

An object whose name cannot be that of a file is an input with a refusal. Its content is looked at only when it is read: an object that is
no image, though its name allows it, is skipped then.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from usseg_monai.errors import ImageError, NoPictureError, UssegError, printable, quoted
from usseg_monai.imaging import is_image_name
from usseg_monai.inputs.kinds import HEAD, begins_like_image, may_be_image
from usseg_monai.inputs.naming import Input, output_names
from usseg_monai.inputs.results_folder import RECORD_HEAD, RESULT_FOLDERS, RUN_RECORD
from usseg_monai.remote.address import pathlike, unusable_name
from usseg_monai.remote.staging import staged
from usseg_monai.remote.store import Facts, store_of

__all__ = ["ObjectInput", "Place", "find_objects", "object_input", "place_objects"]

_NO_FACTS = Facts(-1, "")
_SUFFIXES = (".png", ".json", ".nii.gz")  # of results
_ALSO_FOLDER = "its results would have the name of a folder of other results; rename the object"


@dataclass(frozen=True, slots=True)
class ObjectInput(Input):
    """One object to read; ``path`` is its address.

    Attributes:
        size: in bytes.
        tag: changes with the content.
        look: whether only its first bytes show if it is an image.
    """

    size: int = -1
    tag: str = ""
    look: bool = False

    @property
    def absolute(self) -> str:
        """Address of the object."""
        return self.path

    def stamp(self) -> tuple[int, int]:
        """Size in bytes, and a digest of the tag, used to detect changed objects."""
        return self.size, int(hashlib.sha256(self.tag.encode()).hexdigest()[:12], 16)

    @contextmanager
    def local(self, most_bytes: int) -> Iterator[Input]:
        """An input whose ``path`` is a copy of the object, which is removed at the end.

        Raises:
            ImageError: the object is too large, gone or changed.
            NoPictureError: it is no image.
            OutputError: the store does not answer, or there is no room for the copy.
        """
        if self.refusal:
            raise ImageError(self.refusal)
        name = printable(self.path.rpartition("/")[2])
        if self.size > most_bytes:
            raise ImageError(
                f"{name}: {self.size} bytes: more than {most_bytes}; split the file, or read it with Limits(max_file_bytes=...)"
            )
        if self.look and not (self.size and begins_like_image(store_of(self.path).head(self.path, HEAD))):
            raise NoPictureError(f"{name}: no image by its first bytes")
        with staged(self.path, self.size) as path:
            yield Input(path, self.file, self.renamed, named=self.named, spacing_mm=self.spacing_mm)


def object_input(item: Input, facts: Facts) -> ObjectInput:
    """An object with the names of a file."""
    look = not (item.named or is_image_name(item.path))
    return ObjectInput(item.path, item.file, item.renamed, item.refusal, item.named, False, item.spacing_mm, *facts, look)


class Place(NamedTuple):
    """An object that an argument refers to.

    Attributes:
        address: in the form of a path: parts that no file can have are replaced, and a refusal says so.
        parts: number of the address' last parts that form its name.
        facts: what the store says of it.
        refusal: why it is not read; empty for an object that is read.
        named: whether the user named this very object.
    """

    address: str
    parts: int
    facts: Facts
    refusal: str = ""
    named: bool = False


def find_objects(address: str, closed: Collection[str]) -> list[Place]:
    """The object at an address, or those below it that may be images, sorted by name like files; empty if there are none.

    Args:
        address: an object or a folder.
        closed: addresses whose objects are not inputs.

    Raises:
        OutputError: the store does not answer.
    """
    store = store_of(address)
    try:
        facts = store.facts(address)
    except ImageError:  # there may still be objects below it, or the bucket may not exist
        facts = None
    if facts is not None:
        return [_place(address, 1, facts, named=True)]
    start, found = len(address) + 1, store.list(address)
    runs = {name.rpartition("/")[0] for name in found if name.endswith(f"/{RUN_RECORD}") and _is_record(name)}
    closed = [*closed, *(f"{run}/{folder}" for run in runs for folder in RESULT_FOLDERS)]
    shut = tuple(f"{place}/" for place in closed)
    below = [
        name
        for name in found
        if not name.startswith(shut) and not any(part.startswith(".") and part not in (".", "..") for part in name[start:].split("/"))
    ]
    below.sort(key=lambda name: name[start:].split("/"))
    images = (name for name in below if is_image_name(name) or may_be_image(name))
    return _refuse_files_that_are_folders([_place(name, name.count("/", start) + 1, found[name]) for name in images])


def place_objects(addresses: Collection[str]) -> dict[str, Place]:
    """Objects that a list names, by their addresses; one that does not exist is refused.

    Raises:
        OutputError: a store does not answer.
    """
    by_store: dict[str, list[str]] = {}
    for address in addresses:
        by_store.setdefault(address.partition("://")[0], []).append(address)
    found = (pair for same in by_store.values() for pair in store_of(same[0]).facts_of_many(same).items())
    return {address: _place(address, 1, facts, named=True) for address, facts in found}


def _refuse_files_that_are_folders(places: Sequence[Place]) -> list[Place]:
    """Refuse objects whose results would have the name of a folder of results: ``a.png`` beside ``a.png/b.png``."""
    folders = {place.address[:end] for place in places for end in (at.start() for at in re.finditer("/", place.address))}
    return [
        place._replace(refusal=_ALSO_FOLDER)
        if not place.refusal
        and any(f"{output}{suffix}" in folders for output in islice(output_names(place.address), 2) for suffix in _SUFFIXES)
        else place
        for place in places
    ]


def _place(address: str, parts: int, facts: Facts | ImageError, *, named: bool = False) -> Place:
    if refusal := unusable_name(address):
        return Place(pathlike(address), parts, _NO_FACTS, f"{quoted(address.rpartition('/')[2])}: {refusal}", named)
    if isinstance(facts, ImageError):
        return Place(address, parts, _NO_FACTS, str(facts).removeprefix(f"{address}: "), named)
    return Place(address, parts, facts, named=named)


def _is_record(address: str) -> bool:
    try:
        return store_of(address).head(address, len(RECORD_HEAD)) == RECORD_HEAD
    except UssegError:
        return False
