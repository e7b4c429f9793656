"""What every metric and its handler promise, as MONAI's own do."""

from __future__ import annotations

import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from ignite.engine import Engine
from monai.data import DataLoader, MetaTensor
from monai.engines import SupervisedEvaluator
from monai.handlers import IgniteMetricHandler, from_engine
from monai.metrics import CumulativeIterationMetric
from torch import Tensor

from usseg_monai import metrics
from usseg_monai.errors import UsageError
from usseg_monai.metrics import ContourHandler, MeasurementHandler, MeasurementMetric, PixelAccuracyHandler, PixelAccuracyMetric
from usseg_monai.tasks import get_task

HEADS = ("fetal_head", "head_circumference_mm")
PAIRS: list[tuple[Any, Any]] = [
    (lambda: metrics.ContourMetric(), lambda **more: ContourHandler("hd95_mm", **more)),
    (lambda: MeasurementMetric(*HEADS), lambda **more: MeasurementHandler(*HEADS, **more)),
    (lambda: PixelAccuracyMetric(), lambda **more: PixelAccuracyHandler(**more)),
]
by_pair = pytest.mark.parametrize(("make_metric", "make_handler"), PAIRS, ids=["contours", "measurement", "pixels"])
MM = 0.5


def disc(radius: float) -> Tensor:
    """A disc on ``(1, W, H)``."""
    across, down = torch.meshgrid(torch.arange(120.0), torch.arange(100.0), indexing="ij")
    return (torch.hypot(across - 60, down - 50) < radius).float()[None]


def labelled(radius: float, spacing_mm: Any = (MM, MM)) -> MetaTensor:
    return MetaTensor(disc(radius), meta={"spacing_mm": np.array(spacing_mm)})


def called(metric: CumulativeIterationMetric, found: Any, true: Any) -> Tensor:
    keywords = {"spacing": (MM, MM)} if isinstance(metric, metrics.ContourMetric) else {"spacing_mm": [(MM, MM)] * len(true)}
    rows = metric(found, true, **keywords)
    assert isinstance(rows, Tensor)
    return rows


def test_every_metric_has_a_handler() -> None:
    kinds = {name: getattr(metrics, name) for name in metrics.__all__}
    assert all(issubclass(kinds[name], CumulativeIterationMetric) for name in kinds if name.endswith("Metric"))
    assert all(issubclass(kinds[name], IgniteMetricHandler) for name in kinds if name.endswith("Handler"))
    assert {name[:-6] for name in kinds if name.endswith("Metric")} == {name[:-7] for name in kinds if name.endswith("Handler")}
    assert len(PAIRS) * 2 == len(kinds)


@by_pair
def test_batches_and_lists_give_the_same(make_metric: Any, make_handler: Any) -> None:
    found, true = [disc(22), disc(30)], [disc(20), disc(31)]
    first, second = make_metric(), make_metric()
    rows = called(first, found, true)
    assert torch.equal(rows, called(second, torch.stack(found), torch.stack(true)))
    one_by_one = make_metric()
    for pair in zip(found, true, strict=True):
        called(one_by_one, [pair[0]], [pair[1]])
    assert str(one_by_one.aggregate()) == str(first.aggregate())


@by_pair
def test_reset_forgets(make_metric: Any, make_handler: Any) -> None:
    metric = make_metric()
    called(metric, [disc(10)], [disc(40)])
    metric.reset()
    called(metric, [disc(20)], [disc(20)])
    assert len(metric.get_buffer()) == 1


@by_pair
def test_missing_masks_are_an_error(make_metric: Any, make_handler: Any) -> None:
    with pytest.raises(ValueError, match="give one each"):
        make_metric()([disc(20)])
    with pytest.raises(ValueError, match="give one each"):
        make_metric()([disc(20)], [disc(20), disc(21)])


@by_pair
def test_the_handler_gives_the_metrics_value_in_an_engine_of_ignite(make_metric: Any, make_handler: Any) -> None:
    found, true = [disc(22), disc(30)], [labelled(20), labelled(31)]
    handler = make_handler()
    engine = Engine(lambda _, batch: batch)
    handler.attach(engine, "figure")
    engine.run([([one], [other]) for one, other in zip(found, true, strict=True)])
    metric = make_metric()
    rows = called(metric, found, true)
    assert torch.equal(engine.state.metric_details["figure"], rows)  # type: ignore[attr-defined]  # MONAI adds it
    total = metric.aggregate()
    expected = total.hd95_mm if hasattr(total, "hd95_mm") else float(total.flatten()[0])
    assert engine.state.metrics["figure"] == pytest.approx(expected) and expected > 0


