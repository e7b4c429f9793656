"""Every message that the FAQ explains is one of the program's."""

from __future__ import annotations

import ast
import re

import pytest

from tests.conftest import REPOSITORY

TEXT = (REPOSITORY / "docs" / "faq.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^`(.+)`\n: ", TEXT, re.MULTILINE)
GAP = "…"  # a value


def texts() -> list[str]:
    """All texts of the program, values replaced by the sign for a gap."""
    found = []
    for path in (REPOSITORY / "usseg_monai").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


@pytest.fixture(scope="module")
def program() -> list[str]:
    return texts()


@pytest.mark.parametrize("message", MESSAGES)
def test_the_program_says_so(message: str, program: list[str]) -> None:
    words = [part for part in message.split(GAP) if part.strip()]
    assert sum(map(len, words)) > 12
    pattern = re.compile(".*".join(map(re.escape, words)), re.DOTALL)
    assert any(pattern.search(text) for text in program), message


def test_there_are_many() -> None:
    assert len(MESSAGES) > 30 and len(set(MESSAGES)) == len(MESSAGES)
    assert len(re.findall(r"^### .+\?$", TEXT, re.MULTILINE)) >= 8
