"""The programs in docs/examples run as they stand."""

from __future__ import annotations

import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REPOSITORY

EXAMPLES = {
    "measure_a_mask.py": "measured",
    "predict_images.py": "mm",
    "reader_in_monai.py": "(1, 288, 192)",
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_example(example: str, tmp_path: Path) -> None:
    program = REPOSITORY / "docs" / "examples" / example
    done = subprocess.run([sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert EXAMPLES[example] in done.stdout


def test_every_example_is_run() -> None:
    assert {path.name for path in (REPOSITORY / "docs" / "examples").glob("*.py")} == set(EXAMPLES)


def test_every_public_name_of_the_index_is_there() -> None:
    text = (REPOSITORY / "docs" / "index.md").read_text(encoding="utf-8")
    names = re.findall(r"^\| `(usseg_monai[\w.]+)` \|", text, re.MULTILINE)
    assert len(names) > 20
    for name in names:
        assert pkgutil.resolve_name(name).__doc__, name
