"""``make docs``: the site builds without a warning and without a network, and its pages fetch nothing from elsewhere."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY
from usseg_monai.cli import COMMANDS, SECOND_WORDS
from usseg_monai.tasks import TASKS
from usseg_monai.web.export import exported_tasks

pytest.importorskip("mkdocs", reason="MkDocs is not installed: pip install '.[docs]'")

_OFFLINE = """
import socket
def refuse(*_): raise OSError("the documentation is built without a network")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
from mkdocs.__main__ import cli
cli()
"""
_FETCHED = re.compile(r"<(?:script|img|iframe|source|video)\b[^>]*?\bsrc=\"([^\"]+)\"|<link\b[^>]*?\bhref=\"([^\"]+)\"")
_OF_STYLES = re.compile(r"url\(\s*[\"']?((?:https?:)?//[^)\"']+)|@import\s+[\"']([^\"']+)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, "-c", _OFFLINE, "build", "--strict", "--site-dir", str(folder)]
    variables = os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240, env=variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_pages_fetch_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        html = page.read_text(encoding="utf-8")
        fetched = [one or other for one, other in _FETCHED.findall(html)]
        assert fetched and not [address for address in fetched if re.match(r"(https?:)?//", address)], page
        assert 'class="mermaid"' not in html, page  # the theme would load Mermaid from elsewhere
    for style in site.rglob("*.css"):
        assert not _OF_STYLES.findall(style.read_text(encoding="utf-8")), style


def test_every_page_of_the_repository_is_there(site: Path) -> None:
    sources = [path.relative_to(REPOSITORY / "docs") for path in (REPOSITORY / "docs").rglob("*.md")]
    assert len(sources) > 20
    assert [source for source in sources if not (site / source).with_suffix(".html").is_file()] == []
    assert [task for task in TASKS if not (site / "bundles" / f"{task}.html").is_file()] == []


def test_the_page_without_a_server_is_there_and_linked(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    assert ("app/index.html" in start) == (site / "app" / "index.html").is_file() == bool(exported_tasks())
    if exported_tasks():
        assert '<a href="app/index.html">Try it here</a>' in start and ": fetal head and left ventricle, found" in start
        facts = json.loads((site / "app" / "facts.json").read_text(encoding="utf-8"))
        assert [task["name"] for task in facts["tasks"]] == exported_tasks()
    assert "app:" not in start and (site / "app.html").is_file()  # the page about it is another one


def test_programs_that_make_pages_are_left_out(site: Path) -> None:
    programs = {path.relative_to(site).as_posix() for path in site.rglob("*.py")}
    assert programs and all(name.startswith("examples/") for name in programs)


@pytest.mark.parametrize("command", [*COMMANDS, *SECOND_WORDS])
def test_the_command_line_is_that_of_the_parsers(command: str, site: Path) -> None:
    page = (site / "reference" / "command_line.html").read_text(encoding="utf-8")
    (section,) = re.findall(rf'<h2 id="usseg-{command.replace(" ", "-")}">(.*?)(?=<h2 |</article>)', page, re.DOTALL)
    printed = subprocess.run(
        [sys.executable, "-m", "usseg_monai", *command.split(), "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    options = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", printed))
    assert "--help" in options
    assert [option for option in options if option not in section] == []
