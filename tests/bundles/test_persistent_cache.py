"""Training data kept on disk: the config that is laid over the left ventricle's train.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from tests.bundles.conftest import TINY
from tests.datasets.samples import disc, write_png
from usseg_monai.tasks import config_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Slices of a patient of each part."""
    for group in ("SC-HF-I-02", "SC-HF-I-01", "SC-HYP-01"):
        for number in (20, 21):
            name = f"{group}-IM-0001-00{number}.dcm.png"
            write_png(tmp_path / "data/png/training/images" / name, disc(radius=number - 10) * 100 + 20)
            write_png(tmp_path / "data/png/training/labels" / name, disc(radius=number - 10) * 255)
    return tmp_path / "data"


def dataset(part: str, folder: Path, out: Path, *overlays: str, **overrides: Any) -> Any:
    parser = ConfigParser()
    parser.read_config([str(config_file("left_ventricle", name)) for name in ("train", *overlays)])
    parser.update({"dataset_dir": str(folder), "output_dir": str(out), **TINY, **overrides})
    return parser.get_parsed_content(f"{part}#dataset")


def test_the_cache_holds_what_is_computed_without_it(folder: Path, tmp_path: Path) -> None:
    plain = dataset("validate", folder, tmp_path / "out")
    types = []
    for _ in range(2):  # computed, then read
        kept = dataset("validate", folder, tmp_path / "out", "persistent_cache")
        assert len(kept) == len(plain) == 2
        for key in ("image", "label"):
            for item, other in zip(plain, kept, strict=True):
                assert torch.equal(item[key], other[key])
                types.append(type(other[key]))
    assert types[:4] == types[4:]  # batches of computed and of read ones collate
    assert len(list((tmp_path / "out/cache").iterdir())) == 2


def test_random_transforms_are_drawn_anew(folder: Path, tmp_path: Path) -> None:
    kept = dataset("train", folder, tmp_path / "out", "persistent_cache")
    first, second = kept[0]["image"], kept[0]["image"]
    assert len(list((tmp_path / "out/cache").iterdir())) == 1
    assert first.shape == second.shape == (1, 64, 64) and not torch.equal(first, second)


def test_another_size_is_not_read_from_the_cache_of_this_one(folder: Path, tmp_path: Path) -> None:
    shapes = [
        dataset("validate", folder, tmp_path / "out", "persistent_cache", image_size=[side, side], cache_dir=str(tmp_path / "shared"))[0][
            "image"
        ].shape
        for side in (64, 32)
    ]
    assert shapes == [(1, 64, 64), (1, 32, 32)] and len(list((tmp_path / "shared").iterdir())) == 2
