"""The lists in the package: no leaks, the rule of the split, and that they are what the readers find."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from monai.data import load_decathlon_datalist

from benchmarks import datalists
from tests.datasets.samples import disc, make_hc18, write_png
from tests.imaging.samples import dicom_bytes
from usseg_monai.datasets import shipped
from usseg_monai.datasets.datalist import SECTIONS, item_key
from usseg_monai.datasets.registry import SOURCES
from usseg_monai.datasets.shipped import load_shipped, read_shipped, shipped_names
from usseg_monai.datasets.splits import split_of
from usseg_monai.errors import UsageError

PUBLIC = ("breast_lesions_usg", "busbra", "busi", "hc18", "kaggle_nerve", "sunnybrook")


def sections(name: str) -> dict[str, list[dict[str, Any]]]:
    return {section: read_shipped(name)[section] for section in SECTIONS.values()}


def test_every_public_set_has_a_list() -> None:
    assert shipped_names() == PUBLIC and set(PUBLIC) <= SOURCES.keys()
    assert {SOURCES[name].title for name in PUBLIC} == {read_shipped(name)["name"] for name in PUBLIC}


@pytest.mark.parametrize("name", PUBLIC)
def test_no_group_and_no_image_is_in_two_sections(name: str) -> None:
    parts = sections(name)
    assert all(parts.values())
    for key in ("group", "image", "name"):
        held = [{item[key] for item in items} for items in parts.values()]
        assert sum(map(len, held)) == len(set[str]().union(*held)), key
    for key in ("image", "name"):
        assert max(Counter(item[key] for items in parts.values() for item in items).values()) == 1


@pytest.mark.parametrize("name", PUBLIC)
def test_sections_follow_from_the_groups(name: str) -> None:
    for section, items in sections(name).items():
        assert {SECTIONS[split_of(read_shipped(name)["task"], item["group"])] for item in items} == {section}


@pytest.mark.parametrize("name", PUBLIC)
def test_items_have_names_and_groups_and_nothing_else(name: str) -> None:
    for items in sections(name).values():
        for item in items:
            assert list(item) == ["name", "image", "label", "group"]
            assert item["name"] in item["image"] and not item["image"].startswith(("/", "."))


@pytest.mark.parametrize("name", PUBLIC)
def test_monai_reads_them(name: str) -> None:
    for section, items in sections(name).items():
        loaded = load_decathlon_datalist(str(shipped.LISTS / f"{name}.json"), True, section, base_dir="/data")
        assert [item["image"] for item in loaded] == [f"/data/{item['image']}" for item in items]


def test_exams_and_patients_stay_together() -> None:
    """By rules that do not come from the readers: the official names say who belongs together."""
    rules: dict[str, Callable[[str], str]] = {
        "hc18": lambda name: name.split("_")[0],
        "busbra": lambda name: name.split("-")[0],
        "sunnybrook": lambda name: name.partition("-IM-")[0],
    }
    for name, rule in rules.items():
        places = {rule(item["name"]): section for section, items in sections(name).items() for item in items}
        for section, items in sections(name).items():
            assert all(places[rule(item["name"])] == section for item in items), name
    nerve = {item["name"].split("_")[0]: section for section, items in sections("kaggle_nerve").items() for item in items}
    assert nerve["17"] == nerve["18"]  # one person


def test_the_lists_are_what_the_readers_find(data_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert datalists.main(["--data", str(data_root), "--check"]) == 0, capsys.readouterr().out


def test_a_list_that_differs_is_named(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(datalists, "LISTS", tmp_path)
    monkeypatch.setattr(datalists, "PLACES", {"hc18": datalists.PLACES["hc18"]})
    assert datalists.main(["--data", str(data_root), "--check"]) == 1
    assert capsys.readouterr().out == "datalists: hc18.json differs\n"
    assert datalists.main(["--data", str(data_root)]) == datalists.main(["--data", str(data_root), "--check"]) == 0
    assert datalists.main(["--data", str(tmp_path / "nowhere")]) == 2


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package with lists of two images: of HC18, with groups of its own, and of Sunnybrook."""
    hc18 = {
        "name": "HC18",
        "task": "fetal_head",
        "training": [{"name": "000_HC", "image": "training_set/000_HC.png", "label": "x", "group": "000"}],
        "validation": [],
        "test": [{"name": name, "image": f"training_set/{name}.png", "label": "x", "group": "one"} for name in ("015_HC", "001_HC")],
    }
    sunnybrook = {
        "name": "Sunnybrook",
        "task": "left_ventricle",
        "training": [],
        "validation": [],
        "test": [{"name": "SC-HF-I-01-IM-0001-0048", "image": "x", "label": "x", "group": "SC-HF-I-01"}],
    }
    (tmp_path / "lists").mkdir()
    for name, content in (("hc18", hc18), ("sunnybrook", sunnybrook)):
        (tmp_path / "lists" / f"{name}.json").write_text(json.dumps(content))
    monkeypatch.setattr(shipped, "LISTS", tmp_path / "lists")
    shipped_names.cache_clear()
    yield tmp_path
    shipped_names.cache_clear()


