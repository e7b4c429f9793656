"""What people read below a picture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from usseg_monai.files.table import Value
from usseg_monai.imaging.drawing.colors import GOOD, LOOK, NEUTRAL, UNBELIEVABLE
from usseg_monai.measuring.result import Measurement, Severity, Status
from usseg_monai.report.caption import caption, describe, marks
from usseg_monai.tasks import TASKS, get_task

HEAD, NERVE, BREAST = (get_task(name) for name in ("fetal_head", "nerve", "breast"))


def of_head(status: Status = Status.OK, **values: Value) -> Measurement:
    return Measurement(dict.fromkeys((column.name for column in HEAD.columns), None) | values, status)


def lesions(*radii: float) -> np.ndarray:
    rows, cols = np.indices((120, 300))
    found = np.zeros((120, 300), np.uint8)
    for number, radius in enumerate(radii):
        found[np.hypot(rows - 60, cols - 60 - 110 * number) <= radius] = 1
    return found


@pytest.mark.parametrize("status", Status)
def test_each_status_has_a_severity_and_each_severity_its_colour(status: Status) -> None:
    colors: Mapping[Severity, object] = {
        Severity.GOOD: GOOD,
        Severity.NEUTRAL: NEUTRAL,
        Severity.LOOK: LOOK,
        Severity.UNBELIEVABLE: UNBELIEVABLE,
    }
    assert caption(HEAD, of_head(status)).color == colors[status.severity]
    assert (status.severity is Severity.GOOD) == (status is Status.OK)


def test_lengths_are_in_millimetres_or_else_in_pixels() -> None:
    in_mm = of_head(
        head_circumference_mm=251.26, head_circumference_px=2000.0, cephalic_index_percent=78.0, center_row_px=4.0, angle_deg=9.0
    )
    assert describe(HEAD, in_mm) == ["head circumference 251.3 mm", "cephalic index 78.0 %"]
    assert describe(HEAD, of_head(Status.LOW_CONFIDENCE, head_circumference_px=2000.0)) == ["head circumference 2000.0 px"]
    assert describe(HEAD, of_head(Status.EMPTY)) == []


def test_an_age_has_its_error_behind_it() -> None:
    age = of_head(gestational_age_intergrowth_weeks=21.62, gestational_age_intergrowth_error_weeks=1.26)
    assert describe(HEAD, age) == ["gestational age (INTERGROWTH-21st) 21.6 ± 1.3 weeks"]


def test_a_presence_stands_with_its_probability_but_no_places() -> None:
    mask = np.zeros((120, 160))
    mask[30:60, 40:80] = 1
    known, unknown = (describe(NERVE, NERVE.measure(mask, spacing, presence_probability=0.934)) for spacing in ((0.1, 0.1), None))
    assert known == ["presence probability 0.93", "area 12.0 mm²", "equivalent diameter 3.9 mm"]
    assert unknown == ["presence probability 0.93", "area 1200 px", "equivalent diameter 39.1 px"]


def test_the_predicted_class_comes_first_by_name() -> None:
    chances = {"normal_probability": 0.04, "benign_probability": 0.86, "malignant_probability": 0.10}
    items = describe(BREAST, BREAST.measure(lesions(30), (0.1, 0.1), **chances))
    assert items[:2] == ["predicted class benign 0.86 (malignant 0.10, normal 0.04)", "area 28.2 mm²"]
    assert describe(BREAST, BREAST.measure(lesions(30), (0.1, 0.1)))[0] == "area 28.2 mm²"  # a mask from elsewhere


def test_several_structures_are_counted_and_numbered_and_one_is_not() -> None:
    several, one = (BREAST.measure(lesions(*radii), (0.1, 0.1)) for radii in ((20, 30), (30,)))
    assert describe(BREAST, several)[:3] == ["2 lesions", "total area 40.8 mm²", "largest: area 28.2 mm²"]
    assert marks(several).numbered == [(60.0, 170.0), (60.0, 60.0)]  # the largest first, as in the table of lesions
    assert not marks(one).numbered and len(marks(one).axes) == 2 and len(marks(several).axes) == 4


def test_heading_note_and_message() -> None:
    text = caption(HEAD, Measurement(of_head().values, Status.UNLIKE_TRAINING_DATA, "unlike", confidence=0.987))
    assert (text.heading, text.note, text.message) == ("unlike training data", "expected Dice 0.99", "unlike")
    assert caption(HEAD, of_head()).note == ""  # masks from elsewhere


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_nothing_found_has_no_numbers(task: object) -> None:
    assert [item for item in describe(task, task.measure(np.zeros((90, 90)), None)) if "area" not in item] == []  # type: ignore[attr-defined,arg-type]
