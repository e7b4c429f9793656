from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.tiny import StubEngine, ellipse, save_picture
from usseg_monai import Predictor
from usseg_monai.errors import ImageError, UsageError, WeightsError
from usseg_monai.imaging import GreyImage, Region, read_image
from usseg_monai.measuring.result import Status
from usseg_monai.predict.predictor import network_threads


@pytest.fixture(scope="module")
def predictor(tiny_model: Path) -> Predictor:
    return Predictor("fetal_head", weights=tiny_model)


def test_a_file(predictor: Predictor, tmp_path: Path) -> None:
    prediction = predictor.predict(save_picture(tmp_path / "head.png"), spacing_mm=(0.5, 0.5))
    assert np.array_equal(prediction.mask, ellipse()) and prediction.probability.shape == (60, 90)
    assert prediction.image.spacing_mm == (0.5, 0.5) and prediction.image.source.path == tmp_path / "head.png"
    assert prediction.measurements["occipitofrontal_diameter_mm"] == pytest.approx(0.5 * 60, rel=0.05)
    assert prediction.measurements is prediction.measurement.values and prediction.message == prediction.measurement.message


def test_a_name(predictor: Predictor, tmp_path: Path) -> None:
    assert predictor.predict(str(save_picture(tmp_path / "head.png"))).status is predictor.predict(ellipse() * 9).status


def test_an_array_grey_or_colour(predictor: Predictor) -> None:
    grey = predictor.predict(ellipse() * np.uint8(200))
    colour = predictor.predict(np.repeat(ellipse()[..., None] * np.uint8(200), 3, axis=2))
    assert np.array_equal(grey.mask, ellipse()) and np.array_equal(colour.mask, ellipse())
    assert grey.measurements["head_circumference_mm"] is None and grey.measurements["head_circumference_px"] is not None


def test_what_the_image_says_of_its_spacing_goes_first(predictor: Predictor) -> None:
    image = GreyImage(ellipse().astype(np.float32), (0.25, 0.25))
    assert predictor.predict(image, spacing_mm=(1, 1)).image.spacing_mm == (0.25, 0.25)


def test_the_region_that_holds_the_structure_has_the_say(predictor: Predictor) -> None:
    """The ellipse lies in columns 15 to 75, rows 10 to 50."""
    upper, lower = Region(0, 55, 0, 90, (0.25, 0.25)), Region(55, 60, 0, 90, (0.5, 0.5))
    image = GreyImage(ellipse().astype(np.float32), regions=(upper, lower))
    found = predictor.predict(image, spacing_mm=(1, 1))
    assert found.image.spacing_mm == (0.25, 0.25) and found.image.regions == ()
    assert found.measurements == predictor.predict(replace(image, regions=()), spacing_mm=(0.25, 0.25)).measurements
    halves = replace(image, regions=(replace(upper, bottom=30), replace(lower, top=30)))
    found = predictor.predict(halves)
    assert found.measurements["head_circumference_mm"] is None and "regions with different scales" in found.message
    assert predictor.predict(halves, spacing_mm=(1, 1)).image.spacing_mm == (1, 1)


def test_nothing_found(predictor: Predictor) -> None:
    prediction = predictor.predict(np.full((20, 30), 7))
    assert prediction.status is Status.EMPTY and not prediction.mask.any() and prediction.message


@pytest.mark.parametrize(
    ("array", "what"),
    [
        (np.full((20, 30), np.nan), "NaN"),
        (np.zeros((1, 1)), "too small"),
        (np.zeros((0, 30)), "too small"),
        (np.zeros((20, 30, 7)), "7 channels"),
        (np.zeros(20), "channels"),
        (np.array([["a", "b"]]), "samples of type"),
    ],
)
def test_arrays_that_are_no_images(array: np.ndarray, what: str, predictor: Predictor) -> None:
    with pytest.raises(ImageError, match=what):
        predictor.predict(array)


@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5,), (1, 1, 5, 5)])
def test_grey_images_without_rows_and_columns(shape: tuple[int, ...], predictor: Predictor) -> None:
    with pytest.raises(ImageError, match="an image has rows and columns"):
        predictor.predict(GreyImage(np.zeros(shape, np.float32)))


