"""The images, the accounting, the killing, and the bars of ``make scale``."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import mixed_images, scale
from benchmarks.readme import insert_table
from tests.tiny import ellipse
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import run_batch

FEW: dict[str, Any] = {
    "images": 500,
    "seconds": 20.0,
    "images_a_second": 25.0,
    "megabytes": 160.0,
    "resume_seconds": 1.0,
    "resume_megabytes": 80.0,
    "wrongly_accounted": 0,
}
KILLED: dict[str, Any] = {"images": 1000, "kills": 30, "torn": 0, "differences": []}
FIGURES: dict[str, Any] = {"few": FEW, "many": FEW | {"images": 10_000}, "killed": KILLED}


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of 120 images in all formats; those of the masks, which are pictures of the images here."""
    folder = tmp_path_factory.mktemp("scale")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mixed_images, "_pictures", lambda data: [ellipse() * np.uint8(200), ellipse(50, 70) * np.uint8(90)])
        mixed_images.write_images(folder, 120, folder)
    run_batch("fetal_head", [folder / "images"], folder / "out", Options(save=()), given_masks=True)
    for name in scale.read_inputs(folder / "out"):
        if name["state"] == "done":
            mask = folder / "out/masks" / f"{name['file']}.png"
            mask.parent.mkdir(parents=True, exist_ok=True)
            mask.write_bytes(b"IEND\xaeB`\x82")
    return folder / "out"


def test_every_way_of_being_broken_fails_and_nothing_else_does(output: Path, tmp_path: Path) -> None:
    states = {item["file"]: item["state"] for item in scale.read_inputs(output)}
    assert {file for file, state in states.items() if state == "failed"} == {file for file in states if mixed_images.is_broken(file)}
    assert sum(map(mixed_images.is_broken, states)) == 1 and len(states) == 120
    for name, content in mixed_images.broken_files((output.parent / "distinct/0.png").read_bytes()).items():
        (tmp_path / name).write_bytes(content)
    summary = run_batch("fetal_head", [tmp_path], tmp_path / "out", Options(save=()), given_masks=True)
    assert (summary.done, summary.failed) == (0, 9)


def test_few_broken_files_are_of_every_format_that_needs_a_library() -> None:
    few = list(mixed_images.broken_files(b"PNG"))[: scale.FEW // mixed_images.BROKEN]
    assert {name.partition(".")[2] for name in few} >= {"dcm", "nii.gz", "nrrd", "mha"}


def test_accounts_are_compared_with_the_truth(output: Path, tmp_path: Path) -> None:
    assert scale.wrong_accounts(output, 120) == 0
    shutil.copytree(output, tmp_path / "out")
    table = tmp_path / "out/results.csv"
    table.write_text("\n".join(line for line in table.read_text().splitlines() if "0000007" not in line) + "\n")
    next((tmp_path / "out").rglob("0000009*.png")).unlink()
    assert scale.wrong_accounts(tmp_path / "out", 120) == 2  # a row and a mask
    assert scale.wrong_accounts(tmp_path / "out", 121) == 4
    accounts = tmp_path / "out/accounts.jsonl"
    accounts.write_text(accounts.read_text().replace('"state": "done"', '"state": "failed"', 1))
    assert scale.wrong_accounts(tmp_path / "out", 120) == 2 + 1 + 2  # its state, and two counts


def test_torn_files_and_differences_are_found(output: Path, tmp_path: Path) -> None:
    other = tmp_path / "out"
    shutil.copytree(output, other)
    assert scale.count_torn(other) == 0 and scale.differences(output, other) == []
    mask = next((other / "masks").rglob("*.png"))
    mask.write_bytes(b"half")
    table = other / "results.csv"
    table.write_text(table.read_text()[:-1])
    (other / "run.json").write_text("{")
    accounts = other / "accounts.jsonl"
    accounts.write_text(accounts.read_text()[:-30])
    (other / ".0123456789abcdef.png").touch()
    assert scale.count_torn(other) == 4
    for name in ("run.json", "accounts.jsonl"):
        shutil.copy(output / name, other / name)
    found = sorted([".0123456789abcdef.png", str(mask.relative_to(other)), "results.csv"])
    assert scale.differences(output, other) == found
    accounts.write_text(accounts.read_text().replace('"frame": 0', '"frame": 1', 1))
    assert scale.differences(output, other) == [*found, "accounts.jsonl"]


def test_a_run_is_killed_resumed_and_compared(output: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = scale.predict

    def measure(images: Path, out: Path) -> list[str]:
        """The same without a network, which takes its time."""
        usseg, _, *more = command(images, out)
        return [usseg, "measure", *more[:-3], "--resume"]

    monkeypatch.setattr(scale, "predict", measure)
    monkeypatch.setattr(scale, "LONGEST_LIFE_SECONDS", 0.4)
    (tmp_path / "images").mkdir()
    for file in sorted((output.parent / "images/000").iterdir())[40:60]:
        (tmp_path / "images" / file.name).hardlink_to(file)
    assert scale.kill_often(tmp_path / "images", tmp_path, kills=2) == {"kills": 2, "torn": 0, "differences": []}


def test_a_run_that_ends_too_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "predict", lambda images, out: [sys.executable, "-c", "pass"])
    monkeypatch.setattr(scale, "LONGEST_LIFE_SECONDS", 0)
    monkeypatch.setattr(subprocess.Popen, "poll", subprocess.Popen.wait)
    with pytest.raises(SystemExit, match="the run ended before kill 1 of 2"):
        scale.kill_often(tmp_path, tmp_path, kills=2)


def test_table() -> None:
    lines = scale.markdown(FIGURES).splitlines()
    assert lines[0] == "| | 500 images | 10000 images |"
    assert "| peak memory | 160 MB | 160 MB |" in lines
    assert "was killed 30 times at random moments" in lines[-1] and "0 torn files on the way, 0 files different" in lines[-1]
    assert "here it is" in insert_table(scale.DOCS.read_text(encoding="utf-8"), "scale", "here it is")


@pytest.mark.parametrize(
    ("part", "changed", "missed"),
    [
        ("many", {}, []),
        ("many", {"megabytes": 177.0}, ["megabytes is 177 with many, 160 with few: at most 1.1 times is wanted"]),
        ("many", {"resume_megabytes": 89.0}, ["resume_megabytes is 89 with many, 80 with few: at most 1.1 times is wanted"]),
        ("many", {"images_a_second": 22.0}, ["images_a_second is 22.0 with many, 25.0 with few: at least 0.9 times is wanted"]),
        ("few", {"wrongly_accounted": 2}, ["2 images are accounted for wrongly, none may be"]),
        ("killed", {"torn": 1}, ["1 files were torn by kills, none may be"]),
        ("killed", {"differences": ["results.csv"]}, ["1 files differ after kills, results.csv first; none may"]),
    ],
)
def test_bars(part: str, changed: dict[str, Any], missed: list[str]) -> None:
    assert scale.missed_bars(FIGURES | {part: FIGURES[part] | changed}) == missed
