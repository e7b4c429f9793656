"""Ellipses against closed forms."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.special import ellipe

from tests.tasks.fetal_head.heads import fill
from usseg_monai.geometry.ellipse import Ellipse, Points, _consensus, _from_conic, fit_ellipse, fit_ellipse_robust
from usseg_monai.geometry.runs import edge_points, find_runs

ellipses = st.builds(
    lambda row, col, long, ratio, angle: Ellipse(row, col, long, ratio * long, angle),
    st.floats(-100, 100),
    st.floats(-100, 100),
    st.floats(10, 300),
    st.floats(0.4, 0.97),
    st.floats(-89, 90),
)


def assert_same(found: Ellipse | None, truth: Ellipse, tolerance: float) -> None:
    assert found is not None
    assert found.center_row == pytest.approx(truth.center_row, abs=tolerance)
    assert found.center_col == pytest.approx(truth.center_col, abs=tolerance)
    assert found.semi_major == pytest.approx(truth.semi_major, abs=tolerance)
    assert found.semi_minor == pytest.approx(truth.semi_minor, abs=tolerance)
    turn = math.radians(found.angle_deg - truth.angle_deg)
    assert abs(math.sin(turn)) * (truth.semi_major - truth.semi_minor) < 2 * tolerance
    assert -90 < found.angle_deg <= 90


@settings(max_examples=40, deadline=None)
@given(st.floats(1, 1000), st.floats(0.5, 1))
def test_perimeter_is_the_elliptic_integral(long: float, ratio: float) -> None:
    exact = 4 * long * ellipe(1 - ratio**2)
    assert Ellipse(0, 0, long, ratio * long, 0).perimeter == pytest.approx(exact, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(ellipses)
def test_points_lie_on_the_ellipse(ellipse: Ellipse) -> None:
    assert np.abs(ellipse.distances(ellipse.points(36))).max() < 1e-9


def test_points_go_around_once_in_equal_steps() -> None:
    points = Ellipse(5, 7, 2, 2, 0).points(12)
    assert points.shape == (13, 2)
    assert points[12] == pytest.approx(points[0])
    assert np.diff(points, axis=0) ** 2 @ [1, 1] == pytest.approx(np.full(12, (4 * math.sin(math.pi / 12)) ** 2))


def test_distances_of_a_circle_to_first_order() -> None:
    circle = Ellipse(0, 0, 100, 100, 0)
    assert circle.distances(np.array([[101.0, 0], [0, 99.0]])) == pytest.approx([1, -1], abs=0.01)


@settings(max_examples=40, deadline=None)
@given(ellipses)
def test_normals_point_outwards(ellipse: Ellipse) -> None:
    points = ellipse.points(36)
    assert (ellipse.distances(points + 1e-3 * ellipse.normals(points)) > 0).all()


@settings(max_examples=40, deadline=None)
@given(ellipses)
def test_spans_are_the_ellipse(ellipse: Ellipse) -> None:
    points = ellipse.points(36)
    left, right = ellipse.spans(points[:, 0])
    nearest = np.minimum(np.abs(left - points[:, 1]), np.abs(right - points[:, 1]))
    assert nearest.max() < 1e-3
    assert (ellipse.spans(np.array([1e4]))[0] == ellipse.spans(np.array([1e4]))[1]).all()


@pytest.mark.parametrize("angle", [0, 30, 45, 60, 89.5, 90, -45, -89.5])
def test_angle_is_counter_clockwise_as_seen(angle: float) -> None:
    tip = Ellipse(0, 0, 10, 5, angle).points(4)[0]
    assert tip == pytest.approx([-10 * math.sin(math.radians(angle)), 10 * math.cos(math.radians(angle))])
    found = fit_ellipse(Ellipse(0, 0, 10, 5, angle).points(12))
    assert found is not None and found.angle_deg == pytest.approx(angle)


@settings(max_examples=40, deadline=None)
@given(ellipses)
def test_fits_return_the_ellipse_of_exact_points(ellipse: Ellipse) -> None:
    points = ellipse.points(60)[:-1]
    assert_same(fit_ellipse(points), ellipse, 1e-6)
    assert_same(fit_ellipse_robust(points), ellipse, 1e-6)


@pytest.mark.parametrize("turn", np.linspace(0, 2 * math.pi, 9))
@pytest.mark.parametrize("ratio", [0.6, 0.8, 0.97])
def test_robust_fit_ignores_a_straight_cut(ratio: float, turn: float) -> None:
    truth = Ellipse(150, 150, 100, 100 * ratio, 33)
    row, col = np.indices((300, 300)) - 150
    along = row * math.sin(turn) + col * math.cos(turn)
    mask = fill(truth, (300, 300))
    mask &= along < 0.4 * along[mask].max()  # 30 % of the extent is hidden
    assert_same(fit_ellipse_robust(edge_points(find_runs(mask))), truth, 0.5)


@pytest.mark.parametrize("angle", [0, 20, 45, 77, 90, -33])
@pytest.mark.parametrize(("long", "short"), [(20, 15), (60, 40.3), (150.2, 149)])
def test_filled_ellipses_are_found_without_bias(angle: float, long: float, short: float) -> None:
    truth = Ellipse(160.3, 165.8, long, short, angle)
    found = fit_ellipse_robust(edge_points(find_runs(fill(truth, (330, 330)))))
    assert found is not None
    assert found.perimeter == pytest.approx(truth.perimeter, abs=0.5)
    assert (found.center_row, found.center_col) == pytest.approx((160.3, 165.8), abs=0.1)


@pytest.mark.parametrize(
    "points",
    [np.empty((0, 2)), np.ones((4, 2)), np.ones((50, 2)), np.stack([np.arange(50.0)] * 2, axis=1)],
    ids=["none", "four", "one place", "a line"],
)
def test_points_without_an_ellipse(points: npt.NDArray[np.float64]) -> None:
    assert fit_ellipse(points) is None
    assert fit_ellipse_robust(points) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 40))
def test_random_points_give_an_ellipse_or_none(seed: int, count: int) -> None:
    found = fit_ellipse_robust(np.random.default_rng(seed).uniform(0, 50, (count, 2)))
    assert found is None or (0 < found.semi_minor <= found.semi_major and math.isfinite(found.perimeter))


def test_the_robust_fit_has_the_efficiency_of_its_constants() -> None:
    """Tukey's biweight at 4.685 standard deviations keeps 95 % of the efficiency for normal errors, which needs the scale from the median
    distance times 1.4826; without that factor the cut is at 3.16 standard deviations, which keeps about 80 %."""
    generator = np.random.default_rng(0)
    truth = Ellipse(0, 0, 100, 80, 20)
    points, normals = truth.points(120), truth.normals(truth.points(120))
    sizes = []
    for _ in range(250):
        noisy = points + normals * generator.normal(0, 1, (len(points), 1))
        plain, robust = fit_ellipse_robust(noisy, truth, noise=1000), fit_ellipse_robust(noisy, truth, noise=1e-9)
        assert plain is not None and robust is not None
        sizes.append([[fit.center_row, fit.center_col, fit.semi_major, fit.semi_minor] for fit in (plain, robust)])
    plain_variance, robust_variance = np.var(sizes, axis=0).sum(axis=1)
    assert plain_variance / robust_variance == pytest.approx(0.95, abs=0.05)


@pytest.mark.parametrize(("off", "plain"), [(0.049, True), (0.051, False)])
def test_the_plain_fit_is_taken_where_no_point_lies_off(off: float, plain: bool) -> None:
    """Off by more than a twentieth of the points' spread."""
    points = Ellipse(0, 0, 50, 50, 0).points(4000)[:-1]

    def moved(by: float) -> Points:
        outlier: Points = points.copy()
        outlier[0, 1] += by
        return outlier

    def share(by: float) -> float:
        fit, spread = fit_ellipse(moved(by)), np.sqrt((points**2).sum(axis=1).mean())
        assert fit is not None
        return float(np.abs(fit.distances(moved(by))).max() / spread)

    by = min(np.arange(2.0, 3.2, 0.005), key=lambda by: abs(share(by) - off))
    assert share(by) == pytest.approx(off, abs=2e-4)
    assert (_consensus(moved(by)) == fit_ellipse(moved(by))) == plain


