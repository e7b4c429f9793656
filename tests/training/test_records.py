"""Tests of usseg_monai.training.records."""

from __future__ import annotations

from pathlib import Path

import pytest

from usseg_monai.errors import OutputError
from usseg_monai.training.records import recorded


def test_the_first_facts_stay(tmp_path: Path) -> None:
    record = tmp_path / "new" / "options.json"
    assert recorded(record, {"epochs": 2}) == {"epochs": 2}
    assert recorded(record, {"epochs": 3}) == {"epochs": 2}


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot make the folder"):
        recorded(tmp_path / "file" / "options.json", {})
