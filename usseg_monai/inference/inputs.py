"""From what the user names to the list of files to read, and the name that the results of each will have.

A folder is searched with all its folders for names of images, and for DICOM files, which often have no suffix; names that begin with a dot
are left out. Links inside it are not followed out of it. A glob is a folder, the part before its first wildcard, with a choice of files.
A list (`usseg_monai.inference.lists`) names files.

Nothing is opened, and no file's size or time is asked for: a folder of a million files is listed in seconds, on a slow drive too. Where
only the content tells whether a file is an image, a DICOM file without a suffix, the input says so, and `is_image` looks when its turn
comes.

How results are named
    ``file``, in the table, is the path below the given folder, or the bare name of a file given by itself; of a list, the path below the
    folder that all its files have in common. Where two are equal, as many folders above are put before each as tell them apart:
    ``a/1.png b/1.png`` stay ``a/1.png`` and ``b/1.png``.
    ``output``, the name of masks and overlays, is ``file`` without its suffix. Where two are equal, each keeps its suffix: of ``1.png``
    and ``1.jpg`` come ``masks/1.png.png`` and ``masks/1.jpg.png`` (and if even that is another's name, it has ``_`` added). A file of
    several frames has ``_frame000``, ``_frame001`` ... added.

What is no image
    Data sets keep masks beside their images, as ``1_mask.png``, ``1_mask_2.png`` or ``1_Annotation.png`` beside ``1.png``. Whoever names a
    folder means its images: `part_masks` tells such files from them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NamedTuple, TypeVar

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import SUFFIXES, Spacing, is_image_name
from usseg_monai.inference.lists import is_list, read_list

__all__ = ["Input", "find_inputs", "frame_output", "is_image", "part_masks"]

Thing = TypeVar("Thing")

_WILDCARD = re.compile(r"[*?\[]")
_SUFFIX = re.compile("(" + "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES, key=len, reverse=True)) + ")$", re.IGNORECASE)
_FRAME = re.compile(r"_frame\d{3,}$")
_MASK = re.compile(r"(.+)_(?:mask|annotation)(?:_\d+)?", re.IGNORECASE)
_DICOM_NAME = re.compile(r"[^.]+|[\d.]+")  # ``IM_0001``, or the UID of an instance


@dataclass(frozen=True, slots=True)
class Input:
    """One thing to read. A run may have a million of them, each kept to its end: what can be told from the rest is not stored.

    Attributes:
        path: the file.
        file: its name in the results, unique among the inputs of a run, ``/`` between folders.
        renamed: its `output`, where that is not ``file`` without its suffix.
        refusal: why it is not read, empty for what is: the message of its failed row.
        named: whether the user named this very file, and not just a folder or a glob that leads to it.
        unsure: whether only its content tells if it is an image at all; see `is_image`.
        spacing_mm: ``(row, col)``, from the datalist that names it.
    """

    path: str
    file: str
    renamed: str = ""
    refusal: str = ""
    named: bool = False
    unsure: bool = False
    spacing_mm: Spacing | None = None

    @property
    def output(self) -> str:
        """Path of its results below ``masks/`` and the like, without suffix, unique as well."""
        return self.renamed or _SUFFIX.sub("", self.file)

    @property
    def absolute(self) -> str:
        """Absolute path of the file."""
        return str(Path(self.path).absolute())


class _Found(NamedTuple):
    """Something an argument led to.

    Attributes:
        path: of the file.
        parts: how many of the path's last parts name it.
        refusal, named, unsure, spacing_mm: as of `Input`.
        nothing: whether the argument led to no file at all, as the refusal says.
    """

    path: str
    parts: int
    refusal: str = ""
    named: bool = False
    unsure: bool = False
    spacing_mm: Spacing | None = None
    nothing: bool = False


class _Kind(Enum):
    """What a name in a folder is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "pipe, socket or device"


def find_inputs(arguments: Sequence[str | Path], *, leave_out: Collection[Path] = ()) -> list[Input]:
    """List the files that the arguments mean, in the order of the arguments, those of a folder sorted by path, of a list as it has them.

    A file that is named twice is listed once. What cannot be read for a reason that is seen here (a link out of the folder, a pipe, a
    missing file, a folder without images) is listed with its refusal, so that the rest goes on.

    Args:
        arguments: files, folders, globs, lists.
        leave_out: folders that are not searched: the results of an earlier run are no inputs.

    Raises:
        ImageError: the arguments lead to no file at all.
        UsageError: no argument, no valid glob, or a list that cannot be read.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("1.png", "1.jpg", "2.png", "notes.txt"):
    ...     (folder / name).touch()
    >>> [(found.file, found.output) for found in find_inputs([folder])]
    [('1.jpg', '1.jpg'), ('1.png', '1.png'), ('2.png', '2')]
    """
    if not arguments:
        raise UsageError("no input: name image files, folders, globs or lists")
    closed = {os.path.realpath(folder) for folder in leave_out}
    named = {os.path.abspath(argument) for argument in arguments}
    found: dict[str, _Found] = {}
    for argument in arguments:
        for item in _expand(str(Path(argument)), closed):
            found.setdefault(os.path.abspath(item.path), item)
    if all(item.nothing for item in found.values()):
        reasons = [item.refusal for item in found.values()]
        raise ImageError(reasons[0] + (f" (and {len(reasons) - 1} more such inputs)" if len(reasons) > 1 else ""))
    files = _distinct(list(found.items()), lambda item: _names(item[0], item[1].parts))
    outputs = _distinct(files, _output_names, also=_like_a_frame)
    return [
        Input(
            item.path,
            file,
            "" if output == _SUFFIX.sub("", file) else output,
            item.refusal,
            item.named or path in named,
            item.unsure,
            item.spacing_mm,
        )
        for (path, item), file, output in zip(found.items(), files, outputs, strict=True)
    ]


