"""Tests of usseg_monai.transforms.sector_fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom.sequence import Sequence
from scipy import ndimage

from tests.imaging.samples import dicom_bytes, ultrasound_region
from usseg_monai.errors import ImageError
from usseg_monai.geometry.sector import Floats, Sector
from usseg_monai.imaging import GreyImage, read_image
from usseg_monai.imaging.image import Region
from usseg_monai.tasks.nerve.phantom import nerve_phantom
from usseg_monai.transforms.sector_fit import DARK, FEWEST_ROWS, LEAN, NEAR_EDGE_PX, fit_sector

CURVED = Sector((150, -60), 80, 300, -0.6, 0.55), (260, 300)
PHASED = Sector((150, 5), 0, 200, -0.7, 0.7), (220, 300)
CUT = Sector((150, -60), 90, 330, -0.75, 0.6), (230, 300)  # by the picture's sides, and by its top
MILLIMETRES = Sector((60, -20), 20, 90, -0.5, 0.7, (0.3, 0.4)), (330, 330)


def picture(sector: Sector, shape: tuple[int, int], speckle: bool = False) -> Floats:
    drawn: Floats = 100.0 * sector.mask(shape)
    return drawn * np.random.default_rng(0).rayleigh(1, shape) if speckle else drawn


@pytest.mark.parametrize("speckle", [False, True])
@pytest.mark.parametrize(("truth", "shape"), [CURVED, PHASED, CUT, MILLIMETRES])
def test_the_geometry_is_found_to_a_pixel(truth: Sector, shape: tuple[int, int], speckle: bool) -> None:
    found = fit_sector(picture(truth, shape, speckle), truth.spacing)
    pixel = max(truth.spacing)
    assert found.apex == pytest.approx(truth.apex, abs=pixel)
    assert (found.left, found.right) == pytest.approx((truth.left, truth.right), abs=0.002)
    radius, _ = truth.polar(*np.meshgrid(np.arange(shape[1]), np.arange(shape[0])))
    visible = radius[truth.mask(shape)]
    assert found.near == pytest.approx(visible.min(), abs=2 * pixel) and found.far == pytest.approx(visible.max(), abs=2 * pixel)


def test_letters_a_grey_bar_and_a_dark_cyst_beside_and_in_it_do_not_matter() -> None:
    truth, shape = CURVED
    drawn = picture(truth, shape)
    drawn[20:120, :4] = 200  # a bar of grey values
    drawn[5:12, 10:30:4] = 255  # letters
    drawn[100:160, 20:110] = 0  # dark up to the edge
    found = fit_sector(drawn)
    assert found.apex == pytest.approx(truth.apex, abs=2) and found.left == pytest.approx(truth.left, abs=0.01)


def test_a_region_bounds_the_search_and_gives_the_pixel_size() -> None:
    """As of a DICOM file with a second view beside the first."""
    truth, shape = MILLIMETRES
    both = np.zeros((400, 700), np.float32)
    both[30 : 30 + shape[0], 40 : 40 + shape[1]] = picture(truth, shape)
    both[:, 400:690] = 150
    image = GreyImage(both, None, regions=(Region(30, 30 + shape[0], 40, 40 + shape[1], truth.spacing),))
    found = fit_sector(image)
    assert found.spacing == truth.spacing
    assert found.apex == pytest.approx((truth.apex[0] + 40 * 0.4, truth.apex[1] + 30 * 0.3), abs=0.4)
    assert (found.near, found.far) == pytest.approx((truth.near, truth.far), abs=0.8)


def test_the_region_of_a_dicom_file_counts() -> None:
    """A region of 0.3 x 0.4 mm a pixel, beside the machine's grey scale and under a line of text."""
    truth, shape = MILLIMETRES
    screen = np.zeros((400, 500), np.uint8)
    screen[40 : 40 + shape[0], 100 : 100 + shape[1]] = picture(truth, shape)
    screen[10:20, 20:400:6] = 255
    screen[60:260, 20:40] = np.linspace(255, 0, 200)[:, None].astype(np.uint8)
    region = ultrasound_region((100, 40, 100 + shape[1] - 1, 40 + shape[0] - 1), (0.03, 0.04))
    found = fit_sector(read_image(dicom_bytes(screen, SequenceOfUltrasoundRegions=Sequence([region]))))
    assert found.spacing == pytest.approx((0.3, 0.4))
    assert found.apex == pytest.approx((truth.apex[0] + 100 * 0.4, truth.apex[1] + 40 * 0.3), abs=0.4)
    assert (found.left, found.right, found.near, found.far) == pytest.approx((truth.left, truth.right, truth.near, truth.far), abs=0.8)


