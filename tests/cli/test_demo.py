"""The demo writes images, masks, tables and page, checks its phantoms, and its samples are what they say."""

from __future__ import annotations

import csv
import functools
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from usseg_monai.cli import main
from usseg_monai.data.splits import split_of
from usseg_monai.demo import SHOWCASES
from usseg_monai.demo.fetal_head import PHANTOMS_MM
from usseg_monai.demo.showcase import SAMPLES as ALL_SAMPLES
from usseg_monai.imaging import GreyArray, MaskArray, read_mask
from usseg_monai.inference.engines.base import EngineOutput
from usseg_monai.phantoms import Phantom, fetal_head_phantom
from usseg_monai.tasks import TASKS, get_task

SAMPLES = ALL_SAMPLES / "hc18"
PHANTOMS = [f"phantom_{hc}mm.png" for hc in ("095", "175", "235", "310")]


class TruthEngine:
    """Knows the phantoms' masks by their pixels; sees a disc in any other image. Can shrink what it knows."""

    name, device, weights_sha256 = "onnx", "cpu", "0" * 64

    def __init__(self, masks: dict[bytes, MaskArray], shrink: int = 0) -> None:
        self._masks, self._shrink = masks, shrink

    def __call__(self, pixels: GreyArray) -> EngineOutput:
        rows, cols = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
        disc = ((rows - 270) ** 2 + (cols - 400) ** 2 < 200**2).astype(np.uint8)
        mask = self._masks.get(pixels.tobytes(), disc)
        for _ in range(self._shrink):
            mask = mask * np.roll(mask, 1, 0) * np.roll(mask, -1, 0) * np.roll(mask, 1, 1) * np.roll(mask, -1, 1)
        return EngineOutput(mask.astype(np.float32), mask)


@pytest.fixture(scope="module")
def draw() -> Callable[..., Phantom]:
    """Draws each phantom once for all tests."""
    return functools.cache(fetal_head_phantom)


