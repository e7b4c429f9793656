"""The demo writes images, masks, table and page, checks its phantoms, and its samples are what they say."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from usseg_monai.cli import demo, main
from usseg_monai.data.splits import split_of
from usseg_monai.imaging import GreyArray, MaskArray, read_mask
from usseg_monai.inference.engines.base import EngineOutput
from usseg_monai.phantoms import Phantom, fetal_head_phantom
from usseg_monai.tasks import bundle_path, get_task

SAMPLES = Path(demo.__file__).parents[1] / "samples" / "hc18"
PHANTOMS = [f"phantoms/phantom_{hc}mm.png" for hc in ("095", "175", "235", "310")]


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


@pytest.fixture(autouse=True)
def cached_phantoms(draw: Callable[..., Phantom], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usseg_monai.phantoms.fetal_head_phantom", draw)


@pytest.fixture
def masks(draw: Callable[..., Phantom]) -> dict[bytes, MaskArray]:
    phantoms = [draw(seed, head_circumference_mm=hc) for seed, hc in demo._PHANTOMS_MM.items()]
    return {phantom.image.pixels.tobytes(): phantom.mask for phantom in phantoms}


def _use(monkeypatch: pytest.MonkeyPatch, engine: TruthEngine) -> None:
    monkeypatch.setattr("usseg_monai.inference.predictor._load_engine", lambda *_: engine)


def test_demo_writes_everything_and_succeeds(
    tmp_path: Path, masks: dict[bytes, MaskArray], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use(monkeypatch, TruthEngine(masks))
    out = tmp_path / "out"
    assert main(["demo", "-o", str(out)]) == 0
    real = [f"hc18/{row['filename']}" for row in _samples()]
    files = sorted([*real, *PHANTOMS])
    with (out / "results.csv").open(newline="") as table:
        rows = {row["file"]: row for row in csv.DictReader(table)}
    assert list(rows) == files
    for file in files:
        assert (out / "masks" / file).is_file() and (out / "overlays" / file).is_file() and (out / "images" / file).is_file()
    for file, mask in zip(PHANTOMS, masks.values(), strict=True):
        assert np.array_equal(read_mask(out / "masks" / file), mask)
        hc = float(file[-9:-6])
        assert float(rows[file]["head_circumference_mm"]) == pytest.approx(hc, abs=0.2)
    page = (out / "index.html").read_text(encoding="utf-8")
    for text in (*files, "van den Heuvel", "CC BY 4.0", "6 bits", "Not a medical device", "4 of 4", "real images (HC18)", "310.0"):
        assert text in page, text
    assert page.count("<svg") == page.count("<polygon") == 8
    printed = capsys.readouterr().out
    assert (out / "index.html").as_uri() in printed and "4 of 4 phantoms" in printed
    assert all(file in printed for file in files)

    # The command that the page proposes finds the same images, and their pixel sizes.
    proposed = re.search(r"usseg (predict [^<]*)</code>", page)
    assert proposed
    assert main([*proposed.group(1).replace("-o results", f"-o {tmp_path / 'again'}").split()]) == 0
    assert (tmp_path / "again" / "results.csv").read_bytes() == (out / "results.csv").read_bytes()


def test_phantoms_off_the_truth_are_said_and_exit_with_1(
    tmp_path: Path, masks: dict[bytes, MaskArray], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use(monkeypatch, TruthEngine(masks, shrink=12))
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert "0 of 4 phantoms within 3 %" in capsys.readouterr().out
    assert "not within 3 %" in (tmp_path / "index.html").read_text(encoding="utf-8")


def test_nothing_found_is_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _use(monkeypatch, TruthEngine({}, shrink=300))
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("empty") == 8
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("not known") >= 8


@pytest.mark.skipif(not get_task("fetal_head").weights_sha256, reason="no weights have been released")
def test_released_weights_measure_the_phantoms_within_3_percent(tmp_path: Path) -> None:
    assert (bundle_path("fetal_head") / "models" / "model.onnx").is_file()
    assert main(["demo", "-o", str(tmp_path)]) == 0


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
