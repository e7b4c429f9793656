"""The habits of a hosted project: what the host reads is valid, and says the same as the rest of the repository."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY

WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"
FORMS = sorted((REPOSITORY / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
MAKEFILE = (REPOSITORY / "Makefile").read_text(encoding="utf-8")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def tool(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name(name)
    if not program.is_file():
        pytest.skip(f"{name} is not installed: run make install")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, cwd=REPOSITORY)


def pins() -> dict[str, str]:
    lines = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {line.partition("==")[0]: line.partition("==")[2].partition(";")[0] for line in lines}


def test_the_workflow_is_valid_and_the_check_would_notice_if_it_were_not(tmp_path: Path) -> None:
    check = ("check-jsonschema", "--builtin-schema", "vendor.github-workflows")
    assert tool(*check, WORKFLOW).returncode == 0
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOW.read_text(encoding="utf-8").replace("runs-on:", "runs-in:"), encoding="utf-8")
    assert tool(*check, broken).returncode != 0


def test_every_supported_python_is_tested_on_every_system() -> None:
    matrix = read(WORKFLOW)["jobs"]["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert {system.partition("-")[0] for system in matrix["system"]} == {"ubuntu", "macos", "windows"}
    floor = re.search(r'requires-python = ">=([\d.]+)"', (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    assert floor is not None and floor[1] == matrix["python"][0]


def test_the_workflow_can_only_read_the_repository() -> None:
    assert read(WORKFLOW)["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("form", [form for form in FORMS if form.name != "config.yml"], ids=lambda form: form.name)
def test_issue_forms_are_valid_and_checked(form: Path) -> None:
    assert tool("check-jsonschema", "--builtin-schema", "vendor.github-issue-forms", form).returncode == 0
    assert f".github/ISSUE_TEMPLATE/{form.name}" in MAKEFILE


def test_the_bug_form_asks_for_usseg_info() -> None:
    fields = {field.get("id"): field for field in read(REPOSITORY / ".github" / "ISSUE_TEMPLATE" / "bug.yml")["body"]}
    assert "usseg info" in fields["info"]["attributes"]["label"] and fields["info"]["validations"]["required"]


def test_pre_commit_runs_the_tested_versions_in_no_fixed_environment() -> None:
    (repository,) = read(REPOSITORY / ".pre-commit-config.yaml")["repos"]
    assert not any("/" in hook["entry"].split()[0] for hook in repository["hooks"])
    wanted = [requirement for hook in repository["hooks"] for requirement in hook.get("additional_dependencies", [])]
    assert wanted
    for requirement in wanted:
        name, _, version = requirement.partition("==")
        assert version == pins()[name], requirement


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "docs/development.md"])
def test_links_lead_to_files(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text) if "://" not in target]
    assert targets or page == "docs/development.md"
    for target in filter(None, targets):
        assert ((REPOSITORY / page).parent / target).exists(), target


@pytest.mark.parametrize(("text", "code"), [("pictures that readers receive", 0), ("pictures that readers recieve", 2)])
def test_typos_are_found(text: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert tool("typos", "--config", REPOSITORY / "pyproject.toml", tmp_path).returncode == code


def test_targets_that_documents_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    for page in ("CONTRIBUTING.md", "docs/development.md"):
        named = re.findall(r"`make ([a-z-]+)[ `]", (REPOSITORY / page).read_text(encoding="utf-8"))
        assert named and set(named) <= targets, page