def _fitzgibbon(points: Points) -> Ellipse | None:
    """The same fit from its definition: the least |D a|^2 where 4 AC - B^2 = 1, by the generalised eigenvalues of Fitzgibbon's paper."""
    center = points.mean(axis=0)
    y, x = (points - center).T / 10
    design = np.stack([x * x, x * y, y * y, x, y, np.ones_like(x)], axis=1)
    constraint = np.zeros((6, 6))
    constraint[0, 2] = constraint[2, 0] = 2
    constraint[1, 1] = -1
    values, vectors = linalg.eig(design.T @ design, constraint)
    (chosen,) = np.flatnonzero(np.isfinite(values) & (values.real > 0))
    conic = vectors[:, chosen].real
    return _from_conic(conic * math.copysign(1, conic[0]), center, 10)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 1), st.floats(0.5, 2 * math.pi))
def test_noisy_points_have_the_least_algebraic_distance(seed: int, ratio: float, arc: float) -> None:
    generator = np.random.default_rng(seed)
    turn = generator.uniform(0, arc, 30)
    points = np.stack([40 + 20 * ratio * np.sin(turn), 60 + 20 * np.cos(turn)], axis=1) + generator.normal(0, 1, (30, 2))
    truth, found = _fitzgibbon(points), fit_ellipse(points)
    assert truth is not None and found is not None
    assert (found.center_row, found.center_col) == pytest.approx((truth.center_row, truth.center_col), rel=1e-3)
    assert (found.semi_major, found.semi_minor) == pytest.approx((truth.semi_major, truth.semi_minor), rel=1e-3)


@pytest.mark.parametrize(
    "conic",
    [
        [1, 0, 0, 0, 1, 0],  # a parabola, y = -x^2
        [1, 2, 1, 0, 0, -1],  # two parallel lines
        [1, 0, -1, 0, 0, -1],  # a hyperbola
        [1, 0, 1, 0, 0, 1],  # an imaginary circle
        [1, 0, 1, 0, 0, 0],  # a point
    ],
)
def test_conics_that_are_no_ellipses(conic: list[float]) -> None:
    assert _from_conic(np.array(conic, np.float64), np.zeros(2), 1.0) is None
