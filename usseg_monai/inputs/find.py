"""Turns the user's arguments into the list of files to read; `usseg_monai.inputs.naming` gives each a name.

A folder is searched recursively for files with the name of an image, and for files whose name does not state their type, such as DICOM
files (`usseg_monai.inputs.kinds`); names that begin with a dot are ignored. Links out of the folder are not followed, unless requested. A
glob is the folder before its first wildcard, with a selection of files. A list (`usseg_monai.inputs.lists`) names files.

An address (``s3://bucket/folder``) is a folder, or an object, in a store (`usseg_monai.inputs.objects`).

No file is opened, and no size or time is read: a folder of a million files is listed in seconds, even on a slow drive. If only the content
shows whether a file is an image, its input is marked ``unsure``, and `naming.is_image` checks it when its turn comes.

Folders with the results of a run (``masks/`` and the like, beside a ``run.json``) are skipped, unless the user names them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import SUFFIXES, is_image_name
from usseg_monai.inputs.kinds import may_be_image, says_image
from usseg_monai.inputs.lists import is_list, read_list
from usseg_monai.inputs.naming import Input, distinct_files, distinct_outputs, output_names
from usseg_monai.inputs.objects import find_objects, object_input, place_objects
from usseg_monai.inputs.results_folder import RESULT_FOLDERS, RUN_RECORD, is_run_record
from usseg_monai.remote.address import is_address, place_of
from usseg_monai.remote.store import Facts

__all__ = ["find_inputs"]

_WILDCARD = re.compile(r"[*?\[]")


class _Found(NamedTuple):
    """A file that an argument refers to.

    Attributes:
        path: path of the file.
        parts: number of the path's last parts that form its name.
        refusal, named, unsure, spacing_mm: see `Input`.
        nothing: whether the argument refers to no file at all, as the refusal says.
        facts: what the store says of an object.
    """

    path: str
    parts: int
    refusal: str = ""
    named: bool = False
    unsure: bool = False
    spacing_mm: Spacing | None = None
    nothing: bool = False
    facts: Facts | None = None


class _Kind(Enum):
    """Type of a folder entry."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "pipe, socket or device"


class _Way(NamedTuple):
    """Settings and state of a folder search.

    Attributes:
        base: the folder that the user named; no link is followed out of it unless requested.
        closed: real paths of folders that are skipped.
        follow_links: whether links are followed wherever they point.
        entered: if links are followed, real paths of all folders searched so far: no folder is searched twice, and loops end.
    """

    base: str
    closed: frozenset[str]
    follow_links: bool
    entered: set[str]


def find_inputs(
    arguments: Sequence[str | Path], *, leave_out: Collection[str | Path] = (), follow_links: bool = False, objects: bool = False
) -> list[Input]:
    """List the files that the arguments refer to, in the order of the arguments; a folder's files sorted by path, a list's in its order.

    A file that is named twice is listed once. A file that is known here to be unreadable (a link out of the folder, a pipe, a missing file,
    a folder without images) is listed with its refusal, so that the rest goes on.

    Args:
        arguments: files, folders, globs, lists, addresses of objects and of their folders.
        leave_out: folders and addresses that are not searched, because the results of an earlier run are not inputs.
        follow_links: follow links wherever they point; else only those that stay within the folder.
        objects: whether the caller reads objects, see `Input.local`.

    Raises:
        ImageError: the arguments refer to no file at all.
        UsageError: there is no argument, a glob is invalid, a list cannot be read, or an address is wrong.
        OutputError: a store of objects does not answer.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("1.png", "1.jpg", "2.png", "notes.txt"):
    ...     (folder / name).touch()
    >>> [(found.file, found.output) for found in find_inputs([folder])]
    [('1.jpg', '1.jpg'), ('1.png', '1.png'), ('2.png', '2')]
    """
    if not arguments:
        raise UsageError("no input: name image files, folders, globs or lists")
    places = [place_of(argument) for argument in arguments]
    closed = frozenset(str(place) if is_address(place) else os.path.realpath(place) for place in leave_out)
    named_paths = {os.path.abspath(place) for place in places}
    found: dict[str, _Found] = {}
    for place in places:
        for item in _expand(place, closed, follow_links):
            found.setdefault(os.path.abspath(item.path), item)
    if not objects and (address := next((item.path for item in found.values() if is_address(item.path)), None)):
        raise UsageError(f"{address}: this command reads local files: copy the objects first")
    if all(item.nothing for item in found.values()):
        reasons = [f"{item.path}: {item.refusal}" for item in found.values()]
        raise ImageError(reasons[0] + (f" (and {len(reasons) - 1} more such inputs)" if len(reasons) > 1 else ""))
    files = distinct_files([(path, item.parts) for path, item in found.items()])
    outputs = distinct_outputs(files)
    inputs = []
    for (path, item), file, output in zip(found.items(), files, outputs, strict=True):
        renamed = "" if output == next(output_names(file)) else output
        named = item.named or path in named_paths
        given = Input(item.path, file, renamed, item.refusal, named, item.unsure, item.spacing_mm)
        inputs.append(given if item.facts is None else object_input(given, item.facts))
    return inputs


