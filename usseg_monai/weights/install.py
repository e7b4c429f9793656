"""Copy released weights that must not be redistributed with the package into its bundles.

Does not import torch: prediction-only installations need it too.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

from usseg_monai.errors import OutputError, WeightsError
from usseg_monai.files.write import atomic_path
from usseg_monai.tasks import TASKS, bundle_path

__all__ = ["add_weights"]

MOST_BYTES = 64 * 1024**2
"""Larger files are not released weights, which are below 16 MB."""


def add_weights(source: Path) -> dict[str, list[Path]]:
    """Copy missing released weights from a folder or a zip archive into the package's bundles.

    Files are identified by the SHA-256 in the task's record, wherever they lie in the source: a checkout of the repository, a bundle, or
    a folder of weights. Nothing else is copied, and nothing is downloaded.

    Args:
        source: the folder, searched recursively, or the archive.

    Returns:
        The files written, by task; empty if nothing was missing.

    Raises:
        WeightsError: the source cannot be read, holds none of the missing files, or the package's folder cannot be written to.
    """
    missing = _missing()
    written: dict[str, list[Path]] = {}
    if not missing:
        return written
    for content in _candidates(source):
        found = missing.pop(hashlib.sha256(content).hexdigest(), None)
        if found is not None:
            task, file = found
            _write(content, file)
            written.setdefault(task, []).append(file)
    if not written:
        tasks = ", ".join(dict.fromkeys(task for task, _ in missing.values()))
        raise WeightsError(
            f"{source} holds none of the weights that are missing here ({tasks}): give a checkout of the repository of this version, "
            "or a zip of it"
        )
    return written


def _missing() -> dict[str, tuple[str, Path]]:
    """Task and path of each missing or changed file of the release, by its SHA-256."""
    files = {}
    for task, record in TASKS.items():
        models = bundle_path(task) / "models"
        for name, sha256 in record.released_sha256.items():
            file = models / name
            if not (file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256):
                files[sha256] = (task, file)
    return files


def _candidates(source: Path) -> Iterator[bytes]:
    """Contents of the files that may be weights, judged by suffix and size."""
    if source.is_dir():
        for file in sorted(source.rglob("*")):
            if _may_be_weights(file.name) and file.is_file() and file.stat().st_size <= MOST_BYTES:
                yield _read(file)
        return
    if not source.exists():
        raise WeightsError(f"{source} does not exist: give a checkout of the repository, or a zip of it")
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                if _may_be_weights(member.filename) and member.file_size <= MOST_BYTES:
                    with archive.open(member) as opened:
                        yield opened.read(MOST_BYTES)
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError) as error:  # encrypted, odd methods, cut
        raise WeightsError(
            f"{source} cannot be read as a zip archive ({error}): give a checkout of the repository, or a zip of it"
        ) from error


def _may_be_weights(name: str) -> bool:
    return name.endswith((".onnx", ".pt", ".trust"))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise WeightsError(f"{file} cannot be read: {error.strerror}; check the file and its permissions") from error


def _write(content: bytes, file: Path) -> None:
    try:
        with atomic_path(file) as temporary:
            temporary.write_bytes(content)
    except OutputError as error:
        raise WeightsError(
            f"{file.parent} cannot be written to: run this as the user who installed the package, or use 'usseg predict --weights FILE'"
        ) from error
