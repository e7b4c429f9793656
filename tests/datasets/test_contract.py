"""Every data set keeps what all of them promise."""

from __future__ import annotations

from pathlib import Path

from tests.contracts.dataset import DatasetContract
from tests.datasets.samples import disc, make_breast_lesions_usg, make_busbra, make_busi, make_hc18, make_kaggle_nerve, write_png
from tests.datasets.test_sunnybrook import make_png


def make_pairs(root: Path) -> None:
    for exam in range(3):
        for number in range(2):
            write_png(root / "images" / f"exam{exam}" / f"{number}.png", disc() * 100)
            write_png(root / "masks" / f"exam{exam}" / f"{number}.png", disc() * 255)


def make_three(root: Path) -> None:
    make_busi(root / "busi")
    make_busbra(root / "busbra")
    make_breast_lesions_usg(root / "breast_lesions_usg")


class TestHC18(DatasetContract):
    name = "hc18"
    make = staticmethod(make_hc18)


class TestKaggleNerve(DatasetContract):
    name = "kaggle_nerve"
    make = staticmethod(make_kaggle_nerve)


class TestBreast(DatasetContract):
    name = "breast"
    make = staticmethod(make_three)


class TestBUSI(DatasetContract):
    name = "busi"
    make = staticmethod(make_busi)


class TestBUSBRA(DatasetContract):
    name = "busbra"
    make = staticmethod(make_busbra)


class TestBreastLesionsUSG(DatasetContract):
    name = "breast_lesions_usg"
    make = staticmethod(make_breast_lesions_usg)


class TestSunnybrook(DatasetContract):
    name = "sunnybrook"
    make = staticmethod(make_png)


class TestFolder(DatasetContract):
    name = "folder"
    make = staticmethod(make_pairs)
