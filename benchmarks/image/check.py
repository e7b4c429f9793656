"""Builds the image without an engine's daemon and without a network, looks into its layers, and runs it as its own user."""

from __future__ import annotations

import csv
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.image.engine import build_command
from benchmarks.image.inside import Seen
from benchmarks.image.layers import Forbidden, config_of, entries, findings, result_findings
from benchmarks.image.machine import names_of_this_machine
from benchmarks.image.wheels import REPOSITORY, collect
from usseg_monai.tasks import TASKS

__all__ = ["UID", "CheckError", "Store", "check", "forbidden_here", "missing", "problems"]

UID = 10001
SHOWN = 20
"""Findings of one check that are printed; the rest is counted."""

_BASE, _IMAGE = "localhost/python-for-usseg:check", "localhost/usseg-monai:check"
_HOOK = 'rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/etc/hostname "$1"/etc/resolv.conf'
"""mmdebstrap copies these from the machine; removed by a later layer they would stay in the base."""

_SAMPLES = REPOSITORY / "usseg_monai" / "tasks" / "fetal_head" / "samples"
_SPACINGS = "pixel_size_and_HC.csv"


def missing(base_archive: Path | None = None) -> str:
    """What the check needs and is not here; empty if nothing."""
    if os.name != "posix" or os.geteuid() != 0:
        return "root, for mounts and namespaces"
    programs = ["buildah", "unshare", "mount", "chroot", *([] if base_archive else ["mmdebstrap"])]
    return ", ".join(program for program in programs if shutil.which(program) is None)


class CheckError(Exception):
    """A program that builds or runs the image failed; holds what it said."""