def is_image(item: Input) -> bool:
    """Whether an input is an image; opens those of which only the content tells, which are then DICOM or nothing of ours.

    >>> is_image(Input("1.png", "1.png")), is_image(Input("Makefile", "Makefile", unsure=True))
    (True, False)
    """
    return not item.unsure or _says_dicom(item.path)


def part_masks(inputs: Sequence[Input]) -> tuple[list[Input], list[tuple[Input, str]]]:
    """Part images from files that are by their names masks of one of them, in the same folder. What the user named itself is an image.

    Returns:
        The images, and the masks, each with the name that its image has in the results, both in their order.

    >>> names = ("1.png", "1_mask.png", "1_mask_1.png", "2_Annotation.png")
    >>> images, masks = part_masks([Input(name, name) for name in names])
    >>> [image.file for image in images], [(mask.file, image) for mask, image in masks]
    (['1.png', '2_Annotation.png'], [('1_mask.png', '1.png'), ('1_mask_1.png', '1.png')])
    """
    looks: dict[int, tuple[str, str]] = {}  # of those that look like masks, where their images would be
    for index, item in enumerate(inputs):
        folder, stem = _place(item)
        if not item.named and (match := _MASK.fullmatch(stem)):
            looks[index] = folder, match[1]
    wanted = set(looks.values())
    images = {place: item.file for item in inputs if (place := _place(item)) in wanted} if wanted else {}
    masks = {index: images[place] for index, place in looks.items() if place in images}
    return (
        [item for index, item in enumerate(inputs) if index not in masks],
        [(inputs[index], image) for index, image in masks.items()],
    )


def _place(item: Input) -> tuple[str, str]:
    """Folder of an input, and its name without suffix."""
    folder, name = os.path.split(item.path)
    return folder, _SUFFIX.sub("", name)


def frame_output(output: str, frame: int, frames: int) -> str:
    """Name of one frame's results.

    >>> frame_output("a/cine", 3, 200), frame_output("a/still", 0, 1)
    ('a/cine_frame003', 'a/still')
    """
    return output if frames == 1 else f"{output}_frame{frame:03d}"


def _expand(argument: str, closed: Collection[str]) -> Iterable[_Found]:
    if is_list(argument):
        return [_Found(file.path, file.parts, named=True, spacing_mm=file.spacing_mm) for file in read_list(argument)]
    if os.path.isdir(argument):
        return _or_nothing(argument, list(_search(argument, argument, 1, closed)), "a folder without images")
    if os.path.exists(argument):
        return [_Found(argument, 1)]
    if _WILDCARD.search(argument):
        return _or_nothing(argument, list(_glob(Path(argument), closed)), "no image has such a name")
    return _or_nothing(argument, [], "no such file or folder")


def _or_nothing(argument: str, found: list[_Found], reason: str) -> list[_Found]:
    """What was found; where not one of it is an image, or refused, that alone is said. Opens files up to the first image only."""
    if any(not item.unsure or _says_dicom(item.path) for item in found):
        return found
    kinds = ", ".join(sorted(SUFFIXES))
    refusal = f"{argument}: {reason}; give image files, or folders with images ({kinds})"
    return [_Found(argument, 1, refusal, nothing=True)]


def _glob(pattern: Path, closed: Collection[str]) -> Iterator[_Found]:
    split = next(index for index, part in enumerate(pattern.parts) if _WILDCARD.search(part))
    base, choice = Path(*pattern.parts[:split]), pattern.parts[split:]
    try:
        matches = sorted(map(str, base.glob(os.path.join(*choice))), key=lambda path: path.split(os.sep))
    except ValueError as error:
        raise UsageError(f"{pattern}: no valid glob ({error}); use *, ?, [abc], and ** for any folders") from None
    for match in matches:
        below = Path(match).relative_to(base)
        if any(part.startswith(".") for part in below.parts) or any(os.path.realpath(base / up) in closed for up in below.parents[:-1]):
            continue
        kind, depth = _kind_of(match), max(1, len(below.parts))
        if kind is _Kind.FOLDER:
            yield from _search(match, str(base), depth + 1, closed)
        else:
            yield from _admit(match, kind, str(base), depth)