def test_items_have_all_that_the_reader_knows(tiny: Path) -> None:
    items, remarks = load_shipped("hc18", make_hc18(tiny / "data"), "test")
    assert [(item_key(item), item["group"]) for item in items] == [("015_HC", "one"), ("001_HC", "one")]
    assert all(Path(item["image"]).is_file() and item["spacing_mm"] == [2.0, 2.0] for item in items)
    assert items[0]["head_circumference_mm"] == 150.8
    assert len(remarks) == 1 and "2 images of" in remarks[0] and remarks[0].endswith("left out: 000_2HC, 005_HC")


def test_a_section_is_whole_or_refused(tiny: Path) -> None:
    root = make_hc18(tiny / "data", names=("000_HC", "015_HC"))
    with pytest.raises(UsageError, match=r"lacks 1 of the 2 images in section test of the list 'hc18', 001_HC first: .*; 2 images in tr"):
        load_shipped("hc18", root, "test")
    assert len(load_shipped("hc18", root, "training")[0]) == 1


@pytest.mark.parametrize("layout", ["png", "dicom"])
def test_every_layout_has_the_names_of_the_list(tiny: Path, layout: str) -> None:
    root, name = tiny / "data", "SC-HF-I-01-IM-0001-0048"
    if layout == "png":
        write_png(root / "png" / "training" / "images" / f"{name}.dcm.png", disc() * 100)
        write_png(root / "png" / "training" / "labels" / f"{name}.dcm.png", disc() * 255)
    else:
        (root / "dicom" / "SCD0000101").mkdir(parents=True)
        (root / "dicom" / "SCD0000101" / "48.dcm").write_bytes(dicom_bytes(disc() * 100, PixelSpacing=[1.25, 1.5], Modality="MR"))
        (root / "SC-HF-I-1").mkdir()
        (root / "SC-HF-I-1" / "IM-0001-0048-icontour-manual.txt").write_text("20 10\n40 10\n30 30\n")
        (root / "patients.csv").write_text("PatientID,OriginalID\nSCD0000101,SC-HF-I-1\n")
    ((item,), remarks) = load_shipped("sunnybrook", root, "test")
    assert (item["name"], item["phase"], item["group"], remarks) == (name, 7, "SC-HF-I-01", [])


def test_wrong_names(tiny: Path) -> None:
    with pytest.raises(UsageError, match=r"no datalist 'hc19' in the package: there are hc18, sunnybrook; did you mean 'hc18'\?"):
        read_shipped("hc19")
    with pytest.raises(UsageError, match="unknown section 'all'"):
        load_shipped("hc18", tiny, "all")


def test_an_image_that_the_reader_leaves_out_is_still_scored(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What BUSI's reader leaves out depends on which images are there; the list does not."""
    left_out = SOURCES["busi"].read(data_root / "busi").left_out
    assert len(left_out) == 18 and {case.key for case in left_out} >= {"benign (42)", "malignant (51)"}
    names = {item["name"] for items in sections("busi").values() for item in items}
    assert not names & {case.key for case in left_out}
    listed = {**read_shipped("busi"), "test": [{"name": "benign (42)", "group": "g"}]}
    monkeypatch.setattr(shipped, "read_shipped", lambda name: listed)
    assert load_shipped("busi", data_root / "busi", "test")[0][0]["group"] == "g"
