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
from usseg_monai.cli.demo import _program
from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.breast_lesions_usg import read_breast_lesions_usg
from usseg_monai.datasets.splits import split_of
from usseg_monai.demo import SHOWCASES
from usseg_monai.geometry.types import GreyArray, MaskArray
from usseg_monai.imaging import read_frames, read_mask
from usseg_monai.phantoms import Phantom
from usseg_monai.predict.engines.base import Answer
from usseg_monai.tasks import TASKS, get_task
from usseg_monai.tasks.breast.phantom import CATEGORIES
from usseg_monai.tasks.breast.showcase import SAMPLES as BREASTS
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom
from usseg_monai.tasks.fetal_head.showcase import PHANTOMS_MM, SAMPLES
from usseg_monai.tasks.left_ventricle.measure import ventricular_function, volume_curve
from usseg_monai.tasks.left_ventricle.showcase import SAMPLES as SLICES
from usseg_monai.tasks.left_ventricle.showcase import _stack

PHANTOMS = [f"phantom_{hc}mm.png" for hc in ("095", "175", "235", "310")]


class TruthEngine:
    """Knows the phantoms' masks by their pixels; sees a disc in any other image. Can shrink what it knows."""

    name, device, weights_sha256 = "onnx", "cpu", "0" * 64

    def __init__(self, masks: dict[bytes, MaskArray], shrink: int = 0) -> None:
        self._masks, self._shrink = masks, shrink

    def __call__(self, pixels: GreyArray) -> Answer:
        rows, cols = np.ogrid[: pixels.shape[0], : pixels.shape[1]]
        disc = ((rows - 270) ** 2 + (cols - 400) ** 2 < 200**2).astype(np.uint8)
        mask = self._masks.get(pixels.tobytes(), disc)
        for _ in range(self._shrink):
            mask = mask * np.roll(mask, 1, 0) * np.roll(mask, -1, 0) * np.roll(mask, 1, 1) * np.roll(mask, -1, 1)
        return mask, mask.astype(np.float32), {}


@pytest.fixture(scope="module")
def draw() -> Callable[..., Phantom]:
    """Draws each phantom once for all tests."""
    return functools.cache(fetal_head_phantom)


