"""``usseg evaluate`` from the shell's side, with a predictor in place of the network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.datasets.samples import drawn_disc, make_hc18
from tests.evaluation.ellipses import make_items, write_masks
from tests.evaluation.test_cases import Answers, DiscPredictor
from usseg_monai.cli import main
from usseg_monai.datasets.datalist import load_datalist

HC = "head_circumference_mm"


@pytest.fixture
def predictors(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every predictor that the command made: its task and options."""
    made: list[tuple[str, dict[str, Any]]] = []

    def make(task: str, **options: Any) -> DiscPredictor:
        made.append((task, options))
        return DiscPredictor()

    monkeypatch.setattr("usseg_monai.predict.predictor.Predictor", make)
    return made


def test_figures_and_files(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, output = make_hc18(tmp_path / "hc18"), tmp_path / "out"
    assert main(["evaluate", "fetal_head", str(root), "-o", str(output), "--section", "training", "--threads", "2"]) == 0
    assert predictors == [("fetal_head", {"engine": "auto", "device": "auto", "threads": 2, "weights": None, "configs": []})]
    metrics = json.loads((output / "metrics.json").read_text())
    assert (metrics["task"], metrics["section"], metrics["cases"], metrics["groups"]) == ("fetal_head", "training", 3, 2)
    assert metrics["dice"]["mean"] == 1.0
    assert len((output / "cases.csv").read_text().splitlines()) == 4
    printed = capsys.readouterr().out
    assert "3 images of 2 groups: 3 ok" in printed
    assert "Dice: mean 1.0000, median 1.0000, 95 % interval 1.0000 to 1.0000" in printed
    assert "pixel accuracy: 100.00 %; with empty masks 77.29 %" in printed
    assert f"{HC}: absolute difference mean" in printed


def test_a_failed_image_is_exit_code_1(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_hc18(tmp_path / "hc18")
    (root / "training_set" / "000_HC_Annotation.png").write_bytes(b"no picture")
    assert main(["evaluate", "fetal_head", str(root), "-o", str(tmp_path / "out"), "--section", "training"]) == 1
    assert "3 images of 2 groups: 1 failed, 2 ok" in capsys.readouterr().out


def test_an_empty_section_is_wrong_use(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_hc18(tmp_path / "hc18", names=["000_HC"])
    assert main(["evaluate", "fetal_head", str(root), "-o", str(tmp_path / "out")]) == 2
    assert "nothing in its section test" in capsys.readouterr().err


def test_figures_for_machines(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, output = make_hc18(tmp_path / "hc18"), tmp_path / "out"
    assert main(["evaluate", "fetal_head", str(root), "-o", str(output), "--section", "training", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((output / "metrics.json").read_text())


def test_images_without_a_structure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = load_datalist(make_hc18(tmp_path / "hc18"), "training")
    items[0] = {**items[0], "label": []}
    (tmp_path / "list.json").write_text(json.dumps({"test": items}))
    predictor = Answers(drawn_disc(), {"presence_probability": 0.75})
    monkeypatch.setattr("usseg_monai.predict.predictor.Predictor", lambda *_, **__: predictor)
    assert main(["evaluate", "nerve", str(tmp_path / "list.json"), "-o", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "images without a structure in which one was found: 100.0 % of 1" in printed
    assert "Dice of images with a structure: mean 1.0000" in printed
    assert "area under the ROC curve: 0.5000" in printed


@pytest.fixture
def ellipses(tmp_path: Path) -> Path:
    """A datalist of four images in three groups."""
    (tmp_path / "list.json").write_text(json.dumps({"test": make_items(tmp_path / "data")}))
    return tmp_path / "list.json"


def masks_of(datalist: Path, folder: str, **masks: Any) -> str:
    return str(write_masks(datalist.parent / folder, load_datalist(datalist, "test"), **masks))


def test_masks_of_anybody(ellipses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ellipses.parent / "out"
    assert main(["evaluate", "fetal_head", str(ellipses), "--masks", masks_of(ellipses, "theirs", value=1), "-o", str(out)]) == 0
    printed = capsys.readouterr()
    assert "4 images of 3 groups: 4 ok" in printed.out and "Dice: mean 1.0000" in printed.out
    assert "contour_distance_mm: mean 0.00, median 0.00, 95 % interval 0.00 to 0.00" in printed.out
    assert "head_circumference_mm: absolute difference mean 0.00, " in printed.out
    assert "bias +0.00, 95 % interval 0.00 to 0.00, limits of agreement +0.00 to +0.00; 4 values" in printed.out
    assert printed.err == ""
    report = json.loads((out / "metrics.json").read_text())
    assert (report["masks"], report["section"], report["cases"], report["groups"]) == ("theirs", "test", 4, 3)
    assert len(report["datalist_sha256"]) == 64 and report["failures"] == []


def test_two_sets_of_masks(ellipses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = masks_of(ellipses, "ours", shift=4), masks_of(ellipses, "theirs", shift=20)
    out = ellipses.parent / "out"
    assert main(["evaluate", "fetal_head", str(ellipses), "--masks", ours, "--against", theirs, "-o", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["difference"]["dice"]["mean"] == pytest.approx(report["dice"]["mean"] - report["against"]["dice"]["mean"])
    assert report["difference"]["dice"]["interval_95"][0] > 0
    assert report["against"]["masks"] == "theirs"
    assert json.loads((out / "against" / "metrics.json").read_text()) == report["against"]
    assert main(["evaluate", "fetal_head", str(ellipses), "--masks", ours, "--against", ours, "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "against ours, which has 0 failures, difference of the masks on the same images:" in printed
    assert "  dice: +0.0000 of 4, 95 % interval +0.0000 to +0.0000" in printed


def test_the_network_against_masks(predictors: list[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_hc18(tmp_path / "hc18")
    (tmp_path / "theirs").mkdir()
    command = ["evaluate", "fetal_head", str(root), "--section", "training", "--against", str(tmp_path / "theirs")]
    assert main([*command, "-o", str(tmp_path / "out")]) == 1  # no mask at all
    for name in ("000_HC", "000_2HC", "001_HC"):
        annotation = (root / "training_set" / f"{name}_Annotation.png").read_bytes()  # an outline, as a mask of few pixels
        (tmp_path / "theirs" / f"{name}.png").write_bytes(annotation)
    assert main([*command, "-o", str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["masks"], report["dice"]["mean"]) == ("network", 1.0) and 0 < report["against"]["dice"]["mean"] < 0.5


def test_failures_are_printed_and_end_with_1(ellipses: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = Path(masks_of(ellipses, "theirs"))
    (masks / "b2.png").unlink()
    (masks / "a0.png").rename(masks / "z9.png")
    assert main(["evaluate", "fetal_head", str(ellipses), "--masks", str(masks), "-o", str(ellipses.parent / "out")]) == 1
    printed = capsys.readouterr()
    assert "4 images of 3 groups: 2 failed, 2 ok" in printed.out and "Dice: mean 0.5000" in printed.out
    assert "failed, with Dice 0: no mask for b2.png in theirs: expected a file such as b2.png" in printed.out
    assert "1 masks belong to no image of this section and are not scored: z9.png" in printed.err
    assert "4 values" not in printed.out and "2 values, 2 without" in printed.out


def test_many_failures_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "list.json").write_text(json.dumps({"test": make_items(tmp_path / "data", "abcdefgh")}))
    masks = Path(masks_of(tmp_path / "list.json", "theirs"))
    for file in sorted(masks.iterdir())[1:]:
        file.unlink()
    assert main(["evaluate", "fetal_head", str(tmp_path / "list.json"), "--masks", str(masks), "-o", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().out
    assert printed.count("failed, with Dice 0") == 5 and "and 2 more failed (metrics.json)" in printed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--masks", "M", "--weights", "x.onnx"], "--weights was given with --masks"),
        (["--masks", "M", "--engine", "torch"], "--engine was given with --masks"),
        (["--label", "1"], "--label was given without masks"),
        (["--masks", "nowhere"], "nowhere is not a folder"),
    ],
)
def test_wrong_use(ellipses: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "fetal_head", str(ellipses), *options, "-o", str(ellipses.parent / "out")]) == 2
    assert message in capsys.readouterr().err


def test_lists_of_the_package_need_their_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    out = ["-o", str(tmp_path / "out")]
    assert main(["evaluate", "fetal_head", "hc18", *out]) == 2
    assert "hc18 is a list in the package: name the folder of its data set with --data DIR" in capsys.readouterr().err
    assert main(["evaluate", "nerve", "hc18", "--data", str(tmp_path), *out]) == 2
    assert "the list 'hc18' is of the task fetal_head, not of nerve" in capsys.readouterr().err
    assert main(["evaluate", "nerve", "nerves.json", "--data", str(tmp_path), *out]) == 2
    assert "no datalist 'nerves.json' in the package" in capsys.readouterr().err
    assert main(["evaluate", "fetal_head", "hc18", "--data", str(make_hc18(tmp_path / "data")), *out]) == 2
    assert "images in section test of the list 'hc18'" in capsys.readouterr().err


def test_masks_need_neither_torch_nor_monai(ellipses: Path) -> None:
    command = ["evaluate", "fetal_head", str(ellipses), "--masks", masks_of(ellipses, "theirs"), "-o", str(ellipses.parent / "out")]
    program = (
        f"import sys; from usseg_monai.cli import main; code = main({command!r});"
        "print(code, sorted({'torch', 'monai', 'ignite', 'onnxruntime'} & sys.modules.keys()))"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_masks_that_predict_wrote_have_the_figures_of_the_network(threshold_graph: Path, ellipses: Path) -> None:
    """The same graph once within the command, once by way of the masks of ``usseg predict``."""
    out, root = ellipses.parent, str(ellipses.parent / "data" / "images")
    for item in load_datalist(ellipses, "test"):  # the graph takes what is brighter than 127
        image = Path(item["image"])
        image.write_bytes(Path(item["label"]).read_bytes())
    assert main(["predict", "fetal_head", root, "-o", str(out / "run"), "--weights", str(threshold_graph), "--save", "mask"]) == 0
    assert main(["evaluate", "fetal_head", str(ellipses), "--weights", str(threshold_graph), "-o", str(out / "direct")]) == 0
    assert main(["evaluate", "fetal_head", str(ellipses), "--masks", str(out / "run" / "masks"), "-o", str(out / "masks")]) == 0
    direct, masks = (json.loads((out / name / "metrics.json").read_text()) for name in ("direct", "masks"))
    assert direct.pop("masks") == "network" and masks.pop("masks") == "masks"
    assert direct["dice"]["mean"] == 1.0 and direct == masks
