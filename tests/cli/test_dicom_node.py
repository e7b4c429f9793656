"""``usseg dicom node``: a process that is killed and stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

pytest.importorskip("pynetdicom")

from tests.conftest import REPOSITORY
from tests.dicom.exchange.objects import web
from tests.dicom.node.sender import head, send
from usseg_monai.cli import main
from usseg_monai.dicom.node.service import Node
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom


def start(folder: Path, target: object) -> subprocess.Popen[str]:
    line = ["dicom", "node", "--task", "fetal_head", "--store", str(folder), "--forward", str(target), "--port", "0", "--json"]
    line += ["--settle", "0", "--min-free-mb", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "usseg_monai", *line], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}
    )


def event(process: subprocess.Popen[str], name: str) -> dict[str, Any]:
    assert process.stdout is not None
    for line in process.stdout:
        facts: dict[str, Any] = json.loads(line)
        if facts["event"] == name:
            return facts
    raise AssertionError(f"it ended with {process.wait()}, without {name}")


def found(name: str, series: str = "one") -> Dataset:
    """A picture in which the released network finds a head."""
    made = head(name, series)
    pixels = fetal_head_phantom(seed=5).image.pixels.astype(np.uint8)
    made.Rows, made.Columns = pixels.shape
    made.PixelData = pixels.tobytes()
    return made


def test_a_killed_node_loses_nothing_and_sigterm_ends_it_in_order(tmp_path: Path) -> None:
    with web() as (archive, address):
        archive.wrong = lambda method, path: (0, "", b"")  # the archive does not answer yet
        first = start(tmp_path / "store", address)
        try:
            assert send(event(first, "listening")["port"], [found("a"), found("b", "two")]) == [0, 0]
        finally:
            first.kill()
            first.wait()
        archive.wrong = lambda method, path: None
        second = start(tmp_path / "store", address)
        try:
            assert event(second, "idle")["aside"] == 0 and len(archive.held) == 4
        finally:
            second.send_signal(signal.SIGTERM)
            rest = second.communicate(timeout=30)[0]
        assert second.returncode == 0
        assert json.loads(rest.splitlines()[-1])["event"] == "stopped"


def test_events_are_lines_and_ctrl_c_is_an_orderly_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(self: Node, *_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Node, "_work", stop)
    before = signal.getsignal(signal.SIGTERM)
    line = ["dicom", "node", "--task", "fetal_head", "--store", str(tmp_path), "--forward", "PACS@127.0.0.1:1", "--port", "0"]
    try:
        assert main(line) == main([*line, "--json"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("listening: aet USSEG, host 127.0.0.1, port ") and lines[1] == "stopped: waiting 0, working 0, aside 0"
        assert [json.loads(text)["event"] for text in lines[2:]] == ["listening", "stopped"]
        stop_handler = signal.getsignal(signal.SIGTERM)
        assert callable(stop_handler)
        with pytest.raises(KeyboardInterrupt):
            stop_handler(signal.SIGTERM, None)
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "words",
    [["--port", "65536"], ["--min-free-mb", "-1"], ["--settle", "-1"], ["--aet", "A\\B"], ["--forward", "PACS"], ["--task", "fetal"]],
    ids=lambda words: words[0],
)
def test_wrong_use_is_2(words: list[str], tmp_path: Path) -> None:
    line = ["dicom", "node", "--task", "fetal_head", "--store", str(tmp_path / "store"), "--forward", "PACS@127.0.0.1:1", "--port", "0"]
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main([*line, *words]) == 2 and not (tmp_path / "store").exists()
    finally:
        signal.signal(signal.SIGTERM, before)
