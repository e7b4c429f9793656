"""Runs whose images are processed by actors: of a stand-in for Ray, which can die at will, and once of Ray itself."""

from __future__ import annotations

import builtins
import csv
import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import usseg_monai
from tests.cluster.fake_ray import FakeRay
from tests.imaging.samples import dicom_bytes, nifti_bytes, picture, tiff_pages
from tests.runs.test_mask_volumes import VOLUMES, write_cine
from tests.tiny import OUTPUTS, PROPERTIES, ellipse, save_graph, save_picture, threshold_nodes
from usseg_monai.cli import main
from usseg_monai.cluster import Ray, parse_on
from usseg_monai.cluster.ray import _short_folder
from usseg_monai.errors import ClusterError, OutputError, UsageError
from usseg_monai.runs.options import Options
from usseg_monai.runs.run import Summary, run_batch
from usseg_monai.tasks import get_task


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """One in ten of the files cannot be read; one has three pages, one is NIfTI, and one is a report."""
    folder = tmp_path / "in"
    for number in range(40):
        save_picture(folder / f"{number % 3}" / f"{number:02d}.png", ellipse(60, 90, (15 + number % 5, 25)) * np.uint8(200))
    for number in range(0, 40, 10):
        (folder / "0" / f"broken{number}.png").write_text("no image")
    (folder / "1" / "pages.tif").write_bytes(tiff_pages([picture(), picture(), picture()]))
    (folder / "1" / "volume.nii.gz").write_bytes(nifti_bytes(np.stack([ellipse() * 200.0] * 2, axis=2)))
    (folder / "2" / "report.dcm").write_bytes(dicom_bytes(picture(), Modality="US"))
    return folder


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeRay]:
    """Puts a stand-in in the place of Ray."""

    def put(dies: Callable[[str, Sequence[str]], bool] = lambda method, files: False, cores: float = 2.0) -> FakeRay:
        ray = FakeRay(dies, cores)
        monkeypatch.setitem(sys.modules, "ray", ray)
        monkeypatch.setattr("usseg_monai.cluster.ray._reach", lambda address: None)
        return ray

    return put


def run(images: Path, out: Path, model: Path, **options: Any) -> Summary:
    return run_batch("fetal_head", [images], out, Options(**{"weights": model, "spacing_mm": 0.5, "save": ("mask", "nifti"), **options}))


def files(out: Path) -> dict[str, bytes]:
    """All results but the records, which have times."""
    names = (path for path in out.rglob("*") if path.is_file() and path.name not in ("run.json", "accounts.jsonl", ".lock"))
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in names}


def statuses(out: Path) -> dict[str, str]:
    with (out / "results.csv").open(newline="") as table:
        return {row["file"]: row["status"] for row in csv.DictReader(table)}


def test_results_are_those_of_threads(images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay]) -> None:
    ray = fake()
    here = run(images, tmp_path / "here", tiny_model, threads=1)
    there = run(images, tmp_path / "there", tiny_model, on=Ray())
    assert files(tmp_path / "here") == files(tmp_path / "there") and here.failed == 4
    assert (here.done, here.failures, here.without_picture) == (there.done, there.failures, there.without_picture)
    assert "nifti/1/volume.nii.gz" in files(tmp_path / "there")
    record = json.loads((tmp_path / "there/run.json").read_text())
    assert record["options"]["on"] == "ray" and record["options"]["threads"] == 2
    assert (len(ray.started), sorted(ray.killed)) == (2, sorted(ray.started)) and not ray.initialized
    assert ray.options == {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "enable_task_events": False}


def test_volumes_of_stacks_are_summed_up_here(tmp_path: Path, fake: Callable[..., FakeRay]) -> None:
    fake()
    write_cine(tmp_path / "heart")
    save_graph(tmp_path / "heart.onnx", threshold_nodes(), OUTPUTS, PROPERTIES | {"task": "left_ventricle"})
    options = Options(weights=tmp_path / "heart.onnx", save=("mask", "nifti"), threads=2)
    here = run_batch("left_ventricle", [tmp_path / "heart"], tmp_path / "here", options)
    there = run_batch("left_ventricle", [tmp_path / "heart"], tmp_path / "there", replace(options, on=Ray()))
    assert files(tmp_path / "here") == files(tmp_path / "there")
    assert [here.studies[0][name] for name in VOLUMES] == [there.studies[0][name] for name in VOLUMES]


def test_dead_workers_change_nothing(images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay]) -> None:
    run(images, tmp_path / "here", tiny_model, threads=1)
    deaths = iter([False, True, False, False, True])
    ray = fake(lambda method, files: method == "process" and next(deaths, False))
    there = run(images, tmp_path / "there", tiny_model, on=Ray())
    assert files(tmp_path / "here") == files(tmp_path / "there") and there.failed == 4
    assert len(ray.started) == 4


