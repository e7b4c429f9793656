"""From what the user names to the list of files to read, and the name that the results of each will have.

A folder is searched with all its folders for names of images, and for DICOM files, which often have no suffix; names that begin with a dot
are left out. Links inside it are not followed out of it. A glob is a folder, the part before its first wildcard, with a choice of files.

How results are named
    ``file``, in the table, is the path below the given folder, or the bare name of a file given by itself. Where two are equal, as many
    folders above are put before each as tell them apart: ``a/1.png b/1.png`` stay ``a/1.png`` and ``b/1.png``.
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
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import SUFFIXES, is_image_name

__all__ = ["Input", "find_inputs", "frame_output", "part_masks"]

_WILDCARD = re.compile(r"[*?\[]")
_SUFFIX = re.compile("(" + "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES, key=len, reverse=True)) + ")$", re.IGNORECASE)
_FRAME = re.compile(r"_frame\d{3,}$")
_MASK = re.compile(r"(.+)_(?:mask|annotation)(?:_\d+)?", re.IGNORECASE)
_DICOM_NAME = re.compile(r"[^.]+|[\d.]+")  # ``IM_0001``, or the UID of an instance


@dataclass(frozen=True)
class Input:
    """One thing to read.

    Attributes:
        path: the file.
        file: its name in the results, unique among the inputs of a run, ``/`` between folders.
        output: path of its results below ``masks/`` and the like, without suffix, unique as well.
        refusal: why it is not read, empty for what is: the message of its failed row.
        named: whether the user named this very file, and not just a folder or a glob that leads to it.
    """

    path: Path
    file: str
    output: str
    refusal: str = ""
    named: bool = False


@dataclass(frozen=True)
class _Found:
    """Something an argument led to: its path, how many of the path's last parts name it, why it is not read, or that nothing is there."""

    path: Path
    parts: int
    refusal: str = ""
    nothing: bool = False


def find_inputs(arguments: Sequence[str | Path], *, leave_out: Collection[Path] = ()) -> list[Input]:
    """List the files that the arguments mean, in the order of the arguments, those of a folder sorted by path.

    A file that is named twice is listed once. What cannot be read for a reason that is seen here (a link out of the folder, a missing
    file, a folder without images) is listed with its refusal, so that the rest goes on.

    Args:
        arguments: files, folders, globs.
        leave_out: folders that are not searched: the results of an earlier run are no inputs.

    Raises:
        ImageError: the arguments lead to no file at all.
        UsageError: no argument, or no valid glob.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("1.png", "1.jpg", "2.png", "notes.txt"):
    ...     (folder / name).touch()
    >>> [(found.file, found.output) for found in find_inputs([folder])]
    [('1.jpg', '1.jpg'), ('1.png', '1.png'), ('2.png', '2')]
    """
    if not arguments:
        raise UsageError("no input: name image files, folders or globs")
    closed = {folder.resolve() for folder in leave_out}
    named = {Path(os.path.abspath(argument)) for argument in arguments}
    found: dict[Path, _Found] = {}
    for argument in arguments:
        for item in _expand(Path(argument), closed):
            found.setdefault(Path(os.path.abspath(item.path)), item)
    if all(item.nothing for item in found.values()):
        reasons = [item.refusal for item in found.values()]
        raise ImageError(reasons[0] + (f" (and {len(reasons) - 1} more such inputs)" if len(reasons) > 1 else ""))
    files = _distinct([_names(path, item.parts) for path, item in found.items()])
    outputs = _distinct([_output_names(file) for file in files], also=_like_a_frame)
    parts = zip(found.items(), files, outputs, strict=True)
    return [Input(item.path, file, output, item.refusal, path in named) for (path, item), file, output in parts]


def part_masks(inputs: Sequence[Input]) -> tuple[list[Input], list[tuple[Input, str]]]:
    """Part images from files that are by their names masks of one of them, in the same folder. What the user named itself is an image.

    Returns:
        The images, and the masks, each with the name that its image has in the results, both in their order.

    >>> names = ("1.png", "1_mask.png", "1_mask_1.png", "2_Annotation.png")
    >>> images, masks = part_masks([Input(Path(name), name, name[:-4]) for name in names])
    >>> [image.file for image in images], [(mask.file, image) for mask, image in masks]
    (['1.png', '2_Annotation.png'], [('1_mask.png', '1.png'), ('1_mask_1.png', '1.png')])
    """
    by_path = [((item.path.parent, _SUFFIX.sub("", item.path.name)), item) for item in inputs]
    by_stem = dict(by_path)
    images: list[Input] = []
    masks: list[tuple[Input, str]] = []
    for (folder, stem), item in by_path:
        match = _MASK.fullmatch(stem)
        image = by_stem.get((folder, match[1])) if match and not item.named else None
        if image is None:
            images.append(item)
        else:
            masks.append((item, image.file))
    return images, masks


