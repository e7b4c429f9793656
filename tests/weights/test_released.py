"""Torch weights against their released SHA-256."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from usseg_monai.errors import UsageError, WeightsError
from usseg_monai.tasks import TASKS, bundle_path
from usseg_monai.weights import released
from usseg_monai.weights.checkpoints import sha256_of
from usseg_monai.weights.released import bundle_weights, released_weights


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A bundle's folder with the released weights."""
    models = tmp_path / "copy" / "models"
    models.mkdir(parents=True)
    for name in ("model.pt", "model.trust"):
        shutil.copy(bundle_path("fetal_head") / "models" / name, models)
    return models.parent


@pytest.mark.parametrize("task", TASKS)
def test_what_is_shipped_is_what_the_records_name(task: str) -> None:
    models, record = bundle_path(task) / "models", TASKS[task]
    shipped = {path.name: sha256_of(path) for path in models.iterdir()}
    assert shipped == {
        "model.onnx": record.weights_sha256,
        "model.pt": record.checkpoint_sha256,
        "model.trust": record.trust_sha256,
    }
    assert released_weights(task) == models / "model.pt"


@pytest.mark.parametrize("name", ["model.pt", "model.trust"])
def test_one_changed_byte_is_found(name: str, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = copy / "models" / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr(released, "bundle_path", lambda task: copy)
    with pytest.raises(WeightsError, match=rf"{name} is not the released one: its SHA-256 is .*name the file yourself"):
        released_weights("fetal_head")
    with pytest.raises(WeightsError, match=rf"{name} is not the released one: .*--own_weights True, or --ckpt_path FILE"):
        bundle_weights("fetal_head", str(copy), own_weights=False)


@pytest.mark.parametrize("name", ["model.pt", "model.trust"])
def test_one_missing_file_is_found(name: str, copy: Path) -> None:
    (copy / "models" / name).unlink()
    with pytest.raises(WeightsError, match=rf"no released weights: .*{name} is missing"):
        bundle_weights("fetal_head", str(copy), own_weights=False)


def test_own_weights_are_used_and_the_log_says_so(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert bundle_weights("fetal_head", str(copy), own_weights=True) == str(copy / "models/model.pt")
    assert caplog.text == ""
    (copy / "models/model.pt").write_bytes(b"other weights")
    assert bundle_weights("fetal_head", str(copy), own_weights=True) == str(copy / "models/model.pt")
    assert "model.pt is not the released one" in caplog.text
    assert "taken for this bundle's own weights" in caplog.text


@pytest.mark.parametrize("own_weights", [True, False])
@pytest.mark.parametrize(("task", "remedy"), [("fetal_head", "install the package again"), ("nerve", "'usseg weights add SOURCE'")])
def test_a_bundle_without_weights_says_where_they_come_from(task: str, remedy: str, own_weights: bool, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"no .*weights.*model\.pt") as raised:
        bundle_weights(task, str(tmp_path), own_weights)
    assert remedy in str(raised.value) and "\n" not in str(raised.value)


def test_a_word_that_is_neither_true_nor_false_is_refused(copy: Path) -> None:
    with pytest.raises(UsageError, match="own_weights='false': it must be True or False"):
        bundle_weights("fetal_head", str(copy), "false")  # type: ignore[arg-type]