def _expand(argument: str, closed: frozenset[str], follow_links: bool) -> Iterable[_Found]:
    way = _Way(argument, closed, follow_links, set())
    if is_address(argument):
        return _objects(argument, closed)
    if is_list(argument):
        return _listed(argument)
    if os.path.isdir(argument):
        return _or_nothing(argument, list(_search(argument, 1, way)), "a folder without images")
    if os.path.exists(argument):
        return [_Found(argument, 1)]
    if _WILDCARD.search(argument):
        return _or_nothing(argument, list(_glob(Path(argument), way)), "no image has such a name")
    return _or_nothing(argument, [], "no such file or folder")


def _objects(address: str, closed: Collection[str]) -> list[_Found]:
    places = find_objects(address, [place for place in closed if is_address(place)])
    found = [_Found(place.address, place.parts, place.refusal, place.named, facts=place.facts) for place in places]
    kinds = ", ".join(sorted(SUFFIXES))
    return found or [
        _Found(address, 1, f"no such object, and no images below it; give images, or folders of images ({kinds})", nothing=True)
    ]


def _listed(argument: str) -> list[_Found]:
    listed = read_list(argument)
    places = place_objects(list(dict.fromkeys(file.path for file in listed if is_address(file.path))))
    found = []
    for file in listed:
        item = _Found(file.path, file.parts, named=True, spacing_mm=file.spacing_mm)
        if (place := places.get(file.path)) is not None:
            item = item._replace(path=place.address, refusal=place.refusal, facts=place.facts)
        found.append(item)
    return found


def _or_nothing(argument: str, found: list[_Found], reason: str) -> list[_Found]:
    """The found files; if none is an image or refused, a single refusal instead. Opens files only up to the first image."""
    links = [item for item in found if item.unsure and item.refusal]  # not followed, so their content cannot show what they are
    found = [item for item in found if not (item.unsure and item.refusal)] if links else found
    if any(not item.unsure or says_image(item.path) for item in found):
        return found
    kinds = ", ".join(sorted(SUFFIXES))
    if links:
        reason += f", but with {len(links)} links: {os.path.basename(links[0].path)} is {links[0].refusal}"
    refusal = f"{reason}; give image files, or folders with images ({kinds})"
    return [_Found(argument, 1, refusal, nothing=True)]


def _glob(pattern: Path, way: _Way) -> Iterator[_Found]:
    split = next(index for index, part in enumerate(pattern.parts) if _WILDCARD.search(part))
    base, choice = Path(*pattern.parts[:split]), pattern.parts[split:]
    way = way._replace(base=str(base))
    try:
        matches = sorted(map(str, base.glob(os.path.join(*choice))), key=lambda path: path.split(os.sep))
    except ValueError as error:
        raise UsageError(f"{pattern}: not a valid glob ({error}); use *, ?, [abc], and ** for any folders") from None
    for match in matches:
        below = Path(match).relative_to(base)
        if any(part.startswith(".") for part in below.parts) or any(os.path.realpath(base / up) in way.closed for up in below.parents[:-1]):
            continue
        if any(up.name not in choice and _holds_results(str(base / up)) for up in (below, *below.parents[:-1])):
            continue
        kind, depth = _kind_of(match, way), max(1, len(below.parts))
        if kind is _Kind.FOLDER:
            yield from _search(match, depth + 1, way)
        else:
            yield from _admit(match, kind, depth, way)