class Store:
    """Images and containers of buildah in a folder of their own; removing the folder leaves nothing.

    Args:
        folder: exists and is empty.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # vfs keeps every layer whole, but needs no file system that can be laid over another, which a container in a container lacks.
        self.options = ["--storage-driver", "vfs", "--root", str(folder / "store"), "--runroot", str(folder / "run")]
        (folder / "tmp").mkdir()

    def run(self, *command: str) -> str:
        """Run a command of buildah in a network namespace that reaches nothing, with none of the machine's settings."""
        variables = {"PATH": os.environ["PATH"], "HOME": str(self._folder), "TMPDIR": str(self._folder / "tmp")}
        variables["BUILDAH_ISOLATION"] = "chroot"
        line = ["unshare", "--net", "--", *command]
        done = subprocess.run(line, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CheckError(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout.strip()

    def buildah(self, *words: str) -> str:
        """One of buildah's commands."""
        return self.run("buildah", *self.options, *words)


def check(target: str, base_archive: Path | None = None) -> int:
    """Build, inspect and run; prints one line per check.

    Args:
        target: stage of the Dockerfile, ``page`` or ``label``.
        base_archive: root file system with Python of this version, instead of a Debian that mmdebstrap makes.

    Returns:
        The number of checks that failed.
    """
    with tempfile.TemporaryDirectory(prefix="usseg-image-") as name:
        folder = Path(name)
        archive, store = _build(folder, target, base_archive)
        config, _ = config_of(archive)
        out, images, studies = folder / "out", folder / "images", folder / "studies"
        for samples in (images, studies):
            _samples(samples)
        out.mkdir()
        for writable in (out, studies):
            os.chown(writable, UID, UID)
        container = store.buildah("from", "--pull-never", _IMAGE)
        volumes = ["--volume", f"{images}:/in:ro", "--volume", f"{out}:/out"]
        store.buildah("run", *volumes, container, "--", "usseg", *_predict("/in", "/out/engine"))
        try:
            seen = _inside(store.buildah("mount", container), config["config"], images, out, studies)
        finally:
            store.buildah("umount", container)
        outside = [sys.executable, "-m", "usseg_monai", *_predict(str(images), str(folder / "outside"))]
        subprocess.run(outside, check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
        tables = {place: (folder / place / "results.csv").read_bytes() for place in ("outside", "out/engine", "out/read_only")}
        failed = problems(config, seen, tables)
        failed["layers: no host or path of this machine, no weights that may not travel, no keys, no caches"] = findings(
            archive, forbidden_here()
        )
        failed["result: no pip, nothing that its user can change"] = result_findings(archive, uid=UID, program="opt/usseg")
        owners = {(out / name / "results.csv").stat().st_uid for name in ("engine", "read_only")}
        failed[f"results belong to user {UID}"] = [] if owners == {UID} else [f"they belong to {owners}"]
        for what, found in failed.items():
            print(f"{what}: {f'{len(found)} found' if found else 'ok'}", *found[:SHOWN], sep="\n    ")
        for row in csv.DictReader(tables["out/read_only"].decode().splitlines()):
            print(f"{row['file']}: head circumference {row['head_circumference_mm']} mm")
        sizes: dict[int, int] = {}
        for entry in entries(archive, read=False):
            sizes[entry.layer] = sizes.get(entry.layer, 0) + entry.member.size
        print(f"size: {sum(sizes.values()) / 1e6:.0f} MB in {len(sizes)} layers, {sizes[0] / 1e6:.0f} MB of them the base")
    return sum(map(bool, failed.values()))


def problems(config: dict[str, Any], seen: Seen, tables: dict[str, bytes]) -> dict[str, list[str]]:
    """What is wrong with the image's configuration and with what was seen of its programs, by the name of the check.

    Args:
        config: of the image.
        seen: of its programs on a read-only root.
        tables: ``results.csv`` of the same images, outside first.
    """
    labels = config["config"].get("Labels") or {}
    shipped = [name for name, task in TASKS.items() if task.weights_redistributable]
    wanted = {
        "built without a network, with version and licences": {
            "org.opencontainers.image.version": bool(labels.get("org.opencontainers.image.version")),
            "org.opencontainers.image.licenses": "Apache-2.0" in labels.get("org.opencontainers.image.licenses", ""),
            "usseg.weights.licenses": bool(labels.get("usseg.weights.licenses")),
        },
        f"runs as user {UID}": {seen.user: seen.user == f"{UID} {UID}"},
        "has no network but the loopback": {" ".join(seen.network): seen.network == ["lo"]},
        "read-only root: writes to volumes and /tmp only": {
            f"{place}: error {number}": number == wanted
            for place, wanted in {"/out": 0, "/tmp": 0, "/images": 0, "/in": errno.EROFS, "/opt/usseg": errno.EROFS}.items()
            for number in [seen.writes.get(place)]
        },
        "read-only root: predicts": {f"exit code {seen.predicted}": seen.predicted == 0},
        "results.csv equals the one outside, to the byte": {
            place: bool(table) and table == tables["outside"] for place, table in tables.items()
        },
        "health check passes while the server runs": {f"exit code {seen.healthy}": seen.healthy == 0},
        "the server offers the tasks with weights": {", ".join(seen.tasks): sorted(seen.tasks) == sorted(shipped)},
        "the server ends by the stop signal": {f"exit code {seen.stopped}": seen.stopped in (0, 130, -signal.SIGINT)},
        "health check fails when the server is down": {f"exit code {seen.unhealthy}": seen.unhealthy == 1},
    }
    return {name: [found for found, good in each.items() if not good] for name, each in wanted.items()}


def forbidden_here() -> Forbidden:
    """What an image from this machine must not hold."""
    kept = {name: task for name, task in TASKS.items() if not task.weights_redistributable}
    sha256 = {digest: f"{name}'s {file}" for name, task in kept.items() for file, digest in task.released_sha256.items()}
    return Forbidden(names_of_this_machine(), sha256, [task.bundle for task in kept.values()])


def _build(folder: Path, target: str, base_archive: Path | None) -> tuple[Path, Store]:
    """Build base and image; returns the image's archive, and the store that holds it."""
    context = folder / "context"
    collect(context / "wheels", label_server=target == "label", tasks=())
    for name in ("Dockerfile", ".dockerignore"):
        shutil.copy(REPOSITORY / name, context / name)
    if base_archive is None:
        base_archive = folder / "base.tar"
        _make_base(base_archive)
    (folder / "buildah").mkdir()
    store = Store(folder / "buildah")
    container = store.buildah("from", "scratch")
    store.buildah("add", "--quiet", container, str(base_archive), "/")
    store.buildah("commit", "--quiet", "--format", "docker", container, _BASE)
    store.buildah("rm", container)
    arguments = {"BASE": _BASE, "WHEELS": "wheels"}
    store.run(*build_command("buildah", context, target=target, name=_IMAGE, arguments=arguments, options=store.options))
    archive = folder / "image.tar"
    store.buildah("push", "--quiet", _IMAGE, f"docker-archive:{archive}:{_IMAGE}")
    return archive, store


def _make_base(archive: Path) -> None:
    """A Debian with Python, without what mmdebstrap copies from the machine."""
    packages = "--include=python3,python3-venv,ca-certificates"
    line = ["mmdebstrap", "--quiet", "--variant=minbase", packages, f"--customize-hook={_HOOK}", _suite(), str(archive)]
    subprocess.run(line, check=True)


def _suite() -> str:
    """The machine's own release of Debian: its Python is the one that the wheels were collected for."""
    lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    return dict(line.partition("=")[::2] for line in lines)["VERSION_CODENAME"].strip('"')


def _samples(folder: Path) -> None:
    folder.mkdir()
    for file in (*_SAMPLES.glob("*.png"), _SAMPLES / _SPACINGS):
        shutil.copy(file, folder / file.name)


def _predict(images: str, out: str) -> list[str]:
    return ["predict", "fetal_head", images, "-o", out, "--spacing-csv", f"{images}/{_SPACINGS}"]


def _inside(root: str, config: dict[str, Any], images: Path, out: Path, studies: Path) -> Seen:
    places = {"root": root, "images": str(images), "out": str(out), "studies": str(studies)}
    plan = {**places, "config": config, "predict": ["usseg", *_predict("/in", "/out/read_only")]}
    line: Sequence[str] = ["unshare", "--mount", "--net", "--", sys.executable, "-m", "benchmarks.image.inside", json.dumps(plan)]
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, cwd=REPOSITORY)
    return Seen(**json.loads(done.stdout))