def frame_output(output: str, frame: int, frames: int) -> str:
    """Name of one frame's results.

    >>> frame_output("a/cine", 3, 200), frame_output("a/still", 0, 1)
    ('a/cine_frame003', 'a/still')
    """
    return output if frames == 1 else f"{output}_frame{frame:03d}"


def _expand(argument: Path, closed: Collection[Path]) -> list[_Found]:
    if argument.is_dir():
        return _search(argument, argument, closed) or [_nothing(argument, "a folder without images")]
    if argument.exists():
        return [_Found(argument, 1)]
    if _WILDCARD.search(str(argument)):
        return _glob(argument, closed) or [_nothing(argument, "no image has such a name")]
    return [_nothing(argument, "no such file or folder")]


def _nothing(argument: Path, reason: str) -> _Found:
    kinds = ", ".join(sorted(SUFFIXES))
    return _Found(argument, 1, f"{argument}: {reason}; give image files, or folders with images ({kinds})", nothing=True)


def _glob(pattern: Path, closed: Collection[Path]) -> list[_Found]:
    split = next(index for index, part in enumerate(pattern.parts) if _WILDCARD.search(part))
    base, choice = Path(*pattern.parts[:split]), pattern.parts[split:]
    try:
        matches = sorted(base.glob(os.path.join(*choice)))
    except ValueError as error:
        raise UsageError(f"{pattern}: no valid glob ({error}); use *, ?, [abc], and ** for any folders") from None
    found: list[_Found] = []
    for match in matches:
        below = match.relative_to(base)
        if any(part.startswith(".") for part in below.parts) or any((base / parent).resolve() in closed for parent in below.parents[:-1]):
            continue
        found += _search(match, base, closed) if match.is_dir() and not match.is_symlink() else _admit(match, base)
    return found


def _search(folder: Path, base: Path, closed: Collection[Path]) -> list[_Found]:
    """Everything below a folder that is to be read or refused, named by its path below `base`."""
    found: list[_Found] = []

    def unreadable(error: OSError) -> None:
        path = Path(error.filename)
        found.append(_Found(path, _depth(path, base), f"the folder cannot be read ({error.strerror}); check its permissions"))

    for here, folders, files in os.walk(folder, onerror=unreadable):
        folders[:] = [name for name in folders if not name.startswith(".") and Path(here, name).resolve() not in closed]
        for name in folders + files:
            if not name.startswith(".") and (name not in folders or os.path.islink(os.path.join(here, name))):
                found += _admit(Path(here, name), base)
    return sorted(found, key=lambda item: item.path)


def _admit(path: Path, base: Path) -> list[_Found]:
    """A file, or link, below `base`: to be read, refused, or (no image) passed over."""
    if path.is_symlink() and (is_image_name(path) or path.is_dir()):
        target = path.resolve()
        if not target.is_relative_to(base.resolve()):
            refusal = f"a link that points out of {base}, not followed; give {target} itself if it is meant"
            return [_Found(path, _depth(path, base), refusal)]
    if (is_image_name(path) and not path.is_dir()) or _is_dicom(path):
        return [_Found(path, _depth(path, base))]
    return []


def _is_dicom(path: Path) -> bool:
    """Whether a file without a suffix says of itself that it is DICOM."""
    if not _DICOM_NAME.fullmatch(path.name) or path.is_symlink() or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _depth(path: Path, base: Path) -> int:
    return max(1, len(path.relative_to(base).parts))


def _names(path: Path, parts: int) -> Iterator[str]:
    """Ever longer names of an absolute path, beginning with that of its last parts; the longest is like no other's."""
    all_parts = (re.sub(r"[:\\/]", "", path.anchor), *path.parts[1:])
    for count in range(parts, len(all_parts) + 1):
        yield "/".join(all_parts[-count:])


def _output_names(file: str) -> Iterator[str]:
    yield _SUFFIX.sub("", file)
    yield file
    yield f"{file}_"


def _like_a_frame(names: Collection[str]) -> Collection[str]:
    """Names that the frames of another input of this run could take: ``cine_frame003`` beside ``cine``."""
    return {name for name in names if (whole := _FRAME.sub("", name)) != name and whole in names}


def _distinct(choices: Sequence[Iterator[str]], also: Callable[[Collection[str]], Collection[str]] = lambda names: ()) -> list[str]:
    """The first name of each that no other has; those that have one together all take their next.

    Args:
        choices: for each, its possible names; the last ones are distinct.
        also: names that are to be avoided besides, as far as there is a next.
    """
    names = [next(choice) for choice in choices]
    exhausted: set[int] = set()
    while True:
        owners = defaultdict(list)
        for index, name in enumerate(names):
            owners[name].append(index)
        avoided = also(owners.keys())
        clashing = {index for name, indices in owners.items() if len(indices) > 1 or name in avoided for index in indices} - exhausted
        if not clashing:
            return names
        for index in clashing:
            following = next(choices[index], None)
            if following is None:
                exhausted.add(index)
            else:
                names[index] = following
