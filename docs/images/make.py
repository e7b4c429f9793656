"""Make the picture at the head of the README: the four real samples, outlined and measured by the released network.

python docs/images/make.py
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from usseg_monai import Predictor
from usseg_monai.imaging.overlay import draw_result
from usseg_monai.imaging.spacing import read_spacing_csv
from usseg_monai.imaging.strip import draw_strip
from usseg_monai.inference.caption import caption, marks

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "usseg_monai" / "samples" / "hc18"
TILE = (420, 284)  # of about the shape of HC18's pictures
NUMBERS = 1  # of the strip's, so that all strips have one height


def tile(predictor: Predictor, path: Path, spacing_mm: tuple[float, float]) -> np.ndarray:
    """One sample with its outline and its circumference: an overlay, but with letters of full size below a smaller picture."""
    prediction = predictor.predict(path, spacing_mm=spacing_mm)
    drawn = draw_result(prediction.image, prediction.mask, marks(prediction.measurement))
    picture = np.asarray(Image.fromarray(drawn).resize(TILE, Image.Resampling.LANCZOS))
    text = caption(predictor.task, prediction.measurement)
    smaller = spacing_mm[0] * drawn.shape[0] / TILE[1], spacing_mm[1] * drawn.shape[1] / TILE[0]
    smaller = (smaller[1], smaller[1]) if np.isclose(*smaller, rtol=0.02) else smaller  # but for the rounding of the tile's size
    text = replace(text, items=text.items[:NUMBERS], message="")
    return np.vstack([picture, draw_strip(TILE[0], text, picture_width=TILE[0], factor=1, spacing_mm=smaller)])


def main() -> None:
    """Write ``fetal_head.png`` beside this file."""
    spacings = read_spacing_csv(SAMPLES / "pixel_size_and_HC.csv")
    predictor = Predictor("fetal_head")
    tiles = [tile(predictor, SAMPLES / name, spacing) for name, spacing in sorted(spacings.items())]
    rows = [np.hstack(tiles[:2]), np.hstack(tiles[2:])]
    Image.fromarray(np.vstack(rows)).save(HERE / "fetal_head.png", optimize=True)


if __name__ == "__main__":
    main()
