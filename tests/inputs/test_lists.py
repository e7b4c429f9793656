from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.inputs.find import find_inputs
from usseg_monai.inputs.lists import read_list
from usseg_monai.inputs.naming import part_masks


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_list_names_files_as_their_common_folder_would(tmp_path: Path) -> None:
    make(tmp_path, "in/p1/us/a.png", "in/p2/us/a.png", "in/p2/us/a_mask.png")
    (tmp_path / "list.txt").write_text("in/p2/us/a.png\r\n\nin/p1/us/a.png\nin/p2/us/a_mask.png\nin/p1/gone.png\n")
    found = find_inputs([tmp_path / "list.txt"])
    assert [item.file for item in found] == ["p2/us/a.png", "p1/us/a.png", "p2/us/a_mask.png", "p1/gone.png"]  # in the order of the list
    assert [Path(item.path) for item in found] == [tmp_path / "in" / item.file for item in found]
    assert part_masks(found)[1] == []  # what the user names is an image
    folder = {item.file: item.output for item in find_inputs([tmp_path / "in"])}
    assert {item.file: item.output for item in found if "gone" not in item.file} == folder


def test_a_list_of_one_file_and_absolute_paths(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text(f"{tmp_path}/a/b.png\n")
    assert [item.file for item in find_inputs([tmp_path / "list.txt"])] == ["b.png"]


def test_standard_input_counts_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("a/1.png\nb/1.png\n"))
    assert [(item.file, item.absolute) for item in find_inputs(["-"])] == [(name, str(tmp_path / name)) for name in ("a/1.png", "b/1.png")]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"\xef\xbb\xbfa\xff.png\n")
    assert find_inputs([tmp_path / "list.txt"])[0].file == "a\udcff.png"


def test_a_datalist_gives_all_its_sections_and_the_spacing(tmp_path: Path) -> None:
    datalist = {
        "name": "set",
        "training": [{"image": "in/b.png", "label": "in/b_mask.png", "spacing_mm": [0.1, 0.2]}],
        "test": ["./in/a.png", {"image": str(tmp_path / "in/c.png")}],
    }
    (tmp_path / "set.json").write_text(json.dumps(datalist))
    found = find_inputs([tmp_path / "set.json"])
    assert [(item.file, item.spacing_mm) for item in found] == [("b.png", (0.1, 0.2)), ("a.png", None), ("c.png", None)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.txt", "", "names no file"),
        ("list.txt", "\n\n", "names no file"),
        ("list.txt", "a.png\na\0b.png\n", "line 2: a file name cannot contain a zero byte"),
        ("set.json", "{", "cannot be read as a list of files"),
        ("set.json", "[" * 100_000, "cannot be read as a list of files"),
        ("set.json", "[]", "is no datalist: it needs at least one of the lists training, validation, test"),
        ("set.json", '{"test": []}', "names no file"),
        ("set.json", '{"test": {}}', "test is a dict"),
        ("set.json", '{"test": [{"label": "a"}]}', "test[0] must be the name of an image"),
        ("set.json", '{"test": ["a", 1]}', "test[1] must be the name of an image"),
        ("set.json", '{"test": [{"image": "a", "spacing_mm": 3}]}', "test[0]: spacing_mm must be two positive numbers"),
        ("set.json", '{"test": [{"image": "a", "spacing_mm": [0.1, -1]}]}', "test[0]: spacing_mm must be two positive numbers"),
    ],
)
def test_what_is_no_list(name: str, content: Any, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(UsageError) as caught:
        read_list(str(tmp_path / name))
    assert said in str(caught.value) and "\n" not in str(caught.value) and str(tmp_path / name) in str(caught.value)


def test_a_list_of_one_endless_line(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a.png\n" + "b" * 65_536 + "\n")
    with pytest.raises(UsageError, match="line 2: more than 65536 characters in one line"):
        read_list(str(tmp_path / "list.txt"))


def test_how_long_a_list_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "list.txt").write_text("a.png\nb.png\n")
    (tmp_path / "set.json").write_text('{"test": ["a.png"]}')
    for most, name, said in ((2, "_MOST_LINES", "more than 1 lines"), (19, "_LONGEST_DATALIST", "more than 18 characters")):
        argument = str(tmp_path / ("list.txt" if name == "_MOST_LINES" else "set.json"))
        monkeypatch.setattr(f"usseg_monai.inputs.lists.{name}", most)
        assert read_list(argument)
        monkeypatch.setattr(f"usseg_monai.inputs.lists.{name}", most - 1)
        with pytest.raises(UsageError, match=said):
            read_list(argument)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    from usseg_monai.errors import ImageError

    with pytest.raises(ImageError, match="no such file or folder"):
        find_inputs([tmp_path / "none.txt"])
