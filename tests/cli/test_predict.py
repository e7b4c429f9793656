"""``usseg predict`` and ``usseg measure``: options, files, exit codes, what is printed."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import dicom_bytes
from usseg_monai.cli import main

SHAPE = (120, 160)
HC_MM = "head_circumference_mm"


def _draw_ellipse(file: Path) -> None:
    """A bright ellipse with semi-axes of 40 and 50 pixels."""
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    inside = ((rows - 60) / 40) ** 2 + ((cols - 80) / 50) ** 2 < 1
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(inside, 255, 0).astype(np.uint8)).save(file)


def _rows(out: Path) -> dict[str, dict[str, str]]:
    with (out / "results.csv").open(newline="") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two pictures of the same name in two folders."""
    folder = tmp_path / "images"
    _draw_ellipse(folder / "monday" / "head.png")
    _draw_ellipse(folder / "tuesday" / "head.png")
    return folder


@pytest.fixture
def predict(threshold_graph: Path, tmp_path: Path) -> list[str]:
    """The beginning of a command: task, network and output folder."""
    return ["predict", "fetal_head", "--weights", str(threshold_graph), "-o", str(tmp_path / "out")]


def test_folder_to_masks_overlays_and_table(images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*predict, str(images), "--spacing-mm", "0.5,0.5", "--save", "mask,overlay,probability"]) == 0
    out = tmp_path / "out"
    rows = _rows(out)
    assert list(rows) == ["monday/head.png", "tuesday/head.png"]
    assert float(rows["monday/head.png"][HC_MM]) == pytest.approx(math.pi * 90 * 0.5, rel=0.03)
    for day in ("monday", "tuesday"):
        for kind in ("masks", "probabilities"):
            with Image.open(out / kind / day / "head.png") as picture:
                assert picture.size == SHAPE[::-1]
        assert (out / "overlays" / day / "head.png").is_file()
    output = capsys.readouterr()
    place, outcome = output.out.splitlines()
    assert place.startswith(f"results in {out}, ") and outcome == "2 done: 2 ok"
    assert output.err == ""


def test_a_single_image_is_answered_in_words(images: Path, predict: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*predict, str(images / "monday" / "head.png"), "--spacing-mm", "0.5,0.5"]) == 0
    printed = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines() if ": " in line)
    assert printed["status"] == "ok"
    assert float(printed[HC_MM]) == pytest.approx(math.pi * 90 * 0.5, rel=0.03)


def test_some_failed_is_1_and_the_rest_is_done(
    images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "monday" / "notes.png").write_text("no picture")
    assert main([*predict, str(images), "--json"]) == 1
    output = capsys.readouterr()
    (line,) = output.err.splitlines()
    assert line.startswith("usseg: monday/notes.png: not an image")
    summary = json.loads(output.out)
    assert (summary["done"], summary["failed"], summary["skipped"]) == (2, 1, 0)
    assert [row["status"] for row in summary["rows"]] == ["ok", "failed", "ok"]
    assert _rows(tmp_path / "out")["monday/notes.png"]["status"] == "failed"


