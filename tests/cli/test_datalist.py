"""``usseg datalist`` from the shell's side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.datasets.samples import make_hc18
from usseg_monai.cli import main


def test_hc18(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_hc18(tmp_path / "hc18")
    output = tmp_path / "new" / "list.json"
    assert main(["datalist", "hc18", str(root), "-o", str(output)]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[:3] == [
        "training: 3 images of 2 groups",
        "validation: 1 images of 1 groups",
        "test: 1 images of 1 groups",
    ]
    assert "usseg: warning: 5 images in training_set: the official release has 999" in printed.err.splitlines()
    datalist = json.loads(output.read_text())
    assert {item["group"] for item in datalist["training"]} == {"000", "001"}
    assert Path(datalist["test"][0]["image"]) == root / "training_set" / "015_HC.png"


def test_folder_with_a_group_pattern(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(3):
        (tmp_path / f"img-p{number}.png").touch()
        (tmp_path / f"img-p{number}_mask.png").touch()
    output = tmp_path / "list.json"
    assert main(["datalist", "folder", str(tmp_path), "-o", str(output), "--group-pattern", r"p\d"]) == 0
    datalist = json.loads(output.read_text())
    items = [item for section in ("training", "validation", "test") for item in datalist[section]]
    assert {item["group"] for item in items} == {"p0", "p1", "p2"}
    assert {item["image"] for item in items} == {"img-p0.png", "img-p1.png", "img-p2.png"}
    assert "warning: nothing in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hc18", "{tmp}"], "no annotated HC18 image"),
        (["hc18", "{tmp}/nowhere"], "is not a folder"),
        (["folder", "{tmp}"], "no image with a mask"),
        (["hc20", "{tmp}"], "unknown data set 'hc20': the data sets are hc18, "),
    ],
)
def test_wrong_use_is_one_line_and_code_2(arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [word.format(tmp=tmp_path) for word in arguments]
    assert main(["datalist", *words, "-o", str(tmp_path / "list.json")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "list.json").exists()


def test_counts_for_machines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "hc18.json"
    assert main(["datalist", "hc18", str(make_hc18(tmp_path / "hc18")), "-o", str(output), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["sections"]["training"] == {"images": 3, "groups": 2}
    assert any("999" in remark for remark in printed["remarks"])
