"""What every format gives, and what bad files say."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.imaging.samples import (
    COLS,
    FORMATS,
    ROWS,
    SPACING_MM,
    SUFFIX,
    WITH_SPACING,
    l_mask,
    mask_sample,
    picture,
    pillow_bytes,
    png_of_zeros,
    sample,
    tiff_pages,
)
from usseg_monai.errors import ImageError
from usseg_monai.imaging import GreyImage, Limits, is_image_name, read_frames, read_image, read_mask

Save = Callable[..., Path]
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def save(data: bytes, name: str = "file.png") -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return save


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_the_picture_upright(name: str, save: Save) -> None:
    path = save(sample(name), f"x{SUFFIX[name]}")
    image = read_image(path)
    assert image.pixels.shape == (ROWS, COLS) and image.pixels.dtype == np.float32
    assert np.abs(image.pixels - picture()).max() <= (1 if name == "jpeg" else 0)
    assert image.spacing_mm == (SPACING_MM if name in WITH_SPACING else None)
    assert (image.source.path, image.source.frame, image.source.frames) == (path, 0, 1)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_mask_in_its_place(name: str, save: Save) -> None:
    mask = read_mask(save(mask_sample(name), f"x{SUFFIX[name]}"))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, l_mask())


@pytest.mark.parametrize("name", FORMATS)
def test_the_content_of_a_file_is_as_good_as_the_file(name: str, save: Save) -> None:
    content, read = read_image(sample(name)), read_image(save(sample(name)))
    assert content.source.path == Path("bytes") and replace(content, source=read.source) == read
    np.testing.assert_array_equal(read_mask(mask_sample(name)), l_mask())


def test_content_that_is_not_cheap_is_decoded_in_another_process_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    images = list(read_frames(tiff_pages([picture(), 255 - picture()])))
    assert [(image.source.path, image.source.frame, image.source.frames) for image in images] == [
        (Path("bytes"), 0, 2),
        (Path("bytes"), 1, 2),
    ]
    np.testing.assert_array_equal(images[1].pixels, 255 - picture())
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ImageError, match=r"^bytes: no frame 2"):
        read_image(tiff_pages([picture(), picture()]), frame=2)


def test_content_has_the_limits_of_a_file() -> None:
    with pytest.raises(ImageError, match=r"^bytes: the file is empty"):
        read_image(b"")
    with pytest.raises(ImageError, match=r"^bytes: \d+ bytes: more than 99"):
        read_image(sample(FORMATS[0]), limits=Limits(max_file_bytes=99))


@pytest.mark.parametrize("name", FORMATS)
def test_the_name_of_a_file_does_not_matter(name: str, save: Save) -> None:
    kinds = {"mha": "metaimage", **dict.fromkeys(("mp4", "mov", "avi"), "video")}
    assert read_image(save(sample(name), "file")).source.format == kinds.get(name.split("_")[0], name.split("_")[0])


@pytest.mark.parametrize("name", FORMATS)
def test_a_cut_file_is_an_error_of_one_line(name: str, save: Save) -> None:
    data = sample(name)
    path = save(data[: len(data) * 9 // 10], "cut")
    with pytest.raises(ImageError, match=r"^cut: ") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_frames_come_one_by_one(save: Save) -> None:
    path = save(tiff_pages([picture(), picture().T.copy(), picture() // 2]), "pages.tif")
    first, second, third = read_frames(path)
    np.testing.assert_array_equal(second.pixels, picture().T)
    np.testing.assert_array_equal(third.pixels, picture() // 2)
    assert [image.source.frame for image in (first, second, third)] == [0, 1, 2] and first.source.frames == 3
    np.testing.assert_array_equal(read_image(path, frame=1).pixels, picture().T)


def test_a_frame_that_is_not_there(save: Save) -> None:
    path = save(sample("png"))
    for frame in (-1, 1):
        with pytest.raises(ImageError, match=f"no frame {frame}; the file has 1"):
            read_image(path, frame=frame)


def test_names_of_images() -> None:
    assert all(is_image_name(f"a{suffix.upper()}") for suffix in SUFFIX.values())
    assert not any(map(is_image_name, ("a", "a.gz", "a.txt", "png", "a.gif")))


def test_empty_file(save: Save) -> None:
    with pytest.raises(ImageError, match=r"file\.png: the file is empty \(0 bytes\)"):
        read_image(save(b""))


def test_text_named_png(save: Save) -> None:
    with pytest.raises(ImageError, match="not an image: the content is not PNG"):
        read_image(save(b"hello, this is a text\n"))


def test_gzip_of_text(save: Save) -> None:
    for text in (b"hello", b"hello" * 1000):
        with pytest.raises(ImageError):
            read_image(save(gzip.compress(text), "file.nii.gz"))


def test_zero_size(save: Save) -> None:
    with pytest.raises(ImageError):
        read_image(save(png_of_zeros(0, 100)))


def test_one_pixel(save: Save) -> None:
    with pytest.raises(ImageError, match="1 rows x 1 columns: too small to hold a structure; at least 8 x 8"):
        read_image(save(pillow_bytes(np.ones((1, 1), np.uint8), "PNG")))


def test_one_pixel_is_read_when_the_limit_says_so(save: Save) -> None:
    path = save(pillow_bytes(np.full((1, 1), 7, np.uint8), "PNG"))
    assert read_image(path, limits=Limits(min_side=1)).pixels.tolist() == [[7]]


def test_20000_x_20000_names_the_size_and_the_limit(save: Save) -> None:
    path = save(png_of_zeros(20_000, 20_000))
    with pytest.raises(ImageError, match=r"20000 rows x 20000 columns: more than 16777216 pixels .* Limits\(max_pixels="):
        read_image(path)


def test_the_limit_can_be_set(save: Save) -> None:
    path = save(png_of_zeros(5000, 4000))
    assert read_image(path, limits=Limits(max_pixels=20_000_000)).pixels.shape == (5000, 4000)
    with pytest.raises(ImageError, match="more than 1000 pixels"):
        read_image(save(sample("png")), limits=Limits(max_pixels=1000))


def test_a_file_that_is_too_large_is_not_read(save: Save) -> None:
    with pytest.raises(ImageError, match="128 bytes: more than 100"):
        read_image(save(sample("png")), limits=Limits(max_file_bytes=100))


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"absent\.png: cannot be read \(No such file"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(ImageError):
        read_image(tmp_path)


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "/dev/stdin"])
def test_what_is_no_file_is_not_even_opened(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if not os.path.exists(path) or os.path.isfile(path):
        pytest.skip(f"no device {path} here")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    with pytest.raises(ImageError, match="not a regular file"):
        read_image(path)


@pytest.mark.parametrize("change", [b"more", b""], ids=["grows", "is emptied"])
def test_a_file_that_changes_while_it_is_read(change: bytes, save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(sample("png"))
    fstat = os.fstat

    def change_after(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        if status.st_ino == inode:
            with path.open("ab" if change else "wb") as file:
                file.write(change)
        return status

    inode = path.stat().st_ino
    monkeypatch.setattr(os, "fstat", change_after)
    with pytest.raises(ImageError, match=r"file\.png: its size changed while it was read"):
        read_image(path)


def test_a_file_that_there_is_not_enough_memory_for(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    from usseg_monai.imaging.formats import raster

    def short(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(raster, "open_raster", short)
    with pytest.raises(ImageError, match=r"file\.png: not enough memory to decode it"):
        read_image(save(sample("png")))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="not a regular file"):
        read_image(tmp_path / "pipe.png")


def test_a_message_stays_one_line_whatever_the_name(save: Save) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(save(b"", "two\nlines.png"))
    assert str(caught.value).startswith("two?lines.png: ")


def test_a_message_is_printable_whatever_the_file_holds(save: Save) -> None:
    with pytest.raises(ImageError, match="photometric interpretation of no standard") as caught:
        read_image(save(sample("dicom").replace(b"MONOCHROME2", b"MONO\x03HROME2")))
    assert str(caught.value).isprintable()


def test_folders_stay_out_of_the_message(save: Save, tmp_path: Path) -> None:
    with pytest.raises(ImageError) as caught:
        read_image(save(b""))
    assert str(tmp_path) not in str(caught.value)


def test_importing_loads_no_decoder() -> None:
    code = "import sys, usseg_monai.imaging; print(*{'PIL', 'pydicom', 'nibabel', 'itk', 'torch'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == ""


def test_a_real_image_is_as_its_bytes_say(hc18: Path) -> None:
    path = min((hc18 / "training_set").glob("*HC.png"))
    image = read_image(path)
    assert isinstance(image, GreyImage)
    assert image.pixels.shape[0] > 500 and 100 < image.pixels.max() <= 255 and image.spacing_mm is None
