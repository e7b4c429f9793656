"""The page of a run: the worst first, every row and picture there, nothing from outside, and old pages are removed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from usseg_monai.cli import main
from usseg_monai.errors import OutputError
from usseg_monai.files.png import write_png
from usseg_monai.files.table import read_table
from usseg_monai.report.columns import highlights
from usseg_monai.report.model import Chapter, Section
from usseg_monai.report.page import table_columns
from usseg_monai.runs import report
from usseg_monai.runs.outputs import REPORT
from usseg_monai.runs.report import write_report
from usseg_monai.tasks import get_task
from usseg_monai.tasks.fetal_head.showcase import SAMPLES

TASK = get_task("fetal_head")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two heads, noise, and a broken file with an awkward name."""
    images, output = tmp_path_factory.mktemp("in"), tmp_path_factory.mktemp("run") / "out"
    for name in ("741_HC.png", "642_HC.png"):
        (images / name).write_bytes((SAMPLES / name).read_bytes())
    write_png(images / "noise.png", np.random.default_rng(1).integers(0, 255, (200, 300)).astype(np.uint8))
    (images / "<script>alert(1)</script>.png".replace("/", "_")).write_bytes(b"broken")
    assert main(["predict", TASK.name, str(images), "-o", str(output), "--report", "-q", "--spacing-mm", "0.2"]) == 1
    return output


def test_all_rows_worst_first(run: Path) -> None:
    text = (run / REPORT).read_text(encoding="utf-8")
    body = text[text.index("<table class=sorts>") :]
    statuses = re.findall(r"<tr data-status='(\w+)'>", body)
    assert sorted(statuses) == sorted(str(row["status"]) for row in read_table(run / "results.csv"))
    assert statuses[0] == "failed" and statuses[1] == "unlike_training_data" and statuses[2:] == ["ok", "ok"]
    rows = {str(row["file"]): row for row in read_table(run / "results.csv")}
    assert f"{rows['741_HC.png']['head_circumference_mm']:g}" in body
    assert text.count("data:image/jpeg;base64,") == 3 and "href='overlays/741_HC.png'" in text and "class=name>741_HC.png" in text
    assert "Not a medical device" in text and TASK.weights_sha256[:12] in text


def test_quantities_stand_in_the_unit_that_is_known(run: Path) -> None:
    cases = [report._case(run, TASK, row, None, 0) for row in read_table(run / "results.csv")]

    def first_column() -> str:
        return table_columns(Chapter(TASK, "", highlights(TASK), [Section("", "", cases)]))[0].name

    assert first_column() == "head_circumference_mm"
    cases = [replace(case, values={**case.values, "head_circumference_mm": None}) for case in cases]
    assert first_column() == "head_circumference_px"


def test_nothing_comes_from_outside_and_names_are_texts(run: Path) -> None:
    text = (run / REPORT).read_text(encoding="utf-8")
    assert not re.search(r"(src|href)=['\"]?(https?:)?//", text) and "@import" not in text and "url(" not in text
    assert "<script>alert" not in text and text.count("<script>") == 1


def test_bounds(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MOST_ROWS", 3)
    monkeypatch.setattr(report, "MOST_PICTURES", 2)
    text = write_report(run, TASK).read_text(encoding="utf-8")
    assert "The worst 3 of 4 frames" in text and text.count("data:image/jpeg;base64,") == 1  # the worst has none
    monkeypatch.undo()
    assert "The worst 4" not in write_report(run, TASK).read_text(encoding="utf-8")


def test_a_later_run_without_a_page_removes_the_old_one(tmp_path: Path) -> None:
    words = ["predict", TASK.name, str(SAMPLES / "741_HC.png"), "-o", str(tmp_path / "out"), "-q"]
    assert main([*words, "--report"]) == 0 and (tmp_path / "out" / REPORT).is_file()
    assert main(words) == 0 and not (tmp_path / "out" / REPORT).exists()


def test_a_page_of_another_origin_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / REPORT).write_text("mine")
    assert main(["predict", TASK.name, str(SAMPLES / "741_HC.png"), "-o", str(tmp_path), "--report"]) == 1
    assert REPORT in capsys.readouterr().err and (tmp_path / REPORT).read_text() == "mine"


def test_results_that_are_missing(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_report(tmp_path, TASK)
