"""Command lines of the programs that build images."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from usseg_monai.errors import UsageError

__all__ = ["ENGINES", "build_command", "installed_engine"]

ENGINES = ("buildah", "docker", "podman")
"""In order of preference: buildah needs no daemon."""


def installed_engine() -> str:
    """The first of the engines that is installed here.

    Raises:
        UsageError: there is none.
    """
    for name in ENGINES:
        if shutil.which(name):
            return name
    raise UsageError(f"no program that builds images: install one of {', '.join(ENGINES)}")


def build_command(
    engine: str, context: Path, *, target: str, name: str, arguments: Mapping[str, str], options: Sequence[str] = ()
) -> list[str]:
    """The command that builds an image.

    Args:
        engine: one of `ENGINES`.
        context: folder with Dockerfile and wheels.
        target: stage of the Dockerfile.
        name: of the image.
        arguments: build arguments.
        options: of the engine itself, before its command.

    >>> " ".join(build_command("docker", Path("."), target="page", name="a:1", arguments={"TASKS": "fetal_head"}))
    'docker build --target page --tag a:1 --build-arg TASKS=fetal_head .'
    """
    # An image in the form of OCI has no health check; docker and podman have other defaults than buildah.
    build = ["bud", "--format", "docker"] if engine == "buildah" else ["build", *(["--format", "docker"] if engine == "podman" else [])]
    given = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    return [engine, *options, *build, "--target", target, "--tag", name, *given, str(context)]
