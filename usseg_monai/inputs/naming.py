"""One file to read, and the names of its results.

Names of results
    ``file``, in the table, is the path below the given folder, or the bare name of a file given by itself; for a list, the path below the
    deepest common folder of its files. If two are equal, both get as many parent folders as are needed to distinguish them:
    ``a/1.png b/1.png`` stay ``a/1.png`` and ``b/1.png``.
    ``output``, the name of masks and overlays, is ``file`` without its suffix. If two are equal, both keep their suffix: ``1.png`` and
    ``1.jpg`` give ``masks/1.png.png`` and ``masks/1.jpg.png`` (if that name is taken too, ``_`` is appended). For a file with several
    frames, ``_frame000``, ``_frame001`` ... is appended.

Masks beside images
    Data sets keep masks beside their images, such as ``1_mask.png``, ``1_mask_2.png`` or ``1_Annotation.png`` beside ``1.png``. A user who
    names a folder means its images: `part_masks` separates the masks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import SUFFIXES
from usseg_monai.inputs.kinds import says_image

__all__ = ["Input", "distinct_files", "distinct_outputs", "frame_output", "is_image", "output_names", "part_masks"]

Thing = TypeVar("Thing")

_SUFFIX = re.compile("(" + "|".join(re.escape(suffix) for suffix in sorted(SUFFIXES, key=len, reverse=True)) + ")$", re.IGNORECASE)
_FRAME = re.compile(r"_frame\d{3,}$")
_MASK = re.compile(r"(.+)_(?:mask|annotation)(?:_\d+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Input:
    """One file to read. A run may keep a million of them in memory, so derived values are properties.

    Attributes:
        path: the file.
        file: its name in the results, unique among the inputs of a run, with ``/`` between folders.
        renamed: its `output`, if that is not ``file`` without its suffix.
        refusal: why it is not read, the message of its failed row; empty for a file that is read.
        named: whether the user named this very file, not just a folder or a glob that contains it.
        unsure: whether only its content shows if it is an image; see `is_image`.
        spacing_mm: ``(row, col)`` from the datalist that names it.
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
        """Path of its results below ``masks/`` and the like, without suffix; also unique."""
        return self.renamed or _SUFFIX.sub("", self.file)

    @property
    def absolute(self) -> str:
        """Absolute path of the file."""
        return str(Path(self.path).absolute())

    def stamp(self) -> tuple[int, int]:
        """Size in bytes and modification time in nanoseconds, used to detect changed files; -1 bytes if there is no file."""
        try:
            status = os.stat(self.path)
        except (OSError, ValueError):
            return -1, 0
        return status.st_size, status.st_mtime_ns

    def local(self, most_bytes: int) -> AbstractContextManager[Input]:
        """Context in which the file can be opened: yields an input with its local path, here this very one.

        Args:
            most_bytes: a larger file is not fetched; the decoder checks local ones.
        """
        return nullcontext(self)


def is_image(item: Input) -> bool:
    """Whether an input is an image; opens the file only if it is ``unsure``.

    >>> is_image(Input("1.png", "1.png")), is_image(Input("Makefile", "Makefile", unsure=True))
    (True, False)
    """
    return not item.unsure or says_image(item.path)


def distinct_files(paths: Sequence[tuple[str, int]]) -> list[str]:
    """Unique names of files in the results, see `Input.file`.

    Args:
        paths: absolute path of each file, and the number of its last parts that form its name if no other file has the same name.

    >>> distinct_files([(os.path.normpath(path), 1) for path in ("/a/1.png", "/b/1.png", "/b/2.png")])
    ['a/1.png', 'b/1.png', '2.png']
    """
    return _distinct(paths, lambda path: _file_names(*path))


def distinct_outputs(files: Sequence[str]) -> list[str]:
    """Unique names of results, see `Input.output`, for files with these unique names.

    >>> distinct_outputs(["1.png", "1.jpg", "2.png"])
    ['1.png', '1.jpg', '2']
    """
    return _distinct(files, output_names, also=_like_a_frame)


def frame_output(output: str, frame: int, frames: int) -> str:
    """Name of the results of one frame.

    >>> frame_output("a/cine", 3, 200), frame_output("a/still", 0, 1)
    ('a/cine_frame003', 'a/still')
    """
    return output if frames == 1 else f"{output}_frame{frame:03d}"


def output_names(file: str) -> Iterator[str]:
    """Possible names of an input's results, see `Input.output`, the preferred one first.

    >>> list(output_names("a/1.png"))
    ['a/1', 'a/1.png', 'a/1.png_']
    """
    yield _SUFFIX.sub("", file)
    yield file
    yield f"{file}_"


def part_masks(inputs: Sequence[Input]) -> tuple[list[Input], list[tuple[Input, str]]]:
    """Separate images from masks, by file name (``x_mask.png`` beside ``x.png``). Files that the user named count as images.

    Returns:
        The images; and the masks, each with its image's name in the results. Both are in order.

    >>> names = ("1.png", "1_mask.png", "1_mask_1.png", "2_Annotation.png")
    >>> images, masks = part_masks([Input(name, name) for name in names])
    >>> [image.file for image in images], [(mask.file, image) for mask, image in masks]
    (['1.png', '2_Annotation.png'], [('1_mask.png', '1.png'), ('1_mask_1.png', '1.png')])
    """
    looks: dict[int, tuple[str, str]] = {}  # folder and stem of the image that each possible mask belongs to
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
    """An input's folder, and its name without suffix."""
    folder, name = os.path.split(item.path)
    return folder, _SUFFIX.sub("", name)


def _file_names(path: str, parts: int) -> Iterator[str]:
    """Names of an absolute path, from its last ``parts`` parts up to the whole path, which is unique."""
    drive, tail = os.path.splitdrive(path)
    all_parts = (re.sub(r"[:\\/]", "", drive), *tail.split(os.sep)[1:])
    for count in range(parts, len(all_parts) + 1):
        yield "/".join(all_parts[-count:])


def _like_a_frame(names: Collection[str]) -> set[str]:
    """Names that collide with possible frames of another input: ``cine_frame003`` beside ``cine``."""
    return {name for name in names if (whole := _FRAME.sub("", name)) != name and whole in names}


def _distinct(
    things: Sequence[Thing], choices: Callable[[Thing], Iterator[str]], also: Callable[[Collection[str]], set[str]] = lambda names: set()
) -> list[str]:
    """The first unique name of each thing; things that share a name all move on to their next one.

    Args:
        things: things to name.
        choices: returns the possible names of a thing; the last names of all things are distinct.
        also: further names to avoid, as long as there is a next one.
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
    """Indices of the names that occur more than once, or are to be avoided."""
    once: set[str] = set()
    twice: set[str] = set()
    for name in names:
        (twice if name in once else once).add(name)
    avoided = twice | also(once)
    return {index for index, name in enumerate(names) if name in avoided} if avoided else set()
