"""Shards joined are what one run would have left."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.tasks.left_ventricle.test_study import write_cine
from tests.tiny import ellipse, read_png, save_picture
from usseg_monai.errors import OutputError, UsageError
from usseg_monai.runs.accounts import read_accounts
from usseg_monai.runs.lock import lock_folder
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.runs.shards import Shard

COUNT = 3
TWO = (ellipse() | np.roll(ellipse(axes=(5, 7)), (-12, -35), axis=(0, 1))) * np.uint8(255)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_images(tmp_path / "in")


def write_images(folder: Path) -> Path:
    """A folder with a broken file, a cine, a mask beside its image, and names that a table quotes."""
    for name in ("a/1.png", "a/2.png", 'b/"x", 1.png', "b/two\rlines.png", "=c.png", "d\udcff.png", "z.png"):
        save_picture(folder / name, TWO)
    save_picture(folder / "=c_mask.png", TWO)
    (folder / "broken.png").write_text("no image")
    (folder / "README").write_text("no image either")
    pages = [Image.fromarray(TWO)] * 3
    pages[0].save(folder / "cine.tif", save_all=True, append_images=pages[1:])
    return folder


def measure(task: str, source: Path, out: Path, shard: Shard | None = None, **options: Any) -> Summary:
    """Measure bright pictures as masks; masks beside images are inputs then."""
    return run_batch(task, [source], out, Options(save=("overlay",), threads=2, shard=shard, **options), given_masks=True)


def measure_shards(task: str, source: Path, root: Path, **options: Any) -> list[Path]:
    folders = [root / f"out.{index}" for index in range(1, COUNT + 1)]
    for index, folder in enumerate(folders, 1):
        measure(task, source, folder, Shard(index, COUNT), **options)
    return folders


def files(folder: Path) -> dict[str, bytes]:
    """All that is there but the accounts."""
    paths = [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.name not in ("run.json", "accounts.jsonl")
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def accounts(folder: Path) -> tuple[Any, Any]:
    inputs = []
    for account in read_accounts(folder):
        frames = [(frame.row, frame.parts, frame.located and frame.located[1]) for frame in account.frames]
        inputs.append((account.number, account.file, account.state, account.reason, account.output, account.stamp, frames))
    return json.loads((folder / "run.json").read_text())["counts"], inputs


def test_merged_shards_are_what_one_run_leaves(images: Path, tmp_path: Path) -> None:
    whole = measure("breast", images, tmp_path / "whole")
    folders = measure_shards("breast", images, tmp_path)
    merged = merge_shards(folders[::-1], tmp_path / "merged")
    assert files(tmp_path / "merged") == files(tmp_path / "whole") and len(files(tmp_path / "whole")) == 2 + 8 + 3
    assert accounts(tmp_path / "merged") == accounts(tmp_path / "whole")
    assert (merged.done, merged.failed, merged.skipped) == (whole.done, whole.failed, 0) == (9, 1, 0)
    record = json.loads((tmp_path / "merged/run.json").read_text())
    assert record["state"] == "finished" and [Path(shard["output"]).name for shard in record["shards"]] == ["out.1", "out.2", "out.3"]


def test_the_merged_folder_goes_on_with_resume(images: Path, tmp_path: Path) -> None:
    merge_shards(measure_shards("breast", images, tmp_path), tmp_path / "merged")
    table = (tmp_path / "merged/results.csv").read_bytes()
    again = measure("breast", images, tmp_path / "merged", resume=True)
    assert (again.skipped, again.done, again.failed) == (9, 0, 1)
    assert (tmp_path / "merged/results.csv").read_bytes() == table
    merge_shards([tmp_path / f"out.{index}" for index in (1, 2, 3)], tmp_path / "merged")  # once more does no harm
    assert (tmp_path / "merged/results.csv").read_bytes() == table


def test_what_is_redone_in_the_merged_folder_leaves_the_shards_alone(images: Path, tmp_path: Path) -> None:
    folders = measure_shards("fetal_head", images, tmp_path)
    merge_shards(folders, tmp_path / "merged")
    before = files(folders[0])
    save_picture(images / "a/1.png", ellipse(99, 120) * np.uint8(255))
    measure("fetal_head", images, tmp_path / "merged", resume=True)
    assert read_png(tmp_path / "merged/overlays/a/1.png").shape[1] == 5 * 120 and files(folders[0]) == before


def test_masks_beside_images_are_accounted_for_once(images: Path, tmp_path: Path, tiny_model: Path) -> None:
    def predict(out: Path, shard: Shard | None = None) -> Summary:
        return run_batch("fetal_head", [images], out, Options(weights=tiny_model, save=(), shard=shard))

    whole = predict(tmp_path / "whole")
    folders = [tmp_path / f"out.{index}" for index in (1, 2)]
    assert [predict(folder, Shard(index, 2)).left_out for index, folder in enumerate(folders, 1)] == [["=c_mask.png"], []]
    merge_shards(folders, tmp_path / "merged")
    assert accounts(tmp_path / "merged") == accounts(tmp_path / "whole") and whole.left_out == ["=c_mask.png"]


def test_stacks_are_not_divided(tmp_path: Path) -> None:
    for number, name in enumerate(("p1/s", "p2/s", "p10", "p3/a", "p4")):
        identifiers = {"StudyInstanceUID": f"1.2.{number}", "SeriesInstanceUID": f"1.2.{number}.1"}

        def own(slice_: int, phase: int, elements: dict[str, Any], own: dict[str, str] = identifiers) -> dict[str, Any] | None:
            return elements | own if phase % 2 else None

        write_cine(tmp_path / "in" / name, own)
    measure("left_ventricle", tmp_path / "in", tmp_path / "whole")
    folders = measure_shards("left_ventricle", tmp_path / "in", tmp_path)
    merge_shards(folders, tmp_path / "merged")
    assert files(tmp_path / "merged") == files(tmp_path / "whole")
    assert (tmp_path / "merged/studies.csv").read_text().count("\n") == 6


def test_more_shards_than_inputs(tmp_path: Path) -> None:
    save_picture(tmp_path / "in/a.png", TWO)
    folders = measure_shards("fetal_head", tmp_path / "in", tmp_path)
    assert merge_shards(folders, tmp_path / "merged").done == 1


def test_files_are_copied_where_they_cannot_be_linked(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("another drive")

    folders = measure_shards("fetal_head", images, tmp_path)
    monkeypatch.setattr(os, "link", refuse)
    merge_shards(folders, tmp_path / "merged")
    assert files(tmp_path / "merged").keys() == {name for folder in folders for name in files(folder)}


def test_what_does_not_belong_together(images: Path, tmp_path: Path) -> None:
    one, two, three = measure_shards("fetal_head", images, tmp_path)
    measure("fetal_head", images, tmp_path / "whole")
    measure("fetal_head", images, tmp_path / "spacing", Shard(2, 3), spacing_mm=(0.5, 0.5))
    measure("fetal_head", images, tmp_path / "four", Shard(2, 4))
    save_picture(images / "new.png", TWO)
    measure("fetal_head", images, tmp_path / "new", Shard(2, 3))
    for folders, said in [
        ([one, two, tmp_path / "whole"], "whole is not a shard"),
        ([one, tmp_path / "spacing", three], "differ in options digest"),
        ([one, tmp_path / "four", three], "four is shard 2/4, .*out.1 shard 1/3"),
        (
            [one, tmp_path / "new", three],
            r"different inputs, 12 with the digest \w{8} and 11 with the digest \w{8}: if files",
        ),
        ([one, two, two], "shard 2/3 is given twice"),
        ([one, three], "1 of 3 shards are missing, shard 2 first"),
    ]:
        with pytest.raises(UsageError, match=said) as caught:
            merge_shards(folders, tmp_path / "merged")
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="is one of the shards"):
        merge_shards([one, two, three], two)
    with pytest.raises(OutputError, match=r"none/run\.json is not a run record"):
        merge_shards([one, two, tmp_path / "none"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_an_unfinished_shard_is_named_and_can_be_finished(images: Path, tmp_path: Path) -> None:
    folders = measure_shards("fetal_head", images, tmp_path)

    def stop(done: int, total: int, row: Any) -> None:
        if done == 1:
            raise KeyboardInterrupt

    options = Options(save=("overlay",), shard=Shard(2, COUNT))
    with pytest.raises(KeyboardInterrupt):
        run_batch("fetal_head", [images], folders[1], options, stop, given_masks=True)
    with pytest.raises(OutputError, match=r"out\.2: shard 2/3 is interrupted, \d inputs were not reached; run its command again"):
        merge_shards(folders, tmp_path / "merged")
    measure("fetal_head", images, folders[1], Shard(2, COUNT), resume=True)
    assert merge_shards(folders, tmp_path / "merged").done == 8


def test_a_damaged_shard(images: Path, tmp_path: Path) -> None:
    folders = measure_shards("fetal_head", images, tmp_path)
    table = folders[1] / "results.csv"
    table.write_text(table.read_text().replace("z.png", "y.png"))
    with pytest.raises(OutputError, match=r"out\.2/results\.csv: 0 of 1 rows of 'z\.png' are there"):
        merge_shards(folders, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
    table.unlink()
    with pytest.raises(OutputError, match=r"results\.csv: cannot be read"):
        merge_shards(folders, tmp_path / "merged")


def test_a_folder_that_another_run_writes_to_is_left_alone(images: Path, tmp_path: Path) -> None:
    folders = measure_shards("fetal_head", images, tmp_path)
    with lock_folder(tmp_path / "merged"), pytest.raises(OutputError, match="another run writes into this folder"):
        merge_shards(folders, tmp_path / "merged")


def test_merging_into_a_used_folder_leaves_nothing_of_before(images: Path, tmp_path: Path) -> None:
    folders = measure_shards("fetal_head", images, tmp_path)
    merged = tmp_path / "merged"
    save_picture(tmp_path / "other/old.png", TWO)
    measure("breast", tmp_path / "other", merged)
    for place in ("", "overlays/a"):
        (merged / place).mkdir(exist_ok=True)
        (merged / place / ".0123456789abcdef.png").touch()  # of a killed merge
    merge_shards(folders, merged)
    assert files(merged).keys() == {name for folder in folders for name in files(folder)}
    assert not list(merged.rglob(".0123456789abcdef.png"))


def test_a_target_that_goes_bad_on_the_way(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = measure_shards("fetal_head", images, tmp_path)
    link = os.link

    def remove(*paths: Path) -> None:
        link(*paths)
        shutil.rmtree(tmp_path / "merged", ignore_errors=True)

    monkeypatch.setattr(os, "link", remove)
    with pytest.raises(OutputError, match="cannot be written"):
        merge_shards(folders, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()
