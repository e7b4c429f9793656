"""Which pictures stay as they are, and how the others are stretched."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.imaging.drawing.display import DARK, to_display


def picture(bright: float, share: float, *, low: float = 0.0) -> np.ndarray:
    """1000 pixels, of which a share is bright and the rest low."""
    pixels = np.full(1000, low, np.float32)
    pixels[: round(share * 1000)] = bright
    return pixels.reshape(20, 50)


@pytest.mark.parametrize(("low", "high"), [(0, 255), (10, 255), (1, 254), (0, 200.75)])
def test_what_has_the_range_of_a_screen_stays(low: float, high: float) -> None:
    pixels = np.linspace(low, high, 1000, dtype=np.float32).reshape(20, 50)
    np.testing.assert_array_equal(to_display(pixels), pixels.astype(np.uint8))


@pytest.mark.parametrize("bounds", [(0, 256), (-1, 255), (0, 4095), (-1024, 3000), (0, 65535)])
def test_any_other_range_is_stretched_by_its_percentiles(bounds: tuple[float, float]) -> None:
    low, high = bounds
    pixels = np.linspace(low, high, 10_001, dtype=np.float32).reshape(73, 137)
    shown = to_display(pixels).ravel()
    assert (shown == 0).mean() == pytest.approx(0.005 + 0.99 * 0.5 / 255, abs=0.001)  # and half a grey
    assert (shown == 255).mean() == pytest.approx(0.005 + 0.99 * 0.5 / 255, abs=0.001)
    share = (pixels.ravel() - low) / (high - low)
    np.testing.assert_allclose(shown, (255 * (share - 0.005) / 0.99).clip(0, 255), atol=1.01)


def test_one_hot_pixel_does_not_darken_the_rest() -> None:
    pixels = np.linspace(0, 500, 10_000, dtype=np.float32).reshape(100, 100)
    pixels[0, 0] = 60_000
    assert np.median(to_display(pixels)) == pytest.approx(127, abs=3)


@pytest.mark.parametrize(
    ("bright", "share", "dark"), [(DARK, 0.005, False), (DARK, 0.004, True), (DARK - 1, 0.5, True), (255, 0.005, False)]
)
def test_a_picture_is_dark_where_hardly_any_pixel_is_bright(bright: float, share: float, dark: bool) -> None:
    pixels = picture(bright, share, low=20)
    pixels[-3:] = np.linspace(0, 30, 150).reshape(3, 50)  # the rest is not of one value
    shown = to_display(pixels)
    assert np.array_equal(shown, pixels.astype(np.uint8)) is not dark
    if dark:
        assert (shown.min(), shown.max()) == (0, 255)


def test_a_small_structure_alone_stays_or_is_seen() -> None:
    on_screen, beyond = picture(128, 0.004), picture(4000, 0.004)
    np.testing.assert_array_equal(to_display(on_screen), on_screen.astype(np.uint8))
    np.testing.assert_array_equal(to_display(beyond), picture(255, 0.004).astype(np.uint8))


@pytest.mark.parametrize(("value", "shown"), [(0, 0), (7, 7), (255, 255), (256, 0), (-3, 0), (7e5, 0)])
def test_one_value(value: float, shown: int) -> None:
    assert (to_display(np.full((20, 20), value, np.float32)) == shown).all()
