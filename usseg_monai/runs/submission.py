"""Writes predictions in the format of a competition: one row per numbered image."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from usseg_monai.errors import ImageError, UsageError
from usseg_monai.files.write import write_text
from usseg_monai.imaging import GreyImage, read_frames
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import is_image
from usseg_monai.predict.predictor import Predictor
from usseg_monai.runs.pipeline import process_frames
from usseg_monai.tasks.submission import Submission

__all__ = ["find_numbered_images", "write_submission"]

_NUMBER = re.compile(r"0*(\d+)")


def find_numbered_images(inputs: Sequence[str | Path]) -> dict[int, Path]:
    """Find images named by number, such as ``17.tif`` in a competition's test set, in numerical order.

    Raises:
        ImageError: there is no image, or one is refused, such as a link that points out of its folder.
        UsageError: a name is not a number, or two images have the same number.

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
            raise UsageError(f"{path}: its name is not a number; give the competition's test images, 1.tif, 2.tif, ...")
        number = int(match[1])
        if number in found:
            raise UsageError(f"{found[number]} and {path} have the same number: give each image once")
        found[number] = path
    return dict(sorted(found.items()))


def write_submission(
    predictor: Predictor,
    submission: Submission,
    images: Mapping[int, Path],
    file: Path,
    *,
    threads: int = 1,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[Path, str]:
    """Predict images and write the table, ordered by number.

    Args:
        predictor: predictor for the competition's task.
        submission: format of the table.
        images: number -> file, from `find_numbered_images`.
        file: the table to write.
        threads: images processed concurrently.
        on_progress: called with the number of finished images and their total.

    Returns:
        File -> reason, for each image that could not be used. Such an image has an empty code, since a submission without its row is
        refused.

    Raises:
        OutputError: the table cannot be written.
    """
    failures: dict[Path, str] = {}

    def process(path: Path, image: GreyImage) -> str:
        if image.source.frames > 1:
            raise ImageError(f"it has {image.source.frames} frames; the competition's images have one")
        return submission.encode(predictor.predict(image).mask)

    def fail(path: Path, frame: int, reason: str) -> str:
        failures.setdefault(path, reason)
        return ""

    codes: list[str] = []
    on_progress(0, len(images))
    with closing(process_frames(images.values(), read_frames, process, fail, threads)) as results:
        for _, code, last in results:
            if last:
                codes.append(code)
                on_progress(len(codes), len(images))
    rows = (f"{number},{code}\n" for number, code in zip(images, codes, strict=True))
    write_text(file, "".join([f"{submission.header}\n", *rows]))
    return failures
