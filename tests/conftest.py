"""Fixtures that all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real images: `USSEG_DATA`, or `../shared/data` beside the checkout."""
    root = Path(os.environ.get("USSEG_DATA", REPOSITORY.parent / "shared" / "data"))
    if not root.is_dir():
        reason = f"real images not found in {root}: set USSEG_DATA to the folder that holds hc18/ (see docs/data.md)"
        if os.environ.get("USSEG_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return root


@pytest.fixture(scope="session")
def hc18(data_root: Path) -> Path:
    """Folder of HC18 in its official layout."""
    return data_root / "hc18"
