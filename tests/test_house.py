"""The rooms of the package: generic ones name no task, nothing points upward, strings included, and there is no circle."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from usseg_monai.datasets.registry import SOURCES
from usseg_monai.tasks import TASKS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest brings it

PACKAGE = REPOSITORY / "usseg_monai"
NAMES = re.compile("|".join(re.escape(task).replace("_", r"[\W_]?") for task in TASKS), re.IGNORECASE)
"""A task's name in a string or an identifier: fetal_head, fetal head, FetalHead."""

REFERENCE = re.compile(r"\busseg_monai(?:\.[a-z_0-9]+)+")

LISTS = {"tasks/__init__.py": "the list of tasks", "datasets/registry.py": "the list of data sets"}
"""Modules that name tasks because that is what they are for."""

READERS = {source.read.__module__.removeprefix("usseg_monai.").replace(".", "/") + ".py" for source in SOURCES.values()}
"""Modules that read a data set: each names its task once, in its record."""

EXCEPTIONS: dict[str, str] = {}
"""Reviewed: module -> why it names a task all the same."""


def modules() -> list[str]:
    """All modules, as paths below the package."""
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def room(module: str) -> str:
    """The room that a module or a dotted name below the package lies in."""
    return re.split(r"[/.]", module.removeprefix("usseg_monai."))[0]


def of_one_task(module: str) -> bool:
    return any(module.startswith(f"tasks/{task}/") for task in TASKS)


def docstrings(module: str) -> set[int]:
    """Ids of the strings that stand alone as statements: docstrings, and those below constants and fields."""
    return {id(node.value) for node in ast.walk(tree(module)) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}


def strings(module: str, *, documentation: bool = False) -> Iterator[tuple[int, str]]:
    """Line and text of the strings of a module: those that the program uses, or its documentation."""
    documented = docstrings(module)
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in documented) == documentation:
            yield node.lineno, node.value


def identifiers(module: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree(module)):
        line = getattr(node, "lineno", 0)
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(value := getattr(node, field, None), str):
                yield line, value


def imports(module: str) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import of the package's own, those within functions and for types included."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("usseg_monai."):
            yield node.lineno, node.module
        elif isinstance(node, ast.ImportFrom) and node.module == "usseg_monai":
            yield from ((node.lineno, f"usseg_monai.{alias.name}") for alias in node.names if (PACKAGE / alias.name).exists())
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names if alias.name.startswith("usseg_monai."))


def floors() -> dict[str, int]:
    """Room -> floor, 0 the lowest, as import-linter is told."""
    config = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (contract["layers"] for contract in config["contracts"] if contract["type"] == "layers")
    return {name.strip(" ()"): floor for floor, names in enumerate(reversed(layers)) for name in names.split(":")}


def references(module: str) -> Iterator[tuple[int, str]]:
    """All that a module refers to: imports, and names of modules in strings, as `importlib` and records take them."""
    yield from imports(module)
    for line, text in strings(module):
        yield from ((line, name) for name in REFERENCE.findall(text))


def test_generic_rooms_name_no_task() -> None:
    found = []
    for module in modules():
        if of_one_task(module) or module in LISTS or module in READERS or module in EXCEPTIONS:
            continue
        said = (*imports(module), *identifiers(module), *strings(module))
        found += [f"{module}:{line}: {name}" for line, name in said if NAMES.search(name)]
    assert not found


def test_a_reader_names_its_task_once() -> None:
    for module in READERS - LISTS.keys():
        named = [text for _, text in strings(module) if text in TASKS]
        expected = [source.task for source in SOURCES.values() if source.task and source.read.__module__.endswith(Path(module).stem)]
        assert named == ([] if module == "datasets/union.py" else expected), module


def test_every_exception_is_needed() -> None:
    for module in (*LISTS, *EXCEPTIONS):
        assert any(NAMES.search(name) for _, name in (*identifiers(module), *strings(module))), module


def test_no_task_knows_another() -> None:
    found = []
    for module in filter(of_one_task, modules()):
        own = module.split("/")[1]
        others = "|".join(f"tasks.{task}" for task in TASKS if task != own)
        found += [f"{module}:{line}: {name}" for line, name in references(module) if re.search(rf"\b({others})\b", name)]
    assert not found


def test_every_room_has_a_floor() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.rglob("*.py"))}
    assert rooms <= floors().keys()


def test_nothing_points_upward_strings_included() -> None:
    floor = floors()
    found = []
    for module in modules():
        here = floor.get(room(module.removesuffix(".py")))  # the face of the package stands above all
        if here is None:
            continue
        for line, name in references(module):
            if floor.get(room(name), -1) > here:
                found.append(f"{module}:{line}: {name}")
    assert not found


def test_no_circle_between_rooms() -> None:
    below = {name: set[str]() for name in floors()}
    for module in modules():
        if (here := room(module.removesuffix(".py"))) in below:
            below[here] |= {room(name) for _, name in references(module)} & below.keys() - {here}
    open_ = dict(below)
    while free := [name for name, others in open_.items() if not others & open_.keys()]:
        for name in free:
            del open_[name]
    assert not open_, f"circle among {', '.join(open_)}"


def test_documentation_refers_to_what_exists() -> None:
    missing = []
    for module in modules():
        for line, text in strings(module, documentation=True):
            missing += [f"{module}:{line}: {name}" for name in REFERENCE.findall(text) if not exists(name)]
    assert not missing


def exists(name: str) -> bool:
    """Whether a dotted name is a module's, or that of something in a module."""
    place = PACKAGE
    for part in name.split(".")[1:]:
        if (place / part).is_dir():
            place /= part
            continue
        file = place / f"{part}.py"
        return file.is_file() or re.search(rf"\b{part}\b", (place / "__init__.py").read_text(encoding="utf-8")) is not None
    return True


def test_the_rules_catch_what_they_forbid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a house of two rooms with one fault of each kind."""
    faults = {
        "files/a.py": "import importlib\nWHERE = 'usseg_monai.runs.table:TABLE'\n",
        "runs/table.py": "from usseg_monai.files import a\nTITLE = f'a {a} of the Fetal Head'\nclass LeftVentricleTable: ...\n",
        "runs/fine.py": '"""Finds a fetal_head; see `usseg_monai.runs.gone`."""\n',
    }
    for name, text in faults.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "runs/__init__.py").touch()
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path)
    tree.cache_clear()
    try:
        with pytest.raises(AssertionError, match=r"runs/table\.py:3: LeftVentricleTable.*runs/table\.py:2: .*Fetal Head"):
            test_generic_rooms_name_no_task()
        with pytest.raises(AssertionError, match=r"files/a\.py:2: usseg_monai\.runs\.table"):
            test_nothing_points_upward_strings_included()
        with pytest.raises(AssertionError, match="circle among files, runs"):
            test_no_circle_between_rooms()
        with pytest.raises(AssertionError, match=r"runs/fine\.py:1: usseg_monai\.runs\.gone"):
            test_documentation_refers_to_what_exists()
    finally:
        tree.cache_clear()
