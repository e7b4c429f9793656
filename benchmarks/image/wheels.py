"""Collects the wheels that an image is built from, so that the build itself needs no network."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from usseg_monai.tasks import TASKS, bundle_path

__all__ = ["collect", "extra_requirements", "labels_of", "pinned"]

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = REPOSITORY / "requirements-predict.txt"
CONSTRAINTS = REPOSITORY / "constraints.txt"
EXTRAS = ("web", "codecs")
"""Of the image for prediction: the page, and the decoders of compressed DICOM."""

_EXTRA = re.compile(r"(?P<requirement>[^;]+?)\s*;.*extra == ['\"](?P<extra>\w+)['\"]")


def collect(folder: Path, *, label_server: bool, tasks: Sequence[str]) -> None:
    """Fill a folder with wheels of this checkout and its dependencies, in the tested versions, and the list ``requirements.txt``.

    Args:
        folder: is replaced.
        label_server: the wheels of the label server, instead of those of the command line and the page.
        tasks: weights that the package's wheel leaves out are added for these.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _pip_wheel(folder, "--no-deps", str(REPOSITORY))
    if label_server:
        _pip_wheel(folder, f"{REPOSITORY}[label]")
        _pip_wheel(folder, "--no-deps", "monailabel")
    else:
        (own,) = folder.glob("usseg_monai-*.whl")
        with zipfile.ZipFile(own) as archive:
            (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            metadata = archive.read(name).decode()
        _pip_wheel(folder, "-r", str(SMALL), *(each for extra in EXTRAS for each in extra_requirements(metadata, extra)))
    (folder / "requirements.txt").write_text(pinned(file.name for file in folder.glob("*.whl")), encoding="utf-8")
    for task in tasks:
        if not TASKS[task].weights_redistributable:
            shutil.copytree(bundle_path(task) / "models", folder / "weights" / task)


def _pip_wheel(folder: Path, *words: str) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "wheel"]
    subprocess.run([*pip, "--wheel-dir", str(folder), "--constraint", str(CONSTRAINTS), *words], check=True)


def extra_requirements(metadata: str, extra: str) -> list[str]:
    """What an extra adds to a package, by the text of its ``METADATA``.

    >>> extra_requirements("Requires-Dist: a>=1\\nRequires-Dist: b>=2; extra == 'web'\\n", "web")
    ['b>=2']
    """
    lines = email.message_from_string(metadata).get_all("Requires-Dist") or []
    return [found["requirement"] for line in lines if (found := _EXTRA.fullmatch(line)) and found["extra"] == extra]


def pinned(wheels: Iterable[str]) -> str:
    """Lines of a list of requirements with exactly these wheels.

    >>> print(pinned(["numpy-2.4.1-cp311-cp311-manylinux_2_28_x86_64.whl"]), end="")
    numpy==2.4.1
    """
    return "".join(f"{'=='.join(name.split('-')[:2])}\n" for name in sorted(wheels))


def labels_of(tasks: Sequence[str], licence: str) -> dict[str, str]:
    """Build arguments with the licences: of an image with the weights of these tasks, and code under the package's own.

    >>> labels_of(["fetal_head"], "Apache-2.0")["WEIGHTS"]
    'fetal_head: CC BY 4.0 (trained on HC18, van den Heuvel et al. 2018)'
    """
    further = [f"LicenseRef-{name.replace('_', '-')}-weights" for name in tasks if not TASKS[name].weights_redistributable]
    return {
        "LICENSES": " AND ".join([licence, *further]),
        "WEIGHTS": "; ".join(f"{name}: {TASKS[name].weights_license}" for name in tasks),
    }
