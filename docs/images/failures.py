"""Make the pictures of docs/when_not_to_believe.md: results that are wrong, or nearly, and what their status says.

They are test images of HC18 (CC BY 4.0) and frames of the Sunnybrook data (CC0), from the folder that USSEG_DATA names; the licences of the
other data sets forbid to show any. Cases are fixed by name; one whose status is no longer what the page says is refused.

python docs/images/failures.py
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from skimage.measure import find_contours

from benchmarks.data import DATA_ROOT
from benchmarks.robustness.degradations import DEGRADATIONS, Sample, degrade
from usseg_monai import Predictor
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.evaluation.overlap import dice
from usseg_monai.geometry.types import MaskArray
from usseg_monai.imaging import GreyImage, read_image
from usseg_monai.imaging.drawing.colors import FOUND, TRUTH
from usseg_monai.imaging.drawing.overlay import Marks, draw_result
from usseg_monai.predict.predictor import Prediction

FOLDER = Path(__file__).resolve().parent / "failures"
WIDTH = 300
LINE = 16  # pixels, height of a line of text
GREYS = 32  # few enough for a picture of some ten kilobytes
LEAST_SHARE = 0.4  # of the sides that is shown around a small structure


@dataclass(frozen=True)
class Case:
    """A picture of the page.

    Attributes:
        name: of the file.
        task: whose network looks at it.
        status: that the page tells of.
        sample: the image, and its truth; empty where the image shows nothing that the task looks for.
    """

    name: str
    task: str
    status: str
    sample: Callable[[], Sample]


def head(name: str) -> Sample:
    """A test image of HC18."""
    return _annotated("hc18", name)


def ventricle(name: str) -> Sample:
    """A test frame of Sunnybrook."""
    return _annotated("sunnybrook", name)


def degraded(sample: Sample, degradation: str, strength: float, name: str) -> Sample:
    """What the robustness benchmark makes of it."""
    return degrade(sample, next(each for each in DEGRADATIONS if each.name == degradation), strength, name)


def no_head(name: str) -> Sample:
    """A frame of Sunnybrook for those who look for a head."""
    sample = ventricle(name)
    return replace(sample, truth=np.zeros_like(sample.truth))


def _annotated(data: str, name: str) -> Sample:
    item = next(item for item in load_datalist(DATA_ROOT / data, "test") if Path(item["image"]).name == name)
    image = read_image(item["image"])
    return Sample(image.pixels, read_annotation(item["label"], image.pixels.shape), item.get("spacing_mm"))


CASES = (
    Case("ok_head", "fetal_head", "ok", lambda: head("793_HC.png")),
    Case("ok_ventricle", "left_ventricle", "ok", lambda: ventricle("SC-HF-NI-33-IM-0001-0187.dcm.png")),
    Case("border_head", "fetal_head", "touches_border", lambda: degraded(head("562_HC.png"), "crop", 15, "562_HC.png")),
    Case("doubt_ventricle", "left_ventricle", "low_confidence", lambda: ventricle("SC-HYP-01-IM-0001-0128.dcm.png")),
    Case("false_alarm_ventricle", "left_ventricle", "low_confidence", lambda: ventricle("SC-HYP-01-IM-0001-0180.dcm.png")),
    Case("unlike_ventricle", "fetal_head", "unlike_training_data", lambda: no_head("SC-HF-NI-36-IM-0001-0089.dcm.png")),
)


def tile(sample: Sample, prediction: Prediction) -> Image.Image:
    """Image with the outline found in blue, the annotated one in purple, and two lines below."""
    view = around(prediction.mask | sample.truth)
    pixels, mask, truth = (np.asarray(each)[view] for each in (sample.pixels, prediction.mask, sample.truth))
    size = WIDTH, round(WIDTH * pixels.shape[0] / pixels.shape[1])
    grey = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC)).clip(0, pixels.max())
    found, annotated = (
        np.asarray(Image.fromarray(np.ascontiguousarray(each)).resize(size, Image.Resampling.NEAREST)) for each in (mask, truth)
    )
    picture = Image.new("RGB", (WIDTH, size[1] + 2 * LINE), "white")
    picture.paste(Image.fromarray(draw_result(GreyImage(grey), found, Marks(truth=find_contours(annotated, 0.5)))))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(LINE - 4)
    for number, line in enumerate(lines(sample, prediction)):
        draw.text((2, size[1] + number * LINE), line, fill="black", font=font)
    return picture.quantize(palette=_palette(), dither=Image.Dither.NONE)


def around(structure: MaskArray) -> tuple[slice, slice]:
    """A window of the image's shape about the middle of a structure, twice as large as it; the whole image where there is none."""
    if not structure.any():
        return slice(None), slice(None)
    extents = [np.flatnonzero(structure.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    share = max(LEAST_SHARE, *(2 * (stop - start) / length for (start, stop), length in zip(extents, structure.shape, strict=True)))
    sides = [round(min(share, 1) * length) for length in structure.shape]
    firsts = [
        int(np.clip((start + stop - side) // 2, 0, length - side))
        for (start, stop), side, length in zip(extents, sides, structure.shape, strict=True)
    ]
    return slice(firsts[0], firsts[0] + sides[0]), slice(firsts[1], firsts[1] + sides[1])


def _palette() -> Image.Image:
    """Greys, and the two colours of lines over some greys."""
    greys = np.linspace(0, 255, GREYS)
    over = [np.array(color) * share + grey * (1 - share) for color in (FOUND, TRUTH) for share in (1, 0.5) for grey in (0, 128)]
    colors = np.vstack([np.repeat(greys[:, None], 3, axis=1), over]).round().astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors.tobytes())
    return palette


def lines(sample: Sample, prediction: Prediction) -> tuple[str, str]:
    """The status, and how good the mask is."""
    confidence = prediction.measurement.confidence
    expected = "" if confidence is None else f", expected {confidence:.2f}"
    overlap = f"Dice {dice(prediction.mask, sample.truth):.2f}{expected}" if sample.truth.any() else "there is none"
    return f"status {prediction.status.value}", overlap


def main() -> None:
    """Write all pictures.

    Raises:
        SystemExit: a case's status is not what the page says.
    """
    FOLDER.mkdir(exist_ok=True)
    predictors = {task: Predictor(task) for task in {case.task for case in CASES}}
    for case in CASES:
        sample = case.sample()
        prediction = predictors[case.task].predict(GreyImage(sample.pixels), spacing_mm=sample.spacing_mm)
        if prediction.status.value != case.status:
            raise SystemExit(f"failures: {case.name} is {prediction.status.value}, not {case.status}: choose another case, change the page")
        tile(sample, prediction).save(FOLDER / f"{case.name}.png", optimize=True)


if __name__ == "__main__":
    main()