@pytest.fixture
def heads_only(draw: Callable[..., Phantom], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("usseg_monai.tasks.fetal_head.showcase.fetal_head_phantom", draw)
    monkeypatch.setattr("usseg_monai.cli.demo.TASKS", {"fetal_head": TASKS["fetal_head"]})


@pytest.fixture
def masks(draw: Callable[..., Phantom]) -> dict[bytes, MaskArray]:
    phantoms = [draw(seed, head_circumference_mm=hc) for seed, hc in PHANTOMS_MM.items()]
    return {phantom.image.pixels.tobytes(): phantom.mask for phantom in phantoms}


def _use(monkeypatch: pytest.MonkeyPatch, engine: TruthEngine) -> None:
    monkeypatch.setattr("usseg_monai.predict.predictor._load_engine", lambda *_: engine)


@pytest.mark.usefixtures("heads_only")
def test_demo_writes_everything_and_succeeds(
    tmp_path: Path, masks: dict[bytes, MaskArray], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _use(monkeypatch, TruthEngine(masks))
    out = tmp_path / "out"
    assert main(["demo", "-o", str(out)]) == 0
    groups = {"hc18": sorted(row["filename"] for row in _samples()), "phantoms": PHANTOMS}
    rows: dict[str, dict[str, str]] = {}
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
    assert page.count("<svg") == page.count("<polygon class=measured") == 8 and page.count("<polygon class=truth") == 4  # of the phantoms
    printed = capsys.readouterr().out
    assert (out / "index.html").as_uri() in printed and "4 of 4 phantoms" in printed
    assert all(file in printed for file in rows)

    # The command that the page proposes finds the same images, and their pixel sizes.
    proposed = re.search(r"usseg(?:_monai)? (predict [^<]*)</code>", page)
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
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "not within 3 %" in page and "Missed: none of 4." in page  # too small, but not missed


@pytest.mark.usefixtures("heads_only")
def test_nothing_found_is_shown_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    _use(monkeypatch, TruthEngine({}, shrink=300))
    assert main(["demo", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("empty") == 8
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count("<dl></dl>") == 4 and page.count("<dt>Dice</dt><dd>0.00</dd></div></dl>") == 4  # true masks of phantoms are known
    missed = re.findall(r"<strong>Missed: 4 of 4\.</strong> Nothing was outlined: ([^<]*)\.</p>", page)
    assert missed == ["116_HC.png, 466_HC.png, 642_HC.png, 741_HC.png", ", ".join(PHANTOMS)]


@pytest.mark.parametrize("task", [name for name in TASKS if name in SHOWCASES])
def test_showcases_speak_of_columns_and_classes_of_their_tasks(task: str) -> None:
    showcase, columns = SHOWCASES[task], {column.name for column in get_task(task).columns}
    assert set(showcase.highlights) <= columns
    assert len({group.folder for group in showcase.groups}) == len(showcase.groups)
    for group in showcase.groups:
        samples = list(group.samples())
        assert len({sample.name for sample in samples}) == len(samples) > 0
        assert not {name for sample in samples for truth in sample.truths.values() for name in truth} - columns
        if group.tolerance is not None:
            assert all(group.tolerance.column in sample.truths[0] for sample in samples)


@pytest.mark.skipif(not all(task.weights_sha256 for task in TASKS.values()), reason="not all weights have been released")
def test_every_task_is_on_one_page_of_moderate_size_without_torch(tmp_path: Path) -> None:
    """In a process of its own, which must not load torch."""
    program = "import sys; from usseg_monai.cli import main; code = main(sys.argv[1:]); sys.exit(9 if 'torch' in sys.modules else code)"
    done = subprocess.run([sys.executable, "-c", program, "demo", "-o", str(tmp_path)], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert all(f"id='{name}'" in page for name in TASKS)
    assert len(page) < 2_000_000

    # The phantom stack: volumes and ejection fraction beside the truth, and the misses beyond its apex.
    truth = _stack().truth
    with (tmp_path / "left_ventricle" / "cine" / "studies.csv").open(newline="") as table:
        (study,) = csv.DictReader(table)
    for name in ("end_diastolic_volume_ml", "end_systolic_volume_ml", "stroke_volume_ml"):
        assert float(study[name]) == pytest.approx(truth[name], rel=0.1), name
        assert f"true {truth[name]:.1f}" in page and f"{float(study[name]):.1f} ml" in page
    assert float(study["ejection_fraction_percent"]) == pytest.approx(truth["ejection_fraction_percent"], abs=3)
    assert (study["end_diastole_phase"], study["end_systole_phase"]) == ("0", "3")
    assert "badge GOOD'>within 10 %" in page
    assert re.search(r"<strong>Missed: \d of 64\.</strong> Something was outlined where there is nothing", page)
    assert "<strong>Missed: 1 of 4.</strong> Something was outlined where there is nothing: neck_without_nerve.png." in page


def test_the_stacks_true_masks_have_its_true_volumes(tmp_path: Path) -> None:
    """In the order of the file's frames, with the study's own formula."""
    (cine,) = (group for group in SHOWCASES["left_ventricle"].groups if group.folder == "cine")
    (sample,) = cine.samples()
    truth = _stack().truth
    spacing = _stack().slices[0][0].image.spacing_mm
    assert spacing is not None and list(sample.masks) == list(sample.truths) == list(range(64))
    areas = np.array([mask.sum() for mask in sample.masks.values()]).reshape(8, 8).T * spacing[0] * spacing[1]  # slices, phases
    function = ventricular_function(volume_curve(areas, truth["slice_distance_mm"]))
    assert function.end_diastolic_volume_ml == pytest.approx(truth["end_diastolic_volume_ml"], rel=0.01)
    assert function.end_systolic_volume_ml == pytest.approx(truth["end_systolic_volume_ml"], rel=0.01)
    assert not areas[-1].any() and areas[:-1].all()  # no cavity beyond the apex
    (tmp_path / sample.name).write_bytes(sample.content)
    frames = list(read_frames(tmp_path / sample.name))
    assert len(frames) == 64
    np.testing.assert_array_equal(frames[8 * 3 + 5].pixels, _stack().slices[5][3].image.pixels)


def test_a_stack_off_the_truth_is_said_and_exits_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = [frame for phases in _stack().slices for frame in phases]
    _use(monkeypatch, TruthEngine({frame.image.pixels.tobytes(): frame.mask for frame in frames}))
    monkeypatch.setattr("usseg_monai.cli.demo.TASKS", {"left_ventricle": TASKS["left_ventricle"]})
    assert main(["demo", "-o", str(tmp_path / "right")]) == 0
    printed = capsys.readouterr().out
    assert "ejection_fraction_percent: found 55.1, true 55.0" in printed or "ejection_fraction_percent: found 55.0, true 55.0" in printed
    assert "missed: 0 of 64 phantom stack" in printed
    _use(monkeypatch, TruthEngine({frame.image.pixels.tobytes(): frame.mask for frame in frames}, shrink=1))
    assert main(["demo", "-o", str(tmp_path / "small")]) == 1
    assert "badge UNBELIEVABLE'>not within 10 %" in (tmp_path / "small" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", ["", "bin"])
def test_commands_of_the_page_start_the_program_that_made_it(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``make demo`` no environment is activated: its file is named; where it is, the name is enough."""
    monkeypatch.chdir(tmp_path)
    for name in ("python", "usseg"):
        (tmp_path / "bin" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "bin" / name).touch(mode=0o755)
    monkeypatch.setattr("sys.executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / path) if path else str(tmp_path / "elsewhere"))
    assert _program() == ("usseg" if path else str(Path("bin", "usseg")))
    (tmp_path / "bin" / "usseg").unlink()
    assert _program() == f"{tmp_path / 'bin' / 'python'} -m usseg_monai"


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
    folder = SLICES
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


def test_breasts_are_the_first_test_images_of_each_class_of_the_dataset(data_root: Path) -> None:
    official = read_breast_lesions_usg(data_root / "breast_lesions_usg")
    found = [case for case in official.cases if official.split_of(case) == "test"]
    chosen = {case.image.name: case for name in CATEGORIES for case in [case for case in found if case.category == name][:2]}
    samples = {sample.name: sample for sample in SHOWCASES["breast"].groups[0].samples()}
    assert sorted(samples) == sorted(chosen) and len(samples) == 6
    for name, case in chosen.items():
        sample = samples[name]
        assert sample.content == case.image.read_bytes() and sample.spacing_mm == case.spacing_mm
        assert np.array_equal(sample.masks[0], read_annotation(case.label, sample.masks[0].shape))
        truth = sample.truths[0]
        assert [category for category in CATEGORIES if truth[f"{category}_probability"] == 1] == [case.category]
        assert (truth["lesion_count"] == 0) == (case.category == "normal") == ("long_axis_mm" not in truth)
    attribution = (BREASTS / "ATTRIBUTION.txt").read_text(encoding="utf-8")
    assert all(word in attribution for word in ("Pawlowska", "CC BY 4.0", "10.7937/9WKK-Q141", "6 bits"))
    assert sum(file.stat().st_size for file in BREASTS.iterdir()) < 250_000
