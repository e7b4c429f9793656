"""Images and labels of a folder: ids, and what is never overwritten, dropped or reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.tiny import ellipse, save_picture
from usseg_monai.errors import ImageError, UsageError
from usseg_monai.label_app.studies import Conflict, Missing, Studies

MASK = ellipse()


@pytest.fixture
def studies(tmp_path: Path) -> Studies:
    for name in ("a.png", "b.c.PNG", "twin.png", "twin.jpg"):
        save_picture(tmp_path / "studies" / name)
    (tmp_path / "studies" / "notes.txt").write_text("no image")
    (tmp_path / "studies" / ".hidden.png").write_bytes(b"")
    save_picture(tmp_path / "studies" / "sub" / "below.png")
    save_picture(tmp_path / "outside.png")
    (tmp_path / "studies" / "link.png").symlink_to(tmp_path / "outside.png")
    return Studies(tmp_path / "studies")


def test_ids_are_stems_unless_two_files_share_one(studies: Studies) -> None:
    assert list(studies.images()) == ["a", "b.c", "twin.jpg", "twin.png"]
    assert studies.find("a").name == studies.find("a.png").name == "a.png"
    assert studies.id_of(studies.folder / "twin.jpg") == "twin.jpg"
    with pytest.raises(Missing, match=r"no image 'twin'.*twin\.jpg, twin\.png"):
        studies.find("twin")


@pytest.mark.parametrize("name", ["link", "below", "sub/below", ".hidden", "../outside", "../outside.png", "notes", ""])
def test_nothing_else_is_an_image(studies: Studies, name: str) -> None:
    with pytest.raises(Missing):
        studies.find(name)


def test_a_label_is_stored_on_the_grid_with_its_task(studies: Studies) -> None:
    studies.save_label("a", "final", 0, MASK, {"task": "x", "class": None, "note": 1})
    (label,) = studies.labels("final")
    assert (label.task, label.frame, label.image.name, label.info["empty"], label.info["note"]) == ("x", 0, "a.png", False, 1)
    assert np.array_equal(label.mask, MASK)
    studies.describe(label, {"note": 2, "task": "y", "empty": True})
    (label,) = studies.labels("final")
    assert label.info["note"] == 2 and label.task == "x" and not label.info["empty"]


def test_a_label_of_another_task_is_kept(studies: Studies) -> None:
    studies.save_label("a", "final", 0, MASK, {"task": "x"})
    studies.save_label("a", "final", 0, 0 * MASK, {"task": "x"})
    assert studies.label("a", "final").info["empty"]
    with pytest.raises(Conflict, match="has a label of x, not of y"):
        studies.save_label("a", "final", 0, MASK, {"task": "y"})
    studies.save_label("a", "original", 0, MASK, {"task": "y"})
    studies.save_label("a", "original", 1, MASK, {"task": "z"})  # predictions may be made again
    assert [label.task for label in studies.labels("original")] == ["z"]
    assert studies.label("a", "final").task == "x"


def test_frames_have_labels_of_their_own(studies: Studies) -> None:
    for frame in (3, 1):
        studies.save_label("a", "final", frame, MASK, {"task": "x"})
    assert [label.frame for label in studies.labels("final")] == [1, 3]
    assert studies.label("a", "final").frame == 1 and studies.label("a", "final", 3).frame == 3
    with pytest.raises(Missing, match="no label final of frame 2"):
        studies.label("a", "final", 2)
    studies.remove_label("a", "final")
    with pytest.raises(Missing, match="has no label final"):
        studies.label("a", "final")


def test_a_half_written_label_is_none(studies: Studies) -> None:
    label = studies.save_label("a", "final", 0, MASK, {"task": "x"})
    label.file.with_suffix(".json").write_text("{")
    assert studies.labels("final") == []


def test_an_image_is_added_once(studies: Studies, tmp_path: Path) -> None:
    content, other = ((save_picture(tmp_path / "more" / f"{axis}.png", ellipse(axes=(axis, 9)) * 200)).read_bytes() for axis in (8, 9))
    assert studies.add_image("new.png", content) == "new"
    studies.save_label("new", "final", 0, MASK, {"task": "x"})
    assert studies.add_image("new.png", content) == "new"
    with pytest.raises(Conflict, match="another file of this name"):
        studies.add_image("new.png", other)
    with pytest.raises(Conflict):
        studies.add_image("link.png", content)
    assert studies.label("new", "final").task == "x"
    studies.remove_image("new")
    assert "new" not in studies.images() and studies.labels("final") == []


@pytest.mark.parametrize("name", ["../x.png", "/x.png", "a/b.png", "a\\b.png", ".x.png", "", "C:x.png", "x\n.png", "x" * 200 + ".png"])
def test_odd_names_are_refused(studies: Studies, name: str) -> None:
    with pytest.raises(UsageError, match="no plain file name"):
        studies.add_image(name, b"")


def test_the_longest_name(studies: Studies) -> None:
    with pytest.raises(ImageError, match="not an image"):
        studies.add_image("x" * 196 + ".png", b"no image")


def test_only_images_are_added(studies: Studies) -> None:
    with pytest.raises(ImageError, match="none of the suffixes"):
        studies.add_image("x.txt", b"")
    with pytest.raises(ImageError):
        studies.add_image("x.png", b"no image")
    assert not (studies.folder / "x.png").exists()


@pytest.mark.parametrize("tag", ["../x", "/tmp/x", "", "finale"])
def test_only_two_tags_exist(studies: Studies, tag: str) -> None:
    with pytest.raises(Missing, match="the tags are final, original"):
        studies.save_label("a", tag, 0, MASK, {"task": "x"})
