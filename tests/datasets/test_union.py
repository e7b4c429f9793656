"""Both sources of breast lesions as one data set."""

from __future__ import annotations

from pathlib import Path

import pytest
from monai.data import list_data_collate

from tests.datasets.samples import make_busbra, make_busi, make_hc18
from usseg_monai.datasets.datalist import load_datalist, read_dataset, to_datalist
from usseg_monai.datasets.registry import SOURCES
from usseg_monai.errors import UsageError

is_breast, read_breast = SOURCES["breast"].recognise, SOURCES["breast"].read


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """A folder with both sources, and another data set beside them."""
    make_busi(tmp_path / "busi", table="benign (2).png,one,axilla,text\n")
    make_busbra(tmp_path / "busbra")
    make_hc18(tmp_path / "hc18")
    return tmp_path


def test_both_sources_and_nothing_else(both: Path) -> None:
    assert is_breast(both)
    dataset = read_breast(both)
    assert (dataset.name, dataset.task) == ("BUSI and BUS-BRA", "breast")
    assert [case.source for case in dataset.cases] == ["BUSI"] * 6 + ["BUS-BRA"] * 3
    assert "BUSI: 2 benign images: the official release has 437" in dataset.remarks
    assert "BUS-BRA: 3 images: the official release has 1875" in dataset.remarks
    assert read_dataset("breast", both) == dataset


@pytest.mark.parametrize("missing", ["busi", "busbra"])
def test_one_source_alone_is_no_joint_folder(both: Path, missing: str) -> None:
    (both / missing).rename(both / missing[:2])
    assert is_breast(both)  # by its looks, not by its name
    (both / missing[:2]).rename(both.parent / missing)
    assert not is_breast(both)
    with pytest.raises(UsageError, match="BUSI not found in" if missing == "busi" else "BUS-BRA not found in"):
        read_breast(both)


def test_nowhere_is_an_error(tmp_path: Path) -> None:
    assert not is_breast(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="BUSI and BUS-BRA not found in"):
        read_breast(tmp_path / "nowhere")


def test_items_of_both_have_the_same_keys_and_the_task_s_class_numbers(both: Path) -> None:
    datalist = to_datalist(read_breast(both), both)
    items = [item for section in ("training", "validation", "test") for item in datalist[section]]
    assert {frozenset(item) for item in items} == {frozenset(("image", "label", "group", "class", "source", "objection", "annotation"))}
    found = {Path(item["image"]).stem: item for item in items}
    assert {name: found[name]["class"] for name in ("normal (1)", "benign (2)", "malignant (1)", "bus_0001-l", "bus_0002-l")} == {
        "normal (1)": 0,
        "benign (2)": 1,
        "malignant (1)": 2,
        "bus_0001-l": 2,
        "bus_0002-l": 1,
    }
    assert found["benign (2)"]["objection"] == "axilla" and found["bus_0001-l"]["objection"] == ""
    told = [{key: item[key] for key in ("group", "class", "source", "objection")} for item in items]
    assert list_data_collate(told)["class"].shape == (9,)


@pytest.mark.parametrize(("folder", "count"), [("", 9), ("busi", 6), ("busbra", 3)])
def test_commands_know_the_layouts_by_their_looks(both: Path, folder: str, count: int) -> None:
    found = []
    for section in ("training", "validation", "test"):
        try:
            found += load_datalist(both / folder, section)
        except UsageError as error:
            assert "has nothing in its section" in str(error)
    assert len(found) == count


def test_the_real_images_of_both_are_split_by_group(data_root: Path) -> None:
    datalist = to_datalist(read_breast(data_root))
    groups = {section: {item["group"] for item in datalist[section]} for section in ("training", "validation", "test")}
    assert groups["training"].isdisjoint(groups["validation"] | groups["test"]) and groups["validation"].isdisjoint(groups["test"])
    for section in groups:
        assert {(item["source"], item["class"]) for item in datalist[section]} == {
            ("BUSI", 0),
            ("BUSI", 1),
            ("BUSI", 2),
            ("BUS-BRA", 1),
            ("BUS-BRA", 2),
        }
