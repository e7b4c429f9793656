"""What every data set that can be read promises."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from usseg_monai.datasets.annotation import read_annotation
from usseg_monai.datasets.datalist import SECTIONS, to_datalist
from usseg_monai.datasets.dataset import Dataset, Source
from usseg_monai.datasets.registry import SOURCES, recognise
from usseg_monai.errors import UsageError
from usseg_monai.imaging import read_image
from usseg_monai.tasks import TASKS

PARTS = (("train", 0.75), ("validation", 0.85), ("test", 1.0))


class DatasetContract:
    """Reading, groups and split of a data set, on a small copy of its layout.

    >>> from tests.datasets.samples import make_hc18
    >>> class TestHC18(DatasetContract):
    ...     name = "hc18"
    ...     make = staticmethod(make_hc18)
    """

    name: str
    make: Callable[[Path], object]

    @pytest.fixture
    def source(self) -> Source:
        return SOURCES[self.name]

    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        self.make(folder)
        return folder

    @pytest.fixture
    def dataset(self, source: Source, root: Path) -> Dataset:
        return source.read(root)

    def test_its_record_says_what_it_is(self, source: Source) -> None:
        assert source.name == self.name and source.name.isidentifier()
        assert source.title and len(source.content) >= 9 and source.terms
        assert source.task is None or source.task in TASKS

    def test_it_is_recognised_by_its_layout(self, source: Source, root: Path, tmp_path: Path) -> None:
        assert recognise(root) is source
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "empty", tmp_path / "nowhere"):
            assert recognise(folder).task is None

    def test_nothing_to_read_is_an_error_of_one_line(self, source: Source, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        for folder in (tmp_path / "empty", tmp_path / "nowhere"):
            with pytest.raises(UsageError) as error:
                source.read(folder)
            assert str(folder) in str(error.value) and "\n" not in str(error.value)

    def test_cases_have_what_training_needs(self, source: Source, dataset: Dataset) -> None:
        assert (dataset.name, dataset.task) == (source.title, source.task)
        assert dataset.cases and all("\n" not in remark for remark in dataset.remarks)
        assert len({case.image for case in dataset.cases}) == len(dataset.cases)
        task = TASKS[source.task] if source.task else None
        for case in dataset.cases:
            assert case.image.is_file() and case.group
            assert case.category is None or (task and case.category in task.classes)
            assert not case.measured or (task and case.measured.keys() <= {column.name for column in task.columns})
            assert case.notes.keys() == dataset.cases[0].notes.keys()

    def test_annotations_are_masks_of_their_images(self, dataset: Dataset) -> None:
        found = 0
        for case in dataset.cases:
            pixels = read_image(case.image).pixels
            mask = read_annotation(case.label, pixels.shape)
            assert mask.dtype == np.uint8 and mask.shape == pixels.shape and mask.max() <= 1
            found += int(mask.any())
        assert found

    def test_the_split_follows_from_the_names_alone(self, source: Source, dataset: Dataset) -> None:
        for case in dataset.cases:
            digest = hashlib.sha256(f"{source.task or source.title}/{case.group}".encode()).digest()
            fraction = int.from_bytes(digest[:8], "big") / 2**64
            assert dataset.split_of(case) == next(part for part, below in PARTS if fraction < below)

    def test_no_group_is_in_two_sections(self, dataset: Dataset) -> None:
        datalist = to_datalist(dataset)
        groups = [{item["group"] for item in datalist[section]} for section in SECTIONS.values()]
        assert sum(map(len, groups)) == len(set().union(*groups)) == len({case.group for case in dataset.cases})
        assert sum(len(datalist[section]) for section in SECTIONS.values()) == len(dataset.cases)

    def test_losing_an_image_moves_no_other(self, source: Source, dataset: Dataset) -> None:
        before = {case.image: dataset.split_of(case) for case in dataset.cases}
        lost = dataset.cases[-1].image
        lost.unlink()
        again = source.read(_root(dataset))
        after = {case.image: again.split_of(case) for case in again.cases}
        assert after == {image: part for image, part in before.items() if image != lost}

    def test_it_reads_the_same_twice(self, source: Source, dataset: Dataset) -> None:
        assert source.read(_root(dataset)) == dataset


def _root(dataset: Dataset) -> Path:
    """The folder ``data`` that the small copy lies in."""
    return next(parent for parent in dataset.cases[0].image.parents if parent.name == "data")
