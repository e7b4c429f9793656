"""The floors of docs/architecture.md are those that import-linter holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

tomllib = pytest.importorskip("tomllib", reason="tomllib comes with Python 3.11")
TEXT = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")


def layers() -> list[str]:
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    (floors,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [room.strip(" ()") for layer in floors for room in layer.split(":")]


def test_rooms_stand_in_their_order() -> None:
    table = re.findall(r"^\| [^|]+ \| ((?:`\w+`(?:, )?)+) \|", TEXT, re.MULTILINE)
    rooms = [room for row in table for room in re.findall(r"`(\w+)`", row)]
    there = {path.name.removesuffix(".py") for path in Path(REPOSITORY / "usseg_monai").iterdir()}
    assert rooms == [room for room in layers() if room in there]
