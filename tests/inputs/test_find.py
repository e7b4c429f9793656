from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.inputs.folders import make, named
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import is_image
from usseg_monai.runs.lock import lock_folder
from usseg_monai.runs.record import RunRecord, now


def test_a_folder_is_searched_with_its_folders_in_order(tmp_path: Path) -> None:
    make(tmp_path, "b.png", "a/2.DCM", "a/1.nii.gz", "notes.txt", "a/c/x.JPG", ".hidden.png", ".cache/y.png")
    found = find_inputs([tmp_path])
    assert named(found) == {"a/1.nii.gz": "a/1", "a/2.DCM": "a/2", "a/c/x.JPG": "a/c/x", "b.png": "b"}
    assert [item.path for item in found] == [str(tmp_path / item.file) for item in found] and not any(item.refusal for item in found)


def test_arguments_keep_their_order_and_a_file_is_taken_once(tmp_path: Path) -> None:
    make(tmp_path, "b.png", "a.png", "c.bin")
    found = find_inputs([tmp_path / "c.bin", str(tmp_path / "b.png"), tmp_path, tmp_path / "sub" / ".." / "a.png"])
    assert [item.file for item in found] == ["c.bin", "b.png", "a.png"]


def test_a_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "in/a/1.png")
    monkeypatch.chdir(tmp_path / "in")
    assert named(find_inputs(["."])) == {"a/1.png": "a/1"}
    assert named(find_inputs(["a/1.png"])) == {"1.png": "1"}


def test_dicom_files_without_a_suffix_are_found(tmp_path: Path) -> None:
    make(tmp_path, "README", "1.2.840.99", "MR.1.2.7", "notes.txt", "i2.MRDC.2")
    names = ["1.2.840.113", "HEART.MR.0001.IMA", "IM_0001", "MR.1.2.6", "i1.MRDC.1"]
    for name in names:
        (tmp_path / name).write_bytes(bytes(128) + b"DICM")
    found = find_inputs([tmp_path])
    assert named([item for item in found if is_image(item)]) == {name: name for name in names}
    # nothing was opened but up to the first
    assert [item.file for item in found] == sorted([*names, "1.2.840.99", "README", "MR.1.2.7", "i2.MRDC.2"])


@pytest.mark.parametrize("prepare", [lambda folder: None, lambda folder: make(folder, "notes.txt", "a/list.csv")])
def test_a_folder_without_images(prepare: Callable[[Path], None], tmp_path: Path) -> None:
    prepare(tmp_path)
    with pytest.raises(ImageError, match="a folder without images; give image files, or folders with images") as caught:
        find_inputs([tmp_path])
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def test_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no input"):
        find_inputs([])
    with pytest.raises(ImageError, match=r"none.png: no such file or folder.* \(and 1 more such inputs\)"):
        find_inputs([tmp_path / "none.png", tmp_path / "*.tif"])


