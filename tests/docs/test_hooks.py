"""Links between files of the repository become links of the site; doctests become blocks of code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY

pytest.importorskip("mkdocs", reason="MkDocs is not installed: pip install '.[docs]'")


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "docs" / f"{name}.py")
    assert spec and spec.loader
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize(
    ("link", "source", "place", "expected"),
    [
        ("data.md#splits", "docs/index.md", "index.md", "data.md#splits"),
        ("../bundles/nerve/docs/README.md", "docs/index.md", "index.md", "bundles/nerve.md"),
        ("../../bundles/nerve/docs/README.md#data", "docs/how_to/a.md", "how_to/a.md", "../bundles/nerve.md#data"),
        ("../../../docs/data.md", "bundles/nerve/docs/README.md", "bundles/nerve.md", "../data.md"),
        ("roc.png", "bundles/breast/docs/README.md", "bundles/breast.md", "breast/roc.png"),
        ("docs/data.md", "CHANGELOG.md", "changelog.md", "data.md"),
        ("https://monai.io", "docs/index.md", "index.md", "https://monai.io"),
    ],
)
def test_links(link: str, source: str, place: str, expected: str) -> None:
    assert module("hooks").site_links(f"see [it]({link}).", source, place) == f"see [it]({expected})."


def test_code_is_left_as_it_is() -> None:
    text = "```\n[a](../bundles/nerve/docs/README.md)\n```\n"
    assert module("hooks").site_links(text, "docs/index.md", "index.md") == text


def test_a_diagram_that_changed_since_it_was_drawn_is_refused() -> None:
    hooks = module("hooks")
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = hooks.with_drawings(page, Path("architecture.md"))
    assert "```mermaid" in page and "```mermaid" not in shown and "(images/diagrams/architecture_1.svg)" in shown
    with pytest.raises(Exception, match=r"architecture.md: diagram 1 is not drawn as it is"):
        hooks.with_drawings(page.replace("flowchart TD", "flowchart LR"), Path("architecture.md"))


def test_doctests_are_fenced() -> None:
    fenced = module("doctests").fenced
    assert fenced("Adds.\n\n>>> 1 + 1  # doctest: +SKIP\n2") == "Adds.\n\n```pycon\n>>> 1 + 1\n2\n```"
    assert fenced("Adds.\n\n>>> 1\n1\n\nMore.") == "Adds.\n\n```pycon\n>>> 1\n1\n```\n\nMore."
    assert fenced("Nothing.") == "Nothing."
