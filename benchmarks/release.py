"""Check the conditions for tagging a version, build the artefacts and write their checksums.

    python -m benchmarks.release

Prints one line per check and exits with 1 if one fails. A failure states what to do. The tag itself is set by hand (docs/development.md).
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import usseg_monai
from usseg_monai.tasks import TASKS

__all__ = ["main"]

REPOSITORY = Path(__file__).resolve().parents[1]
MOST_WHEEL_MB = 60
"""A larger wheel is slow to install, and most of it would be weights."""

_SUMS = "SHA256SUMS"


def check_changelog(root: Path, version: str) -> str:
    """The changelog has the version with its date and an entry, and no unreleased entries above it."""
    parts = re.split(r"^## \[(.+?)\](.*)$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = {name: (rest.strip(), body.strip()) for name, rest, body in zip(parts[1::3], parts[2::3], parts[3::3], strict=True)}
    if version not in sections:
        return f"CHANGELOG.md has no section [{version}]: give what is unreleased that name"
    date, body = sections[version]
    if not re.fullmatch(r"[-–] \d{4}-\d\d-\d\d", date):
        return f"the section [{version}] of CHANGELOG.md has no date: write '## [{version}] - YYYY-MM-DD'"
    if not body:
        return f"the section [{version}] of CHANGELOG.md is empty: say what is new"
    if sections.get("Unreleased", ("", ""))[1]:
        return f"CHANGELOG.md has lines under [Unreleased]: move them to [{version}], which they will be released with"
    return ""


def check_versions(root: Path, version: str) -> str:
    """CITATION.cff and every bundle have the package's version, and each bundle's changelog lists it."""
    if not re.search(rf"^version: {re.escape(version)}$", (root / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE):
        return f"CITATION.cff has another version than the package: write 'version: {version}'"
    for file in sorted(root.glob("bundles/*/configs/metadata.json")):
        metadata = json.loads(file.read_text(encoding="utf-8"))
        if metadata["version"] != version or version not in metadata["changelog"]:
            return f"{file.relative_to(root)} has version {metadata['version']}: set it to {version}, with a line in its changelog"
    return ""


def check_weights(root: Path, version: str) -> str:
    """The weights in the bundles are those in the tasks' records."""
    for task in TASKS.values():
        models = root / "bundles" / task.bundle / "models"
        for name, released in task.released_sha256.items():
            file = models / name
            if not file.is_file() or _sha256(file) != released:
                return f"{file.relative_to(root)} is not the one of the record of {task.name}: put the two together again"
    return ""


def check_tree(root: Path, version: str) -> str:
    """Everything is committed, and the tag is not taken."""
    if changed := _git(root, "status", "--porcelain"):
        return f"{len(changed.splitlines())} files are not committed, first {changed.split()[1]}: commit or remove them"
    if _git(root, "tag", "--list", f"v{version}"):
        return f"the tag v{version} exists: a version that is out stays as it is; choose the next"
    return ""


def check_artefacts(root: Path, version: str) -> str:
    """Wheel and source archive are built, have the version and are not too large; their checksums are written."""
    folder = root / "dist"
    for old in [*folder.glob("*.whl"), *folder.glob("*.tar.gz")]:
        old.unlink()
    build = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", "dist"], cwd=root, capture_output=True, text=True, check=False
    )
    built = sorted([*folder.glob(f"*-{version}-*.whl"), *folder.glob(f"*-{version}.tar.gz")])
    if build.returncode or len(built) != 2:
        return f"wheel and source archive cannot be built: {' '.join((build.stderr or build.stdout).split())[-200:]}"
    (folder / _SUMS).write_text("".join(f"{_sha256(file)}  {file.name}\n" for file in built), encoding="utf-8")
    if (size := next(folder.glob("*.whl")).stat().st_size / 1e6) > MOST_WHEEL_MB:
        return f"the wheel has {size:.0f} MB, more than {MOST_WHEEL_MB}: see which weights it holds"
    return ""


CHECKS: dict[str, Callable[[Path, str], str]] = {
    "changelog": check_changelog,
    "versions": check_versions,
    "weights": check_weights,
    "working tree and tag": check_tree,
    "wheel, source archive, checksums": check_artefacts,
}
"""Each takes the repository and the version, and returns the problem, or an empty string."""


def main() -> int:
    """Run all checks and return the exit code."""
    version = usseg_monai.__version__
    failed = 0
    for name, check in CHECKS.items():
        wrong = check(REPOSITORY, version)
        failed += bool(wrong)
        print(f"{name}: {wrong or 'ok'}")
    print(
        f"{failed} of {len(CHECKS)} checks failed" if failed else f"ready: git tag -a v{version} -m {version} && git push origin v{version}"
    )
    return 1 if failed else 0


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True).stdout.strip()


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
