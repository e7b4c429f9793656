from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from usseg_monai.errors import OutputError
from usseg_monai.files.table import Value, read_table, write_table
from usseg_monai.measuring.result import Measurement, Status
from usseg_monai.runs.table import COMMON_COLUMNS, column_names, failed_row, open_table, part_column_names, part_rows, result_row
from usseg_monai.tasks import get_task
from usseg_monai.tasks.breast.record import BREAST

TASK = get_task("fetal_head")


def measurement(status: Status = Status.OK, message: str = "", **known: Value) -> Measurement:
    return Measurement({column.name: known.get(column.name) for column in TASK.columns}, status, message)


def test_columns_are_the_common_ones_then_the_tasks() -> None:
    assert COMMON_COLUMNS == (
        "file",
        "frame",
        "status",
        "message",
        "confidence",
        "unlikeness",
        "source_distance",
        "spacing_mm_row",
        "spacing_mm_col",
    )
    assert column_names(TASK) == (*COMMON_COLUMNS, *(column.name for column in TASK.columns))


def test_rows_have_every_column_and_no_line_breaks() -> None:
    row = result_row(TASK, "a/1.png", 3, (0.1, 0.2), measurement(Status.EMPTY, "two\nlines", angle_deg=5.0))
    assert tuple(row) == column_names(TASK)
    assert [row[name] for name in COMMON_COLUMNS] == ["a/1.png", 3, "empty", "two lines", None, None, None, 0.1, 0.2]
    assert row["angle_deg"] == 5.0 and row["head_circumference_mm"] is None
    failed = failed_row(TASK, "b.png", 0, "no\r\nimage")
    assert [failed[name] for name in COMMON_COLUMNS] == ["b.png", 0, "failed", "no image", None, None, None, None, None]
    assert tuple(failed) == tuple(row)


def test_the_table_reads_as_it_was_written(tmp_path: Path) -> None:
    with open_table(tmp_path / "new" / "results.csv", TASK) as table:
        table.append(
            result_row(TASK, 'odd, "name"\n.png', 0, (1 / 3, 0.2), measurement(head_circumference_mm=251.2345678, center_row_px=12))
        )
        table.append(failed_row(TASK, "b\udcff.png", 0, "größe"))
    with (tmp_path / "new" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["file"] == 'odd, "name"\n.png' and rows[0]["spacing_mm_row"] == "0.333333"
    assert rows[0]["head_circumference_mm"] == "251.235" and rows[0]["center_row_px"] == "12" and rows[0]["angle_deg"] == ""
    assert rows[1]["file"] == "b\\udcff.png" and rows[1]["message"] == "größe"


ODD_NAMES = ["a\rb.png", "a\nb.png", "a\r\nb.png", "\ta.png", '"a".png', "a,b.png"]
ODD_NAMES += ["=1+1.png", "+1.png", "-1.png", "@a.png", "'=a.png", "''.png"]  # what a spreadsheet takes for a formula, and its escape


def test_odd_names_survive_the_table_and_are_no_formulas(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    with open_table(path, TASK) as table:
        for name in ODD_NAMES:
            table.append(failed_row(TASK, name, 0, f"{name}: bad"))
    with path.open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.DictReader(file) for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert [row["file"] for row in read_table(path)] == ODD_NAMES


def test_numbers_below_zero_stay_numbers(tmp_path: Path) -> None:
    write_table(tmp_path / "t.csv", ("file", "position_mm"), [{"file": "-a", "position_mm": -12.5}])
    assert (tmp_path / "t.csv").read_bytes() == b"file,position_mm\n'-a,-12.5\n"


def test_a_torn_row_is_said(tmp_path: Path) -> None:
    for torn in ("a.png,0,ok", "a.png" + ",0" * 40, '"a.png'):
        (tmp_path / "results.csv").write_text(",".join(column_names(TASK)) + f"\n{torn}\n")
        with pytest.raises(OutputError, match="cannot be read as a table"):
            list(read_table(tmp_path / "results.csv"))


def test_rows_are_there_as_soon_as_they_are_appended(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("an older table")
    with open_table(path, TASK) as table:
        assert len(path.read_text().splitlines()) == 1
        table.append(failed_row(TASK, "a.png", 0, ""))
        assert path.read_text().splitlines()[1].startswith("a.png,0,failed,")


def full_after(bytes_left: int) -> Callable[[int, bytes], int]:
    """Writes as to a disk that has some bytes left."""
    write = os.write
    left = bytes_left

    def limited(descriptor: int, data: bytes) -> int:
        nonlocal left
        if left == 0:
            raise OSError(28, "No space left on device")
        written = write(descriptor, data[:left])
        left -= written
        return written

    return limited


def test_a_row_that_finds_no_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.csv"
    with open_table(path, TASK) as table:
        table.append(failed_row(TASK, "a.png", 0, ""))
        before = path.read_bytes()
        monkeypatch.setattr(os, "write", full_after(10))
        with pytest.raises(OutputError, match=r"results.csv: cannot be written \(No space left on device\)"):
            table.append(failed_row(TASK, "b.png", 0, ""))
    assert path.read_bytes() == before


def test_a_table_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "results.csv").mkdir()
    with pytest.raises(OutputError, match=r"results\.csv"), open_table(tmp_path / "results.csv", TASK):
        pass


def test_a_table_of_parts_beside_the_results(tmp_path: Path) -> None:
    rows, cols = np.indices((60, 90))
    mask = (np.hypot(rows - 20, cols - 25) <= 12) | (np.hypot(rows - 40, cols - 65) <= 15)
    measured = BREAST.measure(mask.astype(np.uint8), (0.1, 0.1))
    with open_table(tmp_path / "results.csv", BREAST) as table:
        table.append(failed_row(BREAST, "a.png", 0, "no image"))
        table.append(result_row(BREAST, "b.png", 2, (0.1, 0.1), measured), part_rows(BREAST, "b.png", 2, measured))
    with (tmp_path / "lesions.csv").open(newline="") as file:
        lesions = list(csv.DictReader(file))
    assert tuple(lesions[0]) == part_column_names(BREAST) == ("file", "frame", "lesion", *(c.name for c in BREAST.part_columns))
    assert [(row["file"], row["frame"], row["lesion"]) for row in lesions] == [("b.png", "2", "1"), ("b.png", "2", "2")]
    assert float(lesions[0]["area_px"]) > float(lesions[1]["area_px"])
    assert len((tmp_path / "results.csv").read_text().splitlines()) == 3


def test_a_task_without_parts_has_no_such_table(tmp_path: Path) -> None:
    with open_table(tmp_path / "results.csv", TASK) as table:
        table.append(failed_row(TASK, "a.png", 0, ""))
    assert [file.name for file in tmp_path.iterdir()] == ["results.csv"]
