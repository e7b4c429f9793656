"""``python -m benchmarks.image``: see `benchmarks.image`."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import usseg_monai
from benchmarks.image.check import CheckError, check, missing
from benchmarks.image.engine import build_command, installed_engine
from benchmarks.image.wheels import REPOSITORY, collect, labels_of
from usseg_monai.errors import UsageError
from usseg_monai.tasks import TASKS, get_task

TARGETS = ("page", "command", "label")
SHIPPED = ",".join(name for name, task in TASKS.items() if task.weights_redistributable)
LICENCE = "Apache-2.0 AND CC-BY-4.0 AND CC0-1.0 AND MIT"
"""Of the package, as in ``pyproject.toml``."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one of the commands and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.image", description="Build the container image and check it.")
    commands = parser.add_subparsers(dest="command", required=True)
    wheels = commands.add_parser("wheels", help="collect the wheels in wheels/predict or wheels/label")
    wheels.add_argument("--label-server", action="store_true", help="those of the label server (large: torch and MONAI)")
    build = commands.add_parser("build", help="collect the wheels and build the image")
    build.add_argument("--target", choices=TARGETS, default=TARGETS[0], help="stage of the Dockerfile (default: %(default)s)")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    base = f"docker.io/library/python:{version}-slim-bookworm"
    build.add_argument("--base", metavar="IMAGE", default=base, help=f"base image with Python {version} (default: %(default)s)")
    build.add_argument("--name", help="of the image (default: usseg-monai:VERSION-TARGET)")
    for each in (wheels, build):
        each.add_argument("--tasks", metavar="TASK,TASK", default=SHIPPED, help="whose weights it holds (default: %(default)s)")
    checked = commands.add_parser("check", help="build on a base made by mmdebstrap, without a network; inspect; run")
    checked.add_argument("--target", choices=("page", "label"), default="page", help="stage of the Dockerfile (default: %(default)s)")
    checked.add_argument("--base-archive", metavar="TAR", type=Path, help="root file system to use instead of mmdebstrap's")
    args = parser.parse_args(words)
    try:
        if args.command == "check":
            if lacking := missing(args.base_archive):
                raise UsageError(f"the check needs what is not here: {lacking}")
            failed = check(args.target, args.base_archive)
            print(f"{failed} checks failed" if failed else "all checks passed")
            return 1 if failed else 0
        if not sys.platform.startswith("linux"):
            raise UsageError(f"wheels of {sys.platform} do not fit an image: run this on Linux")
        tasks = [get_task(name).name for name in args.tasks.split(",")]
        for name in tasks:
            if not TASKS[name].weights_redistributable:
                print(f"{name}: do not pass this image on; its weights are {TASKS[name].weights_license}", file=sys.stderr)
        label_server = args.label_server if args.command == "wheels" else args.target == "label"
        folder = Path("wheels", "label" if label_server else "predict")
        collect(REPOSITORY / folder, label_server=label_server, tasks=tasks)
        print(f"{folder}: the wheels, and the list of them", flush=True)
        if args.command == "build":
            arguments = {"BASE": args.base, "WHEELS": folder.as_posix(), "TASKS": ",".join(tasks), "VERSION": usseg_monai.__version__}
            name = args.name or f"usseg-monai:{usseg_monai.__version__}-{args.target}"
            line = build_command(
                installed_engine(), REPOSITORY, target=args.target, name=name, arguments=arguments | labels_of(tasks, LICENCE)
            )
            return subprocess.run(line, check=False).returncode
    except UsageError as error:
        print(f"image: {error}", file=sys.stderr)
        return 2
    except (CheckError, subprocess.CalledProcessError) as error:  # the program itself has said more
        print(f"image: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
