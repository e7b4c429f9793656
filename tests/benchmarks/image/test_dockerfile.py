"""The Dockerfile keeps to its rules, and its shell commands do what they say."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.image.__main__ import LICENCE, SHIPPED, TARGETS
from benchmarks.image.check import UID
from benchmarks.image.wheels import labels_of
from tests.conftest import REPOSITORY
from usseg_monai import __version__
from usseg_monai.cli import whole_parser

TEXT = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
LINES = [
    (word, rest)
    for line in re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
    if line
    for word, _, rest in [line.partition(" ")]
]
"""Instruction and the rest of it; continued lines are one."""

STAGES = {rest.rpartition(" ")[2]: number for number, (word, rest) in enumerate(LINES) if word == "FROM"}


def stage(name: str) -> list[tuple[str, str]]:
    """Instructions of one stage, without its FROM."""
    following = [number for number in STAGES.values() if number > STAGES[name]]
    return LINES[STAGES[name] + 1 : min(following, default=len(LINES))]


def of(name: str, word: str) -> list[str]:
    return [rest for each, rest in stage(name) if each == word]


def arguments() -> dict[str, str]:
    return {name: value.strip('"') for word, rest in LINES if word == "ARG" for name, _, value in [rest.partition("=")]}


def test_stages_come_from_one_base_that_everybody_can_get() -> None:
    assert list(STAGES) == ["builder", "command", "label", "page"] and set(TARGETS) == set(STAGES) - {"builder"}
    assert [rest for word, rest in LINES if word == "FROM"] == [
        "${BASE} AS builder",
        "${BASE} AS command",
        "command AS label",
        "command AS page",
    ]
    assert LINES[0] == ("ARG", "BASE=docker.io/library/python:3.11-slim-bookworm")


def test_only_wheels_and_the_program_are_copied_and_nothing_is_fetched() -> None:
    assert not [rest for word, rest in LINES if word == "ADD"]
    assert [rest for word, rest in LINES if word == "COPY"] == ["${WHEELS} /wheels", "--from=builder /opt/usseg /opt/usseg"]
    commands = " ".join(rest for word, rest in LINES if word == "RUN")
    assert "--no-index" in commands and "--no-cache-dir" in commands and "--no-deps" in commands
    assert not re.search(r"\b(curl|wget|git|apt|apt-get)\b|://", commands)
    assert (REPOSITORY / ".dockerignore").read_text().splitlines()[1:] == ["*", "!wheels"]


def test_it_runs_as_a_user_without_rights() -> None:
    assert of("command", "USER") == [f"{UID}:{UID}"] and f"--uid {UID} " in of("command", "RUN")[0]
    assert not of("page", "USER") and not of("label", "USER")
    assert of("command", "STOPSIGNAL") == ["SIGINT"]


def test_servers_have_a_health_check_on_the_port_that_they_listen_on() -> None:
    for name, port in (("page", "8765"), ("label", "8000")):
        (health,) = of(name, "HEALTHCHECK")
        assert f"('127.0.0.1', {port}, " in health and of(name, "EXPOSE") == [port]
    assert not of("command", "HEALTHCHECK")
    words = json.loads(of("page", "CMD")[0])
    args = whole_parser().parse_args(words)
    assert (args.host, args.port, args.address, args.no_browser) == ("0.0.0.0", 8765, "http://127.0.0.1:8765", True)


def test_the_health_check_is_a_program_that_fails_without_a_server() -> None:
    words = json.loads(of("page", "HEALTHCHECK")[0].partition("CMD ")[2])
    with_a_free_port = words[2].replace("8765", "1")
    done = subprocess.run([sys.executable, "-c", with_a_free_port], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "ConnectionRefusedError" in done.stderr


def test_labels_say_version_and_licences() -> None:
    (labels,) = of("command", "LABEL")
    for name, argument in (("version", "VERSION"), ("licenses", "LICENSES")):
        assert f'org.opencontainers.image.{name}="${{{argument}}}"' in labels
    assert 'usseg.weights.licenses="${WEIGHTS}"' in labels
    found = arguments()
    assert found["VERSION"] == __version__ and found["TASKS"] == SHIPPED
    assert {name: found[name] for name in ("LICENSES", "WEIGHTS")} == labels_of(SHIPPED.split(","), LICENCE)


@pytest.fixture
def bundles(tmp_path: Path) -> Path:
    """Where the builder installs the bundles; fetal head and left ventricle have weights."""
    folder = tmp_path / "opt/usseg/lib/python3.11/site-packages/usseg_monai/bundles"
    for name in ("breast", "fetal_head", "left_ventricle", "nerve"):
        (folder / name / "configs").mkdir(parents=True)
    for name in ("fetal_head", "left_ventricle"):
        (folder / name / "models").mkdir()
        (folder / name / "models" / "model.onnx").touch()
    return folder


def select(tasks: str, root: Path) -> subprocess.CompletedProcess[str]:
    """Run the builder's selection of tasks below another root."""
    shell = shutil.which("sh")
    if shell is None or os.name != "posix":
        pytest.skip("there is no POSIX shell")
    command = of("builder", "RUN")[1].replace("/opt/usseg", f"{root}/opt/usseg").replace("/wheels/", f"{root}/wheels/")
    return subprocess.run([shell, "-c", command], env={"TASKS": tasks, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=30)


def with_weights(bundles: Path) -> list[str]:
    return sorted(file.parents[1].name for file in bundles.glob("*/models/model.onnx"))


@pytest.mark.parametrize("tasks", ["fetal_head,left_ventricle", "left_ventricle", "fetal_head"])
def test_weights_of_other_tasks_are_removed(tasks: str, bundles: Path, tmp_path: Path) -> None:
    assert select(tasks, tmp_path).returncode == 0 and with_weights(bundles) == tasks.split(",")
    assert len(list(bundles.glob("*/configs"))) == 4


@pytest.mark.parametrize("tasks", ["fetal_head,nerve", "heads"])
def test_a_task_without_weights_ends_the_build(tasks: str, bundles: Path, tmp_path: Path) -> None:
    done = select(tasks, tmp_path)
    assert done.returncode == 1 and f"no weights of '{tasks.split(',')[-1]}'" in done.stdout


def test_weights_beside_the_wheels_are_added(bundles: Path, tmp_path: Path) -> None:
    program = tmp_path / "opt/usseg/bin/usseg"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\n[ "$1 $2" = "weights add" ] && cp -r "$3"/* .\nexit 1\n')  # others are still missing
    program.chmod(0o755)
    (tmp_path / "wheels/weights/nerve/models").mkdir(parents=True)
    (tmp_path / "wheels/weights/nerve/models/model.onnx").touch()
    assert select("nerve", tmp_path).returncode == 0 and with_weights(bundles) == ["nerve"]
