"""Where a bundle lies and where it writes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from usseg_monai.tasks import bundle_path
from usseg_monai.weights.places import bundle_root, checkpoint_folder, in_package, output_folder


def test_a_config_parsed_by_hand_belongs_to_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert bundle_root("nerve") == str(tmp_path)


def test_only_packages_are_packages(tmp_path: Path) -> None:
    assert in_package(str(bundle_path("breast")))
    assert in_package(str(tmp_path / "venv/lib/python3.12/site-packages/usseg_monai/bundles/breast"))
    assert not in_package(str(tmp_path / "bundles/breast"))
    (tmp_path / "link").symlink_to(bundle_path("breast"))
    assert in_package(str(tmp_path / "link"))


def test_a_copy_is_written_to_and_the_package_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "copy"
    copy.mkdir()
    assert output_folder(str(copy)) == str(copy / "eval")
    assert checkpoint_folder(str(copy)) == str(copy / "models")
    package = str(bundle_path("breast"))
    assert output_folder(package) == checkpoint_folder(package) == str(tmp_path / "eval/breast")


def test_what_cannot_be_written_to_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    copy = tmp_path / "read_only"
    copy.mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # permissions do not bind root, as which tests may run
    assert output_folder(str(copy)) == checkpoint_folder(str(copy)) == str(tmp_path / "eval/read_only")
