"""Licences as packages tell them, and what is made of pip-audit's answer."""

from __future__ import annotations

import subprocess
from email.message import Message
from typing import Any

import pytest

from benchmarks import dependencies


def metadata(**headers: str | list[str]) -> Message:
    """What a package says of itself; ``_`` in names stands for ``-``."""
    message = Message()
    for name, values in headers.items():
        for value in [values] if isinstance(values, str) else values:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("told", "license"),
    [
        (metadata(License_Expression="MIT AND Zlib", License="GPL"), "MIT AND Zlib"),
        (metadata(Classifier=["Topic :: Software", "License :: OSI Approved :: BSD License"], License="see file"), "BSD"),
        (metadata(License="\n   Apache License\n  Version 2.0"), "Apache-2.0"),
        (metadata(License="3-Clause BSD License"), "BSD"),
        (metadata(License="Limited to friends"), ""),
        (metadata(), ""),
    ],
)
def test_licenses_in_all_the_ways_they_are_told(told: Message, license: str) -> None:
    assert dependencies.license_of(told) == license


def test_what_is_not_permissive_is_named() -> None:
    class Package:
        def __init__(self, told: str) -> None:
            self.metadata = metadata(License_Expression=told)

    packages: Any = {"good": Package("MIT"), "bad": Package("GPL-3.0-only"), "nvidia-cublas": Package("LicenseRef-NVIDIA")}
    told, problems = dependencies.licenses(packages)
    assert told["nvidia-cublas"] == "NVIDIA's own" and len(problems) == 1 and problems[0].startswith("bad: licence 'GPL-3.0-only'")


def test_everything_that_is_needed_is_found() -> None:
    found = dependencies.closure(["onnxruntime", "nothing-here; sys_platform == 'nowhere'"])
    assert {"onnxruntime", "numpy", "protobuf"} <= found.keys() and "nothing-here" not in found


def test_the_page_names_what_prediction_needs() -> None:
    page = dependencies.DOCS.read_text(encoding="utf-8")
    for line in dependencies.SMALL.read_text().splitlines():
        if not line.startswith("#"):
            name = line.partition(">=")[0]
            assert any(row.startswith(f"| {name} |") and row.endswith("| yes |") for row in page.splitlines()), name


@pytest.mark.parametrize(
    ("answer", "found", "status"),
    [
        ("", "skipped: ServiceError: unreachable", 0),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "skipped: the index knows none of the 1 versions", 0),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "1 of 1 packages looked up, 0 advisories", 0),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}]}',
            "1 advisories\na 1: CVE-1, fixed in 2",
            1,
        ),
    ],
)
def test_what_pip_audit_says(answer: str, found: str, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = subprocess.CompletedProcess([], 1, answer, "Traceback\nServiceError: unreachable\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: ran)
    said, code = dependencies.audit()
    assert found in said and code == status


def test_an_index_without_an_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(command: list[str], *, timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(subprocess, "run", slow)
    assert dependencies.audit() == ("skipped: no answer within 300 s", 0)
