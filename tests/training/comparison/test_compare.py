"""The comparison protocol on eight small discs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from usseg_monai.datasets.datalist import load_datalist
from usseg_monai.datasets.splits import split_of
from usseg_monai.errors import UsageError, UssegError
from usseg_monai.networks.encoder_decoder import EncoderDecoder
from usseg_monai.training.comparison import compare as module
from usseg_monai.training.comparison.compare import compare, parse_vary
from usseg_monai.training.comparison.report import Comparison

EPOCHS = 2
VARY = {"network": ["encoder_decoder"], "network_def#upsample": ["transposed", "interpolation"]}
SMALL: Mapping[str, Any] = {
    "image_size": [64, 32],
    "network_def#widths": [4, 8],
    "batch_size": 4,
    "num_workers": 0,
    "train#dataset#num_workers": 0,
    "validate#dataset#num_workers": 0,
    "bfloat16": False,
}


@pytest.fixture(scope="module")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five discs for training, three for validation, 40 rows x 60 columns, each a group of its own."""
    root, wanted, number = tmp_path_factory.mktemp("discs"), ["train"] * 5 + ["validation"] * 3, 0
    for part in ("images", "masks"):
        (root / part).mkdir()
    random = np.random.default_rng(0)
    row, col = np.ogrid[:40, :60]
    while wanted:
        number += 1
        part = split_of("folder", str(number))
        if part not in wanted:
            continue
        wanted.remove(part)
        center, radius = random.uniform((15, 20), (25, 40)), random.uniform(8, 13)
        disc = (row - center[0]) ** 2 + (col - center[1]) ** 2 <= radius**2
        speckle = random.rayleigh(0.5, disc.shape)
        Image.fromarray(np.uint8(np.clip((40 + 90 * disc) * speckle, 0, 255))).save(root / "images" / f"{number}.png")
        Image.fromarray(np.uint8(255 * disc)).save(root / "masks" / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def finished(discs: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison, list[tuple[int, int]]]:
    out, reports = tmp_path_factory.mktemp("comparison") / "out", []
    return out, compare("fetal_head", discs, out, VARY, EPOCHS, SMALL, report=lambda *done: reports.append(done)), reports


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Overrides of the trainings that were started; each stands for one that was interrupted at once."""
    seen: list[dict[str, Any]] = []

    def interrupted(task: str, data: Path, out: Path, overrides: dict[str, Any], *, report: object) -> None:
        seen.append(overrides)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "train", interrupted)
    return seen


def test_every_combination_is_trained_and_judged(finished: tuple[Path, Comparison, list[tuple[int, int]]]) -> None:
    out, made, reports = finished
    assert [variant.settings["network_def#upsample"] for variant in made.variants] == ["transposed", "interpolation"]
    for variant in made.variants:
        assert [row["epoch"] for row in variant.curves] == [1, 2]
        assert len(variant.dice) == len(made.images) == 3
        assert all(0 <= dice <= 1 for dice in variant.dice)
        assert variant.milliseconds > 0
        expected = EncoderDecoder(widths=(4, 8), upsample=variant.settings["network_def#upsample"])
        assert variant.parameters == sum(parameter.numel() for parameter in expected.parameters())
    assert {path.name for path in out.iterdir() if path.is_file()} == {
        *("protocol.json", "compare.csv", "compare.json", "compare.md", "compare.png", "curves.png")
    }
    assert "3 images of 3 groups" in made.verdict
    assert reports[-1] == (2 * EPOCHS, 2 * EPOCHS) and reports == sorted(reports)


def test_combinations_differ_in_nothing_but_what_is_varied(discs: Path, tmp_path: Path, trainings: list[dict[str, Any]]) -> None:
    for upsample in ("transposed", "interpolation"):
        vary = {"network": ["encoder_decoder"], "network_def#upsample": [upsample], "learning_rate": ["0.1", "0.2"]}
        with pytest.raises(KeyboardInterrupt):
            compare("fetal_head", discs, tmp_path, vary, EPOCHS, SMALL)
    first, second = trainings
    assert (first["network_def"].pop("upsample"), second["network_def"].pop("upsample")) == ("transposed", "interpolation")
    assert first == second
    assert first["network_def"]["widths"] == [4, 8]
    assert first["max_epochs"] == first["patience"] == EPOCHS  # no early stopping


def test_optimizers_bring_their_own_options(discs: Path, tmp_path: Path, trainings: list[dict[str, Any]]) -> None:
    for optimizer in ("SGD", "Adam"):
        with pytest.raises(KeyboardInterrupt):
            compare("fetal_head", discs, tmp_path, {"optimizer": [optimizer], "learning_rate": ["0.1", "0.2"]}, EPOCHS)
    sgd, adam = (overrides["optimizer"] for overrides in trainings)
    assert (sgd["_target_"], sgd["momentum"]) == ("torch.optim.SGD", 0.9)
    assert (adam["_target_"], adam.get("momentum"), adam.get("weight_decay")) == ("torch.optim.Adam", None, None)


def test_finished_combinations_are_not_trained_again(
    discs: Path, finished: tuple[Path, Comparison, list[tuple[int, int]]], trainings: list[dict[str, Any]]
) -> None:
    again = compare("fetal_head", discs, finished[0], VARY, EPOCHS, SMALL)
    assert trainings == []
    assert again.verdict == finished[1].verdict
    with pytest.raises(KeyboardInterrupt):  # more values may be added later
        compare("fetal_head", discs, finished[0], {**VARY, "network_def#activation": ["elu"]}, EPOCHS, SMALL)
    assert trainings[0]["network_def"]["activation"] == "elu"


@pytest.mark.parametrize(("epochs", "shared", "word"), [(3, SMALL, "epochs"), (EPOCHS, {**SMALL, "batch_size": 2}, "overrides")])
def test_another_protocol_needs_another_folder(
    discs: Path, finished: tuple[Path, Comparison, list[tuple[int, int]]], epochs: int, shared: Mapping[str, Any], word: str
) -> None:
    with pytest.raises(UsageError, match=f"holds a comparison with other {word}:"):
        compare("fetal_head", discs, finished[0], VARY, epochs, shared)


def test_an_interrupted_combination_goes_on(discs: Path, tmp_path: Path) -> None:
    def stop_in_second_epoch(done: int, total: int) -> None:
        if checkpoint.exists():
            raise KeyboardInterrupt

    vary = {"network": ["encoder_decoder"], "optimizer": ["SGD", "Adam"]}
    folder = tmp_path / "network=encoder_decoder,optimizer=SGD"
    checkpoint = folder / "checkpoint_epoch=1.pt"
    with pytest.raises(KeyboardInterrupt):
        compare("fetal_head", discs, tmp_path, vary, EPOCHS, SMALL, report=stop_in_second_epoch)
    assert not (folder / "result.json").exists()
    before = json.loads((folder / "curves.json").read_text())
    assert len(before) == 1

    made = compare("fetal_head", discs, tmp_path, vary, EPOCHS, SMALL)
    assert [row["epoch"] for row in made.variants[0].curves] == [1, 2]
    assert made.variants[0].curves[0] == before[0]


@pytest.mark.parametrize("task", ["nerve", "breast", "left_ventricle"])
def test_every_task_can_be_compared(task: str, discs: Path, tmp_path: Path) -> None:
    items = {section: [item | {"class": 1} for item in load_datalist(discs, section)] for section in ("training", "validation")}
    datalist = tmp_path / "datalist.json"
    datalist.write_text(json.dumps(items))
    small = {**SMALL, "image_size": [64, 64], "network_def#widths": [4, 8, 8, 8]}
    made = compare(task, datalist, tmp_path / "out", {"network": ["residual_unet"], "optimizer": ["AdamW", "SGD"]}, 1, small)
    assert [len(variant.dice) for variant in made.variants] == [3, 3]


@pytest.mark.parametrize(
    ("vary", "shared", "message"),
    [
        ({"learning_rat": ["0.1", "0.2"]}, {}, "no key 'learning_rat': did you mean learning_rate"),
        ({"learning_rate": ["0.1", "0.2"]}, {"batch_sice": 2}, "no key 'batch_sice': did you mean batch_size"),
        ({"learning_rate": ["0.1", "fast"]}, {}, "it must be a number"),
        (
            {"network": ["plain_unet", "unet"]},
            {},
            "no network 'unet' for this task: choose among residual_unet, efficient_unet, plain_unet, classic_unet, encoder_decoder",
        ),
        ({"network": ["plain_unet", "residual_unet"], "network_def#upsample": ["transposed"]}, {}, "no key 'network_def#upsample'"),
        ({"optimizer": ["Adam", "sgd"]}, {}, "no optimizer 'sgd' for this task: choose among AdamW, Adam, SGD"),
        ({"max_epochs": ["1", "2"]}, {}, "max_epochs is the same for all in a comparison: use --epochs"),
        ({"optimizer": ["Adam", "SGD"]}, {"patience": 3}, "patience is the same for all"),
        ({"optimizer": ["Adam"]}, {}, "nothing to compare"),
        ({}, {}, "nothing to compare"),
    ],
)
def test_wrong_use_is_found_before_anything_is_trained(
    discs: Path, tmp_path: Path, vary: dict[str, list[str]], shared: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        compare("fetal_head", discs, tmp_path / "out", vary, EPOCHS, shared)
    assert not (tmp_path / "out").exists()


def test_no_epoch_or_no_data(discs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="epochs is 0: it must be at least 1"):
        compare("fetal_head", discs, tmp_path, VARY, 0)
    with pytest.raises(UsageError, match="missing"):
        compare("fetal_head", tmp_path / "missing", tmp_path, VARY, 1)


def test_a_folder_that_cannot_be_made(discs: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UssegError, match="cannot make the folder"):
        compare("fetal_head", discs, tmp_path / "file" / "out", VARY, 1, SMALL)


@pytest.mark.parametrize("word", ["network", "=1,2", "network=", "network=a,,b", "network=a,a"])
def test_vary_needs_a_key_and_different_values(word: str) -> None:
    with pytest.raises(UsageError):
        parse_vary([word])


def test_a_key_is_varied_once() -> None:
    with pytest.raises(UsageError, match="gives batch_size twice"):
        parse_vary(["batch_size=1,2", "batch_size=4"])


def test_commas_in_brackets_belong_to_the_value() -> None:
    assert parse_vary(['network_def={"a":[1,2],"b":3},{"a":[4,5]}']) == {"network_def": ['{"a":[1,2],"b":3}', '{"a":[4,5]}']}