@pytest.fixture
def heads_only(draw: Callable[..., Phantom], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usseg_monai.demo.fetal_head.fetal_head_phantom", draw)
    monkeypatch.setattr("usseg_monai.cli.demo.TASKS", {"fetal_head": TASKS["fetal_head"]})


@pytest.fixture
def masks(draw: Callable[..., Phantom]) -> dict[bytes, MaskArray]:
    phantoms = [draw(seed, head_circumference_mm=hc) for seed, hc in PHANTOMS_MM.items()]
    return {phantom.image.pixels.tobytes(): phantom.mask for phantom in phantoms}


def _use(monkeypatch: pytest.MonkeyPatch, engine: TruthEngine) -> None:
    monkeypatch.setattr("usseg_monai.inference.predictor._load_engine", lambda *_: engine)


@pytest.mark.usefixtures("heads_only")
def test_demo_writes_everything_and_succeeds(
    tmp_path: Path, masks: dict[bytes, MaskArray], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use(monkeypatch, TruthEngine(masks))
    out = tmp_path / "out"
    assert main(["demo", "-o", str(out)]) == 0
    groups = {"hc18": sorted(row["filename"] for row in _samples()), "phantoms": PHANTOMS}
    rows = {}
    for group, files in groups.items():
        folder = out / "fetal_head" / group
        with (folder / "results.csv").open(newline="") as table:
            rows |= (found := {row["file"]: row for row in csv.DictReader(table)})
        assert list(found) == files
        assert all((folder / kind / file).is_file() for file in files for kind in ("images", "masks", "overlays"))
    for file, mask in zip(PHANTOMS, masks.values(), strict=True):
        assert np.array_equal(read_mask(out / "fetal_head" / "phantoms" / "masks" / file), mask)
        hc = float(file[-9:-6])
        assert float(rows[file]["head_circumference_mm"]) == pytest.approx(hc, abs=0.2)
    page = (out / "index.html").read_text(encoding="utf-8")
    for text in (*rows, "van den Heuvel", "CC BY 4.0", "6 bits", "Not a medical device", "4 of 4", "real images (HC18)", "310.0"):
        assert text in page, text
    assert page.count("<svg") == page.count("<polygon") == 8
    printed = capsys.readouterr().out
    assert (out / "index.html").as_uri() in printed and "4 of 4 phantoms" in printed
    assert all(file in printed for file in rows)

    # The command that the page proposes finds the same images, and their pixel sizes.
    proposed = re.search(r"usseg (predict [^<]*)</code>", page)
    assert proposed
    assert main([*proposed.group(1).replace("-o results", f"-o {tmp_path / 'again'}").split()]) == 0
    assert (tmp_path / "again" / "results.csv").read_bytes() == (out / "fetal_head" / "hc18" / "results.csv").read_bytes()


@pytest.mark.usefixtures("heads_only")
def test_phantoms_off_the_truth_are_said_and_exit_with_1(
    tmp_path: Path, masks: dict[bytes, MaskArray], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use(monkeypatch, TruthEngine(masks, shrink=12))
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert "0 of 4 phantoms within 3 %" in capsys.readouterr().out
    assert "not within 3 %" in (tmp_path / "index.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("heads_only")
def test_nothing_found_is_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _use(monkeypatch, TruthEngine({}, shrink=300))
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("empty") == 8
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("<dl></dl>") == 8


@pytest.mark.parametrize("task", [name for name in TASKS if name in SHOWCASES])
def test_showcases_speak_of_columns_and_classes_of_their_tasks(task: str) -> None:
    showcase, columns = SHOWCASES[task], {column.name for column in get_task(task).columns}
    assert set(showcase.highlights) <= columns
    assert len({group.folder for group in showcase.groups}) == len(showcase.groups)
    for group in showcase.groups:
        samples = group.samples()
        assert len({sample.name for sample in samples}) == len(samples) > 0
        assert not {name for sample in samples for name in sample.truth} - columns
        if group.tolerance is not None:
            assert all(group.tolerance.column in sample.truth for sample in samples)


@pytest.mark.skipif(not all(task.weights_sha256 for task in TASKS.values()), reason="not all weights have been released")
def test_every_task_is_on_one_page_of_moderate_size_without_torch(tmp_path: Path) -> None:
    """In a process of its own, which must not load torch."""
    program = "import sys; from usseg_monai.cli import main; code = main(sys.argv[1:]); sys.exit(9 if 'torch' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", program, "demo", "-o", str(tmp_path)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(f"id='{name}'" in page for name in TASKS)
    assert len(page) < 2_000_000


def test_samples_are_of_test_exams_and_of_all_trimesters() -> None:
    rows = _samples()
    assert len(rows) == 4
    assert {split_of("fetal_head", row["filename"].split("_")[0]) for row in rows} == {"test"}
    circumferences = sorted(float(row["head circumference (mm)"]) for row in rows)
    assert circumferences[0] < 100 and any(150 < hc < 200 for hc in circumferences) and circumferences[-1] > 270
    attribution = (SAMPLES / "ATTRIBUTION.txt").read_text(encoding="utf-8")
    assert all(word in attribution for word in ("van den Heuvel", "10.5281/zenodo.1327317", "CC BY 4.0", "6 bits"))
    assert sum(file.stat().st_size for file in SAMPLES.iterdir()) < 400_000


def test_samples_are_the_datasets_images(hc18: Path) -> None:
    with (hc18 / "training_set_pixel_size_and_HC.csv").open(newline="") as table:
        official = {row["filename"]: row for row in csv.DictReader(table)}
    for row in _samples():
        assert row == official[row["filename"]]
        with Image.open(SAMPLES / row["filename"]) as ours, Image.open(hc18 / "training_set" / row["filename"]) as theirs:
            assert np.array_equal(np.asarray(ours), np.asarray(theirs))


def _samples() -> list[dict[str, str]]:
    with (SAMPLES / "pixel_size_and_HC.csv").open(newline="") as table:
        return list(csv.DictReader(table))


def test_slices_are_of_test_patients_and_the_datasets_images(data_root: Path) -> None:
    folder = ALL_SAMPLES / "sunnybrook"
    with (folder / "areas.csv").open(newline="") as table:
        areas = {row["filename"]: int(row["area_px"]) for row in csv.DictReader(table)}
    assert sorted(areas) == sorted(file.name for file in folder.glob("*.png"))
    assert {split_of("left_ventricle", name.partition("-IM-")[0]) for name in areas} == {"test"}
    for name, area in areas.items():
        (official,) = (data_root / "sunnybrook" / "png").glob(f"*/images/{name}")
        assert (folder / name).read_bytes() == official.read_bytes()
        assert read_mask(official.parents[1] / "labels" / name).sum() == area
    attribution = (folder / "ATTRIBUTION.txt").read_text(encoding="utf-8")
    assert all(word in attribution for word in ("Radau", "CC0 1.0", "10.54294/g80ruo"))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 150_000
