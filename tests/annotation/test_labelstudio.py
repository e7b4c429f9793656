"""Tasks of Label Studio: masks come back from the brush code to the pixel, and a run writes one task per frame."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.annotation.brush import decode_brush
from tests.annotation.predictions import TWO_LESIONS, predicted
from tests.imaging.samples import dicom_bytes
from tests.tiny import ellipse, save_picture
from usseg_monai import __version__
from usseg_monai.annotation.labelstudio import encode_brush, interface, task_of
from usseg_monai.errors import ImageError, OutputError
from usseg_monai.files.table import read_table
from usseg_monai.imaging.drawing.display import to_display
from usseg_monai.runs.merge import merge_shards
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.runs.shards import Shard
from usseg_monai.tasks import TASKS

GOLDEN = [0, 0, 0, 252, 57, 27, 254, 43, 0, 194, 127, 247, 192, 48, 159, 253, 240, 12, 39, 255, 138, 192, 35, 255, 199, 224, 17, 255, 128]
"""``label_studio_converter.brush.mask2rle`` (0.0.59) of `SMALL`."""

SMALL = np.zeros((7, 9), np.uint8)
SMALL[1:4, 2:7] = SMALL[5, 0] = SMALL[6, 8] = 255


def brushed(task: dict[str, Any]) -> npt.NDArray[np.uint8]:
    """All brushes of a task's prediction, as one mask."""
    (prediction,) = task["predictions"]
    found = None
    for region in prediction["result"]:
        if region["type"] == "brushlabels":
            picture = decode_brush(region["value"]["rle"], region["original_height"], region["original_width"])
            assert (picture == picture[..., :1]).all() and set(np.unique(picture)) <= {0, 255}
            mask = picture[..., 3] // 255  # the editor shows what is opaque
            assert found is None or not (found & mask).any()
            found = mask if found is None else found | mask
    assert found is not None
    return found


def run(source: Path, out: Path, task: str = "fetal_head", **options: Any) -> Summary:
    return run_batch(task, [source], out, Options(**{"threads": 2, "save": ("labelstudio", "mask"), **options}))


def tasks_in(out: Path) -> dict[str, dict[str, Any]]:
    folder = out / "labelstudio"
    return {file.relative_to(folder).as_posix(): json.loads(file.read_text()) for file in sorted(folder.rglob("*.json"))}


def test_a_code_of_label_studios_own_converter_is_read_and_written_alike() -> None:
    picture = decode_brush(GOLDEN, 7, 9)
    assert np.array_equal(picture, np.repeat(SMALL[..., None], 4, axis=2))
    assert encode_brush(SMALL) == GOLDEN


