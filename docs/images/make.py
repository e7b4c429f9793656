"""Make the pictures of the README and of the first page of the tutorial, by the released networks.

Heads are of HC18 (CC BY 4.0), breasts of BrEaST (CC BY 4.0), ventricles of Sunnybrook (CC0), all embedded samples; the nerve's data may
not be shown, so this is a phantom; the network rightly remarks that it comes from another source than its training images.

python docs/images/make.py
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from usseg_monai import Predictor
from usseg_monai.geometry.types import Spacing
from usseg_monai.imaging import GreyImage, read_image, read_spacing_csv
from usseg_monai.imaging.drawing.overlay import draw_overlay, draw_result
from usseg_monai.imaging.drawing.strip import draw_strip
from usseg_monai.report.caption import caption, marks
from usseg_monai.tasks import get_task
from usseg_monai.tasks.breast.showcase import BREAST
from usseg_monai.tasks.breast.showcase import SAMPLES as BREASTS
from usseg_monai.tasks.nerve.phantom import nerve_phantom

HERE = Path(__file__).resolve().parent
TASKS = HERE.parents[1] / "usseg_monai" / "tasks"
HEADS = TASKS / "fetal_head" / "samples"
VENTRICLE = TASKS / "left_ventricle" / "samples" / "SC-HF-NI-36-IM-0001-0160.dcm.png"
FIRST_PICTURE = "642_HC.png"  # of docs/start/first_picture.md
TILE = 420, 284  # columns, rows
TITLE = 24  # rows
NUMBERS = 1  # of the strip's, so that all strips have one height


@dataclass(frozen=True)
class Tile:
    """One picture of the README: a task, what is looked at, and a title."""

    task: str
    image: GreyImage
    title: str
    spacing_mm: Spacing | None = None


def tiles() -> list[Tile]:
    """One picture for each task."""
    heads = read_spacing_csv(HEADS / "pixel_size_and_HC.csv")
    breast = next(iter(BREAST.groups[0].samples()))
    return [
        Tile("fetal_head", read_image(HEADS / FIRST_PICTURE), "fetal_head", heads[FIRST_PICTURE]),
        Tile("nerve", nerve_phantom(1).image, "nerve (phantom)"),
        Tile("breast", read_image(BREASTS / breast.name), "breast", breast.spacing_mm),
        Tile("left_ventricle", read_image(VENTRICLE), "left_ventricle"),
    ]


def drawn(tile: Tile) -> npt.NDArray[np.uint8]:
    """A tile with its outline, its status and one number: an overlay, but with letters of full size below a smaller picture."""
    prediction = Predictor(tile.task).predict(tile.image, spacing_mm=tile.spacing_mm)
    result = draw_result(prediction.image, prediction.mask, marks(prediction.measurement))
    factor = min(TILE[0] / result.shape[1], TILE[1] / result.shape[0])
    size = round(result.shape[1] * factor), round(result.shape[0] * factor)
    picture = Image.new("RGB", (TILE[0], TITLE + TILE[1]))
    picture.paste(Image.fromarray(result).resize(size, Image.Resampling.LANCZOS), ((TILE[0] - size[0]) // 2, TITLE))
    ImageDraw.Draw(picture).text((6, 4), tile.title, fill="white", font=ImageFont.load_default(15))
    text = caption(get_task(tile.task), prediction.measurement)
    text = replace(text, items=text.items[:NUMBERS], message="")
    shape, spacing = tile.image.pixels.shape, prediction.image.spacing_mm
    step = None if spacing is None else spacing[0] * shape[0] / size[1]
    return np.vstack([np.asarray(picture), draw_strip(TILE[0], text, picture_width=TILE[0], factor=1, spacing_mm=step and (step, step))])


def first_picture() -> npt.NDArray[np.uint8]:
    """What ``OUT/overlays`` holds of the tutorial's picture."""
    (tile,) = (tile for tile in tiles() if tile.task == "fetal_head")
    prediction = Predictor(tile.task).predict(tile.image, spacing_mm=tile.spacing_mm)
    text = caption(get_task(tile.task), prediction.measurement)
    return draw_overlay(prediction.image, prediction.mask, marks(prediction.measurement), caption=text)


def main() -> None:
    """Write ``tasks.png`` and ``first_picture.png`` beside this file."""
    pictures = [drawn(tile) for tile in tiles()]
    height = max(len(picture) for picture in pictures)
    pictures = [np.pad(picture, ((0, height - len(picture)), (0, 0), (0, 0)), mode="edge") for picture in pictures]
    grid = np.vstack([np.hstack(pictures[:2]), np.hstack(pictures[2:])])
    for name, pixels in (("tasks", grid), ("first_picture", first_picture())):
        Image.fromarray(pixels).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