def test_a_file_that_kills_its_workers_is_one_failed_row(
    images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay]
) -> None:
    here = run(images, tmp_path / "here", tiny_model, threads=1)
    fake(lambda method, files: "1/13.png" in files)
    there = run(images, tmp_path / "there", tiny_model, on=Ray(), threads=3)
    assert (there.done, there.failed) == (here.done - 1, here.failed + 1)
    changed = {name for name, status in statuses(tmp_path / "there").items() if status != statuses(tmp_path / "here")[name]}
    assert changed == {"1/13.png"}
    assert "3 workers died while they had this file alone; give it alone, with --threads 1, to see why" in there.failures


def test_a_run_goes_on_where_it_ended(images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay]) -> None:
    run(images, tmp_path / "here", tiny_model, threads=1)
    messages = iter(range(1000))
    fake(lambda method, files: next(messages) > 4)
    with pytest.raises(
        ClusterError, match=r"11 workers died, and none finished an image \(the last one died: The actor died\.\); --resume"
    ):
        run(images, tmp_path / "there", tiny_model, on=Ray())
    assert json.loads((tmp_path / "there/run.json").read_text())["state"] == "failed"
    before = len(statuses(tmp_path / "there"))
    assert 0 < before < 40
    fake()
    there = run(images, tmp_path / "there", tiny_model, on=Ray(), resume=True)
    assert files(tmp_path / "here") == files(tmp_path / "there") and there.skipped > 0


def test_ctrl_c_keeps_what_is_done(images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay]) -> None:
    ray = fake()

    def interrupt(done: int, total: int, row: Any) -> None:
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch("fetal_head", [images], tmp_path / "out", Options(weights=tiny_model, save=("mask",), on=Ray()), interrupt)
    assert json.loads((tmp_path / "out/run.json").read_text())["state"] == "interrupted"
    assert len(statuses(tmp_path / "out")) >= 8 and sorted(ray.killed) == sorted(ray.started) and not ray.initialized