@pytest.mark.parametrize("pixels", [1, 2, 4, 5, 63, 64, 65, 16383, 16384, 16385, 32769])
def test_runs_at_every_bound_of_a_length(pixels: int) -> None:
    """A length has 3, 4, 8 or 16 bits: up to 8, 16, 256 and 65,536 values, of which a pixel has four; longer runs are divided."""
    mask = np.zeros((1, pixels + 3), np.uint8)
    mask[0, 1 : pixels + 1] = 1
    assert np.array_equal(decode_brush(encode_brush(mask), 1, pixels + 3)[..., 3] // 255, mask)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (64, 64), (33, 47)])
@pytest.mark.parametrize("share", [0, 0.02, 0.5, 1])
def test_any_mask_comes_back(shape: tuple[int, int], share: float) -> None:
    mask = (np.random.default_rng(0).random(shape) < share).astype(np.uint8)
    assert np.array_equal(decode_brush(encode_brush(mask), *shape)[..., 0] // 255, mask)


def test_each_lesion_is_a_brush_with_its_numbers_and_the_class_a_choice() -> None:
    said = {"normal_probability": 0.1, "benign_probability": 0.7, "malignant_probability": 0.2, "confidence": 0.8, "unlikeness": 0.4}
    found = predicted("breast", TWO_LESIONS, (0.1, 0.1), **said)
    task = task_of(found, file="b/1.png", picture="labelstudio/b/1.png")
    (prediction,) = task["predictions"]
    *brushes, choice = prediction["result"]
    assert len(brushes) == 3 and {each["value"]["brushlabels"][0] for each in brushes} == {"lesion"}
    assert np.array_equal(brushed(task), TWO_LESIONS)
    assert [f"area_px {part['area_px']}" in each["meta"]["text"] for part, each in zip(found.measurement.parts, brushes, strict=False)] == [
        True
    ] * 2
    assert brushes[2]["meta"]["text"] == []
    assert (choice["type"], choice["from_name"], choice["value"]) == ("choices", "class", {"choices": ["benign"]})
    assert len({each["id"] for each in prediction["result"]}) == 4
    assert prediction["score"] == 0.8 and prediction["model_version"] == f"usseg-monai {__version__} breast"
    data = task["data"]
    assert data["image"] == "/data/local-files/?d=labelstudio/b/1.png" and data["file"] == "b/1.png" and data["frame"] == 0
    assert data["status"] == "multiple_structures" and data["message"] == found.message
    assert data["lesion_count"] == 2 and data["total_area_mm2"] == found.measurements["total_area_mm2"]
    assert data["summary"].startswith("multiple_structures; predicted class benign 0.70") and data["summary"].endswith(found.message)
    assert None not in data.values()


def test_nothing_found_is_a_task_without_a_brush() -> None:
    task = task_of(predicted("nerve", np.zeros((20, 30), np.uint8)), file="a.png", picture="a.png")
    assert task["predictions"][0]["result"] == [] and "score" not in task["predictions"][0]
    assert task["data"]["status"] == "empty" and "area_px" not in task["data"]


@pytest.mark.parametrize("task", TASKS)
def test_the_interface_has_every_tag_that_a_task_names(task: str) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "usseg_monai.annotation.labelstudio", task], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == interface(TASKS[task])
    view = ElementTree.fromstring(printed)
    tags = {element.get("name"): element for element in view if element.get("name")}
    said: dict[str, Any] = dict.fromkeys(TASKS[task].outputs, 1 / 3)
    written = task_of(predicted(task, ellipse(), **said), file="a.png", picture="a.png")
    fields = {element.get("value", "")[1:] for element in view if element.get("value", "").startswith("$")}
    assert fields <= written["data"].keys()
    for region in written["predictions"][0]["result"]:
        control = tags[region["from_name"]]
        assert (
            control.tag.lower() == region["type"] and control.get("toName") == region["to_name"] and tags[region["to_name"]].tag == "Image"
        )
        assert {*region["value"][region["type"]]} <= {each.get("value") for each in control}
    assert len(tags) == 2 + bool(TASKS[task].classes)


def test_without_a_task_the_interface_says_how_to_ask() -> None:
    for words in ([], ["kidney"]):
        done = subprocess.run([sys.executable, "-m", "usseg_monai.annotation.labelstudio", *words], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith("usage: python -m usseg_monai.annotation.labelstudio TASK (")


def test_a_run_writes_a_task_and_its_picture_for_each_frame(tiny_model: Path, tmp_path: Path) -> None:
    save_picture(tmp_path / "in" / "sub folder" / "a+b.png")
    cine = np.stack([ellipse() * np.uint8(200), ellipse(axes=(15, 9)) * np.uint8(200)])
    (tmp_path / "in" / "cine.dcm").write_bytes(dicom_bytes(cine))
    (tmp_path / "in" / "bad.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    summary = run(tmp_path / "in", out, weights=tiny_model)
    assert (summary.done, summary.failed) == (2, 1)
    tasks = tasks_in(out)
    rows = {(row["file"], row["frame"]): row for row in read_table(out / "results.csv") if row["status"] != "failed"}
    assert len(tasks) == len(rows) == 3
    for name, task in tasks.items():
        data = task["data"]
        row = rows[data["file"], data["frame"]]
        assert data["status"] == row["status"] and data["message"] == row["message"]
        assert data["head_circumference_px"] == pytest.approx(row["head_circumference_px"], rel=1e-4)
        mask = np.asarray(Image.open(out / "masks" / name.replace(".json", ".png"))) // 255
        assert np.array_equal(brushed(task), mask)
        (shown,) = parse_qs(urlsplit(data["image"]).query)["d"]
        picture = np.asarray(Image.open(out / shown))
        assert picture.shape == mask.shape and picture.dtype == np.uint8
        if "cine" in name:
            assert np.array_equal(picture, to_display(cine[data["frame"]].astype(np.float32)))
    assert len({region["id"] for task in tasks.values() for region in task["predictions"][0]["result"]}) == 3
    assert json.loads((out / "run.json").read_text())["options"]["save"] == ["mask", "labelstudio"]


def test_resume_writes_only_what_is_missing(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        save_picture(tmp_path / "in" / f"{name}.png")
    out = tmp_path / "out"
    run(tmp_path / "in", out, weights=tiny_model)
    first = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in (out / "labelstudio").iterdir()}
    assert len(first) == 6
    (out / "labelstudio" / "a.json").unlink()
    (out / "labelstudio" / "b.png").unlink()
    again = run(tmp_path / "in", out, weights=tiny_model, resume=True)
    assert (again.done, again.skipped) == (2, 1)
    second = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in (out / "labelstudio").iterdir()}
    assert {file: content for file, (_, content) in second.items()} == {file: content for file, (_, content) in first.items()}
    assert {file.stem for file in first if first[file] == second[file]} == {"c"}


def test_a_later_run_leaves_none_of_them(tiny_model: Path, tmp_path: Path) -> None:
    save_picture(tmp_path / "in" / "a.png")
    out = tmp_path / "out"
    run(tmp_path / "in", out, weights=tiny_model)
    run(tmp_path / "in", out, weights=tiny_model, save=("mask",))
    assert not (out / "labelstudio").exists()


def test_their_pictures_are_no_inputs(tiny_model: Path, tmp_path: Path) -> None:
    save_picture(tmp_path / "a.png")
    run(tmp_path / "a.png", tmp_path / "out", weights=tiny_model, save=("labelstudio",))
    with pytest.raises(ImageError, match="a folder without images"):
        run(tmp_path / "out", tmp_path / "other", weights=tiny_model)


def test_files_of_another_origin_stay(tiny_model: Path, tmp_path: Path) -> None:
    save_picture(tmp_path / "in" / "a.png")
    (tmp_path / "out" / "labelstudio").mkdir(parents=True)
    (tmp_path / "out" / "labelstudio" / "a.json").write_text("{}")
    with pytest.raises(OutputError, match="labelstudio holds files of another origin"):
        run(tmp_path / "in", tmp_path / "out", weights=tiny_model)


def test_shards_are_joined_with_their_tasks(tiny_model: Path, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        save_picture(tmp_path / "in" / f"{name}.png")
    for index in (1, 2):
        run(tmp_path / "in", tmp_path / f"s{index}", weights=tiny_model, shard=Shard(index, 2))
    merge_shards([tmp_path / "s1", tmp_path / "s2"], tmp_path / "all")
    assert list(tasks_in(tmp_path / "all")) == ["a.json", "b.json", "c.json"]
    assert sorted(file.name for file in (tmp_path / "all" / "labelstudio").glob("*.png")) == ["a.png", "b.png", "c.png"]
