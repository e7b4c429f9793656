"""A folder of images from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny import save_picture
from usseg_monai import predict_folder
from usseg_monai.errors import UsageError
from usseg_monai.files.table import read_table


def test_a_folder_and_a_list_of_files(tiny_model: Path, tmp_path: Path) -> None:
    files = [save_picture(tmp_path / "images" / name) for name in ("a.png", "b.png")]
    seen: list[tuple[int, int]] = []
    summary = predict_folder(
        "fetal_head",
        str(tmp_path / "images"),
        tmp_path / "out",
        weights=tiny_model,
        spacing_mm=0.5,
        save=("mask",),
        on_progress=lambda done, total, row: seen.append((done, total)),
    )
    assert (summary.done, summary.failed) == (2, 0) and seen[-1] == (2, 2)
    rows = list(read_table(tmp_path / "out" / "results.csv"))
    assert [(row["file"], row["spacing_mm_row"], row["spacing_mm_col"]) for row in rows] == [("a.png", 0.5, 0.5), ("b.png", 0.5, 0.5)]
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()} == {"masks"}
    assert predict_folder("fetal_head", [*files, str(files[0])], tmp_path / "again", weights=tiny_model).done == 2


def test_an_option_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"unknown option 'spacing': the options are engine, .*; did you mean 'spacing_mm'"):
        predict_folder("fetal_head", tmp_path, tmp_path / "out", spacing=0.5)


def test_a_spacing_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="both steps must be positive"):
        predict_folder("fetal_head", tmp_path, tmp_path / "out", spacing_mm=-1)
