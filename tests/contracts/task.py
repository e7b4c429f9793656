"""What every task promises."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from usseg_monai.geometry.types import MaskArray
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.tasks import TASKS, UNITS, Column, Task, bundle_path, load
from usseg_monai.tasks.record import UNSPECIFIC
from usseg_monai.tasks.showcase import Sample, Showcase
from usseg_monai.tasks.study import Study
from usseg_monai.tasks.submission import Submission

ROWS, COLS = np.mgrid[:200, :260]
DISC: MaskArray = (np.hypot(ROWS - 100, COLS - 130) < 40).astype(np.uint8)
NOTHING = np.zeros_like(DISC)
MODALITIES = ("US", "MR", "CT", "MG", "CR", "DX", "NM", "PT", "IVUS")


class TaskContract:
    """Record, measurement and phantoms of a task.

    >>> class TestFetalHead(TaskContract):
    ...     name = "fetal_head"
    """

    name: str

    @pytest.fixture
    def task(self) -> Task:
        return TASKS[self.name]

    def test_columns_are_named_as_they_must_be_and_described(self, task: Task) -> None:
        columns = (*task.columns, *task.part_columns, *task.study_columns)
        for names in ([column.name for column in kind] for kind in (task.columns, task.part_columns, task.study_columns)):
            assert len(set(names)) == len(names)
        for column in columns:
            assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
            assert len(column.description) >= 9
        units = [column.name.rpartition("_")[2] for column in columns]
        assert "mm" in units or "mm2" in units
        assert {"mm", "mm2", "px"} <= UNITS.keys()

    def test_every_length_is_there_in_pixels_too(self, task: Task) -> None:
        """Without a pixel size a row still has numbers."""
        for columns in (task.columns, task.part_columns):
            names = {column.name for column in columns}
            for name in names:
                if name.endswith(("_mm", "_mm2")):
                    assert f"{name.rpartition('_')[0]}_px" in names

    def test_a_measurement_has_the_columns_of_the_record(self, task: Task) -> None:
        for mask in (DISC, NOTHING):
            measurement = task.measure(mask, (0.5, 0.5))
            assert list(measurement.values) == names_of(task.columns)
            assert all(list(part) == names_of(task.part_columns) for part in measurement.parts)

    def test_nothing_is_empty_and_never_zero(self, task: Task) -> None:
        measurement = task.measure(NOTHING, (0.5, 0.5))
        assert measurement.status is Status.EMPTY and measurement.message and not measurement.outlines and not measurement.parts
        known = {name for name, value in measurement.values.items() if value is not None}
        assert not {name for name in known if name.endswith(("_mm", "_mm2", "_px")) and not name.startswith("total_")}

    def test_a_disc_is_found_at_its_centre(self, task: Task) -> None:
        measurement = task.measure(DISC, (0.5, 0.5))
        assert measurement.status is not Status.EMPTY
        assert centre(measurement) == pytest.approx((100, 130), abs=0.1)

    def test_millimetres_need_a_pixel_size_and_follow_it(self, task: Task) -> None:
        without, half, whole = (task.measure(DISC, spacing).values for spacing in (None, (0.5, 0.5), (1.0, 1.0)))
        lengths = [name for name in without if name.endswith(("_mm", "_mm2"))]
        for name in lengths:
            assert without[name] is None
            small, large = half[name], whole[name]
            assert isinstance(small, float) and large == pytest.approx(small * (4 if name.endswith("2") else 2), rel=1e-4)
        for name in (name for name in without if name.endswith("_px")):
            assert without[name] == pytest.approx(whole[name])

    def test_masks_are_not_written_to(self, task: Task) -> None:
        mask = DISC.copy()
        mask.flags.writeable = False
        task.measure(mask, (0.5, 0.5))

    def test_what_the_network_says_besides_the_mask_is_a_column(self, task: Task) -> None:
        assert set(task.outputs) <= set(names_of(task.columns))
        assert len(task.classes) in (0, len(task.outputs))
        assert task.labels[0] == "background" and len(task.labels) == 2
        assert 0 < task.low_confidence < 1

    def test_a_doubtful_network_qualifies_the_measurement(self, task: Task) -> None:
        said = dict(zip(task.outputs, (0.98,) if len(task.outputs) == 1 else (0.02, 0.95, 0.03), strict=False))
        low = task.low_confidence

        def status(confidence: float, unlikeness: float) -> Status:
            return task.measure_answer(DISC, None, {**said, "confidence": confidence, "unlikeness": unlikeness}).status

        assert status(low - 1e-6, 0.5) is Status.LOW_CONFIDENCE
        assert status(low, 0.5) is not Status.LOW_CONFIDENCE
        assert status(0.99, 1.0) is not Status.UNLIKE_TRAINING_DATA
        assert status(0.99, 1.0 + 1e-6) is Status.UNLIKE_TRAINING_DATA

    @pytest.mark.parametrize("modality", [*MODALITIES, *UNSPECIFIC, "us", "mr"])
    def test_modalities_that_contradict_it(self, modality: str, task: Task) -> None:
        assert task.modality in MODALITIES
        assert task.accepts(modality) == (modality.upper() in (task.modality, *UNSPECIFIC))

    def test_what_the_record_names_is_in_its_own_folder_and_of_the_right_form(self, task: Task) -> None:
        forms = {"study": Study, "showcase": Showcase, "submission": Submission}
        for kind in ("measurement", *forms):
            if reference := getattr(task, kind):
                assert reference.startswith(f"usseg_monai.tasks.{task.name}.")
                assert isinstance(load(reference), forms.get(kind, object))
        assert callable(load(task.measurement))
        assert bool(task.study) == bool(task.study_columns) == bool(task.study_title) == bool(task.study_files)
        assert bool(task.part_name) == bool(task.part_columns)
        assert task.bundle == bundle_path(task.name).name
        assert all(option.name.isidentifier() and len(option.description) >= 9 for option in task.options)

    def test_hashes_of_the_release_are_set(self, task: Task) -> None:
        hashes = (task.weights_sha256, task.checkpoint_sha256, task.trust_sha256)
        assert all(re.fullmatch(r"[0-9a-f]{64}", value) for value in hashes) and len(set(hashes)) == 3
        assert task.weights_license

    def test_true_masks_of_phantoms_have_their_true_values(self, task: Task) -> None:
        compared = 0
        for sample, frame in phantoms(load(task.showcase)):
            mask, truth = sample.masks[frame], sample.truths[frame]
            measurement = task.measure(mask, sample.spacing_mm)
            assert (measurement.status is Status.EMPTY) == (not mask.any())
            for name, true in truth.items():
                value = measurement.values[name]
                if value is not None and name not in task.outputs:
                    assert value == pytest.approx(true, rel=0.01, abs=0.1), f"{name} of {sample.name}"
                    compared += 1
        assert compared >= 3

    def test_the_showcase_shows_what_the_task_has(self, task: Task) -> None:
        showcase: Showcase = load(task.showcase)
        assert showcase.task == task.name
        assert set(showcase.highlights) <= set(names_of(task.columns))
        assert len({group.folder for group in showcase.groups}) == len(showcase.groups) > 0


def names_of(columns: tuple[Column, ...]) -> list[str]:
    return [column.name for column in columns]


def centre(measurement: Measurement) -> tuple[object, object]:
    return measurement.values["center_row_px"], measurement.values["center_col_px"]


def phantoms(showcase: Showcase) -> Iterator[tuple[Sample, int]]:
    """The samples that show something on the demo's page and whose true mask is known, each with its frame."""
    for group in showcase.groups:
        for sample in group.samples():
            yield from ((sample, frame) for frame in sample.frames if frame in sample.masks and frame in sample.truths)
