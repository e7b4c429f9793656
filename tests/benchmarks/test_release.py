"""Each check before a release passes on a tree that is ready, and says what is wrong with one that is not."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import release
from benchmarks.release import CHECKS, check_artefacts, check_changelog, check_tree, check_versions, check_weights
from tests.conftest import REPOSITORY

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-11-28\n\n- New.\n\n## [1.1.0] - 2026-01-01\n\n- Old.\n"


def git(root: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository that is ready for version 1.2.0, as far as texts go."""
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (tmp_path / "CITATION.cff").write_text("title: x\nversion: 1.2.0\n", encoding="utf-8")
    configs = tmp_path / "bundles" / "nerve" / "configs"
    configs.mkdir(parents=True)
    (configs / "metadata.json").write_text(json.dumps({"version": "1.2.0", "changelog": {"1.2.0": "new"}}), encoding="utf-8")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "x")
    return tmp_path


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_tree_that_is_ready(tree: Path) -> None:
    assert [check(tree, "1.2.0") for check in (check_changelog, check_versions, check_tree)] == ["", "", ""]


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("[1.2.0]", "[1.3.0]", "has no section"),
        (" - 2026-11-28", "", "has no date"),
        ("- New.\n", "", "is empty"),
        ("## [Unreleased]\n", "## [Unreleased]\n\n- Left over.\n", "lines under [Unreleased]"),
    ],
)
def test_changelogs_that_are_not_ready(old: str, new: str, wrong: str, tree: Path) -> None:
    replace(tree / "CHANGELOG.md", old, new)
    assert wrong in check_changelog(tree, "1.2.0")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("CITATION.cff", "1.2.0", "1.2.0.1"),
        ("bundles/nerve/configs/metadata.json", '"version": "1.2.0"', '"version": "1.1.0"'),
        ("bundles/nerve/configs/metadata.json", '{"1.2.0": ', '{"1.1.0": '),
    ],
)
def test_versions_move_together(file: str, old: str, new: str, tree: Path) -> None:
    replace(tree / file, old, new)
    assert file in check_versions(tree, "1.2.0")


def test_what_is_not_committed_or_out_already(tree: Path) -> None:
    (tree / "new.txt").touch()
    assert "1 files are not committed, first new.txt" in check_tree(tree, "1.2.0")
    (tree / "new.txt").unlink()
    git(tree, "tag", "v1.2.0")
    assert "the tag v1.2.0 exists" in check_tree(tree, "1.2.0")
    assert check_tree(tree, "1.2.1") == ""


def test_weights_are_those_of_the_records(tree: Path) -> None:
    assert check_weights(REPOSITORY, "") == ""
    assert "is not the one of the record of fetal_head" in check_weights(tree, "")


def test_artefacts_have_checksums(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built_by = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
    project = f'{built_by}\n[project]\nname = "tiny"\nversion = "1.2.0"\nrequires-python = ">=3.10"\n'
    (tree / "pyproject.toml").write_text(project, encoding="utf-8")
    (tree / "tiny").mkdir()
    (tree / "tiny" / "__init__.py").touch()
    assert check_artefacts(tree, "1.2.0") == ""
    folder = tree / "dist"
    lines = [line.split() for line in (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()]
    assert [name for _, name in lines] == ["tiny-1.2.0-py3-none-any.whl", "tiny-1.2.0.tar.gz"]
    assert all(release._sha256(folder / name) == digest for digest, name in lines)
    assert "cannot be built" in check_artefacts(tree, "1.3.0")
    monkeypatch.setattr(release, "MOST_WHEEL_MB", 0)
    assert "the wheel has 0 MB, more than 0" in check_artefacts(tree, "1.2.0")


@pytest.mark.parametrize(("answers", "code"), [(["", ""], 0), (["", "no"], 1)])
def test_the_exit_code(answers: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def says(answer: str) -> Callable[[Path, str], str]:
        return lambda root, version: answer

    for name in list(CHECKS):
        monkeypatch.delitem(CHECKS, name)
    for number, answer in enumerate(answers):
        monkeypatch.setitem(CHECKS, str(number), says(answer))
    assert release.main() == code
    printed = capsys.readouterr().out
    assert ("ready: git tag" in printed) == (code == 0) and ("1: no" in printed) == (code == 1)
