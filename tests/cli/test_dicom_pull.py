"""``usseg dicom pull``: words, JSON and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("dicomweb_client")

from tests.dicom.exchange.objects import small, uids, web
from tests.dicom.sources import US, uid
from usseg_monai.cli import main
from usseg_monai.dicom.exchange.stow import stow


def test_what_was_copied_is_said_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = small(tmp_path / "us", 5)
    line = ["dicom", "pull", "-o", str(tmp_path / "out")]
    with web() as (service, address):
        stow(files, address)
        assert main([*line, str(address), "--study", uid("study")]) == 0
        assert capsys.readouterr().out == f"5 objects copied, 0 were there, of 1 series: {tmp_path / 'out'}\n"
        assert main([*line, str(address), "--series", uid("series", US), "--query", "PatientID=P1", "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said == {"folder": str(tmp_path / "out"), "series": 1, "copied": 0, "kept": 5, "failed": {}}
        assert main([*line, str(address), "--query", "Modality=CT"]) == 1
        service.wrong = lambda method, path: (404, "", b"") if uid("series", US) in path and not path.endswith("/instances") else None
        assert main(["dicom", "pull", str(address), "--study", uid("study"), "-o", str(tmp_path / "none")]) == 1
        lines = capsys.readouterr().out.splitlines()
        assert [row.split(":")[1].strip() for row in lines[1:5]] == [*uids(files)[:3], "2 more"]


@pytest.mark.parametrize(
    "words",
    [
        ["http://127.0.0.1:1/web"],
        ["http://127.0.0.1:1/web", "--study", "../1"],
        ["http://127.0.0.1:1/web", "--query", "Modality"],
        ["127.0.0.1:1", "--study", "1.2"],
        ["http://me:secret@127.0.0.1:1", "--study", "1.2"],
    ],
    ids=["nothing", "study", "query", "url", "password"],
)
def test_wrong_use_is_2(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dicom", "pull", *words, "-o", str(tmp_path / "out")]) == 2
    assert "secret" not in capsys.readouterr().err and not (tmp_path / "out").exists()
