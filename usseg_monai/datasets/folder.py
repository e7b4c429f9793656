"""Any folder of images and masks.

1. ``DIR/images/`` and ``DIR/masks/``: the mask of ``images/a/b.png`` is ``masks/a/b.*``, ``masks/a/b_mask.*`` or
   ``masks/a/b_Annotation.*``.
2. Without these two folders, the mask lies beside its image, anywhere below ``DIR``: ``b.png`` with ``b_mask.*`` or
   ``b_Annotation.*``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from usseg_monai.datasets.dataset import Case, Dataset, Source, name_remark
from usseg_monai.errors import UsageError
from usseg_monai.imaging import is_image_name

__all__ = ["FOLDER", "folder_group", "read_folder"]

_MASK_ENDINGS = ("_mask", "_Annotation")


def folder_group(path: Path) -> str:
    """Default group of an image: its folder, or its stem up to the last ``_``.

    Args:
        path: the image, relative to the data set's folder of images.

    >>> folder_group(Path("patient7/003.png")), folder_group(Path("exam12_3.png")), folder_group(Path("12.png"))
    ('patient7', 'exam12', '12')
    """
    return path.parent.as_posix() if path.parent.name else _stem(path).rpartition("_")[0] or _stem(path)


def read_folder(root: Path, *, group_pattern: str | None = None) -> Dataset:
    """Pair the images and masks of a folder, by the rules in the module docstring. No picture is opened.

    Args:
        root: the folder.
        group_pattern: regular expression, searched in the image's path below the folder of images (``/`` between folders). The group is its
            first capture group, or the whole match if it has none. The default is `folder_group`.

    Raises:
        UsageError: no folder, no pair in it, two files for one image or mask, or a pattern that is not a regular expression or does not
            match a path.
    """
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder: give one with images/ and masks/, or with pairs x.png, x_mask.png (docs/data.md)")
    group = folder_group if group_pattern is None else _pattern_group(group_pattern)
    if (root / "images").is_dir() and (root / "masks").is_dir():
        images_root, masks_root = root / "images", root / "masks"
        masks = _by_name(masks_root, _image_files(masks_root))
    else:
        images_root = masks_root = root
        masks = _by_name(root, (path for path in _image_files(root) if _is_mask_name(path)))
    images = _by_name(images_root, (path for path in _image_files(images_root) if not _is_mask_name(path)))

    paired = sorted(images.keys() & masks.keys())
    if not paired:
        raise UsageError(
            f"no image with a mask in {root}: {len(images)} images and {len(masks)} masks, none of the same name; expected "
            "images/x.png with masks/x.png, or x.png with x_mask.png beside it (docs/data.md)"
        )
    cases = tuple(Case(images[name], masks[name], group(images[name].relative_to(images_root))) for name in paired)
    remarks = [
        *name_remark("images without a mask, left out", sorted(images.keys() - masks.keys())),
        *name_remark("masks without an image", sorted(masks.keys() - images.keys())),
    ]
    return Dataset(FOLDER.title, FOLDER.task, cases, tuple(remarks))


def _is_mask_name(path: Path) -> bool:
    return _stem(path).endswith(_MASK_ENDINGS)


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem  # x.nii.gz is one suffix


def _image_files(root: Path) -> Iterator[Path]:
    return (path for path in sorted(root.rglob("*")) if is_image_name(path) and not path.name.startswith(".") and path.is_file())


def _by_name(root: Path, paths: Iterator[Path]) -> dict[str, Path]:
    """Path below the root, without suffix and mask ending -> file."""
    found: dict[str, Path] = {}
    for path in paths:
        stem = _stem(path)
        for ending in _MASK_ENDINGS:
            stem = stem.removesuffix(ending)
        name = (path.parent.relative_to(root) / stem).as_posix()
        if name in found:
            raise UsageError(f"{found[name]} and {path} have one name: keep one file for an image and one for its mask")
        found[name] = path
    return found


def _pattern_group(pattern: str) -> Callable[[Path], str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"group pattern {pattern!r} is not a regular expression: {error}") from None

    def group(path: Path) -> str:
        match = compiled.search(path.as_posix())
        if match is None:
            raise UsageError(f"group pattern {pattern!r} is not found in {path.as_posix()!r}: every image needs a group")
        return match.group(1 if compiled.groups else 0) or ""

    return group


FOLDER = Source(
    name="folder",
    title="folder",
    task=None,
    content="any folder of images and masks",
    terms="yours",
    read=read_folder,
    recognise=Path.is_dir,
)
