"""What MkDocs does beyond its plugins: pages from outside of ``docs/``, notebooks, the reference of the command line, and the page
without a server, which visitors of the site can use.

Pages link to each other by their places in the repository, so that links work there, too; here they become links of the site.
"""

from __future__ import annotations

import argparse
import importlib
import posixpath
import re
import sys
from collections.abc import Sequence
from itertools import count
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from docs.diagrams import BLOCK, drawing, mark
from docs.execute_notebooks import NOTEBOOKS, page_of, read
from usseg_monai.cli import COMMANDS, SECOND_WORDS
from usseg_monai.cli.parser import Parser
from usseg_monai.dicom.conformance import conformance
from usseg_monai.tasks import TASKS
from usseg_monai.web.export import export_page, exported_tasks

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLE_PAGES = {f"bundles/{task}/docs/README.md": f"bundles/{task}.md" for task in TASKS}
OUTSIDE = BUNDLE_PAGES | {name: name.lower() for name in ("CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md")}
OUTSIDE["SECURITY.md"] = "reporting.md"  # security.md is another page
"""Pages of the repository outside of ``docs/``, and their places in the site."""
COMMAND_LINE = "reference/command_line.md"
CONFORMANCE = "reference/dicom_conformance.md"
APP = "app"
"""Folder of the site with the page without a server, if weights that may be passed on are here."""

_LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)\s]*)?\))")
_FENCE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
_APP_PART = re.compile(r"<!-- app: (.*?) -->", re.DOTALL)
_APP_LINK = re.compile(r"\[([^]]+)\]\(APP/([^)]+)\)")
_SCHEME = re.compile(r"[a-z]+:")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from elsewhere, the pictures of the bundles' pages, the notebooks, and the page of the command line."""
    for source, place in OUTSIDE.items():
        files.append(File.generated(config, place, abs_src_path=str(REPOSITORY / source)))
    for page in BUNDLE_PAGES:
        for picture in sorted((REPOSITORY / page).parent.glob("*.png")):
            files.append(File.generated(config, _place(picture.relative_to(REPOSITORY).as_posix()), abs_src_path=str(picture)))
    files.append(File.generated(config, "LICENSE", abs_src_path=str(REPOSITORY / "LICENSE")))
    files.append(File.generated(config, COMMAND_LINE, content=command_line()))
    files.append(File.generated(config, CONFORMANCE, content=conformance()))
    for file in sorted(NOTEBOOKS.glob("*.ipynb")):
        text, pictures = page_of(read(file), file.stem)
        files.append(File.generated(config, f"notebooks/{file.stem}.md", content=f"{text}\n[Get this notebook]({file.name})\n"))
        for name, content in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links between places in the repository into links between pages of the site."""
    place = page.file.src_uri
    source = next((source for source, target in OUTSIDE.items() if target == place), f"docs/{place}")
    return site_links(with_drawings(with_app(markdown, exported_tasks()), Path(place)), source, place)


def on_post_build(config: MkDocsConfig) -> None:
    """Write the page without a server beside the other pages."""
    if exported_tasks():
        export_page(Path(config.site_dir) / APP)


def with_app(markdown: str, tasks: Sequence[str]) -> str:
    """A page with its parts about the page without a server, which are comments in the repository; without them if it has no tasks.

    >>> with_app("a<!-- app: [try {tasks}](APP/index.html) -->b", ["fetal_head"])
    'a<a href="app/index.html">try fetal head</a>b'
    >>> with_app("a<!-- app: [try {tasks}](APP/index.html) -->b", [])
    'ab'
    """

    def shown(match: re.Match[str]) -> str:
        if not tasks:
            return ""
        named = match[1].replace("{tasks}", " and ".join(name.replace("_", " ") for name in tasks))
        return _APP_LINK.sub(lambda link: f'<a href="{APP}/{link[2]}">{link[1]}</a>', named)  # MkDocs does not know the file yet

    return _APP_PART.sub(shown, markdown)


def with_drawings(markdown: str, page: Path) -> str:
    """A page whose Mermaid diagrams are the drawings of `docs/diagrams.py`, which the theme would fetch a script for.

    Raises:
        PluginError: a diagram has changed since it was drawn, or was never drawn.
    """
    numbers = count(1)

    def drawn(match: re.Match[str]) -> str:
        number = next(numbers)
        file = drawing(page, number)
        if not file.is_file() or not file.read_text(encoding="utf-8").startswith(mark(match[1])):
            raise PluginError(f"{page}: diagram {number} is not drawn as it is: run docs/diagrams.py, as its head says")
        address = posixpath.relpath(file.relative_to(REPOSITORY / "docs").as_posix(), page.parent.as_posix())
        return f'[![Diagram {number} of this page]({address})]({address} "larger")'

    return BLOCK.sub(drawn, markdown)


def site_links(markdown: str, source: str, place: str) -> str:
    """Links of a page, relative to its file in the repository, made relative to its place in the site; code is left as it is.

    >>> site_links("[d](../../../docs/data.md#splits)", "bundles/nerve/docs/README.md", "bundles/nerve.md")
    '[d](../data.md#splits)'
    """

    def replaced(match: re.Match[str]) -> str:
        if _SCHEME.match(match[2]):
            return match[0]
        target = _place(posixpath.normpath(posixpath.join(posixpath.dirname(source), match[2])))
        return match[1] + posixpath.relpath(target, posixpath.dirname(place) or ".") + match[3]

    parts = _FENCE.split(markdown)
    return "".join(part if part.startswith("```") else _LINK.sub(replaced, part) for part in parts)


def _place(path: str) -> str:
    """Place in the site of a file of the repository."""
    if path in OUTSIDE:
        return OUTSIDE[path]
    if match := re.fullmatch(r"bundles/(\w+)/docs/(.+)", path):
        return f"bundles/{match[1]}/{match[2]}"
    return path.removeprefix("docs/")


def command_line() -> str:
    """The page of the command line, from the parsers."""
    lines = ["# Command line", "", "`usseg COMMAND --help` prints the same. Options may stand before, between and after the other words."]
    for name, summary in (COMMANDS | SECOND_WORDS).items():
        lines += ["", f"## usseg {name}", "", f"{summary[0].upper()}{summary[1:]}.", *_command(command_parser(name))]
    return "\n".join(lines) + "\n"


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of a command."""
    subparsers = Parser(prog="usseg").add_subparsers()
    importlib.import_module(f"usseg_monai.cli.{name.replace(' ', '_')}").add_parser(subparsers)
    parser: argparse.ArgumentParser = subparsers.choices[name]
    return parser


def _command(parser: argparse.ArgumentParser) -> list[str]:
    usage = parser.format_usage().removeprefix("usage: ").strip()
    lines = ["", "```text", usage, "```", "", _escaped(parser.description or ""), "", "| Word or option | Meaning |", "|---|---|"]
    for action in parser._actions:
        if action.help is not argparse.SUPPRESS:
            text = (action.help or "") % (vars(action) | {"prog": parser.prog})
            lines.append(f"| {_words(action)} | {_escaped(text)} |")
    if parser.epilog:
        lines += ["", "```text", parser.epilog, "```"]
    return lines


def _words(action: argparse.Action) -> str:
    choices = ",".join(map(str, action.choices)) if action.choices else ""
    value = str(action.metavar or (f"{{{choices}}}" if choices else action.dest.upper()))
    if not action.option_strings:
        return f"`{value}`"
    return ", ".join(f"`{word}`" if action.nargs == 0 else f"`{word} {value}`" for word in action.option_strings)


def _escaped(text: str) -> str:
    return re.sub(r"([|<*_\[\]])", r"\\\1", text)
