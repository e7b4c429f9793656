"""Check the installed dependencies: licences and security advisories.

    python -m benchmarks.dependencies [--update-docs]

Every direct or indirect dependency of prediction or of the whole package must have a permissive licence; an unknown licence is an error
that names the package. `pip-audit` then looks up all installed packages in the index of advisories; if the index cannot be reached, that
step is skipped with a message.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from benchmarks.readme import insert_table

REPOSITORY = Path(__file__).resolve().parents[1]
DOCS = REPOSITORY / "docs" / "security.md"
SMALL = REPOSITORY / "requirements-predict.txt"

PERMISSIVE = frozenset(
    {
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSD", "BSL-1.0", "CC0-1.0", "HPND", "ISC", "MIT", "MIT-CMU", "MPL-2.0"),
        *("PSF-2.0", "Unlicense", "Zlib"),
    }
)
"""SPDX names of licences that require at most a notice, or publication of changes to the package's own files (MPL)."""

_ACCEPTED = {"nvidia-": "NVIDIA's own", "cuda-": "NVIDIA's own"}
"""Prefixes of names: libraries that come with torch's GPU builds and are not redistributed by this package."""

_WORDS = (
    ("apache", "Apache-2.0"),
    ("mit-cmu|hpnd|historical permission", "MIT-CMU"),
    (r"\bmit\b", "MIT"),
    (r"\bbsd\b", "BSD"),
    ("python software foundation|psf", "PSF-2.0"),
    ("mozilla public license 2|mpl.?2", "MPL-2.0"),
    (r"\bisc\b", "ISC"),
    ("zlib", "Zlib"),
)
"""Licence wording in classifiers and free text, for packages without an SPDX expression; the first match counts."""

_TIMEOUT_S = 20
"""Limit of one query to the index."""

_LONGEST_S = 300
"""Limit of all queries: a slower index is abandoned."""


def closure(requirements: Iterable[str]) -> dict[str, Distribution]:
    """All installed direct and indirect dependencies of some requirements, by name; those for other platforms are left out."""
    found: dict[str, Distribution] = {}
    waiting = [(text, "") for text in requirements]
    done: set[tuple[str, str]] = set()
    while waiting:
        text, extra = waiting.pop()
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        found[name] = distribution(name)
        for wanted in {("", name), *((each, name) for each in requirement.extras)} - done:
            done.add(wanted)
            waiting += [(needed, wanted[0]) for needed in found[name].requires or ()]
    return found


def license_of(metadata: Any) -> str:
    """SPDX name or expression of a package's licence; empty if unstated."""
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    told = [line.rpartition("::")[2] for line in metadata.get_all("Classifier") or () if line.startswith("License ::")]
    for text in (*told, (metadata.get("License") or "").strip().partition("\n")[0]):
        for words, name in _WORDS:
            if re.search(words, text, re.IGNORECASE):
                return name
    return ""


def is_permissive(expression: str) -> bool:
    """Whether a licence is permissive; of licences joined by AND all must be, of those joined by OR one.

    >>> is_permissive("MIT AND (GPL-3.0-only OR BSD-3-Clause)"), is_permissive("GPL-3.0-only"), is_permissive("")
    (True, False, False)
    """
    parts = re.split(r"\s+AND\s+", re.sub("[()]", "", expression))
    return all(any(name.partition(" WITH ")[0] in PERMISSIVE for name in re.split(r"\s+OR\s+", part)) for part in parts)


def licenses(packages: Mapping[str, Distribution]) -> tuple[dict[str, str], list[str]]:
    """Licence of each package by name, and one line per unacceptable licence."""
    told, problems = {}, []
    for name, package in sorted(packages.items()):
        accepted = next((license for beginning, license in _ACCEPTED.items() if name.startswith(beginning)), None)
        told[name] = accepted or license_of(package.metadata)
        if accepted is None and not is_permissive(told[name]):
            problems.append(f"{name}: licence {told[name] or 'unknown'!r}: do without the package, or add what it says to PERMISSIVE")
    return told, problems


def markdown(told: Mapping[str, str], small: Iterable[str]) -> str:
    """The licences as a Markdown table."""
    needed = set(small)
    rows = [f"| {name} | {license} | {'yes' if name in needed else ''} |" for name, license in told.items()]
    return "\n".join(["| package | licence | needed to predict |", "|---|---|---|", *rows])


def audit() -> tuple[str, int]:
    """Look up advisories on all installed packages; returns a few lines of result and the exit status."""
    command = [sys.executable, "-m", "pip_audit", "--local", "--skip-editable", "--format", "json", "--timeout", str(_TIMEOUT_S)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
        packages = json.loads(ran.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        return f"skipped: no answer within {_LONGEST_S} s", 0
    except ValueError:  # pip-audit ends with an exception if the index cannot be reached
        return f"skipped: {(ran.stderr.strip().splitlines() or ['no answer'])[-1][:200]}", 0
    return _summary(packages)


def _summary(packages: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """Summary of pip-audit's result. If it knows no package at all, it checked nothing, although it reports no problem."""
    known = [package for package in packages if "vulns" in package]
    if not known:
        return f"skipped: the index knows none of the {len(packages)} versions that are installed", 0
    found = [
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {', '.join(advisory['fix_versions']) or 'no version yet'}"
        for package in known
        for advisory in package["vulns"]
    ]
    return "\n".join([f"{len(known)} of {len(packages)} packages looked up, {len(found)} advisories", *found]), int(bool(found))


def main(argv: Sequence[str] | None = None) -> int:
    """Check and print; returns 1 for a licence that is not permissive, or an advisory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dependencies", description="Licences and advisories of what is installed.")
    parser.add_argument("--update-docs", action="store_true", help="put the table of licences into docs/security.md")
    args = parser.parse_args(argv)
    try:
        small = closure(line for line in (text.partition("#")[0].strip() for text in SMALL.read_text().splitlines()) if line)
        whole = small | closure(text for text in requires("usseg-monai") or () if "extra ==" not in text)
    except PackageNotFoundError as error:
        print(f"dependencies: {error}; run make install first", file=sys.stderr)
        return 1
    told, problems = licenses(whole)
    if args.update_docs:
        DOCS.write_text(insert_table(DOCS.read_text(encoding="utf-8"), "licenses", markdown(told, small)), encoding="utf-8")
    for problem in problems:
        print(f"licences: {problem}", file=sys.stderr)
    print(f"licences: {len(told)} packages, {len(problems)} not permissive")
    found, status = audit()
    print(f"pip-audit: {found}")
    return int(bool(problems) or status != 0)


if __name__ == "__main__":
    raise SystemExit(main())
