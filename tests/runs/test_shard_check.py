"""Shards that lost something are refused before anything is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runs.test_merge import measure_shards, write_images
from tests.tasks.left_ventricle.test_study import write_cine
from usseg_monai.errors import OutputError
from usseg_monai.runs.merge import merge_shards


def test_torn_shards(tmp_path: Path) -> None:
    """Whatever a shard lost: one line, and nothing is written."""
    one, two, three = folders = measure_shards("breast", write_images(tmp_path / "in"), tmp_path)

    def cut(file: Path, lines: int) -> None:
        file.write_text("".join(file.read_text().splitlines(keepends=True)[:-lines]))

    losses: list[tuple[Callable[[], object], str]] = [
        (lambda: cut(one / "results.csv", 1), r"out\.1/results\.csv: 0 of 1 rows of '.*\.png' are there; run the shard again"),
        (lambda: cut(two / "lesions.csv", 1), r"out\.2/lesions\.csv: 1 of 2 rows of '.*\.png' are there"),
        (
            lambda: next((three / "overlays").rglob("*.png")).unlink(),
            r"out\.3/overlays/.*\.png: a result of the shard is missing \(No such",
        ),
        (lambda: next((one / "overlays").rglob("*.png")).write_bytes(b""), r"a result of the shard is missing \(it is empty\)"),
        (lambda: shutil.rmtree(two / "overlays"), r"out\.2/overlays/.* is missing"),
        (lambda: (two / "results.csv").write_text(""), "rows of"),
        (lambda: drop_input(two), r"out\.2.*(is of no|belongs to no) input"),
    ]
    for lose, said in losses:
        backup = tmp_path / "backup"
        for folder in folders:
            shutil.copytree(folder, backup / folder.name)
        lose()
        with pytest.raises(OutputError, match=said) as caught:
            merge_shards(folders, tmp_path / "merged")
        assert "\n" not in str(caught.value) and not (tmp_path / "merged").exists()
        for folder in folders:
            shutil.rmtree(folder)
            (backup / folder.name).rename(folder)
    assert merge_shards(folders, tmp_path / "merged").done == 9


def drop_input(folder: Path) -> None:
    """Take the last input out of an account file."""
    lines = (folder / "accounts.jsonl").read_text().splitlines(keepends=True)
    lines.remove([line for line in lines if line.startswith('{"number"')][-1])
    (folder / "accounts.jsonl").write_text("".join(lines))


def test_a_shard_that_lost_a_study(tmp_path: Path) -> None:
    for name in ("p1", "p2", "p3"):
        write_cine(tmp_path / "in" / name, lambda slice_, phase, elements: elements if phase % 2 else None)
    folders = measure_shards("left_ventricle", tmp_path / "in", tmp_path)
    table = (folders[0] / "studies.csv").read_text()
    (folders[0] / "studies.csv").write_text(table.splitlines()[0] + "\n")
    with pytest.raises(OutputError, match=r"out\.1: the study 'p1' is missing in studies\.csv"):
        merge_shards(folders, tmp_path / "merged")
    (folders[0] / "studies.csv").write_text(table)
    (folders[0] / "studies/p1_areas.csv").unlink()
    with pytest.raises(OutputError, match=r"out\.1: the study 'p1' is missing in studies;"):
        merge_shards(folders, tmp_path / "merged")
