"""Ranking, verdict, table and plots of a comparison, on figures made up for it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from usseg_monai.training.comparison.report import FEWEST_GROUPS, Comparison, Variant, _draw_curves, write_comparison

IMAGES = 60
BASE = np.random.default_rng(0).uniform(0.85, 0.97, IMAGES)


def variant(network: str, dice: np.ndarray, parameters: int = 1_500_000) -> Variant:
    curves = [{"epoch": epoch, "train_loss": 1 / epoch, "val_mean_dice": 1 - 0.5 / epoch} for epoch in (1, 2, 3)]
    return Variant({"network": network, "optimizer": "Adam"}, dice.tolist(), parameters, 12.5, curves)


def comparison(*variants: Variant, groups: int = 30) -> Comparison:
    images = [f"{number}.png" for number in range(IMAGES)]
    return Comparison("fetal_head", 3, images, [f"exam{number % groups}" for number in range(IMAGES)], variants)


def test_a_steady_lead_is_more_than_chance() -> None:
    noise = np.random.default_rng(1).normal(0, 0.002, IMAGES)
    made = comparison(variant("plain_unet", BASE), variant("residual_unet", BASE + 0.01 + noise))
    assert made.verdict.startswith("residual_unet beats plain_unet, by 0.0099 Dice (95 % interval 0.009")
    assert made.verdict.endswith("60 images of 30 groups): more than chance at this size")


def test_a_lead_on_some_images_may_be_chance() -> None:
    noise = np.random.default_rng(2).normal(0, 0.05, IMAGES)
    made = comparison(variant("plain_unet", BASE), variant("residual_unet", BASE + noise - noise.mean() + 0.001))
    assert made.verdict.startswith("residual_unet is ahead of plain_unet, by 0.0010 Dice (95 % interval -0.0")
    assert made.verdict.endswith("no more than chance can do at this size")


def test_the_difference_is_paired() -> None:
    """A lead that is far smaller than the spread between images counts, if it is there on each of them."""
    spread = np.linspace(0.1, 0.9, IMAGES)
    assert "more than chance" in comparison(variant("a", spread), variant("b", spread + 0.001 * (1 + BASE))).verdict


def test_images_of_one_group_do_not_count_as_many() -> None:
    noise = np.random.default_rng(3).normal(0.004, 0.01, 2).repeat(IMAGES // 2)
    variants = variant("a", BASE), variant("b", BASE + np.sort(noise))
    images = [f"{number}.png" for number in range(IMAGES)]
    by_image = Comparison("fetal_head", 3, images, images, variants)
    by_group = Comparison("fetal_head", 3, images, ["left"] * (IMAGES // 2) + ["right"] * (IMAGES // 2), variants)

    def width(made: Comparison) -> float:
        interval = made.lead(*made.ranked)[1]
        assert interval is not None
        return interval[1] - interval[0]

    assert width(by_group) > 2 * width(by_image)


@pytest.mark.parametrize(("groups", "decided"), [(1, False), (FEWEST_GROUPS - 1, False), (FEWEST_GROUPS, True)])
def test_few_groups_give_no_verdict(groups: int, decided: bool) -> None:
    made = comparison(variant("a", BASE), variant("b", BASE + 0.01), groups=groups)
    assert made.verdict.startswith("b beats a, by 0.0100 Dice" if decided else "b is ahead of a, by 0.0100 Dice")
    assert made.verdict.endswith("more than chance at this size" if decided else "to tell a difference from chance")


def test_labels_hold_what_differs() -> None:
    first, second = variant("a", BASE), variant("b", BASE)
    made = comparison(first, second)
    assert (made.varied, made.label(first)) == (["network"], "a")
    slow = Variant({"network": "a", "learning_rate": "0.1"}, first.dice, 1, 1.0, first.curves)
    fast = Variant({"network": "a", "learning_rate": "0.2"}, first.dice, 1, 1.0, first.curves)
    assert comparison(slow, fast).label(fast) == "learning_rate=0.2"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("comparison")
    write_comparison(comparison(variant("a", BASE - 0.02, 700_000), variant("b", BASE), variant("c", BASE - 0.1)), out)
    return out


def test_table_is_ranked(written: Path) -> None:
    with (written / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["network"] for row in rows] == ["b", "a", "c"]
    assert float(rows[0]["dice_mean"]) == pytest.approx(BASE.mean())
    assert float(rows[0]["dice_low"]) < BASE.mean() < float(rows[0]["dice_high"])
    assert float(rows[1]["behind_best"]) == pytest.approx(0.02)
    assert (rows[1]["parameters"], rows[1]["milliseconds_an_image"]) == ("700000", "12.5")


def test_json_holds_every_case(written: Path) -> None:
    facts = json.loads((written / "compare.json").read_text())
    assert facts["verdict"].startswith("b beats the next best, a, by 0.0200 Dice")
    assert [len(one["dice"]) for one in facts["variants"]] == [IMAGES] * 3
    assert len(facts["images"]) == len(facts["groups"]) == IMAGES


def test_page_says_how_it_was_judged(written: Path) -> None:
    page = (written / "compare.md").read_text()
    assert "**b beats the next best, a" in page
    assert "| a | " in page
    assert "optimizer=Adam" in page  # one value for all: no column, but said
    assert "60 images of 30 groups" in page and "validation" in page


def test_one_epoch_is_seen(tmp_path: Path) -> None:
    """A curve of one epoch has no line; it shows as a dot at the whole number 1."""
    colors = []
    for dots in (1, 0):
        curves = [{"epoch": 1, "train_loss": 0.5, "val_mean_dice": 0.3}] * dots
        made = [Variant({"network": name}, BASE.tolist(), 1, 1.0, curves or [{"epoch": 1}]) for name in ("a", "b")]
        _draw_curves(comparison(*made), tmp_path / "curves.png")
        with Image.open(tmp_path / "curves.png") as picture:
            left = np.asarray(picture.convert("RGB"), int)[:, : picture.width // 2]
        colors.append(int((np.ptp(left, axis=2) > 100).sum()))
    assert colors[0] > 20 and colors[1] == 0


@pytest.mark.parametrize("name", ["compare.png", "curves.png"])
def test_plots(written: Path, name: str) -> None:
    with Image.open(written / name) as picture:
        assert picture.width > 900
        assert len(set(picture.convert("L").resize((200, 80)).tobytes())) > 10  # not blank
