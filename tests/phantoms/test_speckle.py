"""The scatterer model obeys the statistics of speckle."""

from __future__ import annotations

import numpy as np
import pytest

from usseg_monai.phantoms.speckle import PointSpread, convolve, envelope, log_compress, scatter, smooth_noise

RAYLEIGH_SNR = np.sqrt(np.pi / (4 - np.pi))


def _flat_echo(looks: int, per_sample: float = 4.0, level: float = 1.0) -> np.ndarray:
    flat = np.full((300, 300), level, np.float32)
    return envelope(np.random.default_rng(3), flat, 0 * flat, PointSpread(1.5, 2.0), looks=looks, per_sample=per_sample)[10:-10, 10:-10]


def test_fully_developed_speckle_is_rayleigh() -> None:
    echo = _flat_echo(looks=1)
    assert echo.mean() / echo.std() == pytest.approx(RAYLEIGH_SNR, abs=0.06)
    # The whole distribution, not its two moments alone: quantiles of Rayleigh's law with the same power.
    quantiles = np.array([0.1, 0.25, 0.5, 0.75, 0.9, 0.99])
    expected = np.sqrt(-np.log(1 - quantiles) * (echo**2).mean())
    assert np.quantile(echo, quantiles) == pytest.approx(expected, rel=0.04)


def test_sparse_scatterers_are_spikier_than_rayleigh() -> None:
    echo = _flat_echo(looks=1, per_sample=0.01)
    assert echo.mean() / echo.std() < 1.3


def test_speckle_contrast_falls_with_the_root_of_looks() -> None:
    one, four = ((echo**2).std() / (echo**2).mean() for echo in (_flat_echo(looks=1), _flat_echo(looks=4)))
    assert one == pytest.approx(1.0, abs=0.06)  # power of Rayleigh speckle is exponential
    assert four == pytest.approx(one / 2, abs=0.05)


def test_snr_does_not_depend_on_brightness() -> None:
    dim, bright = _flat_echo(looks=1, level=0.01), _flat_echo(looks=1, level=1.0)
    assert bright == pytest.approx(100 * dim, rel=1e-3)


def test_speckle_is_as_large_as_the_point_spread() -> None:
    power = _flat_echo(looks=1) ** 2
    power = power - power.mean()
    for axis, sigma in ((0, 1.5), (1, 2.0)):
        for lag in (1, 2, 3):
            shifted = np.roll(power, lag, axis)
            # The power of a field blurred by a Gaussian has the autocorrelation exp(-lag^2 / (2 sigma^2)).
            assert (power * shifted).mean() / power.var() == pytest.approx(np.exp(-(lag**2) / (2 * sigma**2)), abs=0.05)


def test_scatter_has_unit_power_and_no_preferred_phase() -> None:
    field = scatter(np.random.default_rng(0), (300, 300), per_sample=2.0)
    assert field.dtype == np.complex64
    assert (np.abs(field) ** 2).mean() == pytest.approx(1.0, abs=0.03)
    assert abs(field.mean()) < 0.02


def test_convolution_has_the_kernels_shape_and_does_not_wrap() -> None:
    field = np.zeros((40, 50), np.complex64)
    field[1, 20] = 1
    out = convolve(field, PointSpread(2.0, 3.0), keep="sum").real
    assert [int(index) for index in np.unravel_index(out.argmax(), out.shape)] == [1, 20]
    assert out[1, 23] / out[1, 20] == pytest.approx(np.exp(-0.5), rel=1e-3)
    assert out[3, 20] / out[1, 20] == pytest.approx(np.exp(-0.5), rel=1e-3)
    assert np.abs(out[-8:]).max() < 1e-6  # the impulse beside the first row leaves no trace at the last


def test_convolution_keeps_what_it_says() -> None:
    wide = np.ones((60, 60), np.complex64)
    assert convolve(wide, PointSpread(2, 2), keep="sum")[30, 30].real == pytest.approx(1.0, rel=1e-4)
    noise = scatter(np.random.default_rng(1), (300, 300))
    blurred = convolve(noise, PointSpread(2, 2), keep="power")[10:-10, 10:-10]
    assert (np.abs(blurred) ** 2).mean() == pytest.approx(1.0, abs=0.05)


def test_kernel_wider_than_the_field() -> None:
    field = np.ones((8, 8), np.complex64)
    assert np.isfinite(convolve(field, PointSpread(9, 9), keep="sum")).all()


def test_log_compression_is_linear_in_decibels_and_clips() -> None:
    echo = (10 ** (np.array([20.0, 0.0, -15.0, -30.0, -60.0, -90.0]) / 20)).astype(np.float32)
    assert log_compress(echo) == pytest.approx([1, 1, 0.75, 0.5, 0, 0], abs=1e-5)
    assert log_compress(echo, gamma=2.0)[3] == pytest.approx(0.25, abs=1e-5)


def test_smooth_noise_is_smooth_and_standardised() -> None:
    y, x = (axis.astype(np.float32) for axis in np.mgrid[:600, :600])
    noise = smooth_noise(np.random.default_rng(0), x, y, (12.0, 6.0), octaves=3)
    assert abs(noise.mean()) < 0.05
    assert noise.std() == pytest.approx(1.0, abs=0.1)
    assert np.abs(np.diff(noise, axis=0)).max() < 2.5
    coarse = smooth_noise(np.random.default_rng(0), x, y, (12.0, 6.0))
    assert np.diff(coarse, axis=0).std() > 1.5 * np.diff(coarse, axis=1).std()  # rows run along y, whose scale is half
