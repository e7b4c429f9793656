"""The reference names everything that is public: what the package exports, and what the bundles' configs use."""

from __future__ import annotations

import pkgutil
import re

import pytest

import usseg_monai
from tests.conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "docs" / "reference").glob("*.md"))
NAMES = [name for page in PAGES for name in re.findall(r"^::: ([\w.]+)$", page.read_text(encoding="utf-8"), re.MULTILINE)]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert pkgutil.resolve_name(name).__doc__


def test_no_name_is_documented_twice() -> None:
    assert len(NAMES) > 60 and len(set(NAMES)) == len(NAMES)


def test_what_the_package_exports_is_documented() -> None:
    exported = {f"usseg_monai.{name}" for name in usseg_monai.__all__ if not name.startswith("__")}
    assert sorted(exported - set(NAMES)) == []


def test_what_the_bundles_name_is_documented() -> None:
    """The page has every name in the configs: tests/test_public_names.py."""
    listed = re.findall(r"^\| `(usseg_monai\.[\w.]+)`", (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(listed) > 40
    assert sorted(set(listed) - set(NAMES)) == []
