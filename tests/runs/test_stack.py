"""One stack from Python: its ejection fraction, by arrays and by files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest

from tests.tiny import OUTPUTS, save_graph, save_picture, threshold_nodes
from usseg_monai import Predictor, predict_folder, predict_stack
from usseg_monai.errors import ImageError, UsageError

RADII, PHASES = (5, 12, 16, 14, 6), (1.0, 0.8, 0.6, 0.75)
SPACING_MM, DISTANCE_MM = 1.25, 8.0


def cine() -> npt.NDArray[np.uint8]:
    """Discs that contract together, ``(slices, phases, rows, cols)``."""
    rows, cols = np.mgrid[:64, :72]
    distance = np.hypot(rows - 30, cols - 40)
    return np.array([[200 * (distance <= radius * part) for part in PHASES] for radius in RADII], np.uint8)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Takes everything brighter than the mean for the cavity."""
    file = save_graph(tmp_path_factory.mktemp("model") / "tiny.onnx", threshold_nodes(), OUTPUTS, {"task": "left_ventricle"})
    return Predictor("left_ventricle", weights=file)


def volume_ml(phase: int) -> float:
    return float((cine()[:, phase] > 0).sum()) * SPACING_MM**2 * DISTANCE_MM / 1000


def test_volumes_and_ejection_fraction_of_arrays(predictor: Predictor) -> None:
    found = predict_stack(predictor, cine(), spacing_mm=SPACING_MM, slice_distance_mm=DISTANCE_MM)
    assert (found["slices"], found["phases"], found["slice_distance_mm"]) == (5, 4, DISTANCE_MM)
    assert found["end_diastolic_volume_ml"] == pytest.approx(volume_ml(0))
    assert found["end_systolic_volume_ml"] == pytest.approx(volume_ml(2))
    assert found["ejection_fraction_percent"] == pytest.approx(100 * (1 - volume_ml(2) / volume_ml(0)))
    assert (found["end_diastole_phase"], found["end_systole_phase"]) == (0, 2) and "study" not in found


@pytest.mark.parametrize("form", [lambda stack: [list(phases) for phases in stack], list, lambda stack: tuple(map(tuple, stack))])
def test_lists_are_as_good_as_an_array(form: Any, predictor: Predictor) -> None:
    given: dict[str, Any] = {"spacing_mm": (SPACING_MM, SPACING_MM), "slice_distance_mm": DISTANCE_MM}
    assert predict_stack(predictor, form(cine()), **given) == predict_stack(predictor, cine(), **given)


def test_files_and_folders_are_summed_up_as_by_a_run(predictor: Predictor, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    image = nibabel.Nifti1Image(cine().transpose(3, 2, 0, 1), np.diag([SPACING_MM, SPACING_MM, DISTANCE_MM, 1]))
    image.header.set_xyzt_units("mm", "msec")
    image.header.set_zooms((SPACING_MM, SPACING_MM, DISTANCE_MM, 50.0))
    nibabel.save(image, folder / "cine.nii.gz")
    before = sorted(tmp_path.rglob("*"))
    found = predict_stack(predictor, folder)
    assert found == predict_stack(predictor, [folder / "cine.nii.gz"]) and sorted(tmp_path.rglob("*")) == before
    assert found["ejection_fraction_percent"] == pytest.approx(100 * (1 - volume_ml(2) / volume_ml(0)))
    summary = predict_folder("left_ventricle", folder, tmp_path / "out", weights=predictor._choices["weights"])
    assert summary.studies == [{"study": "cine", **found}]


def test_without_pixel_size_there_is_no_volume(predictor: Predictor) -> None:
    found = predict_stack(predictor, cine(), slice_distance_mm=DISTANCE_MM)
    assert found["ejection_fraction_percent"] is None and "pixel size is not known" in str(found["message"])


def test_what_is_no_stack(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="slice_distance_mm is missing"):
        predict_stack(predictor, cine())
    with pytest.raises(UsageError, match="both steps must be positive"):
        predict_stack(predictor, cine(), slice_distance_mm=-8)
    with pytest.raises(ImageError, match="slice 0, phase 0: an array of 1 axes; give"):
        predict_stack(predictor, cine()[:, 0], slice_distance_mm=8)
    picture = save_picture(tmp_path / "a.png")
    with pytest.raises(UsageError, match="slice_distance_mm 8: files state the places"):
        predict_stack(predictor, picture, slice_distance_mm=8)
    with pytest.raises(ImageError, match=r"a\.png: png does not state where a slice lies"):
        predict_stack(predictor, picture)
    with pytest.raises(ImageError, match="no such file"):
        predict_stack(predictor, tmp_path / "none.nii")


def test_a_task_without_studies(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match="fetal_head has no studies: give one of left_ventricle"):
        predict_stack(Predictor("fetal_head", weights=tiny_model), cine(), slice_distance_mm=8)


def test_two_stacks(predictor: Predictor, tmp_path: Path) -> None:
    for name in ("a", "b"):
        nibabel.save(nibabel.Nifti1Image(cine()[:, 0].transpose(2, 1, 0), np.diag([1.25, 1.25, 8, 1])), tmp_path / f"{name}.nii")
    with pytest.raises(ImageError, match="2 stacks, not one: give the files of one of a, b"):
        predict_stack(predictor, tmp_path)
