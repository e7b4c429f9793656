"""Files are there whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.imaging.samples import l_mask, picture
from usseg_monai.errors import OutputError
from usseg_monai.files.png import write_png
from usseg_monai.files.write import atomic_path, write_text
from usseg_monai.imaging import read_image, read_mask


def test_grey_comes_back_in_its_place(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", l_mask() * 255)
    with Image.open(tmp_path / "a.png") as image:
        assert (image.size, image.mode) == ((53, 37), "L")
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), l_mask())


def test_colour_comes_back(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", np.dstack([picture()] * 3))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png").pixels, picture())


@pytest.mark.parametrize("rows", [1, 127, 128, 129, 300])
def test_colours_of_any_height_come_back_as_pillow_reads_them(rows: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(rows).integers(0, 256, (rows, 40, 3), np.uint8)
    wide = np.zeros((rows, 60, 3), np.uint8)
    wide[:, 10:50] = pixels
    for each in (pixels, wide[:, 10:50]):  # a part of a picture, too
        write_png(tmp_path / "a.png", each)
        with Image.open(tmp_path / "a.png") as image:
            image.load()
            assert (image.mode, image.size) == ("RGB", (40, rows))
            np.testing.assert_array_equal(np.asarray(image), pixels)


def test_only_bytes_are_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="float64"):
        write_png(tmp_path / "a.png", np.zeros((3, 3)))  # type: ignore[arg-type]


def test_text_keeps_its_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "a.txt", "ä\n\r\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"\xc3\xa4\n\r\n"


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failure_leaves_the_old_file_and_nothing_else(failure: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(failure), atomic_path(target) as temporary:
        temporary.write_text("half")
        assert temporary.parent == tmp_path and temporary.suffix == ".txt"
        raise failure
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_full_disk(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"a\.txt: cannot be written \(No space left on device\)") as caught,
        atomic_path(tmp_path / "a.txt"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_is_really_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "with_name", lambda path, name: Path("/dev/full"))
    monkeypatch.setattr(Path, "unlink", lambda path: None)
    with pytest.raises(OutputError, match="No space left"):
        write_png(tmp_path / "a.png", picture())


def test_a_file_in_the_way_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_text(tmp_path / "file" / "a.txt", "")


def test_a_folder_in_the_way_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt" / "b").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"a\.txt: cannot be written"):
        write_text(tmp_path / "a.txt", "")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("usseg_monai.files.write.os.replace", denied)  # root, as in containers, may write anywhere
    with pytest.raises(OutputError, match="Permission denied"):
        write_text(tmp_path / "a.txt", "")
    assert not list(tmp_path.iterdir())


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("precious")
    (tmp_path / "out").mkdir()
    link = tmp_path / "out" / "a.txt"
    link.symlink_to(outside)
    write_text(link, "new")
    assert outside.read_text() == "precious" and link.read_text() == "new" and not link.is_symlink()
