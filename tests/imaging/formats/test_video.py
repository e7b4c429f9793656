"""Videos: grey values as they are shown, orientation, times, and what is refused."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from tests.imaging.samples import COLS, ROWS, picture, pillow_bytes, video_bytes
from usseg_monai.errors import ImageError
from usseg_monai.imaging import Limits, read_frames, read_image
from usseg_monai.imaging.formats.video import CODECS, LARGEST_ASPECT, is_video, open_video
from usseg_monai.imaging.grey import to_grey

pytest.importorskip("av")

EVEN = picture()[:36, :52]
LOSSLESS = ("mp4", "png", "gray")


def grey(data: bytes, index: int = 0) -> npt.NDArray[np.float32]:
    return to_grey(open_video(data, Limits()).load(index))


def steps(count: int) -> list[npt.NDArray[np.uint8]]:
    """Frames that are told apart by their mean."""
    return [np.full((ROWS, COLS), 20 + 10 * number, np.uint8) for number in range(count)]


@pytest.mark.parametrize("container", ["mp4", "mov", "avi"])
def test_every_frame_is_read_once_and_in_the_order_of_showing(container: str, tmp_path: Path) -> None:
    """With B-frames, which are stored in another order."""
    frames = [np.roll(EVEN, 2 * number, axis=1) for number in range(12)]
    avi: tuple[str, Any] = "mpeg4", {"bf": "2", "qscale": "1", "flags": "+qscale"}
    codec, options = avi if container == "avi" else ("libx264", {"bf": "3", "qp": "0"})
    path = tmp_path / f"clip.{container}"
    path.write_bytes(video_bytes(frames, container, codec, **options))
    found = list(read_frames(path))
    assert [image.source.frame for image in found] == list(range(12))
    assert {(image.source.frames, image.source.format, image.spacing_mm) for image in found} == {(12, "video", None)}
    for image, true in zip(found, frames, strict=True):
        assert np.abs(image.pixels - true).mean() < (8 if container == "avi" else 1)
        assert min(range(12), key=lambda other: float(np.abs(image.pixels - frames[other]).mean())) == image.source.frame


@pytest.mark.parametrize(
    ("container", "codec", "pixels", "tolerance"),
    [
        ("mp4", "libx264", "yuv420p", 1),  # black is stored as 16, white as 235
        ("mp4", "libx264", "yuvj420p", 1),  # black is stored as 0
        ("mp4", "libx264", "yuv444p", 1),
        ("avi", "mjpeg", "yuvj444p", 25),
        ("avi", "rawvideo", "gray", 0),
        ("avi", "rawvideo", "bgr24", 0),
        ("mov", "rawvideo", "rgb24", 0),
        ("avi", "rawvideo", "yuyv422", 1),
        ("mov", "rawvideo", "uyvy422", 1),
        ("avi", "huffyuv", "rgb24", 0),
        ("avi", "rawvideo", "pal8", 0),
        ("mov", "qtrle", "rgb24", 0),
        ("mov", "png", "gray", 0),
    ],
)
def test_grey_is_what_a_player_shows(container: str, codec: str, pixels: str, tolerance: int) -> None:
    data = _paletted() if pixels == "pal8" else video_bytes([EVEN] * 2, container, codec, pixels)
    assert np.abs(grey(data, 1) - EVEN).max() <= tolerance


def avi_bytes(pictures: Sequence[bytes], shape: tuple[int, int], packing: bytes = bytes(4), bits: int = 24, palette: bytes = b"") -> bytes:
    """An AVI file of these pictures, as frame grabbers write it."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)

    (rows, cols), count = shape, len(pictures)
    main = struct.pack("<14I", 40_000, 0, 0, 0, count, 0, 1, 0, cols, rows, 0, 0, 0, 0)
    stream = struct.pack("<4s4sIHHIIIIIIIIhhhh", b"vids", packing, 0, 0, 0, 0, 1, 25, 0, count, 0, 0, 0, 0, 0, cols, rows)
    kind = struct.pack("<IiiHH4sIiiII", 40, cols, rows, 1, bits, packing, 0, 0, 0, len(palette) // 4, 0) + palette
    head = chunk(b"LIST", b"hdrl" + chunk(b"avih", main) + chunk(b"LIST", b"strl" + chunk(b"strh", stream) + chunk(b"strf", kind)))
    return chunk(b"RIFF", b"AVI " + head + chunk(b"LIST", b"movi" + b"".join(chunk(b"00dc", picture) for picture in pictures)))


def _paletted() -> bytes:
    """An uncompressed AVI of 8 bits with a palette of greys, its rows from below."""
    palette = b"".join(bytes((value, value, value, 0)) for value in range(256))
    return avi_bytes([EVEN[::-1].tobytes()] * 2, EVEN.shape, bits=8, palette=palette)


@pytest.mark.parametrize("pixels", ["gray10le", "yuv420p10le", "yuv422p10le", "yuv444p10le"])
def test_ten_bits_keep_their_depth(pixels: str) -> None:
    deep = EVEN.astype(np.uint16) * 4
    found = grey(video_bytes([deep], "mov", "libx264", pixels, stored="gray10le"))
    # libx264 spoils eight of the 1872 samples in one video of several hundred, so the largest difference is not asserted
    assert found.max() > 1000 and np.quantile(np.abs(found - deep), 0.99) <= 2


def test_times_are_those_of_the_frames_however_irregular() -> None:
    times = [0, 40, 80, 300, 310, 1000]
    frames = open_video(video_bytes(steps(6), *LOSSLESS, times=times), Limits())
    assert frames.place is not None
    assert [frames.place(index).time_ms for index in range(6)] == pytest.approx(times, abs=0.1)


def test_times_without_stamps_follow_the_rate() -> None:
    frames = open_video(video_bytes(steps(3), "avi", "rawvideo", "gray"), Limits())
    assert frames.place is not None
    assert [frames.place(index).time_ms for index in range(3)] == pytest.approx([0, 40, 80])


def with_matrix(data: bytes, *entries: int) -> bytes:
    """The file with another display matrix in its track header: how x and y of the picture follow from those stored."""
    at = data.index(b"tkhd") + 4 + 4 + 20 + 8 + 8  # version, times and number, reserved, layer to reserved
    x_of_x, y_of_x, x_of_y, y_of_y = (entry * 65536 for entry in entries)
    matrix = struct.pack(">9i", x_of_x, y_of_x, 0, x_of_y, y_of_y, 0, 0, 0, 1 << 30)
    return data[:at] + matrix + data[at + 36 :]


@pytest.mark.parametrize(
    ("entries", "shown"),
    [
        ((1, 0, 0, 1), picture()),
        ((0, 1, -1, 0), np.rot90(picture(), -1)),  # a quarter clockwise, as a telephone held upright writes it
        ((0, -1, 1, 0), np.rot90(picture())),
        ((-1, 0, 0, -1), picture()[::-1, ::-1]),
        ((-1, 0, 0, 1), picture()[:, ::-1]),
        ((1, 0, 0, -1), picture()[::-1]),
        ((1, 1, -1, 1), picture()),  # between the quarters: left as it is
    ],
)
def test_the_picture_is_turned_as_its_header_says(entries: tuple[int, int, int, int], shown: npt.NDArray[np.uint8]) -> None:
    assert np.array_equal(grey(with_matrix(video_bytes([picture()], *LOSSLESS), *entries)), shown)


@pytest.mark.parametrize(("aspect", "shape"), [(Fraction(2), (ROWS, 2 * COLS)), (Fraction(1, 2), (2 * ROWS, COLS)), (None, (ROWS, COLS))])
def test_pixels_become_square(aspect: Fraction | None, shape: tuple[int, int]) -> None:
    found = grey(video_bytes([picture()], *LOSSLESS, aspect=aspect))
    assert found.shape == shape
    assert abs(found.mean() - picture().mean()) < 1.5


def test_deep_pixels_become_square() -> None:
    deep = EVEN.astype(np.uint16) * 4
    found = grey(video_bytes([deep], "mov", "libx264", "yuv420p10le", stored="gray10le", aspect=Fraction(2)))
    assert found.shape == (36, 104) and found.max() > 1000 and np.array_equal(found, np.rint(found))


def test_an_aspect_beyond_the_bound_is_refused() -> None:
    assert grey(video_bytes([picture()], *LOSSLESS, aspect=Fraction(LARGEST_ASPECT))).shape == (ROWS, LARGEST_ASPECT * COLS)
    with pytest.raises(ImageError, match=r"pixels of 5:1: at most 4:1"):
        open_video(video_bytes([picture()], *LOSSLESS, aspect=Fraction(LARGEST_ASPECT + 1)), Limits())
    with pytest.raises(ImageError, match="pixels of 1:5"):
        open_video(video_bytes([picture()], *LOSSLESS, aspect=Fraction(1, LARGEST_ASPECT + 1)), Limits())


@pytest.mark.parametrize("container", ["mp4", "mov", "avi"])
def test_sound_is_ignored(container: str) -> None:
    frames = open_video(video_bytes([EVEN] * 5, container, "mpeg4", sound=True), Limits())
    assert frames.count == 5 and frames.load(4).shape == EVEN.shape


def test_a_file_of_sound_holds_no_pictures() -> None:
    import av

    buffer = BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=44100, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4410), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44100
        file.mux(stream.encode(silence))
        file.mux(stream.encode())
    with pytest.raises(ImageError, match="holds no moving pictures"):
        grey(buffer.getvalue())


