"""The command: shares, resuming, the table, replaying, and the summary in the documentation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.fuzz import __main__ as command
from benchmarks.fuzz.targets import TARGETS
from benchmarks.fuzz.worker import Finding, Part

RUN = ["--target", "run_length_decode", "--seed", "4", "--processes", "1"]


def test_shares() -> None:
    assert command.shares(100, ["png"]) == {"png": 100}
    assert sum(command.shares(1_000_000, list(TARGETS)).values()) == 1_000_000
    assert min(command.shares(10, list(TARGETS)).values()) == 1


def test_a_run_and_its_continuation_equal_one_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    docs = tmp_path / "security.md"
    docs.write_text("<!-- fuzz:begin -->\n<!-- fuzz:end -->\n")
    monkeypatch.setattr(command, "DOCS", docs)
    parts, whole = tmp_path / "parts.json", tmp_path / "whole.json"
    assert command.main([*RUN, "--inputs", "300", "--output", str(parts)]) == 0
    assert command.main([*RUN, "--inputs", "700", "--output", str(parts), "--resume", "--update-docs"]) == 0
    assert command.main([*RUN, "--inputs", "700", "--output", str(whole)]) == 0
    first, second = (json.loads(path.read_text())["targets"]["run_length_decode"] for path in (parts, whole))
    assert [first[key] for key in ("inputs", "refused", "findings")] == [second[key] for key in ("inputs", "refused", "findings")]
    assert first["inputs"] == 700 and 0 < first["refused"] < 700
    printed = capsys.readouterr()
    assert "| `run_length_decode` | run-length codes to masks | 700 |" in docs.read_text()
    assert "700 inputs of seed 4, 0 findings" in printed.out
    assert "python -m benchmarks.fuzz --target NAME --seed 4 --replay NUMBER" in printed.err


def test_a_run_of_another_seed_is_not_continued(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"seed": 3, "targets": {}}')
    with pytest.raises(SystemExit, match="is of seed 3, not 4"):
        command.main([*RUN, "--output", str(tmp_path / "a.json"), "--resume"])


def test_findings_end_in_1_and_say_how_to_have_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part = Part(inputs=9, refused=1, seconds=1, slowest=(0.5, 3), largest=(40, 2), findings=[Finding(8, "escaped", "KeyError: 'x'")])
    monkeypatch.setattr(command, "_run_target", lambda *_: iter([part]))
    assert command.main([*RUN, "--inputs", "9", "--output", str(tmp_path / "a.json")]) == 1
    printed = capsys.readouterr()
    assert "| 9 | 11 % | 1 | 0.50 | 40 | 1 |" in printed.out
    assert "escaped: KeyError: 'x'; again: python -m benchmarks.fuzz --target run_length_decode --seed 4 --replay 8" in printed.err


def test_an_input_is_had_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.replay("run_length_decode", 1, 5, tmp_path) == 0
    first = capsys.readouterr().out
    assert command.replay("run_length_decode", 1, 5, tmp_path) == 0
    assert capsys.readouterr().out.splitlines()[:-1] == first.splitlines()[:-1]  # all but the time
    command.replay("png", 1, 2, tmp_path)
    assert (tmp_path / "png_1_2").is_file()


def test_the_summary_in_the_documentation_is_that_of_the_run() -> None:
    report = json.loads((command.RESULTS / "fuzz.json").read_text())
    assert command.markdown(report) in command.DOCS.read_text()
    targets = report["targets"]
    assert targets.keys() == TARGETS.keys() and sum(target["inputs"] for target in targets.values()) >= 1_000_000
    assert not any(target["findings"] for target in targets.values())
