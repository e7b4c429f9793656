"""The page's volumes are those of the run, and follow corrections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.web import calls
from usseg_monai.web.study import study
from usseg_monai.web.wire import packed, split

SHAPE = (64, 64)
ROWS, COLS = np.mgrid[:64, :64]


def frame(slice_: int, phase: int, radius: float) -> dict[str, Any]:
    """A disc in one slice and phase, measured."""
    mask = (radius**2 >= (ROWS - 32) ** 2 + (COLS - 32) ** 2).astype(np.uint8)
    text = {"task": "left_ventricle", "rows": 64, "cols": 64, "spacing_mm": [1.5, 1.5], "file": "cine.nii.gz", "frame": phase * 6 + slice_}
    row = split(calls.measure(packed(text, [mask.tobytes()])))[0]["row"]
    place = {
        "position_mm": [0.0, 0.0, 8.0 * slice_],
        "normal": [0.0, 0.0, 1.0],
        "orientation": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        "number": phase,
        "time_ms": 100.0 * phase,
    }
    return {"row": row, "place": place, "rows": 64, "cols": 64}


def cine(radii: list[float]) -> list[dict[str, Any]]:
    return [frame(slice_, phase, radius if 0 < slice_ < 5 else radius / 2) for phase, radius in enumerate(radii) for slice_ in range(6)]


def test_volumes_phases_and_curve() -> None:
    (found,) = split(study(packed({"task": "left_ventricle", "frames": cine([20, 16, 12, 18])})))[0]["studies"]
    values = {item["label"]: item["text"] for item in found["numbers"]}
    disc = {radius: int((radius**2 >= (ROWS - 32) ** 2 + (COLS - 32) ** 2).sum()) * 2.25 for radius in (20, 12, 10, 6)}
    edv, esv = ((4 * disc[large] + 2 * disc[large // 2]) * 8 / 1000 for large in (20, 12))
    assert found["row"]["end_diastolic_volume_ml"] == pytest.approx(edv) and found["row"]["end_systolic_volume_ml"] == pytest.approx(esv)
    assert values["Ejection fraction"] == f"{100 * (edv - esv) / edv:.1f} %"
    assert [mark["phase"] for mark in found["marks"]] == [0, 2] and [point["time_ms"] for point in found["curve"]] == [0, 100, 200, 300]
    assert {(row["slice"], row["phase"]) for row in found["slices"]} == {(slice_, phase) for slice_ in range(6) for phase in range(4)}


def test_a_corrected_frame_changes_the_volume() -> None:
    frames = cine([20, 16, 12, 18])
    before = split(study(packed({"task": "left_ventricle", "frames": frames})))[0]["studies"][0]["row"]["end_systolic_volume_ml"]
    frames[2 * 6 + 3] = frame(3, 2, 14)
    after = split(study(packed({"task": "left_ventricle", "frames": frames})))[0]["studies"][0]["row"]["end_systolic_volume_ml"]
    pixels = [int((radius**2 >= (ROWS - 32) ** 2 + (COLS - 32) ** 2).sum()) for radius in (14, 12)]
    assert after - before == pytest.approx((pixels[0] - pixels[1]) * 2.25 * 8 / 1000)


def test_what_is_refused() -> None:
    for wrong in ({"task": "nerve", "frames": []}, {"task": "left_ventricle"}, {"task": "left_ventricle", "frames": [{}]}):
        with pytest.raises(UsageError):
            study(packed(wrong))
    assert split(study(packed({"task": "left_ventricle", "frames": []})))[0] == {"studies": []}