def _search(folder: str, depth: int, way: _Way) -> Iterator[_Found]:
    """All files below a folder that are to be read or refused, sorted by path.

    Args:
        folder: folder to search.
        depth: number of path parts in the name of a file directly in the folder.
        way: how to search.
    """
    real = os.path.realpath(folder)
    levels: list[
        tuple[str, str, Iterator[tuple[str, _Kind]]]
    ] = []  # from the top folder to the current one; trees may be deep: no recursion

    def enter(path: str, real: str) -> Iterator[_Found]:
        if real in way.entered:
            return
        if way.follow_links:
            way.entered.add(real)
        try:
            levels.append((path, real, iter(_listing(path))))
        except OSError as error:
            refusal = f"the folder cannot be read ({error.strerror}); check its permissions"
            yield _Found(path, max(1, depth + len(levels) - 1), refusal)

    yield from enter(folder, real)
    while levels:
        here, real, inside = levels[-1]
        name, kind = next(inside, ("", _Kind.OTHER))
        path = os.path.join(here, name)
        if not name:
            levels.pop()
        elif kind is _Kind.FOLDER or (way.follow_links and kind is _Kind.LINK and os.path.isdir(path)):
            target = os.path.join(real, name) if kind is _Kind.FOLDER else os.path.realpath(path)
            if target not in way.closed:
                yield from enter(path, target)
        else:
            yield from _admit(path, kind, depth + len(levels) - 1, way)


def _listing(folder: str) -> list[tuple[str, _Kind]]:
    """Names in a folder, sorted, with the type stated by the directory entry; without names that begin with a dot and, in the output folder
    of a run, without its results folders.
    """
    with os.scandir(folder) as entries:
        found = sorted(((entry.name, _kind(entry)) for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry[0])
    if (RUN_RECORD, _Kind.FILE) in found and is_run_record(Path(folder, RUN_RECORD)):
        return [(name, kind) for name, kind in found if name not in RESULT_FOLDERS]
    return found


def _holds_results(folder: str) -> bool:
    """Whether a folder is a results folder of a run."""
    place, name = os.path.split(folder)
    return name in RESULT_FOLDERS and is_run_record(Path(place, RUN_RECORD))


def _kind(entry: os.DirEntry[str]) -> _Kind:
    if entry.is_symlink():
        return _Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return _Kind.FOLDER
    return _Kind.FILE if entry.is_file(follow_symlinks=False) else _Kind.OTHER


def _kind_of(path: str, way: _Way) -> _Kind:
    """Like `_kind`, for a single path; for a link that is followed, the type of its target."""
    if os.path.islink(path) and not way.follow_links:
        return _Kind.LINK
    if os.path.isdir(path):
        return _Kind.FOLDER
    if os.path.isfile(path):
        return _Kind.FILE
    return _Kind.LINK if os.path.islink(path) else _Kind.OTHER


def _admit(path: str, kind: _Kind, depth: int, way: _Way) -> Iterator[_Found]:
    """Read or refuse an entry that is not a folder, or a link; skip it if it is not an image."""
    surely = is_image_name(path)
    if kind is _Kind.LINK:
        kind, refusal = _follow(path, way)
        if refusal and (surely or kind is _Kind.FOLDER):
            yield _Found(path, depth, refusal)
            return
        if refusal and may_be_image(path):
            yield _Found(path, depth, refusal, unsure=True)
            return
    if kind is _Kind.FILE and (surely or may_be_image(path)):
        yield _Found(path, depth, unsure=not surely)
    elif kind is _Kind.OTHER and surely:
        yield _Found(path, depth, "a pipe, a socket or a device, not opened; give an image file")


def _follow(path: str, way: _Way) -> tuple[_Kind, str]:
    """The type of a link's target, and why the link is not followed, if so."""
    kind = _Kind.FOLDER if os.path.isdir(path) else _Kind.FILE
    target = Path(path).resolve()
    if not (way.follow_links or target.is_relative_to(Path(way.base).resolve())):
        return kind, "a link that points out of the folder, not followed; give the file itself, or --follow-links, if it is meant"
    if not os.path.exists(path):
        return kind, "a link to a file that is not there; fetch it first, for example with 'datalad get' or 'dvc pull'"
    return kind if kind is _Kind.FOLDER or os.path.isfile(path) else _Kind.OTHER, ""
