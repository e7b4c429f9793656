"""Images of every task, and a server on them that all tests of a session share."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.label_client import LabelServer, label_python, serving
from tests.imaging.samples import dicom_bytes
from usseg_monai.phantoms.phantom import Phantom
from usseg_monai.tasks.breast.phantom import breast_phantom
from usseg_monai.tasks.fetal_head.phantom import fetal_head_phantom
from usseg_monai.tasks.left_ventricle.phantom import left_ventricle_phantom
from usseg_monai.tasks.nerve.phantom import nerve_phantom

PHANTOMS: dict[str, Callable[[int], Phantom]] = {
    "fetal_head": fetal_head_phantom,
    "nerve": nerve_phantom,
    "breast": breast_phantom,
    "left_ventricle": left_ventricle_phantom,
}

SUFFIXES = (".png", ".jpg", ".dcm")


def bytes_of(phantom: Phantom) -> np.ndarray:
    """A phantom's picture in 8 bits."""
    return np.rint(phantom.image.pixels).clip(0, 255).astype(np.uint8)


def write_images(folder: Path) -> Path:
    """Three phantoms of each task, one in each format: ``fetal_head_0.png``, ``fetal_head_1.jpg``, ``fetal_head_2.dcm`` ..."""
    for task, make in PHANTOMS.items():
        for seed, suffix in enumerate(SUFFIXES):
            file, pixels = folder / f"{task}_{seed}{suffix}", bytes_of(make(seed))
            if suffix == ".dcm":
                modality = "MR" if task == "left_ventricle" else "US"
                file.write_bytes(dicom_bytes(pixels, PixelSpacing=[0.3, 0.25], Modality=modality))
            else:
                Image.fromarray(pixels).save(file, quality=95)
    return folder


@pytest.fixture(scope="session")
def need_label_environment() -> None:
    """Skip without the server's environment, unless it must be there."""
    if not label_python().is_file():
        reason = "no .venv-label: 'make test' or 'make label' sets it up"
        if os.environ.get("USSEG_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's server."""
    folder = tmp_path_factory.mktemp("label") / "studies"
    folder.mkdir()
    (folder.parent / "outside.png").write_bytes(b"secret")
    return write_images(folder)


@pytest.fixture(scope="session")
def running(need_label_environment: None, studies: Path) -> Iterator[tuple[LabelServer, subprocess.Popen[bytes]]]:
    with serving(studies) as started:
        yield started


@pytest.fixture(scope="session")
def server(running: tuple[LabelServer, subprocess.Popen[bytes]]) -> LabelServer:
    return running[0]
