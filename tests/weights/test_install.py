"""Released weights are found in folders and archives by their SHA-256, and nothing else is copied."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from usseg_monai.cli import main
from usseg_monai.errors import WeightsError
from usseg_monai.tasks import TASKS
from usseg_monai.weights import install
from usseg_monai.weights.install import add_weights


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The package's bundles, without any weights."""
    folder = tmp_path / "package"
    folder.mkdir()
    monkeypatch.setattr(install, "bundle_path", lambda task: folder / task)
    return folder


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Three short files that are the release of one task; the others are there."""
    content = {name: f"content of {name}".encode() for name in ("model.onnx", "model.pt", "model.trust")}
    graph, checkpoint, trust = (hashlib.sha256(data).hexdigest() for data in content.values())
    record = dataclasses.replace(TASKS["nerve"], weights_sha256=graph, checkpoint_sha256=checkpoint, trust_sha256=trust)
    monkeypatch.setattr(install, "TASKS", {"nerve": record})
    return content


def fill(folder: Path, content: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True)
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return folder


def zipped(file: Path, content: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(f"repository-main/bundles/nerve/models/{name}", data)
    return file


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_all_files_of_a_task_are_copied(form: str, bundles: Path, released: dict[str, bytes], tmp_path: Path) -> None:
    other = released | {"other.pt": b"trained elsewhere", "read.me": released["model.pt"]}
    source = fill(tmp_path / "a" / "b" / "models", other).parents[1] if form == "folder" else zipped(tmp_path / "a.zip", other)
    written = add_weights(source)
    models = bundles / "nerve" / "models"
    assert {task: sorted(files) for task, files in written.items()} == {"nerve": [models / name for name in sorted(released)]}
    assert {file.name: file.read_bytes() for file in models.iterdir()} == released
    assert add_weights(source) == {}


def test_a_damaged_file_is_replaced(bundles: Path, released: dict[str, bytes], tmp_path: Path) -> None:
    source = fill(tmp_path / "source", released)
    fill(bundles / "nerve" / "models", released | {"model.pt": b"damaged"})
    assert add_weights(source) == {"nerve": [bundles / "nerve" / "models" / "model.pt"]}


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_one_changed_byte_is_not_taken(form: str, bundles: Path, released: dict[str, bytes], tmp_path: Path) -> None:
    changed = {name: data[:-1] + b"!" for name, data in released.items()}
    source = fill(tmp_path / "source", changed) if form == "folder" else zipped(tmp_path / "a.zip", changed)
    with pytest.raises(WeightsError, match=r"holds none of the weights that are missing here \(nerve\): give a checkout"):
        add_weights(source)
    assert not list(bundles.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "does not exist"), (b"PK no archive", "cannot be read as a zip archive"), (b"", "cannot be read as a zip")],
)
def test_what_is_no_source_is_refused(
    content: bytes | None, message: str, bundles: Path, released: dict[str, bytes], tmp_path: Path
) -> None:
    source = tmp_path / "a.zip"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(WeightsError, match=message) as raised:
        add_weights(source)
    assert "\n" not in str(raised.value)


def test_a_cut_member_is_refused(bundles: Path, released: dict[str, bytes], tmp_path: Path) -> None:
    file = zipped(tmp_path / "a.zip", {name: os.urandom(1000) for name in released})
    content = bytearray(file.read_bytes())
    content[200:600] = bytes(400)
    file.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as a zip archive"):
        add_weights(file)


@pytest.mark.parametrize(("most", "taken"), [(20, True), (19, False)])
def test_larger_files_are_not_even_read(
    most: int, taken: bool, bundles: Path, released: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert max(map(len, released.values())) == len(b"content of model.trust") == 22
    monkeypatch.setattr(install, "MOST_BYTES", most + 2)
    written = add_weights(zipped(tmp_path / "a.zip", released))
    assert (bundles / "nerve" / "models" / "model.trust" in written["nerve"]) == taken


def test_a_folder_that_cannot_be_written_to_is_named(bundles: Path, released: dict[str, bytes], tmp_path: Path) -> None:
    (bundles / "nerve").write_text("a file where the bundle should be")
    with pytest.raises(WeightsError, match=r"models cannot be written to: run this as the user who installed the package"):
        add_weights(fill(tmp_path / "source", released))


def test_the_command_prints_the_terms(
    bundles: Path, released: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = fill(tmp_path / "source", released)
    assert main(["weights", "add", str(source)]) == 0
    printed = capsys.readouterr().out
    assert "nerve: model.onnx, model.pt, model.trust in " in printed and f"terms: {TASKS['nerve'].weights_license}" in printed
    assert main(["weights", "add", str(source)]) == 0
    assert capsys.readouterr().out == "nothing to add: the weights of every task are here\n"


def test_the_command_says_what_it_did_not_find(
    bundles: Path, released: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["weights", "add", str(tmp_path / "empty")]) == 1
    assert capsys.readouterr().err.startswith(f"usseg: {tmp_path}/empty holds none of the weights")
