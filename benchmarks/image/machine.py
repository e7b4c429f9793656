"""Names that only the building machine knows: hosts and folders of its package sources, and the path of this checkout."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

__all__ = ["hosts_in", "names_of_this_machine"]

REPOSITORY = Path(__file__).resolve().parents[2]
PUBLIC = frozenset(
    {
        *("deb.debian.org", "security.debian.org", "snapshot.debian.org", "archive.ubuntu.com", "security.ubuntu.com"),
        *("pypi.org", "pypi.python.org", "files.pythonhosted.org", "download.pytorch.org", "localhost", "127.0.0.1"),
    }
)
"""Hosts that anybody may know; documentation in packages names them."""

_ADDRESS = re.compile(r"\w+://(?:[^\s/@]*@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)")
_FOLDER = re.compile(r"\bfile://(/[^\s\"'/]+(?:/[^\s\"'/]+)+)")
_COMMENT = re.compile(r"^\s*(#|//).*$", re.MULTILINE)
_VARIABLES = re.compile(r"(PIP|UV)_\w+|\w*_PROXY|\w*_INDEX(_URL)?", re.IGNORECASE)


def hosts_in(texts: Iterable[str]) -> set[str]:
    """Hosts of all addresses in the texts, but those that are public and those in comments.

    >>> hosts_in(["URIs: http://user:word@mirror.example.org:8080/debian", "https://pypi.org/simple"])
    {'mirror.example.org'}
    """
    return {host for text in texts for host in _ADDRESS.findall(_COMMENT.sub("", text))} - PUBLIC


def names_of_this_machine(variables: Mapping[str, str] = os.environ, root: Path = Path("/")) -> list[str]:
    """Hosts and folders in the settings of apt and pip and in the environment, and the path of this checkout, sorted.

    Args:
        variables: of the environment.
        root: of the file system that holds the settings.
    """
    texts = [value for name, value in variables.items() if _VARIABLES.fullmatch(name)]
    texts += [file.read_text(encoding="utf-8", errors="replace") for file in _settings(variables, root) if file.is_file()]
    folders = {folder for text in texts for folder in _FOLDER.findall(_COMMENT.sub("", text))}
    return sorted({*hosts_in(texts), *folders, str(REPOSITORY)})


def _settings(variables: Mapping[str, str], root: Path) -> Iterator[Path]:
    apt = root / "etc" / "apt"
    yield apt / "sources.list"
    yield from sorted(apt.glob("sources.list.d/*.list"))
    yield from sorted(apt.glob("sources.list.d/*.sources"))
    yield from sorted(apt.glob("apt.conf.d/*"))
    yield root / "etc" / "pip.conf"
    yield root / "etc" / "xdg" / "pip" / "pip.conf"
    yield Path(sys.prefix) / "pip.conf"
    if home := variables.get("HOME"):
        yield Path(home) / ".config" / "pip" / "pip.conf"
        yield Path(home) / ".pip" / "pip.conf"
