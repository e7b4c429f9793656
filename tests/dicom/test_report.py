"""Measurement reports, read back by highdicom and by pydicom alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import highdicom as hd
import numpy as np
import pytest

from tests.dicom.check import items, numbers, reread, texts
from tests.dicom.sources import CASES, MADE, SHAPE, US, blob, heart, maker, shot, source, two_lesions
from usseg_monai.dicom.case import Case
from usseg_monai.dicom.report import report
from usseg_monai.files.table import cell_text
from usseg_monai.measuring.result import Status
from usseg_monai.tasks import TASKS, load
from usseg_monai.tasks.codes import unit_of


@pytest.mark.parametrize("name", CASES)
def test_numbers_are_those_of_the_table(name: str) -> None:
    """Each number of each picture, in order, with the digits of the table."""
    build, task = CASES[name]
    case, codes = build(), maker(task).codes
    dataset = reread(report(case, maker(task)).dataset)
    sent = [
        (item.ConceptNameCodeSequence[0].CodeValue, float(item.MeasuredValueSequence[0].NumericValue))
        for item in items(dataset)
        if item.get("ValueType") == "NUM" and item.RelationshipType == "CONTAINS"
    ]
    rows = [case.study.values] if case.study else []
    for made in case.shots:
        if made.mask.any() or name == "empty":
            parts = made.measurement.parts
            kept = {column: value for column, value in made.measurement.values.items() if not parts or column not in parts[0]}
            rows += [kept, *parts]
    wanted = [
        (codes.columns[column].concept.value, round(float(cell_text(float(value))) * codes.columns[column].scale, 6))
        for row in rows
        for column, value in row.items()
        if column in codes.columns and isinstance(value, (int, float))
    ]
    assert sorted(sent) == sorted(wanted)


def test_the_ellipse_is_the_one_that_was_measured() -> None:
    case = CASES["head"][0]()
    measured = case.shots[0].measurement.values
    document = hd.sr.ComprehensiveSR.from_dataset(reread(report(case, maker("fetal_head")).dataset))
    content = document.content
    assert isinstance(content, hd.sr.MeasurementReport)
    group = content.get_planar_roi_measurement_groups()[0]
    region = group.roi
    assert region is not None and region.graphic_type == hd.sr.GraphicTypeValues.ELLIPSE
    points = region.value
    for ends, column in ((points[:2], "occipitofrontal_diameter_mm"), (points[2:], "biparietal_diameter_mm")):
        assert abs(0.5 * np.hypot(*(ends[1] - ends[0])) - float(str(measured[column]))) < 0.01
    centre = points.mean(axis=0)
    assert np.abs(centre - [float(str(measured["center_col_px"])) + 0.5, float(str(measured["center_row_px"])) + 0.5]).max() < 1e-3


def test_pixels_that_are_not_square_give_the_outline() -> None:
    mask = blob(SHAPE, 60, 80, 40, 52)
    made = shot("fetal_head", source(US, "oblong"), mask)
    oblong = replace(made, measurement=TASKS["fetal_head"].measure(mask, (0.5, 0.4)), spacing_mm=(0.5, 0.4))
    dataset = report(Case(MADE, [oblong]), maker("fetal_head")).dataset
    kinds = [item.GraphicType for item in items(dataset) if "GraphicType" in item]
    assert kinds == ["POLYLINE"]


def test_each_lesion_has_its_outline_and_holes_and_specks_have_none() -> None:
    case = two_lesions()
    case.shots[0].mask[50, 40] = 0  # a hole, which is not measured as a piece
    regions = [item for item in items(report(case, maker("breast")).dataset) if "GraphicData" in item]
    assert len(regions) == 2
    for region, (row, col) in zip(regions, ((50, 40), (70, 110)), strict=True):
        points = np.array(region.GraphicData).reshape(-1, 2)
        assert (points[0] == points[-1]).all()  # closed
        assert np.abs((points.min(axis=0) + points.max(axis=0)) / 2 - [col + 0.5, row + 0.5]).max() < 0.51


def test_ages_of_two_methods_are_two_groups() -> None:
    content = hd.sr.ComprehensiveSR.from_dataset(reread(report(CASES["head"][0](), maker("fetal_head")).dataset)).content
    assert isinstance(content, hd.sr.MeasurementReport)
    groups = content.get_image_measurement_groups()
    assert [group.method.meaning for group in groups if group.method] == ["HC, Hadlock 1984", "HC, INTERGROWTH-21st"]
    assert [len(group.get_measurements()) for group in groups] == [1, 1]


def test_subject_status_and_trust_are_said() -> None:
    case = CASES["head"][0]()
    doubted = replace(case.shots[0].measurement, status=Status.LOW_CONFIDENCE, confidence=0.8125)
    said = report(Case(MADE, [replace(case.shots[0], measurement=doubted, corrected=True)]), maker("fetal_head")).dataset
    assert {"Fetus", "Doubtful: look before use", "Yes"} <= set(texts(said))
    assert numbers(said)["Expected Dice of the mask"] == (0.8125, "1")
    assert (said.PreliminaryFlag, said.VerificationFlag, said.CompletionFlag) == ("PRELIMINARY", "UNVERIFIED", "COMPLETE")
    assert said.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99USSEG"
    assert "Fetus" not in texts(report(two_lesions(), maker("breast")).dataset)


def test_nothing_found_is_said() -> None:
    said = report(CASES["empty"][0](), maker("fetal_head")).dataset
    assert "Nothing was found" in texts(said) and not any("GraphicData" in item for item in items(said))
    assert set(numbers(said)) == {"Pixel Data Rows", "Pixel Data Columns"}  # of the image library


def test_every_picture_of_a_stack_says_where_it_is_and_frames_say_their_number() -> None:
    said = report(heart(), maker("left_ventricle")).dataset
    assert "left ventricle cavity, end systole, slice 3" in texts(said)
    assert "left ventricle cavity, end systole, slice 4" not in texts(said)  # empty
    frames = [
        int(item.ReferencedSOPSequence[0].ReferencedFrameNumber)
        for item in items(report(CASES["cine"][0](), maker("nerve")).dataset)
        if item.get("ValueType") == "IMAGE" and "ReferencedFrameNumber" in item.ReferencedSOPSequence[0]
    ]
    assert frames == [frame + 1 for frame in range(30) if frame % 10]


@pytest.mark.parametrize("task", TASKS)
def test_every_column_with_a_unit_is_coded_or_listed_as_uncoded(task: str) -> None:
    record = TASKS[task]
    codes = load(record.codes)
    columns = [column.name for column in (*record.columns, *record.part_columns, *record.study_columns)]
    units = {"mm", "mm2", "ml", "percent", "weeks", "deg", "g", "probability", "ratio"}
    with_unit = {name for name in columns if name.rpartition("_")[2] in units}
    assert with_unit == {*codes.columns, *codes.uncoded} and not set(codes.columns) & set(codes.uncoded)
    for name in codes.columns:
        assert unit_of(name).scheme == "UCUM"
    assert {*(codes.biometry or {}), *filter(None, (codes.biometry or {}).values()), *codes.ratios} <= set(codes.columns)


@pytest.mark.parametrize("task", TASKS)
def test_codes_are_those_of_the_standard(task: str) -> None:
    """pydicom's tables are made from PS3.16."""
    from pydicom.sr._concepts_dict import concepts

    codes = load(TASKS[task].codes)
    used = [codes.category, codes.structure, codes.region, *(coded.concept for coded in codes.columns.values())]
    used += [coded.method for coded in codes.columns.values()]
    for code in used:
        if code is not None and code.scheme != "99USSEG":
            names: Any = concepts[code.scheme]
            assert code.meaning in {found[code.value][0] for found in names.values() if code.value in found}
