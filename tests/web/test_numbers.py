"""What the page shows of a measurement."""

from __future__ import annotations

import json

import numpy as np

from usseg_monai.measuring.region import UNKNOWN_SPACING
from usseg_monai.tasks import get_task
from usseg_monai.web.numbers import numbers


def test_numbers_with_units_errors_and_axes() -> None:
    task = get_task("fetal_head")
    rows, cols = np.ogrid[:540, :800]
    mask = (((rows - 270) / 180) ** 2 + ((cols - 400) / 230) ** 2 <= 1).astype(np.uint8)
    found = numbers(task, "a.png", 0, (0.2, 0.2), task.measure(mask, 0.2), {}, corrected=True)
    texts = {item["label"]: item["text"] for item in found["highlights"]}
    assert texts["Head circumference"].endswith(" mm") and " ± " in texts["Gestational age (Hadlock)"]
    assert texts["Gestational age (Hadlock)"].count("weeks") == 1
    assert [axis["text"] for axis in found["axes"]] == [texts["Occipitofrontal diameter"], texts["Biparietal diameter"]]
    assert found["corrected"] and found["confidence"] is None and json.dumps(found, allow_nan=False)
    pixels = numbers(task, "a.png", 0, None, task.measure(mask, None), {}, corrected=False)
    assert all(not item["text"].endswith("mm") for item in pixels["highlights"]) and pixels["message"] == UNKNOWN_SPACING
    assert pixels["axes"][0]["text"].endswith(" px")


def test_nothing_found_shows_no_numbers() -> None:
    task = get_task("nerve")
    found = numbers(
        task, "a.png", 0, None, task.measure(np.zeros((50, 60), np.uint8), None), {"presence_probability": 0.1}, corrected=False
    )
    assert found["highlights"] == [] and found["heading"] == "Nothing was found" and found["severity"] == "NEUTRAL"
    assert found["bars"] == [{"label": "Presence", "value": 0.1}]


def test_a_disc_has_no_length() -> None:
    task = get_task("left_ventricle")
    rows, cols = np.ogrid[:100, :100]
    found = numbers(
        task, "a.png", 0, (1, 1), task.measure(((rows - 50) ** 2 + (cols - 50) ** 2 < 400).astype(np.uint8), 1.0), {}, corrected=False
    )
    assert [axis["text"] for axis in found["axes"]] == [""]
