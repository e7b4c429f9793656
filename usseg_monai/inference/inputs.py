"""From what the user names to the list of files to read, and the name that the results of each will have.

A folder is searched with all its folders for names of images, and for names that do not say what the file is, as those of DICOM files
(`usseg_monai.inference.kinds`); names that begin with a dot are left out. Links inside it are not followed out of it, unless asked for. A
glob is a folder, the part before its first wildcard, with a choice of files. A list (`usseg_monai.inference.lists`) names files.

Nothing is opened, and no file's size or time is asked for: a folder of a million files is listed in seconds, on a slow drive too. Where
only the content tells whether a file is an image, the input says so, and `is_image` looks when its turn comes.

Folders that hold the results of a run (``masks/`` and the like, beside a ``run.json``) are passed over, unless the user names them.

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
from usseg_monai.inference.kinds import may_be_image, says_image
from usseg_monai.inference.lists import is_list, read_list
from usseg_monai.inference.run_record import NAME as RUN_RECORD
from usseg_monai.inference.run_record import RESULT_FOLDERS, is_run_record

__all__ = ["Input", "find_inputs", "frame_output", "is_image", "part_masks"]

Thing = TypeVar("Thing")

_WILDCARD = re.compile(r"[*?\[]")
_SUFFIX = re.compile("(" + "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES, key=len, reverse=True)) + ")$", re.IGNORECASE)
_FRAME = re.compile(r"_frame\d{3,}$")
_MASK = re.compile(r"(.+)_(?:mask|annotation)(?:_\d+)?", re.IGNORECASE)


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


class _Way(NamedTuple):
    """How folders are searched.

    Attributes:
        base: the folder that the user named; no link is followed out of it unless asked for.
        closed: real paths of folders that are passed over.
        follow_links: whether links are followed wherever they point.
        entered: real paths of all folders so far, where links are followed: none is searched twice, and no loop goes on.
    """

    base: str
    closed: frozenset[str]
    follow_links: bool
    entered: set[str]


def find_inputs(arguments: Sequence[str | Path], *, leave_out: Collection[Path] = (), follow_links: bool = False) -> list[Input]:
    """List the files that the arguments mean, in the order of the arguments, those of a folder sorted by path, of a list as it has them.

    A file that is named twice is listed once. What cannot be read for a reason that is seen here (a link out of the folder, a pipe, a
    missing file, a folder without images) is listed with its refusal, so that the rest goes on.

    Args:
        arguments: files, folders, globs, lists.
        leave_out: folders that are not searched: the results of an earlier run are no inputs.
        follow_links: follow links wherever they point; else only those that stay within the folder.

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
    closed = frozenset(os.path.realpath(folder) for folder in leave_out)
    named = {os.path.abspath(argument) for argument in arguments}
    found: dict[str, _Found] = {}
    for argument in arguments:
        for item in _expand(str(Path(argument)), closed, follow_links):
            found.setdefault(os.path.abspath(item.path), item)
    if all(item.nothing for item in found.values()):
        reasons = [f"{item.path}: {item.refusal}" for item in found.values()]
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
    """Whether an input is an image; opens those of which only the content tells.

    >>> is_image(Input("1.png", "1.png")), is_image(Input("Makefile", "Makefile", unsure=True))
    (True, False)
    """
    return not item.unsure or says_image(item.path)


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


def _expand(argument: str, closed: frozenset[str], follow_links: bool) -> Iterable[_Found]:
    way = _Way(argument, closed, follow_links, set())
    if is_list(argument):
        return [_Found(file.path, file.parts, named=True, spacing_mm=file.spacing_mm) for file in read_list(argument)]
    if os.path.isdir(argument):
        return _or_nothing(argument, list(_search(argument, 1, way)), "a folder without images")
    if os.path.exists(argument):
        return [_Found(argument, 1)]
    if _WILDCARD.search(argument):
        return _or_nothing(argument, list(_glob(Path(argument), way)), "no image has such a name")
    return _or_nothing(argument, [], "no such file or folder")


def _or_nothing(argument: str, found: list[_Found], reason: str) -> list[_Found]:
    """What was found; where not one of it is an image, or refused, that alone is said. Opens files up to the first image only."""
    links = [item for item in found if item.unsure and item.refusal]  # they would say what they are, but are not followed
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
        raise UsageError(f"{pattern}: no valid glob ({error}); use *, ?, [abc], and ** for any folders") from None
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
    """Everything below a folder that is to be read or refused, sorted by path.

    Args:
        folder: to be searched.
        depth: how many parts name what lies in the folder itself.
        way: how.
    """
    real = os.path.realpath(folder)
    levels: list[tuple[str, str, Iterator[tuple[str, _Kind]]]] = []  # from the folder down to where we are; no recursion, trees may be deep

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
    """Names in a folder, sorted, with what they are as far as the folder itself tells; without those that begin with a dot, and, in the
    output folder of a run, without the folders of its results.
    """
    with os.scandir(folder) as entries:
        found = sorted(((entry.name, _kind(entry)) for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry[0])
    if (RUN_RECORD, _Kind.FILE) in found and is_run_record(Path(folder, RUN_RECORD)):
        return [(name, kind) for name, kind in found if name not in RESULT_FOLDERS]
    return found


def _holds_results(folder: str) -> bool:
    """Whether a folder is one of those that a run writes its results to."""
    place, name = os.path.split(folder)
    return name in RESULT_FOLDERS and is_run_record(Path(place, RUN_RECORD))


def _kind(entry: os.DirEntry[str]) -> _Kind:
    if entry.is_symlink():
        return _Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return _Kind.FOLDER
    return _Kind.FILE if entry.is_file(follow_symlinks=False) else _Kind.OTHER


def _kind_of(path: str, way: _Way) -> _Kind:
    """As `_kind`, of a single path; of a link that is followed, what it points to."""
    if os.path.islink(path) and not way.follow_links:
        return _Kind.LINK
    if os.path.isdir(path):
        return _Kind.FOLDER
    if os.path.isfile(path):
        return _Kind.FILE
    return _Kind.LINK if os.path.islink(path) else _Kind.OTHER


def _admit(path: str, kind: _Kind, depth: int, way: _Way) -> Iterator[_Found]:
    """What is no folder, or a link: to be read, refused, or (no image) passed over."""
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
    """What a link leads to, and why it is not followed, if it is not."""
    kind = _Kind.FOLDER if os.path.isdir(path) else _Kind.FILE
    target = Path(path).resolve()
    if not (way.follow_links or target.is_relative_to(Path(way.base).resolve())):
        return kind, "a link that points out of the folder, not followed; give the file itself, or --follow-links, if it is meant"
    if not os.path.exists(path):
        return kind, "a link to a file that is not there; fetch it first, for example with 'datalad get' or 'dvc pull'"
    return kind if kind is _Kind.FOLDER or os.path.isfile(path) else _Kind.OTHER, ""


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
