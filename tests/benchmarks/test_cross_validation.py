"""Cross-validating a training."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import cross_validation
from tests.benchmarks.accuracy.predictors import Knowing
from tests.datasets.samples import make_busbra, make_busi, make_hc18
from usseg_monai.datasets.datalist import SECTIONS, load_datalist
from usseg_monai.errors import UssegError
from usseg_monai.tasks import bundle_path
from usseg_monai.tasks.breast.record import BREAST
from usseg_monai.training.run import TrainingResult

LESIONS = {f"benign ({number})": ["_mask"] for number in range(1, 30)}


def images(items: Sequence[Any]) -> set[str]:
    return {item["image"] for item in items}


@pytest.fixture
def breast(tmp_path: Path) -> Path:
    """Folder of data sets."""
    make_busi(tmp_path / "busi", LESIONS)
    make_busbra(tmp_path / "busbra", {f"{number:04}-l": "benign" for number in range(1, 30)})
    return tmp_path


def test_deals_every_image_once_and_tears_no_group() -> None:
    items = [{"group": f"{number // 3}", "image": str(number)} for number in range(60)]
    parts = cross_validation.deal(items, 3)
    assert sorted(item["image"] for part in parts for item in part) == sorted(item["image"] for item in items)
    groups = [{item["group"] for item in part} for part in parts]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert {len(each) for each in groups} <= {6, 7}


@dataclass
class Fake:
    """Trainings that train nothing, and networks that know every answer and refuse images that taught them.

    Attributes:
        trained: weights of each training -> the images that it learnt from.
        asked: weights and image of each prediction.
    """

    trained: dict[Path, set[str]]
    asked: list[tuple[Path, str]]


@pytest.fixture
def fake(breast: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """In the place of training and prediction; results and page go to ``tmp_path``."""
    items = [item for section in SECTIONS.values() for item in load_datalist(breast, section)]
    made = Fake({}, [])

    def train(task: str, data: Path, out: Path, overrides: object, **_: object) -> TrainingResult:
        assert (task, overrides) == ("breast", {"max_epochs": 5})
        made.trained[out / "model.pt"] = images(load_datalist(data, "training"))
        return TrainingResult(out / "model.pt", 5, "val_mean_dice", None, None)

    class Asked(Knowing):
        def __init__(self, task: str, weights: Path, **_: object) -> None:
            outputs = {item["image"]: [0.1, 0.6, 0.3] for item in items}
            super().__init__(BREAST, {item["image"]: item["label"] for item in items}, 0, outputs)
            self.weights = weights

        def predict(self, source: Any, **options: Any) -> Any:
            assert str(source) not in made.trained[self.weights]
            made.asked.append((self.weights, str(source)))
            return super().predict(source, **options)

    monkeypatch.setattr(cross_validation, "train", train)
    monkeypatch.setattr(cross_validation, "Predictor", Asked)
    monkeypatch.setattr(cross_validation, "RESULTS", tmp_path)
    page = tmp_path / "bundle" / "docs" / "README.md"
    page.parent.mkdir(parents=True)
    page.write_text("".join(f"<!-- {name}:begin --><!-- {name}:end -->\n" for name in ("cross_validation", "leave_one_source_out")))
    monkeypatch.setattr(cross_validation, "bundle_path", lambda task: tmp_path / "bundle")
    return made


def test_no_network_is_asked_for_what_taught_it(breast: Path, tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    parts = {section: load_datalist(breast, section) for section in SECTIONS.values()}
    arguments = ["breast", "--data", str(breast), "-o", str(tmp_path / "runs"), "--update-docs", "max_epochs=5"]
    assert cross_validation.main(arguments) == 0
    assert len(fake.trained) == 3
    asked = sorted(image for _, image in fake.asked)
    assert asked == sorted([*images(parts["training"]), *images(parts["validation"]), *3 * list(images(parts["test"]))])
    report = json.loads((tmp_path / "cross_validation.json").read_text())["breast"]
    for part in ("held_out", "test"):
        assert {source: summary["dice"]["mean"] for source, summary in report[part].items()} == {"BUSI": 1, "BUS-BRA": 1}
    said = capsys.readouterr().out
    assert "3 folds" in said
    assert "max_epochs=5" in said
    assert said.strip() in (tmp_path / "bundle" / "docs" / "README.md").read_text()


def test_a_source_is_predicted_by_a_network_that_has_seen_the_others_alone(
    breast: Path, tmp_path: Path, fake: Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = {section: load_datalist(breast, section) for section in SECTIONS.values()}
    seen = [*parts["training"], *parts["validation"]]
    arguments = ["breast", "--data", str(breast), "-o", str(tmp_path / "runs"), "--leave-one-source-out", "--update-docs", "max_epochs=5"]
    assert cross_validation.main(arguments) == 0
    assert len(fake.trained) == 2
    for weights, taught in fake.trained.items():
        source = weights.parents[1].name.removeprefix("without_")
        assert taught == images([item for item in seen if item["source"] != source])
        asked = [image for asked_of, image in fake.asked if asked_of == weights]
        assert sorted(asked) == sorted(images([item for item in (*seen, *parts["test"]) if item["source"] == source]))
    report = json.loads((tmp_path / "leave_one_source_out.json").read_text())["breast"]
    assert report["sources"] == ["BUS-BRA", "BUSI"]
    for part, items in (("held_out", seen), ("test", parts["test"])):
        assert {source: summary["cases"] for source, summary in report[part].items()} == Counter(item["source"] for item in items)
    said = capsys.readouterr().out
    assert "BUS-BRA, BUSI: each" in said and "| BUSI, test part |" in said and "max_epochs=5" in said
    assert said.strip() in (tmp_path / "bundle" / "docs" / "README.md").read_text()


def test_leaving_out_the_only_source_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_hc18(tmp_path / "hc18")
    arguments = ["fetal_head", "--data", str(tmp_path), "-o", str(tmp_path / "runs"), "--leave-one-source-out"]
    assert cross_validation.main(arguments) == 2
    assert "0 sources of images: leaving one out needs two or more" in capsys.readouterr().err


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("two_threads")
def test_a_fold_is_predicted_by_the_last_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_hc18(tmp_path / "hc18")
    runs = tmp_path / "runs"
    options = ["max_epochs=2", "batch_size=2", "num_workers=0", "image_size=[64,64]"]
    assert cross_validation.main(["fetal_head", "--data", str(tmp_path), "-o", str(runs), "--folds", "2", *options]) == 0
    assert capsys.readouterr().out.count("\n| folds | ") == 1
    assert torch.get_num_threads() == 2  # a network that predicts sets the threads of all others
    for fold in ("fold_0", "fold_1"):
        last = torch.load(runs / fold / "training" / "checkpoint_epoch=2.pt", weights_only=True)["average"]
        kept = torch.load(runs / fold / "training" / "model.pt", weights_only=True)
        assert all(torch.equal(kept[name], last[name]) for name in last)
        datalist = json.loads((runs / fold / "datalist.json").read_text())
        assert not {item["group"] for item in datalist["training"]} & {item["group"] for item in datalist["test"]}


def test_what_cannot_be_trained_is_one_line(
    breast: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(*arguments: object, **options: object) -> TrainingResult:
        raise UssegError("no data")

    monkeypatch.setattr(cross_validation, "train", train)
    assert cross_validation.main(["breast", "--data", str(breast), "-o", str(tmp_path / "runs")]) == 2
    assert capsys.readouterr().err.endswith("cross_validation: no data\n")


def test_one_fold_leaves_nothing_to_learn_from(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cross_validation.main(["breast", "-o", "runs", "--folds", "1"])
    assert "--folds is 1: it must be 2 or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "markdown"),
    [("cross_validation", cross_validation.markdown), ("leave_one_source_out", cross_validation.markdown_of_sources)],
)
def test_the_figures_in_the_documentation_are_those_that_were_measured(name: str, markdown: Callable[[Any], str]) -> None:
    file = cross_validation.RESULTS / f"{name}.json"
    reports = json.loads(file.read_text()) if file.is_file() else {}
    assert reports or name == "leave_one_source_out"
    for task, report in reports.items():
        page = bundle_path(task) / "docs" / "README.md"
        assert markdown(report) in page.read_text(encoding="utf-8")