def test_resume_skips_what_is_done(images: Path, predict: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*predict, str(images)]) == 0
    _draw_ellipse(images / "wednesday" / "head.png")
    capsys.readouterr()
    assert main([*predict, str(images), "--resume", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["done"], summary["skipped"], len(summary["rows"])) == (1, 2, 3)
    assert main([*predict, str(images), "--resume"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["3 skipped: an earlier run finished them", "0 done"]


def test_resume_under_other_options_says_which(
    images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*predict, str(images), "--resume"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*predict, str(images), "--resume", "--spacing-mm", "0.5", "--save", "mask"]) == 0
    expected = "everything is done again: --spacing-mm is 0.5,0.5 (was: not given); --save is mask (was: mask,overlay)"
    assert capsys.readouterr().err == f"usseg: {expected}\n"
    (tmp_path / "out" / "accounts.jsonl").unlink()
    assert main([*predict, str(images), "--resume", "--spacing-mm", "0.5", "--save", "mask"]) == 0
    assert re.fullmatch(r"usseg: everything is done again: .*accounts\.jsonl, .* is missing or damaged\n", capsys.readouterr().err)


def test_the_last_lines_say_what_to_do(images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("notes.png", "more.png"):
        (images / name).write_text("no picture")
    assert main([*predict, str(images)]) == 1
    _, failed, done = capsys.readouterr().out.splitlines()
    assert failed.startswith("2 failed: not a") and done == "2 done: 2 ok; no pixel size for 2 (give --spacing-mm)"
    assert main([*predict, str(images), "-q"]) == 1
    output = capsys.readouterr()
    assert output.out == "" and len(output.err.splitlines()) == 2  # the failures
    assert main([*predict, str(images), "-v"]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4 and sum(line.startswith("usseg: monday/head.png: ok; ") for line in lines) == 1


@pytest.mark.parametrize("name", ["cr\rover.png", "\x1b]0;x\x07\x1b[31mred.png", "=1+1.png", "\u202egnp.1.png", 'q",.png', "ü\udcff.png"])
@pytest.mark.parametrize("broken", [False, True])
def test_odd_names(name: str, broken: bool, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _draw_ellipse(tmp_path / "in" / name)
    if broken:
        (tmp_path / "in" / name).write_text("no picture")
    for more in ([], ["--json"], ["--resume"], ["-v"]):
        assert main([*predict, str(tmp_path / "in"), *more]) == broken
        output = capsys.readouterr()
        assert (output.out + output.err).replace("\n", "").isprintable()
        if more == ["--json"]:
            assert len(json.loads(output.out)["rows"]) == 1


def test_spacing_table(images: Path, predict: list[str], tmp_path: Path) -> None:
    table = tmp_path / "spacing.csv"
    table.write_text("filename,pixel size(mm)\r\nhead.png,0.25\r\n")
    assert main([*predict, str(images), "--spacing-csv", str(table)]) == 0
    assert {row["spacing_mm_row"] for row in _rows(tmp_path / "out").values()} == {"0.25"}


def test_masks_beside_their_images_are_left_out_in_a_line(
    images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("head_mask.png", "head_mask_1.png"):
        _draw_ellipse(images / "monday" / name)
    assert main([*predict, str(images)]) == 0
    assert list(_rows(tmp_path / "out")) == ["monday/head.png", "tuesday/head.png"]
    expected = "usseg: 2 files are named as masks of images beside: left out (monday/head_mask.png, ...)\n"
    assert capsys.readouterr().err == expected


def test_a_list_of_files_and_standard_input(
    images: Path, predict: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (images / "list.txt").write_text("tuesday/head.png\nmonday/head.png\nmonday/none.png\n")
    assert main([*predict, str(images / "list.txt")]) == 1
    assert list(_rows(tmp_path / "out")) == ["tuesday/head.png", "monday/head.png", "monday/none.png"]
    assert capsys.readouterr().err == "usseg: monday/none.png: cannot be read (No such file or directory)\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{images}/monday/head.png\n"))
    assert main([*predict, "-"]) == 0
    assert list(_rows(tmp_path / "out")) == ["head.png"]


def test_shards_and_their_merging(images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (images / "monday" / "notes.png").write_text("no picture")
    assert main([*predict, str(images)]) == 1
    whole = (tmp_path / "out" / "results.csv").read_text()
    folders = [str(tmp_path / f"out.{index}") for index in (1, 2)]
    assert [main([*predict[:-1], folder, str(images), "--shard", f"{index}/2"]) for index, folder in enumerate(folders, 1)] == [0, 1]
    capsys.readouterr()
    merged = tmp_path / "merged"
    assert main(["merge", *folders, "-o", str(merged)]) == 0
    assert capsys.readouterr().out == f"2 shards, 2 done, 1 failed, 0 skipped: {merged}\n"
    assert (merged / "results.csv").read_text() == whole
    assert main(["merge", *folders, "-o", str(merged), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"output": str(merged), "done": 2, "failed": 1, "skipped": 0}
    assert main(["merge", folders[0], "-o", str(merged)]) == 2
    assert main(["merge", folders[0], str(images), "-o", str(merged)]) == 1
    assert all(line.startswith("usseg: ") for line in capsys.readouterr().err.splitlines())


def test_json_has_the_parts_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _draw_ellipse(tmp_path / "1.png")
    assert main(["measure", "breast", str(tmp_path / "1.png"), "-o", str(tmp_path / "out"), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in summary["rows"]] == ["1.png"] and [part["lesion"] for part in summary["parts"]] == [1]
    assert summary["frames"] == 1 and summary["rows"][0]["spacing_mm_row"] is None


def test_the_limit_of_pixels_can_be_set(images: Path, predict: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*predict, str(images), "--max-pixels", "10000"]) == 1
    assert "more than 10000 pixels" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--spacing-mm", "0.5,0.5,0.5"], "give ROW,COL"),
        (["--spacing-mm", "0.5,-1"], "positive"),
        (["--spacing-csv", "no such table.csv"], "no such table.csv"),
        (["--save", "contour"], "cannot save 'contour'"),
        (["--threads", "0"], "threads 0"),
        (["--batch-size", "0"], "batch_size 0"),
        (["--device", "cuda", "--engine", "onnx"], "cuda"),
        (["--max-pixels", "0"], "--max-pixels 0"),
        (["--shard", "3/2"], "shard '3/2': give I/N"),
    ],
)
def test_wrong_options_are_2_and_write_nothing(
    words: list[str], said: str, images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*predict, str(images), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("usseg: ")
    assert said in line
    assert not (tmp_path / "out").exists()


def test_an_unknown_task_is_wrong_use(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("predict", "measure"):
        assert main([command, "fetal_heart", str(images), "-o", str(tmp_path / "out")]) == 2
        assert "unknown task 'fetal_heart': the tasks are fetal_head" in capsys.readouterr().err


def test_nothing_to_read_is_1(predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*predict, str(tmp_path / "nowhere")]) == 1
    assert "no such file or folder" in capsys.readouterr().err


def test_measure_needs_no_network(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["measure", "fetal_head", str(images), "-o", str(out), "--spacing-mm", "0.5,0.5", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [row[HC_MM] for row in summary["rows"]] == pytest.approx([math.pi * 90 * 0.5] * 2, rel=0.03)
    assert (out / "overlays" / "tuesday" / "head.png").is_file()
    assert not (out / "masks").exists()
    record = json.loads((out / "run.json").read_text())
    assert (record["engine"], record["weights_sha256"]) == ("none", "")


def test_measure_without_spacing_gives_pixels_and_says_so(images: Path, tmp_path: Path) -> None:
    assert main(["measure", "fetal_head", str(images), "-o", str(tmp_path / "out")]) == 0
    row = _rows(tmp_path / "out")["monday/head.png"]
    assert row[HC_MM] == ""
    assert float(row["head_circumference_px"]) == pytest.approx(math.pi * 90, rel=0.03)
    assert "pixel size unknown" in row["message"]


def _listen_to_interrupts() -> None:
    """A suite that runs in the background ignores SIGINT, and hands that down to what it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("interrupts", [1, 3])
def test_an_interrupt_leaves_whole_files_and_no_traceback(interrupts: int, tmp_path: Path) -> None:
    for number in range(300):
        _draw_ellipse(tmp_path / "masks" / f"{number}.png")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "usseg_monai", "measure", "fetal_head", str(tmp_path / "masks"), "-o", str(out)]
    more: Any = {"preexec_fn": _listen_to_interrupts}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more) as process:
        deadline = time.monotonic() + 30
        while len(list(out.glob("overlays/*.png"))) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        for _ in range(interrupts):
            process.send_signal(signal.SIGINT)
            time.sleep(0.02)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    go_on = re.escape(f"go on with: usseg {' '.join(command[3:])} --resume")
    assert re.fullmatch(rf"usseg: interrupted; \d+ of 300 files are done; {go_on}\n", errors)
    written = [path for path in out.rglob("*") if path.is_file() and path.suffix == ".png"]
    assert 5 <= len(written) < 300
    for path in written:
        assert not path.name.startswith(".")  # no temporary file is left
        with Image.open(path) as picture:
            picture.load()
    assert json.loads((out / "run.json").read_text())["state"] == "interrupted"


def test_a_header_that_contradicts_the_task_fails_unless_any_modality_will_do(
    predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]]
    pixels = (255 * (((rows - 60) / 40) ** 2 + ((cols - 80) / 50) ** 2 < 1)).astype(np.uint8)
    folder = tmp_path / "dicom"
    folder.mkdir()
    for modality in ("US", "MR", "CT", "OT", ""):
        (folder / f"{modality or 'none'}.dcm").write_bytes(dicom_bytes(pixels, Modality=modality, PixelSpacing=[0.5, 0.5]))
    assert main([*predict, str(folder)]) == 1
    out = tmp_path / "out"
    assert {name for name, row in _rows(out).items() if row["status"] == "failed"} == {"MR.dcm", "CT.dcm"}
    assert "usseg: MR.dcm: the header says MR, and fetal_head is for US: give --any-modality" in capsys.readouterr().err
    assert main([*predict, str(folder), "--resume", "--any-modality"]) == 0
    assert {row["status"] for row in _rows(out).values()} == {"ok"}


@pytest.mark.skipif(os.name == "nt", reason="limits of POSIX")
def test_few_open_files_are_one_line(images: Path, predict: list[str]) -> None:
    command = f"ulimit -n 12; exec {shlex.join([sys.executable, '-m', 'usseg_monai', *predict, str(images)])}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1 and re.fullmatch(r"usseg: this process may open 12 files at a time, and needs \d+: .*\n", run.stderr)


def test_weights_that_are_no_file(images: Path, predict: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for weights in (tmp_path / "pipe.onnx", Path("/dev/zero")):
        assert main([*predict, str(images), "--weights", str(weights)]) == 1
        assert capsys.readouterr().err.startswith(f"usseg: {weights} is not a regular file")
