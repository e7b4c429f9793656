"""The check of the image: what it calls wrong; all of it on a real image, if asked for."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.image import check as module
from benchmarks.image.check import forbidden_here, missing, problems
from benchmarks.image.inside import Seen
from tests.conftest import REPOSITORY
from usseg_monai.tasks import TASKS

LABELS = {
    "org.opencontainers.image.version": "1",
    "org.opencontainers.image.licenses": "Apache-2.0 AND MIT",
    "usseg.weights.licenses": "a: CC0",
}
CONFIG: dict[str, Any] = {"config": {"Labels": LABELS}}
GOOD = Seen(
    user="10001 10001",
    network=["lo"],
    writes={"/out": 0, "/tmp": 0, "/images": 0, "/in": errno.EROFS, "/opt/usseg": errno.EROFS},
    predicted=0,
    healthy=0,
    tasks=["fetal_head", "left_ventricle"],
    stopped=0,
    unhealthy=1,
)
TABLES = {"outside": b"a,1\n", "out/engine": b"a,1\n", "out/read_only": b"a,1\n"}


def failed(config: dict[str, Any] = CONFIG, seen: Seen = GOOD, tables: dict[str, bytes] = TABLES) -> list[str]:
    return [name for name, found in problems(config, seen, tables).items() if found]


def test_a_good_image() -> None:
    assert failed() == []
    assert failed(seen=replace(GOOD, stopped=130)) == []


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"user": "0 0"}, "runs as user"),
        ({"network": ["lo", "eth0"]}, "has no network"),
        ({"writes": GOOD.writes | {"/opt/usseg": errno.EACCES}}, "read-only root: writes"),
        ({"writes": GOOD.writes | {"/in": 0}}, "read-only root: writes"),
        ({"writes": GOOD.writes | {"/out": errno.EROFS}}, "read-only root: writes"),
        ({"predicted": 1}, "read-only root: predicts"),
        ({"healthy": 1}, "health check passes"),
        ({"unhealthy": 0}, "health check fails"),
        ({"stopped": -9}, "the server ends"),
        ({"tasks": ["fetal_head"]}, "the server offers"),
        ({"tasks": [*GOOD.tasks, "nerve"]}, "the server offers"),
    ],
)
def test_each_fault_is_one_failed_check(change: dict[str, Any], name: str) -> None:
    (found,) = failed(seen=replace(GOOD, **change))
    assert found.startswith(name)


def test_tables_must_be_equal_and_not_empty() -> None:
    assert failed(tables=TABLES | {"out/read_only": b"a,1.0\n"}) == ["results.csv equals the one outside, to the byte"]
    assert failed(tables=dict.fromkeys(TABLES, b"")) == ["results.csv equals the one outside, to the byte"]


@pytest.mark.parametrize("label", LABELS)
def test_labels_must_be_there(label: str) -> None:
    without = {name: text for name, text in LABELS.items() if name != label}
    assert failed(config={"config": {"Labels": without or None}}) == ["built without a network, with version and licences"]


def test_weights_of_every_task_that_keeps_them_are_looked_for() -> None:
    forbidden = forbidden_here()
    kept = [task for task in TASKS.values() if not task.weights_redistributable]
    assert set(forbidden.tasks) == {task.bundle for task in kept} and len(forbidden.sha256) == 3 * len(kept)
    assert str(REPOSITORY) in forbidden.texts


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    if os.name != "posix":
        pytest.skip("there are no namespaces")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert missing() == "root, for mounts and namespaces"
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("shutil.which", lambda name: None if name in ("buildah", "mmdebstrap") else name)
    assert missing() == "buildah, mmdebstrap" and missing(tmp_path) == "buildah"


@pytest.mark.container
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.environ.get("USSEG_CONTAINER") != "1", reason="takes minutes: set USSEG_CONTAINER=1")
def test_the_real_image(capsys: pytest.CaptureFixture[str]) -> None:
    if lacking := missing():
        pytest.skip(f"needs {lacking}")
    assert module.check("page") == 0
    assert "116_HC.png: head circumference 80.3" in capsys.readouterr().out
