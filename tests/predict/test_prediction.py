"""The forms of a prediction that Python programs and notebooks want."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.tiny import ellipse, read_png
from usseg_monai import GreyImage, Prediction, Status, get_task, read_image, read_mask
from usseg_monai.errors import OutputError, UsageError
from usseg_monai.imaging import Source
from usseg_monai.imaging.drawing.colors import MEASURED
from usseg_monai.imaging.drawing.overlay import magnification
from usseg_monai.measuring.result import Measurement
from usseg_monai.predict.prediction import PICTURES

TASK = get_task("fetal_head")


def make(message: str = "", task: str = "fetal_head") -> Prediction:
    mask = ellipse()
    image = GreyImage(mask * np.float32(200), (0.5, 0.5), Source(Path("/secret/jane doe/head.png"), format="png"))
    measurement = replace(get_task(task).measure(mask, 0.5), confidence=0.93, unlikeness=0.4, source_distance=1.2, message=message)
    return Prediction(image, mask, mask * np.float32(0.75), measurement, get_task(task))


def test_the_repr_is_short_and_holds_no_array() -> None:
    text = repr(make())
    assert text.startswith("<Prediction of fetal_head: ") and "60 x 90 pixels of 0.5 x 0.5 mm" in text and "head circumference" in text
    assert (
        "array" not in text and len(text) < 300 and repr(make().image) == "<GreyImage: 60 x 90 pixels of 0.5 x 0.5 mm, png, frame 0 of 1>"
    )


@pytest.mark.parametrize("task", ["fetal_head", "nerve", "breast", "left_ventricle"])
def test_numbers_as_json(task: str) -> None:
    prediction = make(task=task)
    told = json.loads(json.dumps(prediction.to_dict(), allow_nan=False))
    assert told["file"] == "head.png" and told["shape"] == [60, 90] and told["spacing_mm"] == [0.5, 0.5]
    assert (told["task"], told["frame"], told["confidence"], told["unlikeness"], told["source_distance"]) == (task, 0, 0.93, 0.4, 1.2)
    assert told["measurements"] == prediction.measurements and told["status"] == prediction.status.value
    assert told["parts"] == list(prediction.measurement.parts) and bool(told["parts"]) == (task == "breast")
    assert "secret" not in str(told)


def test_an_array_has_no_file_and_no_millimetres() -> None:
    mask = ellipse()
    told = Prediction(GreyImage(mask * np.float32(9)), mask, mask * np.float32(1), TASK.measure(mask, None), TASK).to_dict()
    assert told["file"] is None and told["spacing_mm"] is None and told["measurements"]["head_circumference_mm"] is None


def test_the_overlay_and_its_png_are_one_picture(tmp_path: Path) -> None:
    prediction = make()
    drawn = prediction.overlay()
    assert drawn.dtype == np.uint8 and drawn.ndim == 3 and drawn.shape[1] == 7 * 90  # enlarged
    (tmp_path / "a.png").write_bytes(prediction._repr_png_())
    prediction.save(tmp_path / "b" / "overlay.PNG")
    for file in ("a.png", "b/overlay.PNG"):
        with Image.open(tmp_path / file) as picture:
            assert np.array_equal(np.asarray(picture), drawn)


def test_html_shows_picture_and_numbers_and_escapes_what_it_is_told() -> None:
    page = make("<script>alert('1')</script> & more")._repr_html_()
    assert "data:image/png;base64,iVBOR" in page and "head circumference" in page and "expected Dice 0.93" in page
    assert "<script>" not in page and "&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt; &amp; more" in page


def test_saved_pictures_and_numbers(tmp_path: Path) -> None:
    prediction = make()
    prediction.save(tmp_path / "mask.png", "mask")
    prediction.save(str(tmp_path / "probability.png"), "probability")
    prediction.save(tmp_path / "numbers.json")
    assert np.array_equal(read_png(tmp_path / "mask.png"), ellipse() * 255)
    assert read_png(tmp_path / "probability.png").max() == round(0.75 * 65535)
    assert json.loads((tmp_path / "numbers.json").read_text()) == prediction.to_dict()


def test_depths_and_sizes_of_saved_pictures(tmp_path: Path) -> None:
    mask = ellipse()
    probability = np.where(mask, np.float32(0.75), np.float32(0.1))
    prediction = Prediction(GreyImage(mask * np.float32(200)), mask, probability, TASK.measure(mask, None), TASK)
    for picture in PICTURES:
        prediction.save(tmp_path / picture / "a" / "1.png", picture)
    written, greys = read_png(tmp_path / "mask/a/1.png"), read_png(tmp_path / "probability/a/1.png")
    assert written.dtype == np.uint8 and np.array_equal(written, ellipse() * 255)
    assert greys.max() == round(0.75 * 65535) and greys.shape == (60, 90)
    with Image.open(tmp_path / "overlay/a/1.png") as overlay:
        assert (overlay.mode, overlay.width) == ("RGB", 7 * 90) and overlay.height > 7 * 60  # enlarged, the numbers below
        assert np.array_equal(np.asarray(overlay)[7 * 30 + 3, 7 * 45 + 3], (200,) * 3)  # the middle of the structure


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "masks/1.png/x").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"masks/1.png: cannot be written"):
        make().save(tmp_path / "masks/1.png", "mask")


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious.png").write_text("precious")
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks/1.png").symlink_to(tmp_path / "precious.png")
    make().save(tmp_path / "masks/1.png", "mask")
    assert (tmp_path / "precious.png").read_text() == "precious" and read_png(tmp_path / "masks/1.png").shape == (60, 90)


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown picture 'masks': the pictures are mask, overlay, probability; did you mean 'mask'"):
        make().save(tmp_path / "a.png", "masks")
    for name in ("a.jpg", "a"):
        with pytest.raises(UsageError, match=r"give a name that ends with \.png or \.json"):
            make().save(tmp_path / name)
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(OutputError, match=r"taken\.png"):
        make().save(tmp_path / "taken.png")
    assert [path.name for path in tmp_path.iterdir()] == ["taken.png"]


def test_equal_by_content_and_hashable() -> None:
    one, same = make(), make()
    assert one == same and hash(one) == hash(same) and len({one, same}) == 1
    other_mask = one.mask.copy()
    other_mask[0, 0] = 1
    others = [
        replace(one, mask=other_mask),
        replace(one, measurement=replace(one.measurement, message="other")),
        replace(one, image=replace(one.image, pixels=one.image.pixels + 1)),
        replace(one, task=get_task("nerve")),
    ]
    assert all(one != other for other in others) and one != "prediction" and len({one, *others}) == 5


def test_images_and_measurements_are_equal_by_content(tmp_path: Path) -> None:
    make().save(tmp_path / "a.png", "mask")
    assert read_image(tmp_path / "a.png") == read_image(tmp_path / "a.png") != make().image
    first = Measurement({"a": 1}, Status.OK, outlines=(np.zeros((3, 2)),))
    second = replace(first, outlines=(np.ones((3, 2)),))
    assert first != second and first == replace(first, outlines=(np.zeros((3, 2)),)) and len({first, second}) == 2


def test_nothing_but_thin_lines_lies_on_a_lesion(data_root: Path) -> None:
    """Of a hundred images of BUS-BRA, with their true masks: no text, no plate, and dots of axes on less than a hundredth of the lesion."""
    breast = get_task("breast")
    files = sorted((data_root / "busbra" / "images").glob("*.png"))
    shares = []
    for file in files[:: len(files) // 100][:100]:
        image, mask = read_image(file), read_mask(data_root / "busbra" / "masks" / file.name.replace("bus_", "mask_"))
        drawn = Prediction(image, mask, mask.astype(np.float32), breast.measure(mask, 0.1), breast).overlay()
        factor = magnification(mask.shape)
        inside = mask.repeat(factor, axis=0).repeat(factor, axis=1) > 0
        grey = image.pixels.astype(np.uint8).repeat(factor, axis=0).repeat(factor, axis=1)
        changed = (drawn[: inside.shape[0], : inside.shape[1]] != grey[..., None]).any(axis=2) & inside
        assert (drawn[: inside.shape[0], : inside.shape[1]][changed] == MEASURED).all(), file.name
        shares.append(changed.sum() / inside.sum())
    assert len(shares) == 100 and max(shares) < 0.01
