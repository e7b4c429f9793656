"""The measuring itself, the table, and the bars of ``make speed``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import speed
from benchmarks.readme import insert_table
from benchmarks.tasks import BENCHMARKED
from tests.datasets.samples import make_busi, make_hc18

TASK_FIGURES = {
    "predict_one_seconds": 0.3,
    "predict_one_of_import": 0.06,
    "predict_one_megabytes": 90.0,
    "predict_many_images_a_second": 50.0,
    "predict_many_megabytes": 120.0,
    "training_images_a_second": 30.0,
    "bundle_one_seconds": 6.5,
    "bundle_one_megabytes": 560.0,
    "bundle_many_images_a_second": 7.25,
    "bundle_many_megabytes": 600.0,
}
FIGURES = {
    "import_monai_bundle_seconds": 5.0,
    "help_seconds": 0.04,
    "help_of_import": 0.008,
    "images": 100,
    "tasks": {"fetal_head": TASK_FIGURES, "nerve": TASK_FIGURES | {"predict_one_of_import": 0.07}},
}


def test_a_process_is_measured_from_start_to_end() -> None:
    usage = speed.measure([sys.executable, "-c", "import time; held = b'x' * 100_000_000; time.sleep(0.3); print('done')"])
    assert 0.3 < usage.seconds < 10
    assert usage.megabytes > 100
    assert usage.output == "done\n"


def test_a_failed_process_gives_no_figure() -> None:
    with pytest.raises(RuntimeError, match="ended with 3: why"):
        speed.measure([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"])


def test_median_of_runs_after_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    usages = iter([speed.Usage(100, 500), speed.Usage(1, 10), speed.Usage(9, 30), speed.Usage(2, 20)])
    monkeypatch.setattr(speed, "measure", lambda command: next(usages))
    assert speed.median(["usseg"], runs=3) == speed.Usage(2, 30)


def test_images_and_no_masks_are_copied(tmp_path: Path) -> None:
    data = make_hc18(tmp_path / "hc18").parent
    make_busi(tmp_path / "busi")
    copied = speed.copy_images(data, BENCHMARKED["fetal_head"], tmp_path / "copies", 3)
    assert len(copied) == 3 and not any("Annotation" in path.name for path in copied)
    lesions = speed.copy_images(data, BENCHMARKED["breast"], tmp_path / "lesions", 2)
    assert not any("mask" in path.name for path in lesions)
    with pytest.raises(SystemExit, match="holds 0 images reduced"):
        speed.copy_images(data, BENCHMARKED["nerve"], tmp_path / "more", 3)


@pytest.mark.parametrize("task", BENCHMARKED)
def test_there_are_enough_real_images(task: str, data_root: Path, tmp_path: Path) -> None:
    speed.copy_images(data_root, BENCHMARKED[task], tmp_path / task, 100)
    assert len(list((tmp_path / task).iterdir())) == 100  # names that two folders have do not fall on each other


def test_table_shows_both_ways_and_all_tasks() -> None:
    lines = speed.markdown(FIGURES).splitlines()
    assert lines[0] == "| | `fetal_head` | `nerve` |"
    assert "| start to mask of one image | 0.30 s | 0.30 s |" in lines
    assert "| - the same by `python -m monai.bundle run` | 6.5 s | 6.5 s |" in lines
    assert "| 100 images, file to mask | 50 images/s | 50 images/s |" in lines
    assert "takes 0.070 of that or less" in lines[-1]


def test_the_sentence_spans_all_tasks() -> None:
    tasks = {"fetal_head": TASK_FIGURES, "nerve": TASK_FIGURES | {"predict_one_seconds": 0.412, "bundle_many_images_a_second": 9.0}}
    assert speed.in_short(FIGURES | {"tasks": tasks}) == (
        "From start to mask, one image takes 0.30 to 0.41 s; a folder of 100 passes at 50 images/s. "
        "The same by `python -m monai.bundle run`: 6.5 s, 7.2 to 9.0 images/s."
    )


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, []),
        ({"predict_one_of_import": 0.2}, ["nerve: predict_one_of_import is 0.2, allowed are 0.12"]),
        ({"predict_one_megabytes": 151.0}, ["nerve: predict_one_megabytes is 151, allowed are 150"]),
        ({"predict_many_images_a_second": 39.0}, ["nerve: predict_many_images_a_second is 39.0, at least 40 are wanted"]),
    ],
)
def test_bars_of_a_task(changed: dict[str, float], missed: list[str]) -> None:
    tasks = {"fetal_head": TASK_FIGURES, "nerve": TASK_FIGURES | changed}
    assert speed.missed_bars(FIGURES | {"tasks": tasks}) == missed


def test_the_bar_of_the_help() -> None:
    assert speed.missed_bars(FIGURES | {"help_of_import": 0.07}) == ["help_of_import is 0.07, allowed are 0.06"]


def test_table_needs_its_markers() -> None:
    with pytest.raises(ValueError, match="speed:begin"):
        insert_table("a text", "speed", "| |")
