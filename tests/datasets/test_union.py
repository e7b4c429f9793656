"""The three sources of breast lesions as one data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.data import list_data_collate

from tests.datasets.samples import make_breast_lesions_usg, make_busbra, make_busi, make_hc18
from usseg_monai.datasets.datalist import SECTIONS, load_datalist, read_dataset, to_datalist
from usseg_monai.datasets.registry import SOURCES
from usseg_monai.errors import UsageError

is_breast, read_breast = SOURCES["breast"].recognise, SOURCES["breast"].read

FOLDERS = {"busi": "BUSI", "busbra": "BUS-BRA", "breast_lesions_usg": "BrEaST"}


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A folder with all sources, and another data set beside them."""
    root = tmp_path / "three"
    make_busi(root / "busi", table="benign (2).png,one,axilla,text\n")
    make_busbra(root / "busbra")
    make_breast_lesions_usg(root / "breast_lesions_usg")
    make_hc18(root / "hc18")
    return root


def test_all_sources_and_nothing_else(three: Path) -> None:
    assert is_breast(three)
    dataset = read_breast(three)
    assert (dataset.name, dataset.task) == ("BUSI, BUS-BRA and BrEaST", "breast")
    assert [case.source for case in dataset.cases] == ["BUSI"] * 6 + ["BUS-BRA"] * 3 + ["BrEaST"] * 3
    assert "BUSI: 2 benign images: the official release has 437" in dataset.remarks
    assert "BUS-BRA: 3 images: the official release has 1875" in dataset.remarks
    assert "BrEaST: 3 images: the official release has 256" in dataset.remarks
    assert not any("not found" in remark for remark in dataset.remarks)
    assert read_dataset("breast", three) == dataset


@pytest.mark.parametrize("missing", FOLDERS)
def test_two_sources_are_enough_and_the_missing_one_is_named(three: Path, missing: str) -> None:
    every = {case.image: read_breast(three).split_of(case) for case in read_breast(three).cases}
    (three / missing).rename(three / missing[:2])
    assert read_breast(three).name == "BUSI, BUS-BRA and BrEaST"  # recognised by its contents, not by its name
    (three / missing[:2]).rename(three.parent / missing)
    assert is_breast(three)
    dataset = read_breast(three)
    assert dataset.name == " and ".join(title for folder, title in FOLDERS.items() if folder != missing)
    assert {case.source for case in dataset.cases} == set(FOLDERS.values()) - {FOLDERS[missing]}
    assert dataset.remarks[0] == f"{FOLDERS[missing]}: not found in this folder"
    assert {case.image: dataset.split_of(case) for case in dataset.cases}.items() <= every.items()


@pytest.mark.parametrize("left", FOLDERS)
def test_one_source_alone_is_no_joint_folder(three: Path, left: str) -> None:
    for folder in FOLDERS.keys() - {left}:
        (three / folder).rename(three.parent / folder)
    assert not is_breast(three)
    missing = " and ".join(title for folder, title in FOLDERS.items() if folder != left)
    with pytest.raises(UsageError, match=f"{missing} not found in .*two at least of BUSI, BUS-BRA and BrEaST"):
        read_breast(three)


def test_nowhere_is_an_error(tmp_path: Path) -> None:
    assert not is_breast(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="BUSI, BUS-BRA and BrEaST not found in"):
        read_breast(tmp_path / "nowhere")


def test_items_of_all_have_the_same_keys_and_the_task_s_class_numbers(three: Path) -> None:
    datalist = to_datalist(read_breast(three), three)
    items = [item for section in SECTIONS.values() for item in datalist[section]]
    common = frozenset(("image", "label", "group", "class", "source", "objection", "annotation"))
    assert {frozenset(item) for item in items if item["source"] != "BrEaST"} == {common}
    assert {frozenset(item) for item in items if item["source"] == "BrEaST"} == {common | {"spacing_mm"}}
    found = {Path(item["image"]).stem: item for item in items}
    names = ("normal (1)", "benign (2)", "malignant (1)", "bus_0001-l", "bus_0002-l", "case001", "case002", "case003")
    assert [found[name]["class"] for name in names] == [0, 1, 2, 2, 1, 1, 2, 0]
    assert found["benign (2)"]["objection"] == "axilla" and found["bus_0001-l"]["objection"] == found["case001"]["objection"] == ""
    stated = [{key: item[key] for key in ("group", "class", "source", "objection")} for item in items]
    assert list_data_collate(stated)["class"].shape == (12,)


@pytest.mark.parametrize(("folder", "count"), [("", 12), ("busi", 6), ("busbra", 3), ("breast_lesions_usg", 3)])
def test_commands_know_the_layouts_by_their_looks(three: Path, folder: str, count: int) -> None:
    found = []
    for section in SECTIONS.values():
        try:
            found += load_datalist(three / folder, section)
        except UsageError as error:
            assert "has nothing in its section" in str(error)
    assert len(found) == count


def test_the_real_images_of_all_are_split_by_group(data_root: Path) -> None:
    datalist = to_datalist(read_breast(data_root))
    groups = {section: {item["group"] for item in datalist[section]} for section in SECTIONS.values()}
    assert groups["training"].isdisjoint(groups["validation"] | groups["test"]) and groups["validation"].isdisjoint(groups["test"])
    lesions = {(source, number) for source in FOLDERS.values() for number in (1, 2)} | {("BUSI", 0)}
    for section in groups:
        assert {(item["source"], item["class"]) for item in datalist[section]} - {("BrEaST", 0)} == lesions


def test_no_two_sources_have_a_group_of_one_name(data_root: Path) -> None:
    """A group of one name would put images of two patients together."""
    sources: dict[str, set[str | None]] = {}
    for case in read_breast(data_root).cases:
        sources.setdefault(case.group, set()).add(case.source)
    assert all(len(found) == 1 for found in sources.values())
