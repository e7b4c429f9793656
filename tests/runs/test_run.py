from __future__ import annotations

import csv
import gc
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.tiny import OUTPUTS, PROPERTIES, StubEngine, ellipse, read_png, save_graph, save_picture, threshold_nodes
from usseg_monai.errors import ImageError, NoPictureError, OutputError, UsageError, UssegError, WeightsError
from usseg_monai.files import png
from usseg_monai.files.png import write_png
from usseg_monai.files.table import read_table
from usseg_monai.imaging import Limits, read_frames
from usseg_monai.inputs.naming import is_image
from usseg_monai.predict import predictor
from usseg_monai.predict.prediction import Prediction
from usseg_monai.runs import run as module
from usseg_monai.runs import work
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.runs.shards import Shard


class Runs:
    """Runs batches on one folder into another with the tiny model."""

    def __init__(self, root: Path, model: Path) -> None:
        self.images, self.out, self.model = root / "in", root / "out", model
        self.images.mkdir()

    def __call__(self, *inputs: Path, **options: Any) -> Summary:
        progress = options.pop("on_progress", lambda done, total, row: None)
        return run_batch("fetal_head", inputs or [self.images], self.out, Options(weights=self.model, **options), progress)

    def table(self) -> list[dict[str, str]]:
        with (self.out / "results.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads((self.out / "run.json").read_text())
        return record

    def inputs(self) -> list[dict[str, Any]]:
        """The accounts of the last run, as its file has them."""
        lines = map(json.loads, (self.out / "accounts.jsonl").read_text().splitlines())
        return [line for line in lines if "number" in line]

    def written(self) -> list[str]:
        return sorted(file.relative_to(self.out).as_posix() for file in self.out.rglob("*.png"))


@pytest.fixture
def runs(tmp_path: Path, tiny_model: Path) -> Runs:
    return Runs(tmp_path, tiny_model)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read from now on."""
    names: list[str] = []

    def note(path: str, **more: Any) -> Iterator[Any]:
        names.append(Path(path).name)
        return read_frames(path, **more)

    monkeypatch.setattr(work, "read_frames", note)
    return names


def test_a_folder(runs: Runs) -> None:
    for name in ("b.png", "a/2.png", "a/1.png"):
        save_picture(runs.images / name)
    seen: list[tuple[int, int, str | None]] = []
    summary = runs(spacing_mm=(0.5, 0.5), on_progress=lambda done, total, row: seen.append((done, total, row and str(row["file"]))))
    assert (summary.done, summary.failed, summary.skipped) == (3, 0, 0)
    assert runs.written() == [f"{kind}/{name}.png" for kind in ("masks", "overlays") for name in ("a/1", "a/2", "b")]
    assert np.array_equal(read_png(runs.out / "masks/a/1.png"), ellipse() * 255)
    table = runs.table()
    assert [row["file"] for row in table] == ["a/1.png", "a/2.png", "b.png"]
    assert table[0]["spacing_mm_row"] == "0.5" and float(table[0]["occipitofrontal_diameter_mm"]) == pytest.approx(30, rel=0.05)
    assert seen == [(0, 3, None), (1, 3, "a/1.png"), (2, 3, "a/2.png"), (3, 3, "b.png")]
    record = runs.record()
    assert record["state"] == "finished" and record["counts"] == {"done": 3, "failed": 0, "skipped": 0, "not_reached": 0}
    assert (record["task"], record["engine"], record["device"], record["options"]["spacing_mm"]) == (
        "fetal_head",
        "onnx",
        "cpu",
        [0.5, 0.5],
    )
    assert {"usseg-monai", "python", "numpy", "pillow", "onnxruntime"} <= set(record["versions"]) and len(record["weights_sha256"]) == 64
    assert str(runs.images) not in (runs.out / "run.json").read_text() + (runs.out / "accounts.jsonl").read_text()
    assert record["options"]["weights"] == runs.model.name
    runs(absolute=True)
    assert [item["path"] for item in runs.inputs()] == [str(runs.images / row["file"]) for row in table]
    assert runs.record()["options"]["weights"] == str(runs.model)
    assert runs(resume=True).skipped == 3 and str(runs.images) not in (runs.out / "accounts.jsonl").read_text()


def test_the_frames_of_a_file_are_rows_and_masks_of_their_own(runs: Runs) -> None:
    pages = [Image.fromarray(np.roll(ellipse(), shift, axis=1) * np.uint8(200)) for shift in (0, 5, -9)]
    pages[0].save(runs.images / "cine.tif", save_all=True, append_images=pages[1:])
    summary = runs(save=("mask",), threads=2)
    assert [(row["file"], row["frame"]) for row in runs.table()] == [("cine.tif", str(frame)) for frame in range(3)]
    assert runs.written() == [f"masks/cine_frame00{frame}.png" for frame in range(3)]
    assert np.array_equal(read_png(runs.out / "masks/cine_frame002.png"), np.roll(ellipse(), -9, axis=1) * 255)
    assert (summary.done, summary.frames) == (1, 3)


def test_bad_files_are_rows_and_the_rest_goes_on(runs: Runs, tmp_path: Path) -> None:
    good = save_picture(runs.images / "good.png").read_bytes()
    save_picture(runs.images / "constant.png", np.full((20, 30), 7, np.uint8))
    save_picture(runs.images / "one.png", np.zeros((1, 1), np.uint8))
    save_picture(runs.images / "z_large.png", np.zeros((200, 200), np.uint8))
    for name, content in (("cut.png", good[:-30]), ("empty.png", b""), ("text.png", b"hello"), ("x.dcm", bytes(128) + b"DICM")):
        (runs.images / name).write_bytes(content)
    (tmp_path / "secret.png").write_bytes(good)
    (runs.images / "link.png").symlink_to(tmp_path / "secret.png")
    os.mkfifo(runs.images / "pipe.png")
    summary = runs(limits=Limits(max_pixels=10_000))
    status = {row["file"]: row["status"] for row in runs.table()}
    bad = ["cut.png", "empty.png", "link.png", "one.png", "pipe.png", "text.png", "x.dcm", "z_large.png"]
    assert [name for name, value in status.items() if value == "failed"] == bad
    assert status["good.png"] != "failed" and status["constant.png"] == "empty"
    assert (summary.done, summary.failed, summary.without_picture) == (2, 8, {})  # a DICOM file that was cut is not skipped
    assert all(row["message"] for row in runs.table() if row["status"] == "failed")
    assert runs.written() == ["masks/constant.png", "masks/good.png", "overlays/constant.png", "overlays/good.png"]
    assert {item["file"]: bool(item["reason"]) for item in runs.inputs()} == {name: name in bad for name in status}


def test_reasons_hold_no_folders(runs: Runs, tmp_path: Path) -> None:
    save_picture(tmp_path / "secret.png")
    (runs.images / "link.png").symlink_to(tmp_path / "secret.png")
    (runs.images / "gone.png").symlink_to(tmp_path / "gone.png")
    (runs.images / "text.png").write_text("no image")
    assert runs(runs.images, tmp_path / "none.png", tmp_path / "q*.png", save=()).failed == 5
    assert not [file for file in runs.out.iterdir() if str(tmp_path) in file.read_text()]


def test_equal_names_never_overwrite_each_other(runs: Runs, tmp_path: Path) -> None:
    small, large = ellipse() * np.uint8(200), ellipse(80, 100) * np.uint8(200)
    one, other = save_picture(tmp_path / "p1/us/1.png", small), save_picture(tmp_path / "p2/us/1.png", large)
    save_picture(tmp_path / "p2/us/1.bmp", small)
    runs(one.parent, other.parent, save=("mask",))
    assert {name: read_png(runs.out / name).shape for name in runs.written()} == {
        "masks/p1/us/1.png": (60, 90),
        "masks/p2/us/1.png": (80, 100),
        "masks/1.png": (60, 90),
    }


def test_without_anything_saved_there_is_still_the_table(runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    runs(save=())
    assert runs.written() == [] and len(runs.table()) == 1


# Spacing


def write_mha(path: Path) -> None:
    pixels = ellipse() * np.uint8(200)
    header = f"ObjectType = Image\nNDims = 2\nDimSize = {pixels.shape[1]} {pixels.shape[0]}\nElementType = MET_UCHAR\n"
    path.write_bytes((header + "ElementSpacing = 0.2 0.4\nElementDataFile = LOCAL\n").encode() + pixels.tobytes())


def test_spacing_is_taken_from_the_file_then_the_table_then_the_option(runs: Runs, tmp_path: Path) -> None:
    write_mha(runs.images / "own.mha")
    for name in ("named.png", "sub/path.png", "other.png"):
        save_picture(runs.images / name)
    rows = "filename,pixel size(mm)\r\nown.mha,3\r\nnamed.png,0.3\r\nsub/path.png,0.6\r\npath.png,9\r\n"
    (tmp_path / "spacing.csv").write_text(rows)
    runs(spacing_csv=tmp_path / "spacing.csv", spacing_mm=(0.7, 0.8))
    found = {row["file"]: (row["spacing_mm_row"], row["spacing_mm_col"]) for row in runs.table()}
    assert found == {"own.mha": ("0.4", "0.2"), "named.png": ("0.3", "0.3"), "other.png": ("0.7", "0.8"), "sub/path.png": ("0.6", "0.6")}


def test_an_image_without_a_row_in_the_table_fails(runs: Runs, tmp_path: Path) -> None:
    save_picture(runs.images / "a.png")
    save_picture(runs.images / "b.png")
    (tmp_path / "spacing.csv").write_text("filename,pixel size(mm)\nb.png,0.3\n")
    summary = runs(spacing_csv=tmp_path / "spacing.csv")
    assert (summary.done, summary.failed) == (1, 1)
    expected = "a.png: no row in the table of pixel sizes; add it, or give a spacing for the images that have none"
    assert runs.table()[0]["message"] == expected


def test_without_spacing_there_are_pixels_and_no_millimetres(runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    runs()
    (row,) = runs.table()
    assert row["spacing_mm_row"] == "" == row["head_circumference_mm"] and float(row["head_circumference_px"]) > 100 and row["message"]


# What ends a batch


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"save": ("contour",)}, "cannot save 'contour'"),
        ({"threads": 0}, "threads 0"),
        ({"spacing_mm": (-0.1, 0.1)}, r"pixel spacing \(-0.1, 0.1\): both steps must be positive"),
        ({"spacing_csv": Path("none.csv")}, "none.csv"),
        ({"engine": "tensorflow"}, "unknown engine"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_wrong_use_is_told_before_anything_is_written(wrong: dict[str, Any], what: str, runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    with pytest.raises(UsageError, match=what):
        runs(**wrong)
    assert not runs.out.exists()


def test_a_folder_without_images_or_missing_weights_write_nothing(runs: Runs, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="a folder without images"):
        runs()
    save_picture(runs.images / "a.png")
    runs.model = tmp_path / "none.onnx"
    with pytest.raises(WeightsError, match="no weights at"):
        runs()
    assert not runs.out.exists()


def test_an_output_folder_that_cannot_be_written(runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    runs.out.write_text("a file in its place")
    with pytest.raises(OutputError, match="cannot be written") as caught:
        runs()
    assert "\n" not in str(caught.value)


def test_masks_that_somebody_else_made_are_not_overwritten(runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    truth = save_picture(runs.out / "masks" / "a.png").read_bytes()
    with pytest.raises(OutputError, match="masks holds files of another origin"):
        runs()
    assert (runs.out / "masks" / "a.png").read_bytes() == truth
    runs(save=("overlay",))
    runs()  # now the folder is known as one of results


def test_results_inside_the_folder_of_images_are_no_inputs_of_the_next_run(runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    for out in (runs.images / "out", runs.images):
        runs.out = out
        runs()
        runs()
        assert [row["file"] for row in runs.table()] == ["a.png"]
        (runs.images / "out").rename(runs.images.parent / "moved") if out != runs.images else None


def test_masks_beside_their_images_are_left_out_and_said(runs: Runs) -> None:
    for name in ("a.png", "a_mask.png", "a_mask_1.png", "b_Annotation.png"):
        save_picture(runs.images / name)
    summary = runs()
    assert (summary.done, summary.skipped, summary.left_out) == (2, 0, ["a_mask.png", "a_mask_1.png"])
    assert [row["file"] for row in runs.table()] == ["a.png", "b_Annotation.png"]
    skipped = [item for item in runs.inputs() if item["state"] == "skipped"]
    assert [item["file"] for item in skipped] == summary.left_out
    assert {item["reason"] for item in skipped} == {"its name marks it as a mask of a.png; name the file itself to predict it"}
    assert runs(runs.images, runs.images / "a_mask.png").left_out == ["a_mask_1.png"]


def test_only_what_is_asked_for_is_written(runs: Runs) -> None:
    save_picture(runs.images / "1.png")
    runs(save=())
    assert runs.written() == []
    runs(save=("probability",))
    assert runs.written() == ["probabilities/1.png"]


def test_given_masks_are_measured_whatever_their_names(runs: Runs) -> None:
    for name in ("a.png", "a_mask.png"):
        save_picture(runs.images / name, ellipse() * 255)
    summary = run_batch("fetal_head", [runs.images], runs.out, Options(save=()), given_masks=True)
    assert (summary.done, summary.left_out) == (2, [])


def test_not_enough_memory_for_one_image(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    save_picture(runs.images / "a.png")
    save_picture(runs.images / "b.png", ellipse(90, 90) * np.uint8(200))

    save = Prediction.save

    def short(prediction: Prediction, file: Path, picture: str) -> None:
        if file.name == "a.png":
            raise MemoryError
        save(prediction, file, picture)

    monkeypatch.setattr(Prediction, "save", short)
    runs(save=("mask",))
    assert [row["status"] == "failed" for row in runs.table()] == [True, False] and "memory" in runs.table()[0]["message"]


def test_an_error_of_writing_ends_it_with_what_was_done(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        save_picture(runs.images / f"{number}.png")

    def full(path: Path, pixels: np.ndarray) -> None:
        if path.name == "4.png":
            raise OutputError(f"{path}: cannot be written (No space left on device)")
        write_png(path, pixels)

    monkeypatch.setattr(png, "write_png", full)
    with pytest.raises(OutputError, match="No space left"):
        runs(save=("mask",), threads=1)
    assert [row["file"] for row in runs.table()] == [f"{number}.png" for number in range(4)]
    assert runs.record()["state"] == "failed"
    monkeypatch.undo()
    assert runs(save=("mask",), resume=True).skipped == 4


# Going on


def test_resume_skips_what_is_done(runs: Runs, read: list[str]) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save_picture(runs.images / name)
    (runs.images / "bad.png").write_text("no image")
    first = runs(resume=True)
    assert (first.done, first.failed, first.skipped) == (3, 1, 0)
    first_table = runs.table()
    read.clear()
    seen: list[int] = []
    second = runs(resume=True, threads=1, on_progress=lambda done, total, row: seen.append(done))
    assert (second.done, second.failed, second.skipped) == (0, 1, 3)
    assert read == ["bad.png"] and seen == [0, 1, 2, 3, 4]
    assert runs.table() == first_table
    reasons = {item["file"]: item["reason"] for item in runs.inputs() if item["state"] == "skipped"}
    assert set(reasons) == {"a.png", "b.png", "c.png"} and set(reasons.values()) == {
        "an earlier run with the same weights and options finished it"
    }


def test_without_resume_everything_is_done_again(runs: Runs, read: list[str]) -> None:
    save_picture(runs.images / "a.png")
    runs()
    runs()
    assert read == ["a.png", "a.png"] and len(runs.table()) == 1


def test_resume_does_again_what_changed_or_lost_its_results_and_takes_in_what_is_new(runs: Runs, read: list[str]) -> None:
    for name in ("changed.png", "lost.png", "same.png", "gone.png"):
        save_picture(runs.images / name)
    runs()
    save_picture(runs.images / "changed.png", ellipse(70, 100) * np.uint8(99))
    save_picture(runs.images / "a_new.png")
    (runs.out / "overlays/lost.png").unlink()
    (runs.images / "gone.png").unlink()
    read.clear()
    summary = runs(resume=True)
    assert sorted(read) == ["a_new.png", "changed.png", "lost.png"] and summary.skipped == 1
    assert [row["file"] for row in runs.table()] == ["a_new.png", "changed.png", "lost.png", "same.png"]
    assert read_png(runs.out / "masks/changed.png").shape == (70, 100)


@pytest.mark.parametrize("other", [{"spacing_mm": (0.5, 0.5)}, {"save": ("mask", "overlay", "probability")}])
def test_resume_under_other_options_does_everything(other: dict[str, Any], runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    runs()
    assert runs(resume=True, **other).skipped == 0
    assert runs(resume=True, **other).skipped == 1
    assert runs(resume=True).skipped == 0


def test_resume_under_other_weights_does_everything(runs: Runs, tmp_path: Path) -> None:
    save_picture(runs.images / "a.png")
    runs()
    import onnx

    model = onnx.load(runs.model)
    model.doc_string = "other"
    onnx.save(model, tmp_path / "other.onnx")
    runs.model = tmp_path / "other.onnx"
    assert runs(resume=True).skipped == 0


def test_a_file_is_done_when_all_its_frames_are(runs: Runs) -> None:
    pages = [Image.fromarray(ellipse() * np.uint8(200))] * 4
    pages[0].save(runs.images / "cine.tif", save_all=True, append_images=pages[1:])

    def stop(done: int, total: int, row: Any) -> None:
        if row is not None and row["frame"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs(on_progress=stop)
    assert [row["frame"] for row in runs.table()] == ["0", "1"]
    assert runs(resume=True).skipped == 0
    assert [row["frame"] for row in runs.table()] == ["0", "1", "2", "3"]
    assert runs(resume=True).skipped == 1


def test_an_interruption_leaves_whole_files_and_keeps_what_was_done_before(runs: Runs) -> None:
    for number in range(12):
        save_picture(runs.images / f"{number:02}.png")
    runs()
    (runs.out / "masks/03.png").unlink()
    (runs.out / "masks/05.png").unlink()

    def stop(done: int, total: int, row: Any) -> None:
        if row is not None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs(resume=True, on_progress=stop)
    assert runs.record()["state"] == "interrupted"
    left = [row["file"] for row in runs.table() if row["file"] != "05.png"]  # which may have been in work
    assert left == [f"{number:02}.png" for number in range(12) if number != 5]
    assert runs(resume=True).skipped >= 11
    assert len(runs.table()) == 12


def test_an_account_with_rows_of_other_columns_is_not_gone_on_with(runs: Runs) -> None:
    for name in ("a.png", "b.png"):
        save_picture(runs.images / name)
    runs()
    accounts = runs.out / "accounts.jsonl"
    accounts.write_text(accounts.read_text().replace('"confidence": ', '"doubt": ', 1))
    table = runs.table()
    assert runs(resume=True).skipped == 1 and runs.table() == table


# The process itself

PROGRAM = """
import os, sys
from pathlib import Path
from usseg_monai.errors import UssegError
from usseg_monai.runs.run import Options, run_batch
images, out, model, signal = sys.argv[1:5]

def on_progress(done, total, row):
    if done == 5 and int(signal):
        os.kill(os.getpid(), int(signal))

try:
    options = Options(weights=Path(model), threads=2, save=("mask",), resume=True)
    run_batch("fetal_head", [images], out, options, on_progress)
except UssegError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


def run_process(runs: Runs, kill: int = 0, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run a batch in a process of its own, which gets a signal when five inputs are done."""
    arguments = [sys.executable, "-c", PROGRAM, str(runs.images), str(runs.out), str(runs.model), str(kill)]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=120, check=False, **more)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended_leaves_whole_files_and_can_go_on(number: signal.Signals, runs: Runs) -> None:
    for index in range(40):
        save_picture(runs.images / f"{index:03}.png")
    # A process that is started in the background ignores SIGINT, and so would this child.
    process = run_process(runs, kill=number, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))
    assert process.returncode != 0
    masks = [file for file in (runs.out / "masks").iterdir() if not file.name.startswith(".")]
    assert 5 <= len(masks) < 40
    assert all(np.array_equal(read_png(file), ellipse() * 255) for file in masks)
    if number is signal.SIGINT:
        assert not list(runs.out.rglob(".*.png")) and runs.record()["state"] == "interrupted"
    else:
        assert runs.record()["state"] == "running"
    assert len(runs.table()) == 5 and all(row["angle_deg"] for row in runs.table())
    summary = runs(resume=True, save=("mask",))
    assert (summary.skipped, summary.done) == (5, 35) and len(runs.table()) == 40


def test_a_full_disk(runs: Runs) -> None:
    for index in range(60):
        save_picture(runs.images / f"{index:03}.png")
    limit = 12_000  # bytes a file: the account file reaches it first

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = run_process(runs, preexec_fn=limit_files)
    assert process.returncode == 1
    assert process.stderr.startswith("OutputError: ") and "cannot be written (File too large)" in process.stderr
    assert len(process.stderr.splitlines()) == 1
    content = (runs.out / "results.csv").read_text()
    assert content.endswith("\n") and 1 < len(runs.table()) < 60
    assert not list(runs.out.rglob(".*.png"))
    assert 0 < runs(resume=True, save=("mask",)).skipped < 60


def test_kills_at_any_moment_leave_nothing_torn_and_the_last_run_ends_as_an_undisturbed_one(runs: Runs, tmp_path: Path) -> None:
    for index in range(60):
        save_picture(runs.images / f"{index:03}.png")
    (runs.images / "030.png").write_text("no image")
    runs(save=("mask",))
    undisturbed, masks = (runs.out / "results.csv").read_bytes(), runs.written()
    shutil.rmtree(runs.out)
    arguments = [sys.executable, "-c", PROGRAM, str(runs.images), str(runs.out), str(runs.model), "0"]
    for kill in range(3):
        with subprocess.Popen(arguments) as process:
            deadline = time.monotonic() + 60
            while len(list(runs.out.glob("masks/[0-9]*"))) < 12 * (kill + 1) and time.monotonic() < deadline:
                time.sleep(0.0007)
            process.kill()
        assert all(row["angle_deg"] or row["status"] == "failed" for row in runs.table())
        assert all(np.array_equal(read_png(runs.out / name), ellipse() * 255) for name in runs.written() if "/." not in name)
        record, inputs = runs.record(), runs.inputs()
        assert record["state"] == "running" and record["counts"]["not_reached"] >= 60 - len(inputs) > 0  # its counts may be old
        assert len(inputs) <= len(runs.table()) <= len(inputs) + 1  # killed between the two, at most
    assert runs(resume=True, save=("mask",)).skipped > 0
    assert ((runs.out / "results.csv").read_bytes(), runs.written()) == (undisturbed, masks)


def test_a_row_that_was_torn_is_whole_again_and_what_a_kill_left_is_gone(runs: Runs) -> None:
    for name in ("a.png", "b.png", "c.png"):
        save_picture(runs.images / name)
    runs()
    table = (runs.out / "results.csv").read_bytes()
    for file in (runs.out / "results.csv", runs.out / "accounts.jsonl"):
        file.write_bytes(file.read_bytes()[:-30])
    left = [runs.out / place / ".0123456789abcdef.png" for place in ("", "masks", "masks/deep", "overlays")]
    for file in left:
        save_picture(file)
    assert runs(resume=True).skipped == 2
    assert (runs.out / "results.csv").read_bytes() == table and not any(file.exists() for file in left)


def test_an_output_of_no_bytes_is_made_again(runs: Runs) -> None:
    save_picture(runs.images / "a.png")
    runs()
    (runs.out / "masks/a.png").write_bytes(b"")  # as a power cut leaves it
    assert runs(resume=True).skipped == 0 and read_png(runs.out / "masks/a.png").any()


def test_a_second_run_into_the_same_folder_is_refused_and_the_first_goes_on(runs: Runs) -> None:
    for name in ("a.png", "b.png"):
        save_picture(runs.images / name)

    def again(done: int, total: int, row: Any) -> None:
        if done == 1:
            with pytest.raises(OutputError, match="another run writes into this folder"):
                runs(resume=True)

    assert runs(on_progress=again).done == 2
    assert len(runs.table()) == 2 and runs.record()["state"] == "finished"


def test_an_output_folder_that_goes_bad_on_the_way(runs: Runs) -> None:
    for index in range(40):
        save_picture(runs.images / f"{index:03}.png")

    def spoil(done: int, total: int, row: Any) -> None:
        if done == 5:
            (runs.out / "masks").rename(runs.out / "moved")
            (runs.out / "masks").touch()  # as if it could no longer be written: permissions do not stop root

    with pytest.raises(OutputError, match="cannot be written") as caught:
        runs(save=("mask",), on_progress=spoil)
    assert "\n" not in str(caught.value)
    counts = runs.record()["counts"]
    assert runs.record()["state"] == "failed" and counts["done"] == len(runs.table()) == 40 - counts["not_reached"] < 40
    (runs.out / "masks").unlink()
    (runs.out / "moved").rename(runs.out / "masks")
    assert runs(save=("mask",), resume=True).skipped == counts["done"] and len(runs.table()) == 40


@pytest.mark.parametrize("happen", ["removed", "renamed", "linked"])
@pytest.mark.parametrize("moment", [5, 40])
def test_an_output_folder_that_is_gone_ends_the_run(happen: str, moment: int, runs: Runs, tmp_path: Path) -> None:
    for index in range(40):
        save_picture(runs.images / f"{index:03}.png")
    (tmp_path / "elsewhere").mkdir()

    def spoil(done: int, total: int, row: Any) -> None:
        if done == moment:
            if happen != "removed":
                runs.out.rename(tmp_path / "moved")
            while runs.out.exists():  # what is written meanwhile may be in the way
                shutil.rmtree(runs.out, ignore_errors=True)
            if happen == "linked":
                runs.out.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OutputError, match=r"out cannot be written any longer: it was removed, renamed or replaced") as caught:
        runs(save=("mask",), on_progress=spoil)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "elsewhere").iterdir()) and runs.out.exists() == (happen == "linked")


def test_an_input_that_vanishes_on_the_way_is_a_failed_row(runs: Runs) -> None:
    for index in range(40):
        save_picture(runs.images / f"{index:03}.png")

    def remove(done: int, total: int, row: Any) -> None:
        (runs.images / "039.png").unlink(missing_ok=True)

    summary = runs(threads=1, on_progress=remove)
    assert (summary.done, summary.failed) == (39, 1)
    assert runs.table()[-1]["message"] == "039.png: cannot be read (No such file or directory)"


def test_an_input_that_changes_after_it_was_read_is_done_again(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    save_picture(runs.images / "a.png")

    save = Prediction.save

    def change(*arguments: Any) -> None:
        save(*arguments)
        save_picture(runs.images / "a.png", ellipse(70, 100) * np.uint8(99))

    monkeypatch.setattr(Prediction, "save", change)
    runs()
    monkeypatch.undo()
    assert runs(resume=True).skipped == 0 and read_png(runs.out / "masks/a.png").shape == (70, 100)


# Files without a picture


@pytest.fixture
def reports(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """DICOM files among the images that the reader finds no picture in."""

    def read(path: str, **more: Any) -> Iterator[Any]:
        kind = Path(path).name.partition("_")[0]
        if kind in ("INDEX", "SR"):
            raise NoPictureError(f"{Path(path).name}: {kind} holds no picture")
        return read_frames(path, **more)

    monkeypatch.setattr(work, "read_frames", read)
    for name in ("INDEX", "SR_1", "SR_2"):
        (runs.images / name).write_bytes(bytes(128) + b"DICM")
    return runs


def test_files_without_a_picture_are_skipped_with_the_reason(reports: Runs) -> None:
    save_picture(reports.images / "a.png")
    for arguments in ([], [reports.images / "*"]):
        summary = reports(*arguments)
        assert (summary.done, summary.failed, summary.skipped) == (1, 0, 0)
        assert summary.without_picture == {"INDEX holds no picture": 1, "SR holds no picture": 2}
    assert [row["file"] for row in reports.table()] == ["a.png"]
    assert [(item["file"], item["state"], item["reason"]) for item in reports.inputs()] == [
        ("INDEX", "skipped", "INDEX holds no picture"),
        ("SR_1", "skipped", "SR holds no picture"),
        ("SR_2", "skipped", "SR holds no picture"),
        ("a.png", "done", ""),
    ]
    resumed = reports(resume=True)
    assert (resumed.done, resumed.skipped, resumed.without_picture) == (0, 1, summary.without_picture)
    assert reports.record()["counts"] == {"done": 0, "failed": 0, "skipped": 4, "not_reached": 0}


def test_a_file_without_a_picture_that_is_named_fails(reports: Runs) -> None:
    summary = reports(reports.images / "SR_1")
    assert (summary.done, summary.failed, summary.without_picture) == (0, 1, {})
    assert [row["message"] for row in reports.table()] == ["SR_1: SR holds no picture"]


def test_a_folder_of_files_without_a_picture_is_an_error(reports: Runs) -> None:
    with pytest.raises(ImageError, match=r"none of the files holds a picture \(1 x INDEX holds no picture; 2 x SR holds no picture\)"):
        reports()
    assert reports.record()["state"] == "failed"
    assert reports(shard=Shard(1, 2)).without_picture  # other shards may have the pictures


def test_links_are_followed_if_asked_for(runs: Runs) -> None:
    outside = save_picture(runs.images.parent / "store/77.png")
    (runs.images / "a.png").symlink_to(outside)
    assert (runs().failed, runs(follow_links=True).done) == (1, 1)
    assert runs.record()["options"]["follow_links"] is True


# Many images


def test_work_begins_before_the_last_inputs_are_looked_at(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    (runs.images / "a_dicom").write_bytes(bytes(128) + b"DICM")
    for index in range(100):
        save_picture(runs.images / f"{index:03}.png", np.zeros((9, 9), np.uint8))
        (runs.images / f"no_image_{index:03}").touch()  # it could be DICOM
    looked_at: list[str] = []

    def look(item: Any) -> bool:
        looked_at.append(item.file)
        return is_image(item)

    monkeypatch.setattr(work, "is_image", look)
    first: list[int] = []

    def note(done: int, total: int, row: Any) -> None:
        if row is not None and not first:
            first.append(len(looked_at))

    summary = runs(threads=1, save=(), on_progress=note)
    assert first[0] <= 10 and len(looked_at) == 201
    assert (summary.done, summary.failed) == (100, 1)
    assert runs.record()["counts"] == {"done": 100, "failed": 1, "skipped": 0, "not_reached": 0}


def test_rows_do_not_stay_in_memory(runs: Runs) -> None:
    picture = save_picture(runs.images.parent / "picture.png", ellipse(16, 24, (5, 8)) * np.uint8(255))

    def held(count: int) -> int:
        for index in range(count):
            with suppress(FileExistsError):
                (runs.images / f"{index:05}.png").hardlink_to(picture)
        gc.collect()
        tracemalloc.start()
        most = 0

        def note(done: int, total: int, row: Any) -> None:
            nonlocal most
            if done == total:
                gc.collect()
                most = tracemalloc.get_traced_memory()[0]

        run_batch("fetal_head", [runs.images], runs.out, Options(save=(), threads=1), note, given_masks=True)
        tracemalloc.stop()
        return most

    held(10)
    few = held(20)
    assert (held(120) - few) / 100 < 1000  # bytes an image: its name and path; a row has over 2000


def test_a_datalist_brings_spacing(runs: Runs) -> None:
    for name in ("a.png", "b.png"):
        save_picture(runs.images / name)
    datalist = runs.images / "set.json"
    datalist.write_text(json.dumps({"test": [{"image": "a.png", "spacing_mm": [0.2, 0.3]}, "b.png"]}))
    runs(datalist, spacing_mm=(0.5, 0.5))
    assert [(row["file"], row["spacing_mm_row"], row["spacing_mm_col"]) for row in runs.table()] == [
        ("a.png", "0.2", "0.3"),
        ("b.png", "0.5", "0.5"),
    ]
    datalist.write_text(datalist.read_text().replace("0.3", "0.2"))
    assert runs(datalist, spacing_mm=(0.5, 0.5), resume=True).skipped == 1


def test_a_confidence_that_is_none_is_a_failed_row(runs: Runs, tmp_path: Path) -> None:
    import onnx

    for value in (float("nan"), 1.5):
        constant = onnx.helper.make_tensor("value", onnx.TensorProto.FLOAT, [], [value])
        confidence = onnx.helper.make_node("Constant", [], ["confidence"], value=constant)
        outputs = {**OUTPUTS, "confidence": onnx.TensorProto.FLOAT}
        runs.model = save_graph(tmp_path / "odd.onnx", [*threshold_nodes(), confidence], outputs, PROPERTIES)
        save_picture(runs.images / "a.png")
        assert (runs().failed, runs.written()) == (1, [])
        assert runs.table()[0]["message"].startswith("the network's answer ")


# The engine torch


def test_images_gather_in_batches_of_the_engine_torch(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = StubEngine(lambda: time.sleep(0.05))
    monkeypatch.setitem(sys.modules, "usseg_monai.predict.engines.monai", SimpleNamespace(BundleEngine=lambda *_: engine))
    for number in range(8):
        save_picture(runs.images / f"{number}.png")
    summary = runs(engine="torch", batch_size=4, threads=1)
    assert summary.done == 8 and sum(engine.batches) == 8 and max(engine.batches) == 4
    assert runs.record()["engine"] == "torch"


def test_threads_are_for_the_network_where_there_is_one_image(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Noting(predictor.Predictor):
        def __init__(self, *args: Any, threads: int, **more: Any) -> None:
            made.append(threads)
            super().__init__(*args, threads=threads, **more)

    monkeypatch.setattr(module, "Predictor", Noting)
    save_picture(runs.images / "a.png")
    runs(threads=3)
    save_picture(runs.images / "b.png")
    runs(threads=3)
    assert made == [3, 1]


def test_every_error_of_this_package_is_one(runs: Runs) -> None:
    with pytest.raises(UssegError, match="unknown task"):
        run_batch("liver", [save_picture(runs.images / "a.png")], runs.out)


def test_lesions_have_a_table_that_is_kept_when_a_run_is_resumed(runs: Runs, read: list[str]) -> None:
    two = (ellipse() | np.roll(ellipse(axes=(5, 7)), (-12, -35), axis=(0, 1))) * np.uint8(255)
    for name in ("a.png", "b.png"):
        save_picture(runs.images / name, two)

    def measured(**options: Any) -> tuple[Summary, str]:
        summary = run_batch("breast", [runs.images], runs.out, Options(save=(), **options), given_masks=True)
        return summary, (runs.out / "lesions.csv").read_text()

    _, table = measured()
    assert [line.split(",")[:3] for line in table.splitlines()[1:]] == [
        [name, "0", number] for name, number in (("a.png", "1"), ("a.png", "2"), ("b.png", "1"), ("b.png", "2"))
    ]
    assert [row["lesion"] for row in read_table(runs.out / "lesions.csv")] == [1, 2, 1, 2]
    read.clear()
    resumed, again = measured(resume=True)
    assert (resumed.skipped, read, again) == (2, [], table)
