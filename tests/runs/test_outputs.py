from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.runs.outputs import check_save, output_files

ALL = ("mask", "overlay", "probability")


def test_names_of_what_is_asked_for_in_one_order() -> None:
    assert list(output_files(Path("out"), "1", ("probability", "mask"))) == ["mask", "probability"]
    assert output_files(Path("out"), "1", ()) == output_files(Path("out"), "1", ("nifti",)) == {}


def test_unknown_kinds() -> None:
    check_save(ALL)
    with pytest.raises(UsageError, match="cannot save 'contour': what can be saved is mask, overlay, probability, nifti"):
        check_save(("mask", "contour"))