def test_frames_can_be_read_in_any_order(tmp_path: Path) -> None:
    data = video_bytes(steps(9), *LOSSLESS)
    frames = open_video(data, Limits())
    for index in (5, 2, 2, 8, 0):
        assert frames.load(index).mean() == 20 + 10 * index
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    assert read_image(path, frame=7).pixels.mean() == 90
    assert read_image(data, frame=0).pixels.mean() == 20
    with pytest.raises(ImageError, match="no frame 9; the file has 9"):
        read_image(path, frame=9)


def test_bounds_of_the_number_of_frames_hold_exactly() -> None:
    data = video_bytes(steps(4), *LOSSLESS)
    assert open_video(data, Limits(max_frames=4)).count == 4
    assert open_video(data, Limits(max_file_pixels=4 * ROWS * COLS)).count == 4
    with pytest.raises(ImageError, match="4 frames: more than 3"):
        open_video(data, Limits(max_frames=3))
    with pytest.raises(ImageError, match="more than 7843 pixels per file"):
        open_video(data, Limits(max_file_pixels=4 * ROWS * COLS - 1))


def test_bounds_hold_for_the_picture_that_is_shown() -> None:
    data = video_bytes([picture()], *LOSSLESS, aspect=Fraction(2))
    assert open_video(data, Limits(max_pixels=2 * ROWS * COLS)).count == 1
    with pytest.raises(ImageError, match="106 columns: more than"):
        open_video(data, Limits(max_pixels=2 * ROWS * COLS - 1))