def test_what_is_missing_does_not_stop_the_rest(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    (tmp_path / "empty").mkdir()
    found = find_inputs([tmp_path / "none.png", tmp_path / "empty", tmp_path / "a.png", tmp_path / "*.bmp"])
    assert [(item.file, item.refusal.partition(";")[0].rpartition(": ")[2]) for item in found] == [
        ("none.png", "no such file or folder"),
        ("empty", "a folder without images"),
        ("a.png", ""),
        ("*.bmp", "no image has such a name"),
    ]


def test_globs(tmp_path: Path) -> None:
    make(tmp_path, "p1/us/a.png", "p1/us/b.tif", "p2/us/a.png", "p2/ct/a.png", "p2/notes.txt", ".p3/us/a.png")
    assert named(find_inputs([tmp_path / "p*" / "us" / "*.png"])) == {"p1/us/a.png": "p1/us/a", "p2/us/a.png": "p2/us/a"}
    assert [item.file for item in find_inputs([tmp_path / "**" / "a.*"])] == ["p1/us/a.png", "p2/ct/a.png", "p2/us/a.png"]
    assert [item.file for item in find_inputs([str(tmp_path / "p[2-9]")])] == ["p2/ct/a.png", "p2/us/a.png"]


def test_a_name_with_brackets_is_no_glob(tmp_path: Path) -> None:
    make(tmp_path, "a[1].png", "a1.png")
    assert named(find_inputs([tmp_path / "a[1].png"])) == {"a[1].png": "a[1]"}


def test_links_out_of_the_folder_are_refused_and_not_followed(tmp_path: Path) -> None:
    outside, inside = make(tmp_path / "outside", "secret.png", "more/b.png"), make(tmp_path / "in", "a.png")
    (inside / "file.png").symlink_to(outside / "secret.png")
    (inside / "relative.png").symlink_to("../outside/secret.png")
    (inside / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (inside / "folder").symlink_to(outside)
    found = find_inputs([inside])
    refused = {item.file: item.refusal for item in found if item.refusal}
    assert [item.file for item in found] == ["a.png", "file.png", "folder", "gone.png", "relative.png"]
    assert sorted(refused) == ["file.png", "folder", "gone.png", "relative.png"]
    assert all(reason.startswith("a link that points out of the folder, not followed") for reason in refused.values())
    assert {item.file for item in find_inputs([inside / "*"]) if item.refusal} == set(refused)


def test_links_within_the_folder_and_links_that_are_named_are_followed(tmp_path: Path) -> None:
    inside = make(tmp_path / "in", "a/1.png")
    (inside / "again.png").symlink_to("a/1.png")
    (inside / "loop").symlink_to(inside)
    (tmp_path / "to_in").symlink_to(inside)
    assert not any(item.refusal for item in find_inputs([inside]))
    assert [item.file for item in find_inputs([inside])] == ["a/1.png", "again.png"]
    assert [item.file for item in find_inputs([tmp_path / "to_in"])] == ["a/1.png", "again.png"]
    assert [item.refusal for item in find_inputs([inside / "again.png"])] == [""]


def test_links_are_followed_wherever_they_point_if_asked_for(tmp_path: Path) -> None:
    store = make(tmp_path / "store", "ab/77.png", "ab/more/b.png")
    (store / "ab/77").write_bytes(bytes(128) + b"DICM")
    inside = make(tmp_path / "in", "a.png")
    (inside / "IM_0001").symlink_to(store / "ab/77")
    (inside / "file.png").symlink_to(store / "ab/77.png")
    (inside / "gone.png").symlink_to(store / "ab/78.png")
    (inside / "folder").symlink_to(store / "ab")
    (inside / "folder_again").symlink_to(store / "ab")
    (store / "ab/loop").symlink_to(inside)
    (store / "ab/more/up").symlink_to(store)
    os.mkfifo(store / "pipe")
    (inside / "pipe.png").symlink_to(store / "pipe")
    found = {item.file: item for item in find_inputs([inside], follow_links=True)}
    assert list(found) == ["IM_0001", "a.png", "file.png", "folder/77", "folder/77.png", "folder/more/b.png", "gone.png", "pipe.png"]
    assert {name for name, item in found.items() if item.unsure} == {"IM_0001", "folder/77"} and is_image(found["IM_0001"])
    assert found["gone.png"].refusal.startswith("a link to a file that is not there; fetch it first")
    assert found["pipe.png"].refusal.startswith("a pipe") and not any(found[name].refusal for name in ("IM_0001", "file.png", "folder/77"))
    assert {item.file for item in find_inputs([inside / "*"], follow_links=True)} >= set(found)
    assert not any("folder without" in item.refusal for item in find_inputs([inside, store / "ab"], follow_links=True))  # searched again


def test_a_folder_of_links_says_so(tmp_path: Path) -> None:
    (make(tmp_path, "store/77") / "in").mkdir()
    (tmp_path / "in/IM_0001").symlink_to(tmp_path / "store/77")
    with pytest.raises(
        ImageError, match=r"a folder without images, but with 1 links: .*IM_0001 is a link that points out of .*--follow-links"
    ):
        find_inputs([tmp_path / "in"])


def test_results_of_an_earlier_run_are_no_inputs(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "out/masks/a.png", "masks/b.png")
    assert [item.file for item in find_inputs([tmp_path], leave_out=[tmp_path / "out", tmp_path / "masks"])] == ["a.png"]
    assert [item.file for item in find_inputs([tmp_path / "**" / "*.png"], leave_out=[tmp_path / "out"])] == ["a.png", "masks/b.png"]
    assert [item.file for item in find_inputs([tmp_path / "*.png"], leave_out=[tmp_path])] == ["a.png"]


def test_results_of_any_run_are_no_inputs_unless_they_are_named(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a.png",
        "out/masks/a.png",
        "out/overlays/a.png",
        "out/studies/a.png",
        "out/nifti/a.nii.gz",
        "out/b.png",
        "masks/c.png",
        "other/masks/d.png",
    )
    with lock_folder(tmp_path / "out") as held:
        RunRecord(held, {"task": "nerve"}, now(), total=0)
    (tmp_path / "other/run.json").write_text('{"task": "of another program"}')
    expected = ["a.png", "masks/c.png", "other/masks/d.png", "out/b.png"]
    assert [item.file for item in find_inputs([tmp_path])] == expected
    assert [item.file for item in find_inputs([tmp_path / "**/*.png"])] == expected
    assert [item.file for item in find_inputs([tmp_path / "out"])] == ["b.png"]
    for chosen in (tmp_path / "out/masks", tmp_path / "out/masks/*.png", tmp_path / "out/masks/a.png"):
        assert [item.file for item in find_inputs([chosen])] == ["a.png"]
    assert [item.file for item in find_inputs([tmp_path / "*/masks/*.png"])] == ["other/masks/d.png", "out/masks/a.png"]


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.png", "closed/b.png")
    scandir = os.scandir

    def deny(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    found = find_inputs([tmp_path])
    assert [(item.file, item.refusal) for item in found] == [
        ("a.png", ""),
        ("closed", "the folder cannot be read (Permission denied); check its permissions"),
    ]
