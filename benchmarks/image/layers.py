"""Looks into every layer of an image's archive for what must not travel: what a later layer deletes still lies in the one below."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

__all__ = ["Forbidden", "config_of", "entries", "findings", "result_findings"]

_KEY = re.compile(rb"\s*-----BEGIN [A-Z ]*PRIVATE KEY-----")
_NAMES = re.compile(
    r"(^|/)(direct_url\.json|pip\.conf|\.netrc|\.pypirc|\.git-credentials|\.env|id_rsa|id_ecdsa|id_ed25519|\.docker/config\.json|\.git/config"
    r"|\.cache/pip/.+|var/lib/apt/lists/.+_(Packages|InRelease|Release)(\.\w+)?|(root|home/[^/]+|tmp)/\.config/.+)$"
)
"""Files that hold addresses, keys or caches of the machine that built the image."""

_OWN_WHEELS = re.compile(r"(^|/)(share/python-wheels|ensurepip/_bundled)/")
"""Where a base image keeps the pip of its Python; every other wheel is a left-over of the build."""

_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class Forbidden:
    """What must be in no layer.

    Attributes:
        texts: host names and paths of the building machine.
        sha256: of weights that not everybody may pass on, with what they are.
        tasks: whose bundles must have no file below ``models/``.
    """

    texts: Sequence[str]
    sha256: Mapping[str, str]
    tasks: Sequence[str]


class Entry(NamedTuple):
    """One file, folder or link of one layer."""

    layer: int
    path: str
    member: tarfile.TarInfo
    content: bytes


def entries(archive: Path, *, read: bool = True) -> Iterator[Entry]:
    """What the layers hold, lowest layer first. ``content`` is empty for all but regular files.

    Args:
        archive: of ``docker save`` or ``buildah push IMAGE docker-archive:FILE``.
        read: whether contents are wanted.
    """
    with tarfile.open(archive) as image:
        for number, name in enumerate(_manifest(image)["Layers"]):
            with tarfile.open(fileobj=image.extractfile(name)) as layer:
                for member in layer:
                    file = layer.extractfile(member) if read and member.isreg() else None
                    path = str(PurePosixPath("/", member.name)).lstrip("/")
                    yield Entry(number, path, member, file.read() if file else b"")


def config_of(archive: Path) -> tuple[dict[str, Any], str]:
    """The image's configuration, and its text, which holds the history with all build arguments."""
    with tarfile.open(archive) as image:
        file = image.extractfile(_manifest(image)["Config"])
        assert file is not None
        text = file.read().decode()
    return json.loads(text), text


def _manifest(image: tarfile.TarFile) -> dict[str, Any]:
    file = image.extractfile("manifest.json")
    assert file is not None
    (manifest,) = json.load(file)
    return dict(manifest)


def findings(archive: Path, forbidden: Forbidden) -> list[str]:
    """One line for each thing that is in a layer, or in the configuration, and must not be; empty if nothing is."""
    _, text = config_of(archive)
    patterns = {name: _pattern(name) for name in forbidden.texts}
    found = [f"configuration: has {name!r}" for name, pattern in patterns.items() if pattern.search(text.encode())]
    models = re.compile(rf"(^|/)bundles/({'|'.join(map(re.escape, forbidden.tasks))})/models/.+") if forbidden.tasks else None
    for entry in entries(archive):
        texts = (entry.content, _names(entry))
        wrong = [  # looking for the bytes first is much faster
            f"has {name!r}" for name, pattern in patterns.items() if any(name.encode() in text and pattern.search(text) for text in texts)
        ]
        if entry.member.isreg():
            if (weights := forbidden.sha256.get(hashlib.sha256(entry.content).hexdigest())) is not None:
                wrong.append(f"is {weights}")
            if models and models.search(entry.path):
                wrong.append("has the name of weights that must not be passed on")
            if _NAMES.search(entry.path) or (entry.path.endswith(".whl") and not _OWN_WHEELS.search(entry.path)):
                wrong.append("is a left-over of the building machine")
            if _KEY.match(entry.content):
                wrong.append("is a private key")
        found += [f"layer {entry.layer}: {entry.path}: {each}" for each in wrong]
    return found


def _pattern(text: str) -> re.Pattern[bytes]:
    """Finds a host or a path, but not as a part of a longer one; a host without a dot is a common word, and counts behind ``//`` only."""
    before = rb"(?<![a-zA-Z0-9.-])" if "." in text or "/" in text else rb"//"
    return re.compile(before + re.escape(text.encode()) + rb"(?![a-zA-Z0-9-])")


def _names(entry: Entry) -> bytes:
    return f"/{entry.path} {entry.member.linkname}".encode(errors="replace")


def result_findings(archive: Path, *, uid: int, program: str) -> list[str]:
    """What is wrong with the files that a container sees, all layers together.

    Args:
        uid: of the image's user, who may change nothing of the program.
        program: path of the folder with the program, relative to the root.
    """
    files = _result(archive)
    found = []
    for path, member in files.items():
        if re.search(r"(^|/)pip(/__init__\.py|-[\d.]+\.dist-info/METADATA|-[^/]*\.whl)$|(^|/)bin/pip[\d.]*$", path):
            found.append(f"{path}: pip is in the result")
        changeable = (member.uid == uid and member.mode & 0o200) or member.mode & 0o002
        if path.startswith(f"{program}/") and changeable and not member.issym():
            found.append(f"{path}: user {uid} can change it")
    return found


def _result(archive: Path) -> dict[str, tarfile.TarInfo]:
    """The files of all layers on each other, by their paths."""
    files: dict[str, tarfile.TarInfo] = {}
    for _, layer in groupby(entries(archive, read=False), key=lambda entry: entry.layer):
        new: dict[str, tarfile.TarInfo] = {}
        gone: list[str] = []
        for entry in layer:
            folder, _, name = entry.path.rpartition("/")
            if name == _OPAQUE:
                gone.append(f"{folder}/")
            elif name.startswith(_WHITEOUT):
                deleted = str(PurePosixPath(folder, name.removeprefix(_WHITEOUT)))
                gone += [deleted, f"{deleted}/"]
            else:
                new[entry.path] = entry.member
        folders = tuple(path for path in gone if path.endswith("/"))
        files = {path: member for path, member in files.items() if path not in gone and not path.startswith(folders)} | new
    return files
