"""What ``usseg_monai`` offers, what each module declares, and what the bundles' configs rely on, against the documentation."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import usseg_monai
from tests.conftest import REPOSITORY

LISTED = "Names in the bundles' configs"
PACKAGE = REPOSITORY / "usseg_monai"
PAGE = (REPOSITORY / "docs" / "python.md").read_text(encoding="utf-8")
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__main__.py")


def _documented(heading: str) -> set[str]:
    """First column of the table below a heading of the page."""
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([\w.]+)`", section, re.MULTILINE))


def _defined(tree: ast.Module) -> set[str]:
    """Names without an underscore that a module itself defines."""
    targets = [target for node in tree.body if isinstance(node, (ast.Assign, ast.AnnAssign)) for target in _targets(node)]
    names = [node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    return {name for name in (*names, *targets) if not name.startswith("_")}


def _targets(node: ast.Assign | ast.AnnAssign) -> list[str]:
    places = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [name.id for place in places for name in ast.walk(place) if isinstance(name, ast.Name)]


def _declared(tree: ast.Module) -> set[str] | None:
    lists = [node.value for node in tree.body if isinstance(node, ast.Assign) and _targets(node) == ["__all__"]]
    return set(ast.literal_eval(lists[0])) if lists else None


def _names_in_configs() -> set[str]:
    """Classes and functions of this package that configs name as a ``_target_``, or call through an ``$import ... as``."""
    found: set[str] = set()
    for bundle in (REPOSITORY / "bundles").iterdir():
        text = "".join(path.read_text(encoding="utf-8") for path in sorted((bundle / "configs").glob("*.json")))
        found.update(re.findall(r'"_target_": "(usseg_monai\.[\w.]+)"', text))
        for module, alias in re.findall(r"\$import (usseg_monai[\w.]*) as (\w+)", text):
            found.update(f"{module}.{name}" for name in re.findall(rf"\b{alias}\.(\w+)", text))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_declares_its_public_names(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined, declared = _defined(tree), _declared(tree)
    assert declared is not None or not defined, "no __all__"
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    imported = {name.asname or name.name for node in imports for name in node.names}
    assert (declared or set()) <= defined | imported | {"__version__"}


def test_the_face_is_what_the_page_lists() -> None:
    assert _documented("The face") == set(usseg_monai.__all__) - {"__version__"}
    assert set(usseg_monai.__all__) <= set(dir(usseg_monai))


def test_the_face_shows_what_other_modules_declare() -> None:
    for name, home in usseg_monai._HOMES.items():
        module = importlib.import_module(f"usseg_monai.{home}")
        assert name in module.__all__ and getattr(usseg_monai, name) is getattr(module, name)
    assert set(usseg_monai._HOMES) == set(usseg_monai.__all__) - {"__version__"}


def test_the_page_lists_the_names_in_configs() -> None:
    assert _names_in_configs() - _documented(LISTED) == set()


@pytest.mark.parametrize("name", sorted(_documented(LISTED)))
def test_listed_names_are_public(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    loaded = importlib.import_module(module)
    assert attribute in loaded.__all__ and getattr(loaded, attribute) is not None


def test_the_programs_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, as somebody reads them."""
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    sample = next((REPOSITORY / "usseg_monai").rglob("116_HC.png"))
    (tmp_path / "images").mkdir()
    for target in ("image.png", "images/a.png", "images/b.png"):
        shutil.copy(sample, tmp_path / target)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for program in programs:
        exec(program, names)
    assert names["by_array"].status.value == "ok" and names["summary"].done == 2 and "ejection_fraction_percent" in names["found"]
    assert {"overlay.png", "mask.png", "numbers.json", "results"} <= {path.name for path in tmp_path.iterdir()}
