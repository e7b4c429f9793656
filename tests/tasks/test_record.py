"""What every task's record promises."""

from __future__ import annotations

import re

import numpy as np
import pytest

from usseg_monai.errors import UsageError
from usseg_monai.measurements.result import Status
from usseg_monai.tasks import TASKS, UNITS, Task, bundle_path, config_file, get_task

RECORDS = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


@RECORDS
def test_a_measurement_has_the_columns_of_the_record(task: Task) -> None:
    rows, cols = np.mgrid[:200, :260]
    disc = (np.hypot(rows - 100, cols - 130) < 40).astype(np.uint8)
    for mask in (disc, np.zeros_like(disc)):
        measurement = task.measure(mask, (0.5, 0.5))
        assert list(measurement.values) == [column.name for column in task.columns]
        assert all(list(part) == [column.name for column in task.part_columns] for part in measurement.parts)
    assert task.measure(np.zeros_like(disc), (0.5, 0.5)).status is Status.EMPTY


@RECORDS
def test_names_of_columns_end_in_a_unit_and_are_described(task: Task) -> None:
    columns = (*task.columns, *task.part_columns, *task.study_columns)
    for column in columns:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
        assert len(column.description) >= 9
    lengths = [column.name for column in columns if column.name.endswith("_mm")]
    assert lengths or task.name == "nerve"
    assert {name.rpartition("_")[2] for name in lengths} <= UNITS.keys()


@RECORDS
def test_what_the_network_says_besides_the_mask_is_a_column(task: Task) -> None:
    assert set(task.outputs) <= {column.name for column in task.columns}
    assert len(task.classes) in (0, len(task.outputs))
    assert task.labels[0] == "background" and len(task.labels) == 2
    assert 0 < task.low_confidence < 1
    assert re.fullmatch(r"[0-9a-f]{64}", task.weights_sha256)
    assert (bundle_path(task.name) / "configs" / "inference.json").is_file()


@RECORDS
@pytest.mark.parametrize("modality", ["US", "MR", "CT", "MG", "CR", "DX", "NM", "PT", "IVUS", "OT", "SC", "XC", "", "us", "mr"])
def test_modalities_that_contradict_a_task(task: Task, modality: str) -> None:
    own = "MR" if task.name == "left_ventricle" else "US"
    assert task.modality == own
    assert task.accepts(modality) == (modality.upper() in (own, "OT", "SC", "XC", ""))


@RECORDS
def test_a_doubtful_network_qualifies_the_measurement(task: Task) -> None:
    rows, cols = np.mgrid[:200, :260]
    disc = (np.hypot(rows - 100, cols - 130) < 40).astype(np.uint8)
    said = dict(zip(task.outputs, (0.98,) if len(task.outputs) == 1 else (0.02, 0.95, 0.03), strict=False))
    low = task.low_confidence

    def status(confidence: float, unlikeness: float) -> Status:
        return task.measure_answer(disc, None, {**said, "confidence": confidence, "unlikeness": unlikeness}).status

    assert status(low - 1e-6, 0.5) is Status.LOW_CONFIDENCE
    assert status(low, 0.5) is not Status.LOW_CONFIDENCE
    assert status(0.99, 1.0) is not Status.UNLIKE_TRAINING_DATA
    assert status(0.99, 1.0 + 1e-6) is Status.UNLIKE_TRAINING_DATA


def test_unknown_tasks_and_configs_are_wrong_use() -> None:
    with pytest.raises(UsageError, match="unknown task 'heart'"):
        get_task("heart")
    with pytest.raises(UsageError, match="no config 'nothing' for nerve"):
        config_file("nerve", "nothing")