def test_a_full_disk_ends_the_run(
    images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()

    def full(*given: Any) -> None:
        raise OutputError("masks: cannot be written (No space left on device); make room")

    monkeypatch.setattr("usseg_monai.runs.work._save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        run(images, tmp_path / "out", tiny_model, on=Ray())


def test_a_fault_of_ours_in_a_worker_is_raised(
    images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay], monkeypatch: pytest.MonkeyPatch
) -> None:
    ray = fake()
    monkeypatch.setattr("usseg_monai.cluster.worker.process_frames", lambda *given, **more: iter([1 / 0 if False else int("x")]))
    with pytest.raises(ray.exceptions.RayTaskError, match="invalid literal"):
        run(images, tmp_path / "out", tiny_model, on=Ray())


def test_a_worker_of_another_version(
    images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setattr(usseg_monai, "__version__", "0.0.9")
    with pytest.raises(ClusterError, match=r"the worker on .* has usseg-monai 0\.0\.9, this machine .*: install the same"):
        run(images, tmp_path / "out", tiny_model, on=Ray())


def test_a_worker_without_this_package(
    images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    imported = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name == "usseg_monai" and sys._getframe(1).f_code.co_name == "begin":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return imported(name, *given)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ClusterError, match=r"the worker on .* has no usseg-monai: install version .* there"):
        run(images, tmp_path / "out", tiny_model, on=Ray())


def test_ray_that_is_not_installed(images: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    run(images, tmp_path / "out", tiny_model, threads=1)
    with pytest.raises(ClusterError, match=r"needs Ray, which is not installed: pip install 'usseg-monai\[ray\]'"):
        run(images, tmp_path / "out", tiny_model, on=Ray())
    assert len(statuses(tmp_path / "out")) == 47  # nothing was removed


def test_a_cluster_that_cannot_be_reached(images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay]) -> None:
    fake().refuses = ConnectionError("no answer\nand more of it")
    with pytest.raises(ClusterError, match=r"^the Ray cluster at 10\.0\.0\.1:6379 cannot be joined: no answer and more of it$"):
        run(images, tmp_path / "out", tiny_model, on=Ray("10.0.0.1:6379"))
    assert not (tmp_path / "out").exists()
    with pytest.raises(ClusterError, match=r"^Ray cannot start workers on this machine: no answer and more of it$"):
        run(images, tmp_path / "out", tiny_model, on=Ray())


def test_an_address_where_nothing_answers(images: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", FakeRay())
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        with Ray(address).join(None):
            pass
    with pytest.raises(
        ClusterError, match=rf"^the Ray cluster at {address} cannot be joined \(.+\): give the address that 'ray start --head'"
    ):
        run(images, tmp_path / "out", tiny_model, on=Ray(address))
    assert not (tmp_path / "out").exists()


def test_workers_on_this_machine_are_alone_with_it(fake: Callable[..., FakeRay], monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake()
    seen: dict[str, Any] = {}
    monkeypatch.setenv("RAY_AUTH_TOKEN", "the user's")
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)

    def init(address: str, **options: Any) -> None:
        os.environ["RAY_AUTH_MODE"] = "token"  # as Ray does
        seen.update({name: value for name, value in os.environ.items() if name.startswith("RAY_")}, **options, address=address)

    monkeypatch.setattr(ray, "init", init)
    with Ray().join(3) as workers:
        assert workers.count == 3 and (os.name == "nt" or Path(seen["_temp_dir"]).parent.stat().st_mode & 0o077 == 0)
    assert not Path(seen["_temp_dir"]).parent.exists()
    assert (seen["address"], seen["_node_ip_address"], seen["num_cpus"]) == ("local", "127.0.0.1", 3)
    assert (seen["RAY_USAGE_STATS_ENABLED"], seen["RAY_AUTH_MODE"]) == ("0", "token") and len(seen["RAY_AUTH_TOKEN"]) == 64
    assert os.environ["RAY_AUTH_TOKEN"] == "the user's" and "RAY_AUTH_MODE" not in os.environ


def test_a_running_cluster_has_settings_of_its_own(fake: Callable[..., FakeRay]) -> None:
    ray = fake(cores=64.0)
    with Ray("head:6379").join(None) as workers:
        assert workers.count == 64 and ray.initialized and not ray._private.worker._worker_logs_enabled
    assert (
        ray.inits == [{"address": "head:6379", "log_to_driver": False, "logging_level": "CRITICAL"}]
        and not ray.initialized
        and ray._private.worker._worker_logs_enabled
    )


def test_a_cluster_that_the_program_has_joined_is_used_and_kept(fake: Callable[..., FakeRay]) -> None:
    ray = fake()
    ray.initialized = True
    with Ray().join(None) as workers:
        assert workers.count == 2
    assert ray.inits == [] and ray.initialized


@pytest.mark.skipif(sys.platform == "win32", reason="sockets of POSIX")
def test_a_long_path_of_temporary_files_is_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/" + "x" * 25)
    assert _short_folder() == "/" + "x" * 25
    monkeypatch.setattr(tempfile, "gettempdir", lambda: "/" + "x" * 26)
    assert _short_folder() == "/tmp"


@pytest.mark.parametrize(
    "text", ["ray:", "ray:head", "ray:head:0", "ray:head:65536", "ray:head:x", "ray:1:2:3", "dask", "RAY", "ray ", "ray:[::1"]
)
def test_wrong_clusters(text: str) -> None:
    with pytest.raises(UsageError, match=r"give ray, for workers on this machine, or ray:HOST:PORT"):
        parse_on(text)


@pytest.mark.parametrize(
    ("text", "address"), [("ray", None), ("ray:head.local:65535", "head.local:65535"), ("ray:[fe80::1]:1", "[fe80::1]:1")]
)
def test_clusters(text: str, address: str | None) -> None:
    assert parse_on(text) == Ray(address)


def test_workers_run_no_network_on_a_gpu(images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = SimpleNamespace(task=get_task("fetal_head"), engine=SimpleNamespace(name="torch", device="cuda:0"))
    monkeypatch.setattr("usseg_monai.runs.run.Predictor", lambda *given, **more: predictor)
    with pytest.raises(UsageError, match="device cuda:0: the workers on ray run the network on a CPU; give the device cpu"):
        run_batch("fetal_head", [images], tmp_path / "out", Options(on=Ray()))
    assert not (tmp_path / "out").exists()


def test_the_command(
    images: Path, tmp_path: Path, tiny_model: Path, fake: Callable[..., FakeRay], capsys: pytest.CaptureFixture[str]
) -> None:
    ray = fake()
    command = ["predict", "fetal_head", str(images / "0"), "--weights", str(tiny_model), "-o", str(tmp_path / "out"), "--threads", "3"]
    assert main([*command, "--on", "ray:head:6379"]) == 1  # some of the files are broken
    assert ray.inits[0]["address"] == "head:6379" and len(ray.started) == 3
    capsys.readouterr()
    assert main([*command, "--on", "ray:head"]) == 2
    ray.refuses = ConnectionError("no answer")
    assert main([*command, "--on", "ray:head:1", "--resume"]) == 1
    wrong, refused = capsys.readouterr().err.splitlines()
    assert wrong.startswith("usseg: --on 'ray:head': give ray, ")
    assert refused == "usseg: the Ray cluster at head:1 cannot be joined: no answer"


@pytest.mark.ray
def test_ray_itself(images: Path, tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    run(images, tmp_path / "here", tiny_model, threads=1)
    monkeypatch.chdir(tmp_path)
    there = run(Path("in"), Path("there"), tiny_model, on=Ray(), threads=2)
    assert files(tmp_path / "here") == files(tmp_path / "there") and there.failed == 4
    assert list(home.iterdir()) == []