def test_a_frame_of_another_size_is_refused() -> None:
    pictures = [pillow_bytes(each, "JPEG") for each in (EVEN, EVEN, picture())]
    frames = open_video(avi_bytes(pictures, EVEN.shape, b"MJPG"), Limits())
    assert frames.count == 3 and frames.load(1).shape == EVEN.shape
    with pytest.raises(ImageError, match="frames of different sizes, 36 rows x 52 columns and 37 rows x 53 columns"):
        frames.load(2)


def test_empty_chunks_are_no_frames() -> None:
    """Recorders that drop a frame write one."""
    picture_bytes = pillow_bytes(EVEN, "JPEG")
    frames = open_video(avi_bytes([picture_bytes, b"", picture_bytes], EVEN.shape, b"MJPG"), Limits())
    assert frames.count == 2 and frames.load(1).shape == EVEN.shape


@pytest.mark.parametrize("container", ["mp4", "avi"])
def test_a_file_that_was_cut_says_so(container: str) -> None:
    data = video_bytes([EVEN] * 8, container, "mpeg4")
    for length in (len(data) - 1, len(data) // 2):
        with pytest.raises(ImageError, match="the file was cut"):
            open_video(data[:length], Limits())


@pytest.mark.parametrize(("container", "codec", "pixels"), [("mov", "png", "gray"), ("mp4", "libx264", "yuv420p")])
def test_a_damaged_frame_ends_the_file_and_is_not_made_up(container: str, codec: str, pixels: str, tmp_path: Path) -> None:
    import av

    data = bytearray(video_bytes([np.roll(EVEN, 3 * number, axis=1) for number in range(6)], container, codec, pixels))
    with av.open(BytesIO(bytes(data))) as file:
        fourth = [packet for packet in file.demux(video=0) if packet.size][3]
    assert fourth.pos is not None
    middle = fourth.pos + fourth.size // 2
    data[middle : middle + 10] = bytes(10)
    path = tmp_path / f"clip.{container}"
    path.write_bytes(data)
    images = read_frames(path)
    assert [next(images).source.frame for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ImageError, match=rf"clip\.{container}: damaged"):
        next(images)


def test_a_file_that_ends_early_says_how_far_it_goes() -> None:
    """The second of two pictures is no picture."""
    frames = open_video(avi_bytes([pillow_bytes(EVEN, "JPEG"), b"nothing"], EVEN.shape, b"MJPG"), Limits())
    assert frames.load(0).shape == EVEN.shape
    with pytest.raises(ImageError, match=r"ends after 1 of 2 frames|Invalid data"):
        frames.load(1)


def test_a_codec_that_is_not_read_is_named() -> None:
    assert "gif" not in CODECS
    data = video_bytes([EVEN], "avi", "wmv2")
    with pytest.raises(ImageError, match=r"a video packed by wmv2, which is not read; convert it"):
        grey(data)


def test_without_pyav_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImageError, match=r"read with PyAV: pip install 'usseg-monai\[video\]'"):
        open_video(bytes(_boxes()), Limits())


def _boxes() -> Iterator[int]:
    yield from b"\0\0\0\x14ftypisom\0\0\0\0isom"


@pytest.mark.parametrize(
    ("head", "video"),
    [
        (b"\0\0\0\x14ftypisom", True),
        (b"\0\0\0\x14ftypqt  ", True),
        (b"\0\0\0\x08wide\0\0\0\0mdat", True),
        (b"\0\0\0\x14ftypavif", False),
        (b"RIFF\0\0\0\0WEBP", False),
        (b"\x1a\x45\xdf\xa3", False),
    ],
)
def test_kinds_are_told_by_their_first_bytes(head: bytes, video: bool) -> None:
    assert is_video(head) is video


def test_the_program_itself_never_decodes_a_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from usseg_monai.imaging import decode

    def refuse(*_: Any) -> None:
        raise AssertionError("decoded here")

    monkeypatch.setattr(decode, "open_frames", refuse)
    path = tmp_path / "clip.mp4"
    path.write_bytes(video_bytes([picture()], *LOSSLESS))
    assert read_image(path).pixels.shape == (ROWS, COLS)
    assert read_image(path.read_bytes()).pixels.shape == (ROWS, COLS)
