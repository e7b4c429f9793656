"""Targets that read tables, lists and run-length codes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.fuzz.mutate import mutate_json, mutate_text, odd_number
from benchmarks.fuzz.target import Make, Target

__all__ = ["TARGETS"]

_SPACING_TABLES = (
    "filename,pixel size(mm)\r\n000_HC.png,0.0691358041432\r\n001_HC.png,0.0896593\r\n",
    '\ufeff"filename" , pixel size(mm),note\n"a,b.png",0.5,"two\nlines"\n',
)
_HC18 = (
    "filename,pixel size(mm),head circumference (mm)\r\n000_HC.png,0.069,44.3\r\n000_2HC.png,0.069,44.3\r\n001_HC.png,0.0896,56.81\r\n",
)
_KAGGLE = ("subject,img,pixels\n1,1,168153 9 168570 15\n1,2,\n2,1,96346 4\n",)
_BUSI = (
    "filename,group,objection,annotation\nbenign (1).png,benign (1),,text\n"
    "malignant (2).png,malignant (1),multiclass,\nnormal (1).png,normal (1),axilla,\n",
)
_BUSBRA = (
    "ID,Case,Histology,Pathology,BIRADS,Device,Width,Height,Side,BBOX\n"
    'bus_0001-l,1,fibroadenoma,benign,3,scanner,128,92,left,"[40,20,41,41]"\nbus_0002-r,2,carcinoma,malignant,5,scanner,128,92,right,"[1,2,3,4]"\n',
)
_SUNNYBROOK = ("PatientID,OriginalID,Gender,Age,Pathology\nSCD0000101,SC-HF-I-1,Male,66,HF-I\nSCD0000401,SC-HF-I-5,Female,51,HF-I\n",)
_WORDS = (
    *(
        "filename",
        "pixel size(mm)",
        "head circumference (mm)",
        "subject",
        "img",
        "pixels",
        "group",
        "ID",
        "Pathology",
        "benign",
        "malignant",
    ),
    *("PatientID", "OriginalID", "SC-HF-I-1", "000_HC.png", "bus_0001-l", "multiclass", '"', ",,,", "0.2"),
)

_DATALIST: dict[str, Any] = {
    "name": "own",
    "task": "breast",
    "training": [
        {"image": "a/1.png", "label": "a/1_mask.png", "group": "a", "spacing_mm": [0.2, 0.2], "class": 1, "source": "BUSI"},
        {"image": "a/2.png", "label": ["a/2_mask.png", "a/2_mask_1.png"], "group": "a", "head_circumference_mm": 170.5},
    ],
    "validation": [],
    "test": [{"image": "/b/3.png", "label": [], "group": "b"}],
}
_JSON_WORDS = ("image", "label", "group", "training", "validation", "test", "spacing_mm", "class", "task", "name", "a/1.png", "nerve")
_LARGEST = 1_000_000
"""Maximum characters of a datalist; the cost of a larger one is its size."""
_BOMBS = (
    "[" * 20000,
    '{"test":' * 20000,
    '{"training": [' + "[" * 900 + "]" * 900 + "]}",
    "9" * 20000,
    '{"test": ' + "9" * 5000 + "}",
    '"\\ud800"',
)


def _changing(texts: Sequence[str]) -> Callable[[], Make]:
    return lambda: lambda rng: mutate_text(rng, rng.choice(texts), _WORDS)


def _spacings(data: bytes, path: Path) -> None:
    from usseg_monai.imaging import read_spacing_csv

    path.write_bytes(data)
    for name, spacing in read_spacing_csv(path).items():
        assert isinstance(name, str) and len(spacing) == 2 and all(0 < step < math.inf for step in spacing), f"spacing {spacing}"


def _spacing_words() -> Make:
    def make(rng: Random) -> str:
        return rng.choice((",", ", ", ";", " ", ",,")).join(
            odd_number(rng) if rng.random() < 0.6 else "0.2" for _ in range(rng.choice((0, 1, 2, 2, 2, 3, 900)))
        )

    return make


def _spacing_text(text: str, path: Path) -> None:
    from usseg_monai.imaging import parse_spacing

    assert all(0 < step < math.inf for step in parse_spacing(text))


def _lay_out(path: Path, table: str, data: bytes, *pictures: str) -> Path:
    """A data set's folder: its table, and empty files for its pictures, which the readers of these sets do not open."""
    root = path.parent
    (root / table).write_bytes(data)
    for picture in pictures:
        if not (root / picture).exists():
            (root / picture).parent.mkdir(parents=True, exist_ok=True)
            (root / picture).touch()
    return root


def _hc18(data: bytes, path: Path) -> None:
    from usseg_monai.datasets.hc18 import read_hc18

    pictures = ("training_set/000_HC.png", "training_set/000_HC_Annotation.png")
    for case in read_hc18(_lay_out(path, "training_set_pixel_size_and_HC.csv", data, *pictures)).cases:
        assert case.spacing_mm is not None and all(0 < step < math.inf for step in case.spacing_mm), f"spacing {case.spacing_mm}"
        assert math.isfinite(case.measured["head_circumference_mm"]), "odd circumference"


