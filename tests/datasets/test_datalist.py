"""Datalists: ours, MONAI's, and everything that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from monai.data import load_decathlon_datalist

from tests.datasets.samples import make_hc18
from usseg_monai.datasets.datalist import list_images, load_datalist, read_datalist, read_dataset, to_datalist
from usseg_monai.datasets.hc18 import read_hc18
from usseg_monai.errors import ImageError, UsageError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_hc18(tmp_path / "hc18")


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_the_form(root: Path) -> None:
    datalist = to_datalist(read_hc18(root), base=root)
    assert (datalist["name"], datalist["task"]) == ("HC18", "fetal_head")
    assert [len(datalist[section]) for section in ("training", "validation", "test")] == [3, 1, 1]
    assert datalist["test"] == [
        {
            "image": "training_set/015_HC.png",
            "label": "training_set/015_HC_Annotation.png",
            "group": "015",
            "spacing_mm": [2.0, 2.0],
            "head_circumference_mm": 150.8,
        }
    ]


def test_paths_are_relative_only_below_the_datalist(root: Path, tmp_path: Path) -> None:
    assert to_datalist(read_hc18(root), base=tmp_path)["test"][0]["image"] == "hc18/training_set/015_HC.png"
    assert Path(to_datalist(read_hc18(root), base=tmp_path / "lists")["test"][0]["image"]) == root / "training_set" / "015_HC.png"


@pytest.mark.parametrize("place", ["hc18", "."])
def test_monai_reads_it_as_we_do(root: Path, tmp_path: Path, place: str) -> None:
    folder = tmp_path / place
    path = write(folder / "list.json", to_datalist(read_hc18(root), base=folder))
    ours = load_datalist(path, "training")
    assert ours == load_decathlon_datalist(path, data_list_key="training")
    assert all(Path(item[key]).is_file() for item in ours for key in ("image", "label"))


def test_a_folder_gives_what_its_datalist_gives(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "list.json", to_datalist(read_hc18(root), base=tmp_path))
    monkeypatch.chdir(tmp_path)
    for section in ("training", "validation", "test"):
        assert load_datalist("hc18", section) == load_datalist(path, section)


def test_any_folder_of_pairs(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"{number}.png").touch()
        (tmp_path / f"{number}_mask.png").touch()
    sections = [load_datalist(tmp_path, section) for section in ("training", "validation", "test")]
    assert sum(map(len, sections)) == 30
    assert len(sections[0]) > 15
    assert sections[0][0].keys() == {"image", "label", "group"}


def test_an_empty_section_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a_1.png").touch()
    (tmp_path / "a_1_mask.png").touch()
    with pytest.raises(UsageError, match=r"nothing in its section test \(1 in training, 0 in validation, 0 in test\)"):
        load_datalist(tmp_path, "test")


def test_unknown_names_are_errors(root: Path) -> None:
    with pytest.raises(UsageError, match="unknown section 'train': the sections are training, validation, test"):
        load_datalist(root, "train")
    with pytest.raises(UsageError, match="unknown data set 'hc19': the data sets are hc18, "):
        read_dataset("hc19", root)
    with pytest.raises(UsageError, match="has its own groups"):
        read_dataset("hc18", root, group_pattern="x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as a datalist"),
        ('{"test": ' * 50_000, "cannot be read as a datalist"),
        ("[]", "is no datalist"),
        ('{"images": []}', "at least one of the lists training, validation, test"),
        ('{"test": {}}', "test is a dict: it must be a list"),
        ('{"test": ["a.png"]}', r"test\[0\] must be an object with 'image' and 'label'"),
        ('{"test": [{"image": "a.png", "label": 3}]}', r"test\[0\] must be"),
    ],
)
def test_what_is_no_datalist_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "list.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=message):
        read_datalist(path)


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read as a datalist"):
        load_datalist(tmp_path / "nothing.json", "test")


def test_images_to_predict_have_the_names_of_the_command_line(root: Path, tmp_path: Path) -> None:
    (root / "test_set" / "000_HC.jpg").touch()
    (root / "test_set" / "000_HC_mask.png").touch()  # left out, as there
    images = list_images(root / "test_set")
    assert images == [
        {"image": str(root / "test_set" / "000_HC.jpg"), "file": "000_HC.jpg", "output": "000_HC.jpg"},
        {"image": str(root / "test_set" / "000_HC.png"), "file": "000_HC.png", "output": "000_HC.png"},
    ]
    assert list_images(root / "test_set" / "000_HC.png")[0]["output"] == "000_HC"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="a folder without images"):
        list_images(tmp_path / "empty")


def test_a_link_out_of_the_folder_is_refused(root: Path, tmp_path: Path) -> None:
    folder = tmp_path / "links"
    folder.mkdir()
    (folder / "a.png").symlink_to(root / "test_set" / "000_HC.png")
    with pytest.raises(ImageError, match=r"a\.png: a link that points out of"):
        list_images(folder)


def test_the_real_images_never_share_a_group_between_sections(hc18: Path) -> None:
    sections = {section: load_datalist(hc18, section) for section in ("training", "validation", "test")}
    groups = {section: {item["group"] for item in items} for section, items in sections.items()}
    exams = set.union(*groups.values())
    assert sum(map(len, groups.values())) == len(exams)
    assert len(groups["training"]) / len(exams) == pytest.approx(0.75, abs=0.03)
    assert len(groups["validation"]) / len(exams) == pytest.approx(0.10, abs=0.03)