def test_the_pixel_size_of_a_picture_that_was_read_counts() -> None:
    truth, shape = MILLIMETRES
    assert fit_sector(GreyImage(picture(truth, shape).astype(np.float32), truth.spacing)).spacing == truth.spacing


def test_a_real_picture(data_root: Path) -> None:
    """HC18's 642_HC: a curved probe, cut at the top; its sides were read off by hand at two rows."""
    (file,) = (path for path in (data_root / "hc18").rglob("642_HC.png"))
    found = fit_sector(read_image(file))
    for angle, points in ((found.left, [(164, 0), (2, 377)]), (found.right, [(627, 0), (783, 392)])):
        for col, row in points:
            assert found.apex[0] + np.tan(angle) * (row - found.apex[1]) == pytest.approx(col, abs=12)


def test_a_linear_probe_has_no_sector() -> None:
    with pytest.raises(ImageError, match="straight side"):
        fit_sector(nerve_phantom(1).image)


def test_a_black_picture_has_none() -> None:
    with pytest.raises(ImageError, match="black"):
        fit_sector(np.zeros((50, 50)))


def sloping(lean: float, rows: int = 120) -> Floats:
    """A trapezoid whose sides lean outwards by so many columns per row."""
    down, across = np.mgrid[:rows, :200]
    drawn: Floats = 100.0 * (np.abs(across - 99.5) < 30 + lean * down)
    return drawn


@pytest.mark.parametrize(("lean", "found"), [(LEAN * 1.1, True), (LEAN * 0.9, False)])
def test_sides_must_lean_outwards(lean: float, found: bool) -> None:
    if found:
        assert np.tan(fit_sector(sloping(lean)).right) == pytest.approx(lean, abs=0.01)
    else:
        with pytest.raises(ImageError, match=r"straight side leans|straight side of the sector"):
            fit_sector(sloping(lean))


@pytest.mark.parametrize(("rows", "found"), [(FEWEST_ROWS + 1, True), (FEWEST_ROWS - 1, False)])
def test_sides_must_be_seen_on_some_rows(rows: int, found: bool) -> None:
    drawn = np.zeros((100, 200))
    drawn[40 : 40 + rows] = sloping(0.5, rows)
    if found:
        assert np.tan(fit_sector(drawn).right) == pytest.approx(0.5, abs=0.05)
    else:
        with pytest.raises(ImageError, match=f"{FEWEST_ROWS} are needed"):
            fit_sector(drawn)


@pytest.mark.parametrize(("ground", "found"), [(DARK * 0.9, True), (DARK * 1.1, False)])
def test_the_ground_may_be_nearly_black(ground: float, found: bool) -> None:
    drawn = np.maximum(sloping(0.5) / 100, ground)
    if found:
        fit_sector(drawn)
    else:
        with pytest.raises(ImageError, match="straight side"):
            fit_sector(drawn)


@pytest.mark.parametrize(("jag", "found"), [(int(NEAR_EDGE_PX), True), (int(6 * NEAR_EDGE_PX), False)])
def test_the_sides_must_be_straight(jag: int, found: bool) -> None:
    """Every second band of seven rows is wider: on a line are all 28 rows, or half of them."""
    drawn = np.zeros((100, 200))
    drawn[40:68] = sloping(0.5, 28)
    for start in (47, 61):
        drawn[start : start + 7] = ndimage.grey_dilation(drawn[start : start + 7], size=(1, 2 * jag + 1))
    if found:
        assert np.tan(fit_sector(drawn).right) == pytest.approx(0.5, abs=0.05)
    else:
        with pytest.raises(ImageError, match=f"{FEWEST_ROWS} are needed"):
            fit_sector(drawn)
