"""Runs that write to an address: the results are those of a local folder, whatever happens on the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tests.stores import Bucket
from tests.tiny import save_picture
from usseg_monai import predict_folder
from usseg_monai.cli import main
from usseg_monai.errors import OutputError
from usseg_monai.remote.store import Store
from usseg_monai.runs.accounts import ACCOUNTS
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.place import hold_output, output_folder, read_output
from usseg_monai.runs.run import Summary
from usseg_monai.runs.shards import Shard

IMAGES = 6


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for number in range(IMAGES):
        save_picture(tmp_path / "in" / f"p{number % 2}" / f"{number}.png")
    return tmp_path / "in"


@pytest.fixture
def predict(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(inputs: str | Path, out: str | Path, **options: Any) -> Summary:
        return predict_folder("fetal_head", inputs, out, weights=tiny_model, spacing_mm=0.5, **options)

    return run


def pictures_and_tables(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name.endswith((".png", ".csv"))}


def local_files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def another_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another machine"))


def test_results_at_an_address_are_those_of_a_folder(bucket: Bucket, images: Path, predict: Any, tmp_path: Path) -> None:
    inputs, out = bucket.put_folder(images, "in"), f"{bucket.address}/a/out"
    here, there = predict(images, tmp_path / "out"), predict(inputs, out)
    assert (there.done, there.failed) == (here.done, here.failed) == (IMAGES, 0)
    objects = bucket.contents("a/out")
    assert pictures_and_tables(objects) == pictures_and_tables(local_files(tmp_path / "out")) != {}
    assert objects.keys() == {name for name in local_files(tmp_path / "out") if not name.startswith(".")}
    assert json.loads(objects["run.json"])["state"] == "finished"
    assert objects == {name: content for name, content in local_files(output_folder(out)).items() if not name.startswith(".")}
    assert output_folder(out).stat().st_mode & 0o077 == 0
    assert b"testing" not in b"".join(objects.values())  # the credentials


def test_a_file_address_is_a_folder(images: Path, predict: Any, tmp_path: Path) -> None:
    predict(images, f"file://{tmp_path}/out", save=("mask",))
    assert (tmp_path / "out" / "masks" / "p0" / "0.png").is_file() and output_folder(f"file://{tmp_path}/out") == tmp_path / "out"


def test_resume_on_the_same_and_on_another_machine(
    bucket: Bucket, images: Path, predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, out = bucket.put_folder(images, "in"), f"{bucket.address}/out"
    predict(inputs, out)
    before = bucket.contents("out")
    assert predict(inputs, out, resume=True).skipped == IMAGES
    another_machine(monkeypatch, tmp_path)
    time.sleep(1.1)  # runs are told apart by the second of their start
    assert predict(inputs, out, resume=True).skipped == IMAGES
    assert pictures_and_tables(bucket.contents("out")) == pictures_and_tables(before)
    monkeypatch.setenv("XDG_CACHE_HOME", bucket.environment["XDG_CACHE_HOME"])
    bucket.put("in/p0/new.png", (images / "p0" / "0.png").read_bytes())
    assert predict(inputs, out, resume=True).skipped == IMAGES  # the first machine takes over what the second one wrote
    assert bucket.contents("out")["results.csv"].count(b"\n") == IMAGES + 2


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
def test_a_run_without_resume_replaces_what_is_there(
    elsewhere: bool, bucket: Bucket, images: Path, predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, out = bucket.put_folder(images, "in"), f"{bucket.address}/out"
    predict(inputs, out)
    bucket.put("out/masks/of others.png", b"1")
    bucket.put("out/notes.txt", b"2")
    if elsewhere:
        another_machine(monkeypatch, tmp_path)
        time.sleep(1.1)
    predict(f"{inputs}/p1", out, save=("mask",))
    names = bucket.contents("out").keys()
    masks = {f"masks/{number}.png" for number in (1, 3, 5)}
    assert names == {"results.csv", "accounts.jsonl", "run.json", "masks/of others.png", "notes.txt"} | masks


def test_what_was_lost_at_the_address_is_uploaded_again(bucket: Bucket, images: Path, predict: Any) -> None:
    out = f"{bucket.address}/out"
    predict(images, out)
    before = bucket.contents("out")
    bucket.files.rm_file(f"{out}/masks/p0/0.png")
    bucket.put("out/masks/p0/2.png", b"damaged")
    assert predict(images, out, resume=True).skipped == IMAGES
    assert pictures_and_tables(bucket.contents("out")) == pictures_and_tables(before)
    bucket.files.rm(out, recursive=True)
    assert predict(images, out, resume=True).skipped == IMAGES
    assert pictures_and_tables(bucket.contents("out")) == pictures_and_tables(before)


def test_a_killed_run_is_resumed(bucket: Bucket, predict: Any, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 30
    for number in range(count):
        save_picture(tmp_path / "in" / f"{number}.png")
    inputs, out = bucket.put_folder(tmp_path / "in", "in"), f"{bucket.address}/out"
    predict(tmp_path / "in", tmp_path / "out")
    command = [sys.executable, "-m", "usseg_monai", "predict", "fetal_head", inputs, "-o", out, "--weights", str(tiny_model)]
    command += ["--spacing-mm", "0.5", "--threads", "1", "--quiet"]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environment) as process:
        while len(bucket.files.ls(f"{out}/masks") if bucket.files.exists(f"{out}/masks") else []) < 5:
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
    uploaded = len(bucket.contents("out/masks"))
    assert json.loads(bucket.contents("out")["run.json"])["state"] == "running" and 5 <= uploaded < count
    summary = predict(inputs, out, resume=True)
    assert (summary.done + summary.skipped, summary.failed) == (count, 0) and summary.skipped >= uploaded - 4  # threads that were in work
    expected = pictures_and_tables(local_files(tmp_path / "out"))
    assert pictures_and_tables(bucket.contents("out")) == expected
    another_machine(monkeypatch, tmp_path)
    bucket.files.rm_file(f"{out}/masks/7.png")
    time.sleep(1.1)
    summary = predict(inputs, out, resume=True)
    assert (summary.done, summary.skipped) == (1, count - 1)
    assert pictures_and_tables(bucket.contents("out")) == expected


def test_an_upload_that_fails_midway_ends_the_run_with_one_line(
    bucket: Bucket, images: Path, predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, put = f"{bucket.address}/out", Store.put

    def failing(self: Store, path: Path, address: str) -> None:
        if address.endswith("masks/p1/3.png"):
            raise OutputError(f"{address}: access is denied; check the credentials, and what they allow")
        put(self, path, address)

    with monkeypatch.context() as broken:
        broken.setattr(Store, "put", failing)
        with pytest.raises(OutputError, match="access is denied"):
            predict(images, out, save=("mask",))
    assert predict(images, out, save=("mask",), resume=True).failed == 0
    predict(images, tmp_path / "out", save=("mask",))
    assert pictures_and_tables(bucket.contents("out")) == pictures_and_tables(local_files(tmp_path / "out"))


def test_a_bug_in_an_upload_does_not_hang_the_run(bucket: Bucket, images: Path, predict: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Store, path: Path, address: str) -> None:
        raise ZeroDivisionError("SECRET")

    monkeypatch.setattr(Store, "put", failing)
    with pytest.raises(OutputError, match="unexpected ZeroDivisionError while uploading"):
        predict(images, f"{bucket.address}/out")


def test_no_bucket(bucket: Bucket, images: Path, predict: Any) -> None:
    with pytest.raises(OutputError, match=r"s3://no-such-bucket/out: no such object, folder or bucket"):
        predict(images, "s3://no-such-bucket/out")


@pytest.mark.parametrize("name", ["masks/truth.png", "results.csv", "run.json"])
def test_files_of_another_origin_are_not_overwritten(name: str, bucket: Bucket, images: Path, predict: Any) -> None:
    bucket.put(f"out/{name}", b"{}")
    with pytest.raises(OutputError, match=r"(which no run wrote|not the record of a run).*give another address"):
        predict(images, f"{bucket.address}/out")
    assert bucket.contents("out") == {name: b"{}"}


def test_hostile_names_at_the_address_stay_there(
    bucket: Bucket, images: Path, predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = f"{bucket.address}/out"
    predict(images, out)
    bucket.put("out/masks/../../up.png", b"1")
    another_machine(monkeypatch, tmp_path)
    time.sleep(1.1)
    assert predict(images, out, resume=True).skipped == IMAGES
    assert not list(tmp_path.rglob("up.png"))


def test_a_second_run_on_this_machine_is_refused(bucket: Bucket, images: Path, predict: Any) -> None:
    with hold_output(f"{bucket.address}/out", resume=False), pytest.raises(OutputError, match="another run writes into this folder"):
        predict(images, f"{bucket.address}/out")


def test_results_at_the_address_are_no_inputs(bucket: Bucket, images: Path, predict: Any) -> None:
    inputs = bucket.put_folder(images, "in")
    assert predict(inputs, f"{inputs}/out").done == IMAGES
    bucket.files.rm_file(f"{inputs}/out/run.json")  # as after a kill in the first moments
    assert predict(inputs, f"{bucket.address}/other").done > IMAGES
    assert predict(inputs, f"{inputs}/out", resume=True).skipped == IMAGES


def test_shards_at_addresses_are_merged(
    bucket: Bucket, images: Path, predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs, merged = bucket.put_folder(images, "in"), f"{bucket.address}/merged"
    shards = [f"{bucket.address}/shard{index}" for index in (1, 2)]
    for index, shard in enumerate(shards, 1):
        predict(inputs, shard, shard=Shard(index, 2))
    another_machine(monkeypatch, tmp_path)
    assert main(["merge", *shards, "-o", merged]) == 0
    predict(images, tmp_path / "out")
    assert pictures_and_tables(bucket.contents("merged")) == pictures_and_tables(local_files(tmp_path / "out"))
    assert read_output(merged) == output_folder(merged)
    with pytest.raises(OutputError, match=r"no such object, folder or bucket|is not a run record"):
        merge_shards([f"{bucket.address}/none", shards[0]], tmp_path / "x")


def test_the_command_line(bucket: Bucket, images: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = f"{bucket.address}/out"
    words = ["predict", "fetal_head", bucket.put_folder(images, "in"), "-o", out, "--weights", str(tiny_model), "--spacing-mm", "0.5"]
    assert main([*words, "--report"]) == 0
    assert f"results in {out}, " in capsys.readouterr().out
    assert {"report.html", "run.json", ACCOUNTS} <= bucket.contents("out").keys()
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["output"] == out and len(printed["rows"]) == IMAGES
    assert "report.html" not in bucket.contents("out")
    assert main(["measure", "fetal_head", f"{out}/masks", "-o", str(tmp_path / "measured"), "--spacing-mm", "0.5"]) == 0
    assert main([*words[:3], "-o", "s3://key:SECRET@bucket/out"]) == 2
    assert "SECRET" not in capsys.readouterr().err


def test_records_are_uploaded_while_the_run_goes_on(bucket: Bucket, images: Path, predict: Any) -> None:
    seen: list[str] = []

    def wait(done: int, total: int, row: object) -> None:
        deadline = time.monotonic() + 10
        while done == 1 and not seen and time.monotonic() < deadline:
            with suppress(FileNotFoundError):  # an object that is replaced meanwhile
                seen.extend(name for name in bucket.contents("out") if name == "run.json")

    predict(images, f"{bucket.address}/out", on_progress=wait)
    assert seen == ["run.json"]
    assert np.all([name in bucket.contents("out") for name in ("results.csv", ACCOUNTS)])
