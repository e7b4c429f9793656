from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inputs.folders import make, named
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.naming import distinct_files, distinct_outputs, frame_output, part_masks


def test_equal_names_of_two_folders_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    make(tmp_path, "x/us/1.png", "y/us/1.png", "y/us/2.png")
    found = find_inputs([tmp_path / "x" / "us", tmp_path / "y" / "us"])
    assert named(found) == {"x/us/1.png": "x/us/1", "y/us/1.png": "y/us/1", "2.png": "2"}


def test_a_longer_name_may_not_meet_another_either(tmp_path: Path) -> None:
    make(tmp_path, "p/x/1.png", "q/x/1.png", "r/x/1.png")
    found = find_inputs([tmp_path / "p" / "x", tmp_path / "q" / "x" / "1.png", tmp_path / "r"])
    assert sorted(named(found)) == ["p/x/1.png", "q/x/1.png", "r/x/1.png"]


def test_names_that_differ_by_suffix_keep_it(tmp_path: Path) -> None:
    make(tmp_path, "a.png", "a.jpg", "b.png")
    assert named(find_inputs([tmp_path])) == {"a.jpg": "a.jpg", "a.png": "a.png", "b.png": "b"}
    make(tmp_path, "a.png.tif")
    assert named(find_inputs([tmp_path])) == {"a.jpg": "a.jpg", "a.png": "a.png_", "a.png.tif": "a.png.tif", "b.png": "b"}


def test_names_that_frames_of_another_file_could_take_are_avoided(tmp_path: Path) -> None:
    make(tmp_path, "cine.tif", "cine_frame003.png", "x_frame001.png", "x_frame002.png")
    assert named(find_inputs([tmp_path])) == {
        "cine.tif": "cine",
        "cine_frame003.png": "cine_frame003.png",
        "x_frame001.png": "x_frame001",
        "x_frame002.png": "x_frame002",
    }


def parted(*arguments: Path) -> tuple[list[str], list[tuple[str, str]]]:
    images, masks = part_masks(find_inputs(arguments))
    return [image.file for image in images], [(mask.file, image) for mask, image in masks]


def test_masks_of_data_sets_are_told_from_their_images(tmp_path: Path) -> None:
    busi = ("benign (1).png", "benign (1)_mask.png", "benign (1)_mask_1.png", "benign (1)_mask_2.png")
    make(tmp_path, "000_HC.png", "000_HC_Annotation.png", "1_1.tif", "1_1_mask.tif", "s/x.JPG", "s/x_MASK.png", *busi)
    assert parted(tmp_path) == (
        ["000_HC.png", "1_1.tif", "benign (1).png", "s/x.JPG"],
        [
            ("000_HC_Annotation.png", "000_HC.png"),
            ("1_1_mask.tif", "1_1.tif"),
            *((name, "benign (1).png") for name in busi[1:]),
            ("s/x_MASK.png", "s/x.JPG"),
        ],
    )


def test_names_that_only_look_like_masks_are_images(tmp_path: Path) -> None:
    """Without its image, or with it in another folder, or with more in the name."""
    names = ["_mask.png", "1_masked.png", "1.png", "2_mask.png", "a/1_mask.png", "unmask.png"]
    assert parted(make(tmp_path, *names)) == (sorted(names), [])


def test_what_the_user_names_or_chooses_is_an_image(tmp_path: Path) -> None:
    make(tmp_path, "1.png", "1_mask.png")
    assert parted(tmp_path / "1.png", tmp_path / "1_mask.png") == (["1.png", "1_mask.png"], [])
    assert parted(tmp_path, tmp_path / "1_mask.png") == (["1.png", "1_mask.png"], [])
    assert parted(tmp_path / "*_mask.png") == (["1_mask.png"], [])
    assert parted(tmp_path / "*.png") == (["1.png"], [("1_mask.png", "1.png")])


def test_what_is_not_there_is_no_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "1.png", "empty/notes.txt")
    monkeypatch.chdir(tmp_path / "empty")
    assert parted(Path("."), Path("../1.png"), Path("../1_mask.png")) == (["empty", "1.png", "1_mask.png"], [])


def test_names_of_frames() -> None:
    assert frame_output("a", 0, 1) == "a"
    assert [frame_output("a", frame, 1200) for frame in (0, 7, 1100)] == ["a_frame000", "a_frame007", "a_frame1100"]


PART = st.sampled_from(["a", "b", "a.png", "a.jpg", "a_frame003", "a_frame003.png", "a.png_", "b.PNG"])


@given(st.sets(st.tuples(PART, PART, PART), min_size=1, max_size=12), st.randoms())
def test_outputs_are_unique_whatever_the_inputs(parts: set[tuple[str, str, str]], random: object) -> None:
    paths = [str(Path("/", *path).absolute()) for path in sorted(parts)]
    depths = [1 + hash(path) % 3 for path in paths]
    files = distinct_files(list(zip(paths, depths, strict=True)))
    outputs = distinct_outputs(files)
    frames = {frame_output(name, frame, 9) for name in outputs for frame in range(9)}
    assert len(set(files)) == len(set(outputs)) == len(paths)
    assert frames.isdisjoint(outputs)