@by_pair
def test_the_handler_works_in_monais_evaluator(make_metric: Any, make_handler: Any) -> None:
    class Grow(torch.nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return (torch.nn.functional.max_pool2d(image, 3, 1, 1) > 0).float()

    items = [{"image": labelled(20), "label": labelled(20)} for _ in range(2)]
    evaluator = SupervisedEvaluator(
        device=torch.device("cpu"),
        val_data_loader=DataLoader(items, batch_size=2),  # type: ignore[arg-type]  # a list is a data set
        network=Grow(),
        key_val_metric={"figure": make_handler(output_transform=from_engine(["pred", "label"]))},
    )
    evaluator.run()
    assert math.isfinite(evaluator.state.metrics["figure"]) and len(evaluator.state.metric_details["figure"]) == 2


@by_pair
def test_metrics_can_be_pickled(make_metric: Any, make_handler: Any) -> None:
    assert type(pickle.loads(pickle.dumps(make_metric()))) is type(make_metric())


def measured(metric: MeasurementMetric, found: list[Tensor], true: list[Tensor], **keywords: Any) -> Tensor:
    rows = metric(found, true, **keywords)
    assert isinstance(rows, Tensor)
    return rows


def test_the_difference_of_two_discs_is_that_of_their_circumferences() -> None:
    """Radii two pixels apart, 0.5 mm: 2 pi mm; without a pixel size there are no millimetres."""
    metric = MeasurementMetric(*HEADS)
    measured(metric, [disc(42)], [labelled(40)])
    assert float(metric.aggregate()) == pytest.approx(2 * math.pi, rel=0.03)
    assert measured(metric, [disc(42)], [disc(40)]).isnan().all()
    assert float(metric.aggregate()) == pytest.approx(2 * math.pi, rel=0.03)


def test_values_are_those_of_the_task_and_axes_rows_and_columns() -> None:
    upright = torch.zeros(1, 120, 100)
    upright[:, 40:60, 20:90] = 1  # 20 columns, 70 rows
    for spacing in ((0.5, 1.0), (1.0, 0.5)):
        expected = get_task("fetal_head").measure(upright[0].numpy().T, spacing).values["head_circumference_mm"]
        row = measured(MeasurementMetric(*HEADS), [upright], [upright], spacing_mm=[spacing])[0]
        assert row.tolist() == [expected, expected] and expected is not None


def test_an_empty_mask_has_no_measurement_and_does_not_count() -> None:
    metric = MeasurementMetric(*HEADS)
    rows = measured(metric, [disc(0), disc(42)], [labelled(40), labelled(40)])
    assert rows[0, 0].isnan() and not rows[0, 1].isnan()
    assert float(metric.aggregate()) == pytest.approx(2 * math.pi, rel=0.03)


def test_accuracy_stands_beside_that_of_an_empty_mask() -> None:
    metric = PixelAccuracyMetric()
    metric([disc(10)], [disc(10)])
    accuracy, empty = metric.aggregate().tolist()
    assert accuracy == 1 and empty == pytest.approx(1 - math.pi * 100 / 12000, abs=0.002)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MeasurementMetric("fetal_head", "length"), "no column 'length' in fetal_head: one of .*head_circumference_mm"),
        (lambda: MeasurementMetric("toe", "length"), "toe"),
        (lambda: ContourHandler("apd"), "no figure 'apd' of contours: one of .*apd_mm"),
        (lambda: ContourHandler().update(([disc(20)], [disc(20)])), "label 0 of a batch has no pixel size"),
        (lambda: ContourHandler().update(([disc(20)], [labelled(20, (np.nan, np.nan))])), "label 0 of a batch has no pixel size"),
    ],
)
def test_what_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make()


def test_pixel_sizes_are_one_each() -> None:
    with pytest.raises(ValueError, match="1 cases have 2 pixel sizes"):
        PixelAccuracyMetric()([disc(20)], [disc(20)], spacing_mm=[None, None])