def _search(folder: str, base: str, depth: int, closed: Collection[str]) -> Iterator[_Found]:
    """Everything below a folder that is to be read or refused, sorted by path.

    Args:
        folder: to be searched.
        base: out of which no link is followed.
        depth: how many parts name what lies in the folder itself.
        closed: real paths of folders that are passed over.
    """
    real = os.path.realpath(folder)
    levels: list[tuple[str, str, Iterator[tuple[str, _Kind]]]] = []  # from the folder down to where we are; no recursion, trees may be deep

    def enter(path: str, real: str) -> Iterator[_Found]:
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
        elif kind is not _Kind.FOLDER:
            yield from _admit(path, kind, base, depth + len(levels) - 1)
        elif os.path.join(real, name) not in closed:
            yield from enter(path, os.path.join(real, name))


def _listing(folder: str) -> list[tuple[str, _Kind]]:
    """Names in a folder, sorted, with what they are as far as the folder itself tells; without those that begin with a dot."""
    with os.scandir(folder) as entries:
        return sorted(((entry.name, _kind(entry)) for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry[0])


def _kind(entry: os.DirEntry[str]) -> _Kind:
    if entry.is_symlink():
        return _Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return _Kind.FOLDER
    return _Kind.FILE if entry.is_file(follow_symlinks=False) else _Kind.OTHER


def _kind_of(path: str) -> _Kind:
    """As `_kind`, of a single path."""
    if os.path.islink(path):
        return _Kind.LINK
    if os.path.isdir(path):
        return _Kind.FOLDER
    return _Kind.FILE if os.path.isfile(path) else _Kind.OTHER


def _admit(path: str, kind: _Kind, base: str, depth: int) -> Iterator[_Found]:
    """What is no folder, or a link, below `base`: to be read, refused, or (no image) passed over."""
    if kind is _Kind.LINK:
        leads_to_folder = os.path.isdir(path)
        if not (is_image_name(path) or leads_to_folder):
            return
        target = Path(path).resolve()
        if not target.is_relative_to(Path(base).resolve()):
            refusal = f"a link that points out of {base}, not followed; give {target} itself if it is meant"
            yield _Found(path, depth, refusal)
        elif not leads_to_folder:
            yield _Found(path, depth)
    elif is_image_name(path):
        yield _Found(path, depth, "" if kind is _Kind.FILE else "a pipe, a socket or a device, not opened; give an image file")
    elif kind is _Kind.FILE and _DICOM_NAME.fullmatch(os.path.basename(path)):
        yield _Found(path, depth, unsure=True)


def _says_dicom(path: str) -> bool:
    """Whether a file without a suffix says of itself that it is DICOM."""
    try:
        with open(path, "rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _names(path: str, parts: int) -> Iterator[str]:
    """Ever longer names of an absolute path, beginning with that of its last parts; the longest is like no other's."""
    drive, tail = os.path.splitdrive(path)
    all_parts = (re.sub(r"[:\\/]", "", drive), *tail.split(os.sep)[1:])
    for count in range(parts, len(all_parts) + 1):
        yield "/".join(all_parts[-count:])


def _output_names(file: str) -> Iterator[str]:
    yield _SUFFIX.sub("", file)
    yield file
    yield f"{file}_"


def _like_a_frame(names: Collection[str]) -> set[str]:
    """Names that the frames of another input of this run could take: ``cine_frame003`` beside ``cine``."""
    return {name for name in names if (whole := _FRAME.sub("", name)) != name and whole in names}


def _distinct(
    things: Sequence[Thing], choices: Callable[[Thing], Iterator[str]], also: Callable[[Collection[str]], set[str]] = lambda names: set()
) -> list[str]:
    """The first name of each that no other has; those that have one together all take their next.

    Args:
        things: that need names.
        choices: of one, its possible names; the last ones are distinct.
        also: names that are to be avoided besides, as far as there is a next.
    """
    names = [next(choices(thing)) for thing in things]
    further: dict[int, Iterator[str]] = {}
    exhausted: set[int] = set()
    while clashing := _clashing(names, also) - exhausted:
        for index in clashing:
            if index not in further:
                further[index] = choices(things[index])
                next(further[index])
            following = next(further[index], None)
            if following is None:
                exhausted.add(index)
            else:
                names[index] = following
    return names


def _clashing(names: Sequence[str], also: Callable[[Collection[str]], set[str]]) -> set[int]:
    """Which names occur twice, or are to be avoided."""
    once: set[str] = set()
    twice: set[str] = set()
    for name in names:
        (twice if name in once else once).add(name)
    avoided = twice | also(once)
    return {index for index, name in enumerate(names) if name in avoided} if avoided else set()
