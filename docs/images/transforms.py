"""Make the pictures of docs/how_to/ultrasound.md: what the ultrasound transforms do to one head of HC18 (CC BY 4.0), an embedded sample.

python docs/images/transforms.py
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from monai.transforms import LoadImage
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from usseg_monai.data.image_reader import UssegReader
from usseg_monai.transforms import (
    AcousticShadow,
    GainCompensation,
    InverseScanConvert,
    RandAcousticShadow,
    RandDepthSpeckle,
    RandGainCompensation,
    ScanConvert,
    fit_sector,
)

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parents[1] / "usseg_monai" / "tasks" / "fetal_head" / "samples" / "642_HC.png"
FOLDER = HERE / "transforms"
TILE = 300, 203  # columns, rows
TITLE = 18  # rows
GREYS = 48  # few enough for small files


def head() -> Tensor:
    """The sample, ``(1, W, H)``."""
    image: Tensor = LoadImage(reader=UssegReader(), ensure_channel_first=True)(SAMPLE)
    return image


def pictures(image: Tensor) -> dict[str, list[tuple[str, Tensor]]]:
    """Name of the file -> titles and pictures beside each other."""
    sector = fit_sector(image.numpy()[0].T)
    convert = InverseScanConvert(sector)
    beams = convert(image)
    drawn = ScanConvert(sector, image.shape[1:])(torch.as_tensor(beams))
    even = torch.full_like(image, 110) * torch.from_numpy(sector.mask((image.shape[2], image.shape[1])).T)
    return {
        "scan_conversion": [("picture", image), ("InverseScanConvert: beams", beams), ("ScanConvert: drawn again", drawn)],
        "gain": [
            ("picture", image),
            ("GainCompensation((-20, 15))", GainCompensation((-20, 15), sector)(image)),
            ("RandGainCompensation(12)", seeded(RandGainCompensation(12, sector=sector, prob=1), 4)(image)),
        ],
        "shadow": [
            ("picture", image),
            ("AcousticShadow", AcousticShadow(0.6, 0.1, depth=0.2, loss_db=18, sector=sector)(image)),
            ("RandAcousticShadow", seeded(RandAcousticShadow((8, 20), sector=sector, prob=1), 5)(image)),
        ],
        "speckle": [
            ("picture", image),
            ("RandDepthSpeckle", seeded(RandDepthSpeckle(1, 1.5, 2, sector=sector, prob=1), 1)(image)),
            ("on an even grey", seeded(RandDepthSpeckle(1, 1.5, 2, sector=sector, prob=1), 1)(even)),
        ],
    }


def seeded(transform: RandGainCompensation | RandAcousticShadow | RandDepthSpeckle, seed: int) -> Callable[[Tensor], Tensor]:
    """The transform, with its own random numbers."""
    transform.set_random_state(seed)
    return transform


def side_by_side(tiles: list[tuple[str, Tensor]]) -> Image.Image:
    """One picture of several, each below its title."""
    whole = Image.new("L", (len(tiles) * (TILE[0] + 6) - 6, TILE[1] + TITLE), 255)
    write = ImageDraw.Draw(whole)
    for number, (title, values) in enumerate(tiles):
        pixels = Image.fromarray(np.clip(torch.as_tensor(values)[0].numpy().T, 0, 255).astype(np.uint8))
        left = number * (TILE[0] + 6)
        whole.paste(pixels.resize(TILE, Image.Resampling.BOX), (left, TITLE))
        write.text((left + 2, 2), title, fill=0, font=ImageFont.load_default(12))
    return whole.quantize(GREYS)


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    for name, tiles in pictures(head()).items():
        side_by_side(tiles).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
