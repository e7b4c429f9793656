"""Objects at an address as inputs: names and results are those of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.imaging.samples import dicom_bytes, nifti_bytes, picture, pillow_bytes
from tests.stores import Bucket
from usseg_monai import predict_folder
from usseg_monai.errors import ImageError, OutputError, UsageError
from usseg_monai.files.table import read_table
from usseg_monai.imaging import Limits
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import part_masks
from usseg_monai.inputs.objects import ObjectInput
from usseg_monai.remote.store import Store
from usseg_monai.runs.proposal import _some_images
from usseg_monai.runs.run import Summary

PNG = pillow_bytes(picture(), "PNG")
NAMES = ("b.png", "p1/a.png", "p1/a.jpg", "p2/a.png", "IM_0001", "p1/a_mask.png", "notes.txt", ".hidden/a.png", "p1/.a.png", "Z.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files with all kinds of names."""
    for name in NAMES:
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "in" / name).write_bytes(dicom_bytes(picture()) if name == "IM_0001" else PNG)
    return tmp_path / "in"


def names(inputs: list[str] | str) -> list[tuple[str, str]]:
    found, masks = part_masks(find_inputs([inputs] if isinstance(inputs, str) else inputs, objects=True))
    return [(item.file, item.output) for item in found] + [("mask", mask.file) for mask, _ in masks]


def predict(inputs: str | Path | list[str], out: Path, model: Path, **options: Any) -> Summary:
    return predict_folder("fetal_head", inputs, out, weights=model, spacing_mm=0.5, any_modality=True, **options)


def results(out: Path) -> dict[str, bytes]:
    """Tables and pictures."""
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.suffix in (".csv", ".png", ".gz")}


def test_names_are_those_of_a_folder(bucket: Bucket, folder: Path) -> None:
    address = bucket.put_folder(folder, "in")
    assert names(address) == names(f"{address}/") == names(str(folder)) != []
    assert names(f"file://{folder}") == names(str(folder))
    assert names(f"{address}/p1/a.png") == [("a.png", "a")]
    assert names([f"{address}/p1/a.png", f"{address}/p2/a.png"]) == [("p1/a.png", "p1/a"), ("p2/a.png", "p2/a")]
    assert names([f"{address}/p1/a.png", f"{address}/p1/a.png", str(folder / "b.png")]) == [("a.png", "a"), ("b.png", "b")]


def test_results_are_those_of_a_folder(bucket: Bucket, folder: Path, tiny_model: Path, tmp_path: Path) -> None:
    (folder / "cine.dcm").write_bytes(dicom_bytes(picture()))
    (folder / "volume.nii.gz").write_bytes(nifti_bytes(picture()[..., None], suffix=".nii.gz"))
    (folder / "broken.png").write_bytes(PNG[:100])
    save = ("mask", "overlay", "nifti")
    here = predict(folder, tmp_path / "here", tiny_model, save=save)
    there = predict(bucket.put_folder(folder, "in"), tmp_path / "there", tiny_model, save=save)
    assert (there.done, there.failed, there.left_out) == (here.done, here.failed, here.left_out) and there.failed == 1
    assert results(tmp_path / "there") == results(tmp_path / "here") != {}


def test_resume_goes_by_the_content(bucket: Bucket, folder: Path, tiny_model: Path, tmp_path: Path) -> None:
    address, out = bucket.put_folder(folder, "in"), tmp_path / "out"
    first = predict(address, out, tiny_model)
    assert predict(address, out, tiny_model, resume=True).skipped == first.done
    bucket.put("in/b.png", pillow_bytes(picture()[::-1], "PNG"))
    again = predict(address, out, tiny_model, resume=True)
    assert (again.done, again.skipped) == (1, first.done - 1)


def test_lists_name_objects(bucket: Bucket, folder: Path, tiny_model: Path, tmp_path: Path) -> None:
    address = bucket.put_folder(folder, "in")
    text, datalist = tmp_path / "files.txt", tmp_path / "list.json"
    text.write_text(f"{address}/p1/a.png\n{address}/p2/a.png\n{address}/none.png\nfile://{folder}/b.png\n")
    summary = predict([str(text)], tmp_path / "out", tiny_model)
    rows = list(read_table(tmp_path / "out" / "results.csv"))
    assert (summary.done, summary.failed) == (3, 1)
    assert [str(row["file"]).rpartition("/in/")[2] for row in rows] == ["p1/a.png", "p2/a.png", "none.png", "b.png"]
    assert "no such object" in str(rows[2]["message"])
    datalist.write_text(json.dumps({"test": [{"image": f"{address}/p1/a.png", "spacing_mm": [0.1, 0.2]}]}))
    (item,) = find_inputs([datalist], objects=True)
    assert isinstance(item, ObjectInput) and item.spacing_mm == (0.1, 0.2) and item.size == len(PNG)


def test_credentials_in_a_list_are_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "files.txt").write_text("s3://key:SECRET@bucket/a.png\n")
    with pytest.raises(UsageError, match="leave it out") as caught:
        find_inputs([tmp_path / "files.txt"], objects=True)
    assert "SECRET" not in str(caught.value)