def _kaggle(data: bytes, path: Path) -> None:
    from usseg_monai.datasets.kaggle_nerve import read_kaggle_nerve

    read_kaggle_nerve(_lay_out(path, "train_masks.csv", data, "train/1_2.tif"))


def _busi(data: bytes, path: Path) -> None:
    from usseg_monai.datasets.busi import read_reviewers_groups

    assert all(read_reviewers_groups(_lay_out(path, "groups.csv", data)).values()), "an image without a group"


def _busbra(data: bytes, path: Path) -> None:
    from usseg_monai.datasets.busbra import read_busbra

    for case in read_busbra(_lay_out(path, "bus_data.csv", data, "Images/bus_0001-l.png", "Masks/mask_0001-l.png")).cases:
        assert case.category in ("benign", "malignant"), f"category {case.category}"


def _sunnybrook(data: bytes, path: Path) -> None:
    from usseg_monai.datasets.sunnybrook import read_sunnybrook

    contour = "contours/SC-HF-I-1/IM-0001-0048-icontour-manual.txt"
    read_sunnybrook(_lay_out(path, "patients.csv", data, "dicom/SCD0000101/48.dcm", contour), images="dicom")


def _datalists() -> Make:
    def make(rng: Random) -> bytes:
        kind = rng.random()
        if kind < 0.02:
            return rng.choice(_BOMBS).encode()
        value: Any = _DATALIST
        for _ in range(rng.choice((1, 1, 2, 4))):
            value = mutate_json(rng, value, _JSON_WORDS)
        text = json.dumps(value)[:_LARGEST]
        return mutate_text(rng, text, _JSON_WORDS) if kind < 0.3 else text.encode()

    return make


def _datalist(data: bytes, path: Path) -> None:
    """The contract of `load_datalist`: items with absolute paths."""
    from usseg_monai.datasets.datalist import load_datalist

    path.write_bytes(data)
    for item in load_datalist(path, "training"):
        assert Path(item["image"]).is_absolute() and isinstance(item["label"], (str, list)), "odd item"


def _lists() -> Make:
    datalist = _datalists()

    def make(rng: Random) -> tuple[str, bytes]:
        if rng.random() < 0.5:
            return ".json", datalist(rng)
        return ".txt", mutate_text(rng, "a/1.png\na/2.png\n/b/3.dcm\n", _JSON_WORDS)

    return make


def _list(case: tuple[str, bytes], path: Path) -> None:
    """The contract of `read_list`: paths that can be opened, and plausible spacing."""
    from usseg_monai.inputs.lists import read_list

    suffix, data = case
    file = path.with_suffix(suffix)
    file.write_bytes(data)
    for listed in read_list(str(file)):
        assert listed.parts >= 1 and "\0" not in listed.path, "odd path"
        assert listed.spacing_mm is None or all(0 < step < math.inf for step in listed.spacing_mm), f"spacing {listed.spacing_mm}"


def _codes() -> Make:
    def make(rng: Random) -> tuple[bytes, tuple[int, int]]:
        rows, cols = rng.choice(((580, 420), (8, 9), (1, 1), (3, 70000)))
        numbers: list[int] = []
        at = 1
        for _ in range(rng.choice((0, 1, 3, 30))):
            at += rng.choice((0, 1, 5, 50))
            length = rng.choice((1, 2, 9))
            numbers += [at, length]
            at += length
        return mutate_text(rng, " ".join(map(str, numbers)), ("1 1", "0", "-1", "5 0")), (rows, cols)

    return make


def _decode(case: tuple[bytes, tuple[int, int]], path: Path) -> None:
    """An accepted code is the code of its mask, except for adjacent runs: re-encoding and decoding gives the same mask."""
    from usseg_monai.geometry.run_length import decode_run_length, encode_run_length

    code, shape = case
    mask = decode_run_length(code.decode("utf-8", "replace"), shape)
    assert mask.shape == shape and mask.dtype == np.uint8 and mask.max() <= 1, "odd mask"
    assert np.array_equal(decode_run_length(encode_run_length(mask), shape), mask), "another mask"


TARGETS = (
    Target("spacing_csv", "tables of pixel sizes", 50_000, _changing(_SPACING_TABLES), _spacings),
    Target("spacing_text", "pixel sizes on the command line", 10_000, _spacing_words, _spacing_text),
    Target("datalist", "datalists, deep and long ones too", 30_000, _datalists, _datalist),
    Target("input_list", "lists of files as input", 25_000, _lists, _list),
    Target("run_length_decode", "run-length codes to masks", 50_000, _codes, _decode),
    Target("table_hc18", "HC18's table", 12_000, _changing(_HC18), _hc18),
    Target("table_kaggle", "Kaggle's `train_masks.csv`", 12_000, _changing(_KAGGLE), _kaggle),
    Target("table_busi", "the reviewers' `groups.csv`", 12_000, _changing(_BUSI), _busi),
    Target("table_busbra", "BUS-BRA's `bus_data.csv`", 12_000, _changing(_BUSBRA), _busbra),
    Target("table_sunnybrook", "Sunnybrook's `patients.csv`", 12_000, _changing(_SUNNYBROOK), _sunnybrook),
)
