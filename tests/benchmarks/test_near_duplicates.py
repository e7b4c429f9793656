"""The figures about near-duplicates: made data, and those that are written down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import near_duplicates
from tests.datasets.samples import make_busbra, make_busi, texture, write_png


def test_made_lesions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("benign (2)", "benign (10)", "malignant (1)", "malignant (6)", "normal (1)", "normal (2)")
    groups = ("benign (10)", "benign (10)", "malignant (1)", "malignant (1)", "normal (1)", "normal (2)")  # whatever they look like
    rows = "".join(f"{name}.png,{group},,\n" for name, group in zip(names, groups, strict=True))
    folder = make_busi(tmp_path / "busi", dict.fromkeys(names, ("_mask",)), rows) / "Dataset_BUSI_with_GT"
    write_png(folder / "benign" / "benign (10).png", texture(0)[1:, 1:])  # benign (2) again
    write_png(folder / "normal" / "normal (2).png", texture(4)[1:])  # normal (1) again
    make_busbra(tmp_path / "busbra")
    docs = tmp_path / "data.md"
    docs.write_text("<!-- near_duplicates:begin -->\n<!-- near_duplicates:end -->\n")
    monkeypatch.setattr(near_duplicates, "DOCS", docs)

    assert near_duplicates.main(["--data", str(tmp_path), "--output", str(tmp_path / "out.json"), "--update-docs"]) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    busi, busbra = report["BUSI"], report["BUS-BRA"]
    assert (busi["images"], busi["pairs_of_the_reviewers"], busi["pairs_found"], busi["recall"], busi["precision"]) == (6, 2, 2, 0.5, 0.5)
    assert busi["found_alone"] == [["normal (1).png", "normal (2).png"]]
    assert busi["missed"] == [["malignant (1).png", "malignant (6).png"]]
    assert busi["in_another_part_without_the_table"] == ["malignant (6).png"]
    assert (busbra["pairs_of_two_patients"], busbra["found_of_two_patients"], busbra["found_of_one_patient"]) == (2, 0, 0)
    printed = capsys.readouterr().out
    assert "| BUSI, against `groups.csv` (2 pairs) | 6 | 2 | 1 | 50.0 % | 50.0 % |" in printed
    assert printed.strip() in docs.read_text()


def test_without_the_reviewers_table_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"needs groups\.csv"):
        near_duplicates.measure_busi(make_busi(tmp_path))


def test_the_figures_in_the_documentation_are_those_that_were_measured() -> None:
    report = json.loads((near_duplicates.RESULTS / "near_duplicates.json").read_text())
    assert near_duplicates.markdown(report) in near_duplicates.DOCS.read_text()
    assert report["BUSI"]["recall"] > 0.9 and report["BUSI"]["precision"] > 0.9
