"""``usseg dicom``: words, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("highdicom")

from tests.dicom.runs import heads, predict
from usseg_monai.cli import main


def test_what_was_made_is_said_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predict("fetal_head", heads(tmp_path / "in"), tmp_path / "out")
    line = ["dicom", str(tmp_path / "out"), str(tmp_path / "in")]
    assert main(line) == 0
    assert capsys.readouterr().out == f"5 objects (2 seg, 3 sr) of 3 files and stacks: {tmp_path / 'out' / 'dicom'}\n"
    assert main([*line, "--json", "--make", "sr"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in said["objects"]] == ["sr"] * 3 and said["failed"] == said["cures"] == {} and said["sources"] == 3


def test_failures_cures_and_corrections_are_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pydicom
    from PIL import Image

    for file in heads(tmp_path / "in").iterdir():
        elements = pydicom.dcmread(file)
        elements.StudyTime = "noon"
        elements.save_as(file)
    Image.new("L", (160, 120), 10).save(tmp_path / "in" / "p.png")
    predict("fetal_head", tmp_path / "in", tmp_path / "out")
    Image.new("L", (160, 120)).save(tmp_path / "out" / "masks" / "b.png")
    for name in ("a", "none"):
        (tmp_path / "out" / "masks" / f"{name}.png").unlink()
    assert main(["dicom", str(tmp_path / "out"), str(tmp_path / "in")]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[:4]] == ["failed", "failed", "1 skipped", "header cured in 1"]
    assert lines[4] == "1 with masks corrected by hand, measured again" and lines[5].startswith("1 objects (1 sr) of 1 files")
    (tmp_path / "out" / "masks" / "b.png").unlink()
    for number in range(2):
        heads(tmp_path / "in" / str(number))
    predict("fetal_head", tmp_path / "in", tmp_path / "out", save=())
    assert main(["dicom", str(tmp_path / "out"), str(tmp_path / "in")]) == 1
    assert "failed: 6 more" in capsys.readouterr().out.splitlines()


def test_wrong_use_is_2_and_a_missing_library_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    predict("fetal_head", heads(tmp_path / "in"), tmp_path / "out")
    assert main(["dicom", str(tmp_path / "out"), "--make", "x"]) == 2
    monkeypatch.setitem(__import__("sys").modules, "usseg_monai.dicom.run", None)
    import builtins

    real = builtins.__import__

    def without(name: str, *arguments: object) -> object:
        if name.startswith("usseg_monai.dicom"):
            raise ModuleNotFoundError("No module named 'highdicom'", name="highdicom")
        return real(name, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without)
    assert main(["dicom", str(tmp_path / "out")]) == 1
    assert "pip install 'usseg-monai[dicom]'" in capsys.readouterr().err


def test_objects_are_sent_and_what_is_refused_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.dicom.exchange.objects import entity, unused, web

    predict("fetal_head", heads(tmp_path / "in"), tmp_path / "out")
    line = ["dicom", str(tmp_path / "out"), str(tmp_path / "in")]
    with web() as (service, address):
        assert main([*line, "--stow", str(address)]) == main([*line, "--stow", str(address)]) == 0
        assert capsys.readouterr().out.splitlines()[-1] == f"5 objects are in {address}" and len(service.held) == 5
        service.reasons = dict.fromkeys(service.held, 0xA700)
        assert main([*line, "--stow", str(address)]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert lines[1:4] == [f"refused: {name}.dcm: out of resources (A700)" for name in ("a_seg", "a_sr", "b_seg")]
        assert lines[4:] == ["refused: 2 more", f"0 objects are in {address}"]
    with entity(lambda event: 0, ("1.2.840.10008.5.1.4.1.1.88.33",)) as other:
        assert main([*line, "--send", str(other), "--json"]) == 1
        sent = json.loads(capsys.readouterr().out)["sent"]
        assert sent["to"] == str(other) and sent["accepted"] == 3 and list(sent["refused"]) == ["a_seg.dcm", "b_seg.dcm"]
    assert main([*line, "--send", f"PACS@127.0.0.1:{unused()}"]) == 1
    assert "cannot be reached" in capsys.readouterr().err
    assert main([*line, "--send", "PACS"]) == main([*line, "--aet", "A\\B"]) == main([*line, "--stow", "http://me:secret@host"]) == 2
    assert "secret" not in capsys.readouterr().err
