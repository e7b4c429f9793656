"""The measuring itself, the table, and the bars of ``make speed``."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest

from benchmarks import speed
from benchmarks.readme import insert_table

FIGURES = {
    "import_monai_bundle_seconds": 5.0,
    "help_seconds": 0.04,
    "help_of_import": 0.008,
    "predict_one_seconds": 0.3,
    "predict_one_of_import": 0.06,
    "predict_one_megabytes": 90.0,
    "predict_many_images": 100,
    "predict_many_images_a_second": 50.0,
    "predict_many_megabytes": 120.0,
    "training_images_a_second": 30.0,
    "bundle_one_seconds": 6.5,
    "bundle_one_megabytes": 560.0,
    "bundle_many_images_a_second": 7.25,
    "bundle_many_megabytes": 600.0,
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


def test_only_pictures_of_the_usual_size_are_used(tmp_path: Path) -> None:
    official = tmp_path / "training_set"
    official.mkdir()
    for name, size in {"1_HC": (800, 540), "1_HC_Annotation": (800, 540), "2_HC": (799, 563), "3_HC": (800, 540)}.items():
        (official / f"{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", *size))
    copied = speed.copy_images(tmp_path, tmp_path / "copies", 2)
    assert [path.name for path in copied] == ["1_HC.png", "3_HC.png"]
    with pytest.raises(SystemExit, match="holds 2 images"):
        speed.copy_images(tmp_path, tmp_path / "more", 3)


def test_table_shows_both_ways_side_by_side() -> None:
    lines = speed.markdown(FIGURES).splitlines()
    assert "| start to mask of one image | 0.30 s | 6.5 s |" in lines
    assert "| 100 images of 800x540, file to mask | 50 images/s | 7.2 images/s |" in lines


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({}, []),
        ({"predict_one_of_import": 0.2}, ["predict_one_of_import is 0.2, allowed are 0.12"]),
        ({"help_of_import": 0.07}, ["help_of_import is 0.07, allowed are 0.06"]),
        ({"predict_one_megabytes": 151.0}, ["predict_one_megabytes is 151, allowed are 150"]),
        ({"predict_many_images_a_second": 39.0}, ["predict_many_images_a_second is 39.0, at least 40 are wanted"]),
    ],
)
def test_bars(changed: dict[str, float], missed: list[str]) -> None:
    assert speed.missed_bars({**FIGURES, **changed}) == missed


def test_table_needs_its_markers() -> None:
    with pytest.raises(ValueError, match="speed:begin"):
        insert_table("a text", "speed", "| |")
