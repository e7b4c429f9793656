"""Obstetric reports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dicom.check import items, numbers, reread
from tests.dicom.sources import CASES, MADE, SHAPE, US, US_FRAMES, blob, head, maker, shot, source
from usseg_monai.dicom.case import Case
from usseg_monai.dicom.make import make_objects
from usseg_monai.dicom.obstetric import obstetric_report
from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS


def test_ages_are_in_days_and_name_their_equation() -> None:
    made = obstetric_report(head(), maker("fetal_head"))
    assert made is not None
    dataset = reread(made.dataset)
    weeks = float(str(head().shots[0].measurement.values["gestational_age_hadlock_weeks"]))
    assert numbers(dataset)["Gestational Age"] == (round(7 * weeks, 1), "d")
    ages = [item for item in items(dataset) if item.get("ValueType") == "NUM" and item.ConceptNameCodeSequence[0].CodeValue == "18185-9"]
    (method,) = ages[0].ContentSequence
    assert len(ages) == 1 and method.RelationshipType == "INFERRED FROM" and method.ConceptCodeSequence[0].CodeValue == "11932-1"
    assert dataset.ContentTemplateSequence[0].TemplateIdentifier == "5000"


def test_an_age_beyond_the_formula_is_left_out() -> None:
    case = head()
    values = {**case.shots[0].measurement.values, "gestational_age_hadlock_weeks": None, "cephalic_index_percent": None}
    ageless = replace(case.shots[0], measurement=replace(case.shots[0].measurement, values=values))
    made = obstetric_report(Case(MADE, [ageless]), maker("fetal_head"))
    assert made is not None and set(numbers(made.dataset)) == {"Head Circumference", "Biparietal Diameter", "Occipital-Frontal Diameter"}


def test_nothing_in_millimetres_gives_no_report() -> None:
    assert obstetric_report(CASES["empty"][0](), maker("fetal_head")) is None
    mask = blob(SHAPE, 60, 80, 40, 52)
    unscaled = replace(shot("fetal_head", source(US, "unscaled"), mask), measurement=TASKS["fetal_head"].measure(mask, None))
    assert make_objects(Case(MADE, [unscaled]), maker("fetal_head"), ["obgyn"]) == []


def test_frames_are_groups_of_their_own_that_say_their_frame() -> None:
    film = source(US_FRAMES, "sweep", frames=3)
    shots = [shot("fetal_head", film, blob(SHAPE, 60, 80, 40, 50 + frame), frame) for frame in (0, 2)]
    made = obstetric_report(Case(MADE, shots), maker("fetal_head"))
    assert made is not None
    found = [int(item.ReferencedSOPSequence[0].ReferencedFrameNumber) for item in items(made.dataset) if item.get("ValueType") == "IMAGE"]
    assert found[:2] == [1, 3] and found.count(1) == found.count(3) == 5


def test_other_tasks_have_none() -> None:
    with pytest.raises(UsageError, match="not for breast: make sr"):
        make_objects(CASES["lesions"][0](), maker("breast"), ["obgyn"])
