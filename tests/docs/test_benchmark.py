"""The page of the benchmark: its commands run on tiny phantoms, its tables are those of the JSON and of the lists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import public_sets
from tests.conftest import REPOSITORY
from tests.datasets.samples import disc, write_png
from tests.docs.shown import blocks, make_workplace, run
from usseg_monai.datasets.datalist import SECTIONS
from usseg_monai.datasets.shipped import read_shipped, shipped_names
from usseg_monai.evaluation.cases import CaseResult
from usseg_monai.evaluation.mask_folder import match_masks
from usseg_monai.tasks import get_task

PAGE = REPOSITORY / "docs" / "benchmark.md"
TEXT = PAGE.read_text(encoding="utf-8")
SHAPE = (92, 128)


def make_sets(place: Path) -> None:
    """Phantoms under the official names of BrEaST's test section, an nnU-Net folder for them, and somebody's own images and masks."""
    root, nnunet = place / "BREAST_LESIONS_USG", place / "NNUNET"
    rows = ["Image_filename,Pixel_size,Classification"]
    for number, item in enumerate(read_shipped("breast_lesions_usg")["test"]):
        lesion = disc(*SHAPE, (46, 50 + number % 20), 14)
        write_png(root / item["image"], 140 - 100 * lesion)
        write_png(root / f"{item['name']}_tumor.png", lesion * 255)
        write_png(nnunet / f"{item['name']}.png", np.roll(lesion, 2, axis=1))  # labels 0 and 1
        rows.append(f"{item['image']},0.1,benign")
    (root / "clinical.csv").write_text("\n".join([*rows, ""]))
    for name in ("dataset.json", "plans.json", "predict_from_raw_data_args.json"):
        (nnunet / name).write_text("{}")
    for number in range(8):
        head = disc(*SHAPE, (46, 64), 30 + number)
        write_png(place / "OWN" / "images" / f"exam{number}.png", head * 100 + 20)
        write_png(place / "OWN" / "masks" / f"exam{number}.png", head * 255)
        write_png(place / "OWN_MASKS" / f"exam{number}_seg.png", head * 255)


def test_what_the_page_shows_runs(tmp_path: Path) -> None:
    place = make_workplace(tmp_path)
    make_sets(place)
    printed = [(language, run(language, text, place)) for language, text in blocks(PAGE)]
    assert [language for language, _ in printed] == ["bash", "python", "bash"]
    first = read_shipped("breast_lesions_usg")["test"][0]
    assert printed[1][1].splitlines()[0] == f"{first['name']} {first['image']} {first['group']}"
    nnunet, both, own = (json.loads((place / "OUT" / name / "metrics.json").read_text()) for name in ("nnunet", "both", "own"))
    images = len(read_shipped("breast_lesions_usg")["test"])
    assert (nnunet["cases"], nnunet["groups"], nnunet["failures"]) == (images, images, [])
    assert nnunet["dice"]["mean"] == pytest.approx(0.91, abs=0.01)  # discs of radius 14, 2 pixels apart
    assert nnunet["datalist_sha256"] == both["datalist_sha256"] == public_reports()["breast_lesions_usg"]["shipped"]["datalist_sha256"]
    assert both["difference"]["dice"]["cases"] == images and both["against"]["failures"] == []
    assert own["dice"]["mean"] == 1.0 and own["cases"] >= 4


def public_reports() -> dict[str, dict[str, dict[str, object]]]:
    reports: dict[str, dict[str, dict[str, object]]] = json.loads(public_sets.RESULTS.read_text(encoding="utf-8"))
    return reports


def test_the_rows_are_those_of_the_results() -> None:
    (shown,) = re.findall(r"<!-- benchmark:begin -->\n(.*)\n<!-- benchmark:end -->", TEXT, re.DOTALL)
    assert shown == public_sets.markdown(public_reports())
    assert set(public_reports()) == set(shipped_names())


def test_the_rows_are_of_the_lists_in_the_package() -> None:
    """Number of images and groups; the digest of one is held by the test above."""
    for name, report in public_reports().items():
        items = read_shipped(name)["test"]
        assert (report["shipped"]["cases"], report["shipped"]["groups"]) == (len(items), len({item["group"] for item in items}))


def test_the_table_of_lists_counts_them() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| .+? \| (\d+), (\d+), (\d+) \|", TEXT, re.MULTILINE)
    assert {name for name, *_ in rows} == set(shipped_names())
    for name, task, *counts in rows:
        datalist = read_shipped(name)
        assert (datalist["task"], [len(datalist[section]) for section in SECTIONS.values()]) == (task, list(map(int, counts)))


def test_the_names_in_the_table_match(tmp_path: Path) -> None:
    rows = re.findall(r"^\| `([\w./]+)`(?:, as in [^|]+|, in a list `([\w-]+)`)? \| (`.+`) \|$", TEXT, re.MULTILINE)
    assert len(rows) == 3
    for number, (image, name, masks) in enumerate(rows):
        shown = re.findall(r"`([^`]+)`", masks)
        for index, mask in enumerate(shown):
            folder = tmp_path / f"{number}_{index}"
            (folder / mask).parent.mkdir(parents=True)
            (folder / mask).touch()
            item = {"image": image} | ({"name": name} if name else {})
            assert match_masks(folder, [item]) == ({Path(image): folder / mask}, [])


def test_every_key_that_the_page_names_is_in_the_report() -> None:
    report = public_reports()["hc18"]["shipped"]
    keys = _keys(report)
    named = {"dice_of_structures", "dice", "contour_distance_mm", "hd95_mm", "bias", "limits_of_agreement", "absolute_difference"}
    for key in named | {"without_value", "interval_95", "datalist_sha256", "versions", "failures"}:
        assert key in keys and (f"`{key}`" in TEXT or f"`{key.removesuffix('_mm')}`" in TEXT or key in ("versions", "failures"))


def _keys(figures: object) -> set[str]:
    if not isinstance(figures, dict):
        return set()
    return set(figures).union(*map(_keys, figures.values()))


def test_a_case_has_what_the_page_says() -> None:
    assert {"contour_distance", "hd95", "unit"} <= CaseResult.__dataclass_fields__.keys()
    assert get_task("left_ventricle").patient
