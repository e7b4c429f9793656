"""Which values of a mask file are the structure."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from usseg_monai.errors import ImageError
from usseg_monai.imaging.mask_values import LEAST_GREY, MOST_GREY, find_rule

Grey = npt.NDArray[np.uint8]

ROWS, COLS = np.mgrid[:120, :160]
ELLIPSE = np.hypot((ROWS - 60) / 30, (COLS - 80) / 50) <= 1
WHITE = (255 * ELLIPSE).astype(np.uint8)


def mask_of(*frames: npt.NDArray[np.generic], label: int | None = None) -> npt.NDArray[np.uint8]:
    """Of the first of the frames of a file."""
    decoded = [np.asarray(frame, np.float32) for frame in frames]
    return find_rule(decoded, label).mask(decoded[0])


def jpeg(pixels: Grey, quality: int) -> Grey:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def labels(*values: int) -> Grey:
    """A background and three areas side by side."""
    areas = np.zeros(ROWS.shape, np.uint8)
    for number, value in enumerate(values):
        areas[np.hypot(ROWS - 60, COLS - 35 - 45 * number) <= 20] = value
    return areas


@pytest.mark.parametrize("value", [1, 3, 127, 254, 255, 65535, 0.5, -1])
def test_a_mask_of_two_values_is_exact(value: float) -> None:
    np.testing.assert_array_equal(mask_of(ELLIPSE * np.float32(value)), ELLIPSE)


@pytest.mark.parametrize("value", [1, 255, 65535, LEAST_GREY, 2, 3, LEAST_GREY - 1])
def test_a_value_that_may_be_a_label_is_said(value: int) -> None:
    said = f"the value of the structure is {value}" if 1 < value < LEAST_GREY else ""
    assert find_rule([np.float32(value) * ELLIPSE]).remark == said


def test_nothing_but_background_is_an_empty_mask() -> None:
    rule = find_rule([np.zeros((9, 9), np.float32)])
    assert rule.value is None and not rule.mask(np.zeros((9, 9), np.float32)).any()


@pytest.mark.parametrize("quality", [10, 50, 75, 95, 100])
def test_traces_of_jpeg_are_no_structure(quality: int) -> None:
    mask = mask_of(jpeg(WHITE, quality))
    assert (mask != ELLIPSE).sum() <= (8 if quality >= 50 else 60)  # of 4,713 pixels, 260 of them on the edge


@pytest.mark.parametrize("resample", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC])
@pytest.mark.parametrize("factor", [0.4, 0.5, 1.5, 2, 3, 8])
def test_grey_edges_of_a_changed_size_end_at_their_half(factor: float, resample: Image.Resampling) -> None:
    size = round(160 * factor), round(120 * factor)
    grey = np.array(Image.fromarray(WHITE).resize(size, resample))
    rule = find_rule([grey.astype(np.float32)])
    assert rule.mask(grey.astype(np.float32)).mean() == pytest.approx(ELLIPSE.mean(), rel=0.02)
    assert rule.remark == f"grey values between 0 and {grey.max()}: the border is at half of the maximum ({grey.max() / 2:g})"
    assert factor > 2 or (grey != 0).mean() > 1.03 * ELLIPSE.mean()  # what a border at 0 would add


@pytest.mark.parametrize("scale", [1.0, 0.8, 200.0])
def test_probabilities_end_at_half_of_their_maximum(scale: float) -> None:
    blurred = np.asarray(Image.fromarray(WHITE).filter(ImageFilter.GaussianBlur(3)), np.float32) / 255
    np.testing.assert_array_equal(mask_of(blurred * np.float32(scale)), blurred > blurred.max() / 2)


@pytest.mark.parametrize("values", [(1, 2, 3), (0, 1, 2), (85, 170, 255), (0, 127, 255), (50, 100, 255), (0, 1, 255), (100, 200, 250)])
def test_labels_are_told_from_grey_edges(values: tuple[int, int, int]) -> None:
    shown = ", ".join(str(value) for value in values if value)
    with pytest.raises(ImageError, match=f"^the mask holds the labels {shown}: say which is meant, by --label N"):
        mask_of(labels(*values))


def test_nested_labels_are_told_from_grey_edges() -> None:
    """Muscle of three pixels around the cavity."""
    distance = np.hypot(ROWS - 60, COLS - 80)
    with pytest.raises(ImageError, match="the labels 128, 255:"):
        mask_of(np.where(distance <= 20, 255, np.where(distance <= 23, 128, 0)))


def test_labels_of_many_structures_are_not_all_listed() -> None:
    cells = np.kron(np.arange(1, 101).reshape(10, 10), np.ones((6, 6)))
    with pytest.raises(ImageError, match=r"the labels \d+, .*, \.\.\.:"):
        mask_of(cells)


def test_labels_below_zero_are_labels() -> None:
    with pytest.raises(ImageError, match="the labels -1, 1:"):
        mask_of(labels(1, 0, 0).astype(np.int16) - labels(0, 1, 0))


@pytest.mark.parametrize(("top", "is_mask"), [(LEAST_GREY - 1, False), (LEAST_GREY, True)])
def test_greys_need_room(top: int, is_mask: bool) -> None:
    halves = np.where(ELLIPSE, top, 0)
    halves[60, 29:131:101] = top // 2  # two pixels at the edge
    if is_mask:
        assert mask_of(halves).sum() == ELLIPSE.sum() - ELLIPSE[60, 29:131:101].sum()
    else:
        with pytest.raises(ImageError, match="labels"):
            mask_of(halves)


def test_all_frames_of_a_file_say_what_its_values_mean() -> None:
    """A slice that shows one label alone is no plain mask."""
    for frames in ((labels(1, 0, 0), labels(1, 2, 3)), (labels(1, 0, 0), labels(3, 0, 0))):
        with pytest.raises(ImageError, match="the labels 1,"):
            mask_of(*frames)
    np.testing.assert_array_equal(mask_of(labels(1, 2, 3), labels(1, 0, 0), label=2), labels(0, 1, 0))


def test_the_maximum_is_that_of_the_file() -> None:
    """A slice beyond the end of a structure, which linear resampling left dim, is empty."""
    blurred = np.asarray(Image.fromarray(WHITE).filter(ImageFilter.GaussianBlur(2)), np.float32)
    assert not mask_of(blurred * np.float32(0.4), blurred).any()


@pytest.mark.parametrize("quality", [30, 60, 95])
@pytest.mark.parametrize("channels", [(0,), (1,), (2,), (0, 1), (0, 2)], ids=["red", "green", "blue", "yellow", "magenta"])
def test_coloured_masks_that_went_through_jpeg(channels: tuple[int, ...], quality: int) -> None:
    colours = np.zeros((*ELLIPSE.shape, 3), np.uint8)
    colours[..., channels] = WHITE[..., None]
    file = io.BytesIO()
    Image.fromarray(colours).save(file, "JPEG", quality=quality)
    assert (mask_of(np.array(Image.open(file).convert("L"))) != ELLIPSE).sum() <= 40  # of 4,713 pixels, 260 of them on the edge


@pytest.mark.parametrize(("top", "pixels", "border"), [(145, 200, 50), (146, 200, None), (145, 300, None)])
def test_overshoot_is_little_and_rare(top: int, pixels: int, border: float | None) -> None:
    grey = np.where(ELLIPSE, 100, 0)
    grey[0, :2] = 3, 4  # traces of JPEG
    rows, cols = (places[:: len(places) // pixels][:pixels] for places in np.nonzero(ELLIPSE & ((ROWS + COLS) % 2 == 0)))
    grey[rows, cols] = top
    frame = grey.astype(np.float32)
    if border is not None:
        rule = find_rule([frame])
        assert rule.border == border and "at half of 100, which only edges exceed (50)" in rule.remark
    else:
        with pytest.raises(ImageError, match=f"labels 100, {top}"):
            find_rule([frame])


def test_a_label_that_the_file_lacks_is_said() -> None:
    rule = find_rule([labels(1, 2, 0).astype(np.float32)], 3)
    assert rule.remark == "no pixel has the label 3" and not rule.mask(labels(1, 2, 0).astype(np.float32)).any()
    assert find_rule([labels(1, 2, 0).astype(np.float32)], 2).remark == ""


def test_values_on_both_sides_of_zero_are_no_mask() -> None:
    distance = 30 - np.hypot(ROWS - 60, COLS - 80)
    with pytest.raises(ImageError, match="values from -70 to 30 are not a mask"):
        mask_of(distance)


@pytest.mark.parametrize(("low", "is_mask"), [(-0.25, True), (-0.26, False)])
def test_splines_swing_below_zero(low: float, is_mask: bool) -> None:
    swinging = np.asarray(Image.fromarray(WHITE).filter(ImageFilter.GaussianBlur(1)), np.float32) / 255
    swinging[5, 5] = low
    if is_mask:
        np.testing.assert_array_equal(mask_of(swinging), swinging > 0.5)
    else:
        with pytest.raises(ImageError, match="are not a mask"):
            mask_of(swinging)


@pytest.mark.parametrize(("grey_rows", "is_mask"), [(round(MOST_GREY * 120), True), (round(MOST_GREY * 120) + 1, False)])
def test_a_picture_is_no_mask(grey_rows: int, is_mask: bool) -> None:
    noise = np.where(grey_rows > ROWS, np.random.default_rng(1).integers(30, 220, ROWS.shape), 255 * (ROWS > 100))
    if is_mask:
        assert mask_of(noise).any()
    else:
        with pytest.raises(ImageError, match="a picture, not a mask: 26 % of the pixels are neither dark nor bright; give the masks"):
            mask_of(noise)