def test_hostile_names_are_failed_rows(bucket: Bucket, tiny_model: Path, tmp_path: Path) -> None:
    hostile = ("../up.png", "in//double.png", "zero\0.png", "l" * 300 + ".png", "x/../../y.png")
    for name in (*hostile, "A.png", "a.png", "f.png", "f.png/g.png", "a b'.png"):
        bucket.put(f"in/{name}", PNG)
    summary = predict(f"{bucket.address}/in", tmp_path / "out" / "deep", tiny_model, save=("mask",))
    rows = list(read_table(tmp_path / "out" / "deep" / "results.csv"))
    assert (summary.done, summary.failed, len(rows)) == (4, 6, 10)
    assert {str(row["file"]) for row in rows if row["status"] != "failed"} == {"A.png", "a.png", "f.png/g.png", "a b'.png"}
    assert sum("rename the object" in str(row["message"]) for row in rows) == 6
    masks = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png") if path.is_file()}
    assert masks == {f"deep/masks/{name}.png" for name in ("A", "a", "f.png/g", "a b'")}
    assert predict(f"{bucket.address}/in", tmp_path / "out" / "deep", tiny_model, save=("mask",), resume=True).skipped == 4


def test_a_huge_object_is_refused_before_it_is_fetched(
    bucket: Bucket, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    get = Store.get

    def noting(self: Store, address: str, path: Path) -> None:
        fetched.append(address)
        get(self, address, path)

    monkeypatch.setattr(Store, "get", noting)
    small = bucket.put("in/small.png", PNG)
    bucket.put("in/huge.png", PNG + bytes(5000))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "small.png").write_bytes(PNG)
    (tmp_path / "in" / "huge.png").write_bytes(PNG + bytes(5000))
    limits = Limits(max_file_bytes=len(PNG))
    assert predict(f"{bucket.address}/in", tmp_path / "there", tiny_model, limits=limits).failed == 1
    assert fetched == [small]
    predict(tmp_path / "in", tmp_path / "here", tiny_model, limits=limits)
    assert results(tmp_path / "there") == results(tmp_path / "here")


def test_results_of_a_run_are_no_inputs(bucket: Bucket, folder: Path, tiny_model: Path, tmp_path: Path) -> None:
    predict(folder, tmp_path / "in" / "out", tiny_model, save=("mask",))
    address = bucket.put_folder(folder, "in")
    assert names(address) == names(str(folder))
    assert names(f"{address}/out/masks") == names(str(folder / "out" / "masks")) != []
    assert find_inputs([address, str(folder)], leave_out=[f"{address}/p1", folder], objects=True)[1].file.endswith("in/Z.png")


def test_what_is_no_image_is_skipped_when_its_turn_comes(bucket: Bucket, tiny_model: Path, tmp_path: Path) -> None:
    for name, content in {"Makefile": b"all:", "empty": b"", "IM1": PNG}.items():
        bucket.put(f"in/{name}", content)
    summary = predict(f"{bucket.address}/in", tmp_path / "out", tiny_model)
    assert (summary.done, summary.without_picture) == (1, {"no image by its first bytes": 2})


@pytest.mark.parametrize("name", ["none", "texts"])
def test_nothing_there(name: str, bucket: Bucket) -> None:
    bucket.put("texts/a.txt", b"")
    with pytest.raises(ImageError, match="no such object, and no images below it"):
        find_inputs([f"{bucket.address}/{name}"], objects=True)


def test_no_bucket() -> None:
    with pytest.raises(UsageError, match="names no bucket"):
        find_inputs(["s3://"], objects=True)


def test_an_object_that_vanishes_is_a_failed_row_and_a_silent_store_ends_the_run(
    bucket: Bucket, folder: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, get = bucket.put_folder(folder, "in"), Store.get

    def vanishing(self: Store, address: str, path: Path) -> None:
        if address.endswith("/b.png"):
            bucket.files.rm_file(address)
        get(self, address, path)

    monkeypatch.setattr(Store, "get", vanishing)
    summary = predict(address, tmp_path / "out", tiny_model)
    assert summary.failed == 1 and "no such object" in next(iter(summary.failures))

    def silent(self: Store, address: str, path: Path) -> None:
        raise OutputError("the store does not answer")

    monkeypatch.setattr(Store, "get", silent)
    with pytest.raises(OutputError, match="does not answer"):
        predict(address, tmp_path / "other", tiny_model)


def test_a_proposal_looks_at_copies(bucket: Bucket, folder: Path) -> None:
    address = bucket.put_folder(folder, "in")
    here, there = (_some_images(find_inputs([place], objects=True)) for place in (folder, address))
    assert len(here) == 6 and all((one.pixels == other.pixels).all() for one, other in zip(here, there, strict=True))


def test_only_runs_read_objects(bucket: Bucket) -> None:
    with pytest.raises(UsageError, match="this command reads local files: copy the objects first"):
        find_inputs([bucket.put("a.png", PNG)])
