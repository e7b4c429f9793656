"""Make the picture at the head of the README: the four real samples, outlined and measured by the released network.

python docs/images/make.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

from usseg_monai import Predictor
from usseg_monai.imaging.overlay import draw_overlay
from usseg_monai.imaging.spacing import read_spacing_csv

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parents[1] / "usseg_monai" / "samples" / "hc18"
TILE = (800, 540)


def tile(predictor: Predictor, path: Path, spacing_mm: tuple[float, float]) -> np.ndarray:
    """One sample with its outline and its circumference."""
    prediction = predictor.predict(path, spacing_mm=spacing_mm)
    line = f"head circumference {prediction.measurements['head_circumference_mm']:.1f} mm"
    picture = Image.fromarray(draw_overlay(prediction.image, prediction.mask, prediction.measurement.outlines, [line]))
    return np.asarray(picture.resize(TILE, Image.Resampling.LANCZOS))


def main() -> None:
    """Write ``fetal_head.png`` beside this file."""
    spacings = read_spacing_csv(SAMPLES / "pixel_size_and_HC.csv")
    predictor = Predictor("fetal_head")
    tiles = [tile(predictor, SAMPLES / name, spacing) for name, spacing in sorted(spacings.items())]
    rows = [np.hstack(tiles[:2]), np.hstack(tiles[2:])]
    Image.fromarray(np.vstack(rows)).resize(TILE, Image.Resampling.LANCZOS).save(HERE / "fetal_head.png", optimize=True)


if __name__ == "__main__":
    main()