def test_a_file_that_is_no_image(predictor: Predictor, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(ImageError, match=r"text\.png"):
        predictor.predict(tmp_path / "text.png")


def test_one_number_means_square_pixels(predictor: Predictor) -> None:
    found = predictor.predict(ellipse(), spacing_mm=0.5)
    assert found == predictor.predict(ellipse(), spacing_mm=(0.5, 0.5))
    image = GreyImage(ellipse().astype(np.float32), 0.5)  # type: ignore[arg-type]
    assert predictor.predict(image).image == found.image and predictor.predict(image).measurement == found.measurement
    with pytest.raises(UsageError, match="both steps must be positive"):
        predictor.predict(replace(image, spacing_mm=(0.5, -0.5)))


def test_the_content_of_a_file(predictor: Predictor, tmp_path: Path) -> None:
    file = save_picture(tmp_path / "head.png")
    found, read = predictor.predict(file.read_bytes(), spacing_mm=0.5), predictor.predict(file, spacing_mm=0.5)
    assert np.array_equal(found.mask, read.mask) and found.measurement == read.measurement and found.image.source.format == "png"
    for content, what in ((b"", "empty"), (b"hello", "not an image"), (file.read_bytes()[:40], "ends early|damaged")):
        with pytest.raises(ImageError, match=f"^bytes: .*({what})"):
            predictor.predict(content)


def test_several_images(predictor: Predictor, tmp_path: Path) -> None:
    file = save_picture(tmp_path / "head.png")
    sources: list[Any] = [file, str(file), file.read_bytes(), read_image(file), read_image(file).pixels]
    found = predictor.predict(sources, spacing_mm=0.5)
    assert len(found) == 5 and all(np.array_equal(prediction.mask, ellipse()) for prediction in found)
    assert len({prediction.measurements["head_circumference_mm"] for prediction in found}) == 1
    assert predictor.predict(tuple(sources[:2]))[0] == predictor.predict(file) and predictor.predict([]) == []
    with pytest.raises(ImageError, match="not an image"):
        predictor.predict([file, b"hello"])


def test_nested_lists_of_numbers_are_one_image(predictor: Predictor) -> None:
    assert predictor.predict(ellipse().tolist()) == predictor.predict(ellipse())


def test_a_copy_for_another_process(predictor: Predictor, tmp_path: Path) -> None:
    file = save_picture(tmp_path / "head.png")
    assert pickle.loads(pickle.dumps(predictor)).predict(file) == predictor.predict(file)
    assert repr(predictor) == "<Predictor of fetal_head: engine onnx on cpu>"
    with get_context("spawn").Pool(1) as pool:
        (found,) = pool.map(predictor.predict, [file])
    assert found == predictor.predict(file)


@pytest.mark.parametrize("spacing", [(-0.1, 0.1), (0.1, 0.0), (float("nan"), 1.0), 0, -0.2])
def test_a_spacing_that_is_none(spacing: tuple[float, float], predictor: Predictor) -> None:
    with pytest.raises(UsageError, match="must be positive"):
        predictor.predict(ellipse(), spacing_mm=spacing)


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"engine": "tensorflow"}, "unknown engine 'tensorflow': the engines are auto, onnx, torch"),
        ({"engine": "onnx", "device": "cuda"}, "the engine onnx runs on the CPU"),
        ({"threads": 0}, "threads 0"),
        ({"batch_size": -1}, "batch_size -1"),
        ({"task": "liver"}, "unknown task 'liver'"),
    ],
)
def test_wrong_use(wrong: dict[str, object], what: str, tiny_model: Path) -> None:
    with pytest.raises(UsageError, match=what):
        Predictor(**{"task": "fetal_head", "weights": tiny_model, **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("engine", "device", "images", "threads"),
    [("auto", "auto", 2, 1), ("onnx", "cpu", 2, 1), ("auto", "auto", 1, 4), ("torch", "cpu", 2, 4), ("auto", "cuda", 2, 4)],
)
def test_threads_of_the_network_in_a_batch(engine: str, device: str, images: int, threads: int) -> None:
    assert network_threads(engine, device, 4, images) == threads


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights at"):
        Predictor("fetal_head", weights=tmp_path / "none.onnx")


@pytest.mark.parametrize("choice", [{"engine": "torch"}, {"device": "cuda:1"}])
def test_the_engine_torch_gets_the_choices_and_gathers_batches(choice: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[object, ...]] = []

    def make(*args: object) -> StubEngine:
        made.append(args)
        return StubEngine()

    monkeypatch.setitem(sys.modules, "usseg_monai.predict.engines.monai", SimpleNamespace(BundleEngine=make))  # torch is slow to load
    predictor = Predictor("fetal_head", threads=3, weights="other.pt", batch_size=2, configs=["teaching_inference"], **choice)
    assert made == [("fetal_head", choice.get("device", "auto"), Path("other.pt"), 3, ["teaching_inference"])]
    assert np.array_equal(predictor.predict(ellipse()).mask, ellipse())


def test_the_engine_onnx_takes_no_configs() -> None:
    with pytest.raises(UsageError, match=r"config 'teaching_inference'.*use the engine torch"):
        Predictor("fetal_head", configs=["teaching_inference"])


def test_the_engine_torch_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "usseg_monai.predict.engines.monai", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="needs torch and MONAI"):
        Predictor("fetal_head", engine="torch")


def test_predicting_loads_nothing_heavy(tiny_model: Path, tmp_path: Path) -> None:
    save_picture(tmp_path / "head.png")
    program = """
import sys
from pathlib import Path
from usseg_monai.runs.run import Options, run_batch
image, out, model = sys.argv[1:]
assert run_batch("fetal_head", [image], out, Options(weights=Path(model))).done == 1
heavy = ["torch", "monai", "ignite", "scipy", "skimage", "matplotlib", "itk", "jinja2", "nibabel", "pydicom", "rich", "pandas"]
print([name for name in heavy if name in sys.modules])
"""
    arguments = [sys.executable, "-c", program, str(tmp_path / "head.png"), str(tmp_path / "out"), str(tiny_model)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
