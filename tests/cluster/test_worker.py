"""What a worker checks before it begins."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tiny import save_picture
from usseg_monai.cluster.worker import Errand, Worker, for_workers
from usseg_monai.errors import ClusterError, OutputError, WeightsError
from usseg_monai.inputs.naming import Input
from usseg_monai.predict.predictor import Predictor
from usseg_monai.runs.accounts import Account
from usseg_monai.runs.ledger import Turn
from usseg_monai.runs.lock import lock_folder
from usseg_monai.runs.options import Options
from usseg_monai.runs.record import RunRecord, now
from usseg_monai.runs.table import FrameRows
from usseg_monai.runs.work import Work


@pytest.fixture
def errand(tmp_path: Path, tiny_model: Path) -> Iterator[Errand]:
    """Of a run that has begun; paths are relative."""
    options = Options(weights=tiny_model, save=("mask",))
    with lock_folder(tmp_path / "out") as held:
        record = RunRecord(held, {}, now(), 1)
        yield Errand.of(Work(Predictor("fetal_head", weights=tiny_model), held, options, None, [], [], record))


def turn(path: Path) -> Turn:
    return Input(str(path), path.name), Account(0, path.name, output=path.stem)


def test_it_processes_what_it_is_given(errand: Errand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_picture(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    monkeypatch.chdir(tmp_path)
    turns = [for_workers(turn(Path(name))) for name in ("a.png", "b.png")]
    monkeypatch.chdir("/")
    worker = Worker(pickle.loads(pickle.dumps(errand)))
    (whole,), (broken,) = worker.process(turns)
    worker.close()
    assert isinstance(whole, FrameRows) and isinstance(broken, FrameRows)
    assert whole.row["status"] != "failed" and broken.row["status"] == "failed"
    assert [file.name for file in (tmp_path / "out/masks").iterdir()] == ["a.png"]


def test_another_network(errand: Errand) -> None:
    with pytest.raises(ClusterError, match=r"has another network \(onnx on cpu, SHA-256 .*\) than the run \(torch on cuda, 000000000000"):
        Worker(replace(errand, network=("torch", "cuda", "0" * 64)))


def test_weights_that_are_not_there(errand: Errand, tmp_path: Path) -> None:
    with pytest.raises(WeightsError):
        Worker(replace(errand, options=replace(errand.options, weights=tmp_path / "none.onnx")))


def test_a_folder_that_is_not_there(errand: Errand, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"No such file or directory.*; workers need the output folder under the same path"):
        Worker(replace(errand, folder=str(tmp_path / "elsewhere")))


def test_the_folder_of_another_run(errand: Errand) -> None:
    with pytest.raises(OutputError, match="is not the folder of this run: give one on a drive that all machines share"):
        Worker(replace(errand, started="2026-01-01T00:00:00+00:00"))


def test_a_folder_that_is_replaced_while_it_works(errand: Errand, tmp_path: Path) -> None:
    worker = Worker(errand)
    (tmp_path / "out").rename(tmp_path / "away")
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="removed, renamed or replaced during the run"):
        worker.process([turn(save_picture(tmp_path / "a.png"))])
    worker.close()
    assert not any((tmp_path / "out").iterdir())
