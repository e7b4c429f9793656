"""The table that Kaggle's Ultrasound Nerve Segmentation takes: ``img,pixels``, a run-length code for each image of the test set."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.imaging import GreyImage, MaskArray, read_frames, write_text
from usseg_monai.inference.inputs import find_inputs, is_image
from usseg_monai.inference.pipeline import process_frames
from usseg_monai.inference.predictor import Predictor
from usseg_monai.measurements.run_length import encode_run_length

__all__ = ["SHAPE", "TASK", "find_numbered_images", "resize_mask", "write_submission"]

TASK = "nerve"
"""The task that the competition was about."""

SHAPE = (420, 580)
"""Rows and columns of the competition's images, which its codes count in."""

_NUMBER = re.compile(r"0*(\d+)")


def find_numbered_images(inputs: Sequence[str | Path]) -> dict[int, Path]:
    """Find images that are named by their number, as ``17.tif`` in the competition's test set; in the order of the numbers.

    Raises:
        ImageError: no image there, or one that is not read, such as a link that points out of its folder.
        UsageError: a name that is no number, or two images of one number.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("10.tif", "9.tif"):
    ...     (folder / name).touch()
    >>> list(find_numbered_images([folder]))
    [9, 10]
    """
    found: dict[int, Path] = {}
    for item in filter(is_image, find_inputs(inputs)):
        path = Path(item.path)
        if item.refusal:
            raise ImageError(f"{path}: {item.refusal}")
        match = _NUMBER.fullmatch(path.stem)
        if match is None:
            raise UsageError(f"{path}: its name is no number; give the competition's test images, 1.tif, 2.tif, ...")
        number = int(match[1])
        if number in found:
            raise UsageError(f"{found[number]} and {path} have one number: give each image once")
        found[number] = path
    return dict(sorted(found.items()))


def write_submission(
    predictor: Predictor,
    images: Mapping[int, Path],
    file: Path,
    *,
    threads: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Path, str]:
    """Predict images and write the table, rows by number. Masks of another size than `SHAPE` are resized (nearest neighbour).

    Args:
        predictor: of the task `TASK`.
        images: number -> file, as `find_numbered_images` gives them.
        file: the table to write.
        threads: images in work at a time.
        on_progress: told of images done and images in all.

    Returns:
        Why an image could not be used, by its file. Such an image has an empty code, since a submission without its row is refused.

    Raises:
        OutputError: the table cannot be written.
    """
    failures: dict[Path, str] = {}

    def process(path: Path, image: GreyImage) -> str:
        if image.source.frames > 1:
            raise ImageError(f"it has {image.source.frames} frames; the competition's images have one")
        return encode_run_length(resize_mask(predictor.predict(image).mask, SHAPE))

    def fail(path: Path, frame: int, reason: str) -> str:
        failures.setdefault(path, reason)
        return ""

    codes: list[str] = []
    on_progress(0, len(images))
    with closing(process_frames(images.values(), read_frames, process, fail, threads)) as results:
        for result in results:
            if result.last:
                codes.append(result.result)
                on_progress(len(codes), len(images))
    write_text(file, "".join(["img,pixels\n", *(f"{number},{code}\n" for number, code in zip(images, codes, strict=True))]))
    return failures


def resize_mask(mask: MaskArray, shape: tuple[int, int]) -> MaskArray:
    """Take the nearest pixel for each of a new grid that covers the same picture.

    >>> resize_mask(np.array([[0, 1]], np.uint8), (2, 4)).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    if mask.shape == shape:
        return mask
    row, col = ((2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(shape, mask.shape, strict=True))
    resized: MaskArray = mask[np.ix_(row, col)]
    return resized
