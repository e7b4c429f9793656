"""The images, the comparison, the table and the bars of ``python -m benchmarks.cluster``; what it starts is tested in tests/cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import cluster
from benchmarks.readme import insert_table

FAULTS: list[dict[str, Any]] = [
    {"case": "undisturbed", "seconds": 12.4, "differences": []},
    {"case": "one image kills its workers", "seconds": 20.0, "differences": []},
]
FIGURES: dict[str, Any] = {
    "images": 160,
    "faults": FAULTS,
    "speed": {"images": 420, "one_worker": 20.0, "two_workers": 37.0, "times": 1.85},
    "growth": {
        "images": 1950,
        "before": {"driver": 200.0, "workers": 500.0},
        "after": {"driver": 201.0, "workers": 510.0},
        "growth_of_2000": 11.3,
    },
}

needs_proc = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="processes are found in /proc")


def test_images_are_repeated_without_space(tmp_path: Path) -> None:
    for name in ("training_set/1_HC.png", "test_set/2_HC.png"):
        (tmp_path / "hc18" / name).parent.mkdir(parents=True)
        (tmp_path / "hc18" / name).write_text(name)
    images = cluster.link_images(tmp_path, tmp_path / "out", 5)
    assert [file.read_text()[:4] for file in sorted(images.iterdir())] == ["test", "trai", "test", "trai", "test"]
    assert len({file.stat().st_ino for file in images.iterdir()}) == 2
    with pytest.raises(SystemExit, match=r"hold[s] no images \*HC\.png"):
        cluster.link_images(tmp_path / "nowhere", tmp_path / "other", 5)


@needs_proc
def test_a_run_is_watched_with_its_processes(tmp_path: Path) -> None:
    program = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)  # ray::Shell.process'])"
    with subprocess.Popen([sys.executable, "-c", program], start_new_session=True) as process:
        try:
            run = cluster.Run(process, tmp_path)
            assert run.rows() == 0
            (tmp_path / "results.csv").write_text("file\na.png\nb.png\n")
            assert run.rows() == 2 and run.reach(2) <= time.monotonic()
            while "workers" not in (memory := run.megabytes()):
                time.sleep(0.02)
            assert all(0.5 < value < 100 for value in memory.values())
        finally:
            os.killpg(process.pid, 9)
    with pytest.raises(SystemExit, match="has 2 rows, not 3"):
        run.reach(3)
    with pytest.raises(SystemExit, match="ended with -9"):
        run.end()


def test_rows_are_compared_but_for_the_poisoned_one(tmp_path: Path) -> None:
    def write(name: str, *rows: str) -> Path:
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.csv").write_text("\n".join(["file,status,value", *rows, ""]))
        return tmp_path / name

    whole = write("whole", "a.png,ok,1", "poison.png,ok,1", "z.png,ok,1")
    assert cluster.unexpected_rows(whole, write("good", "a.png,ok,1", "poison.png,failed,", "z.png,ok,1")) == []
    assert cluster.unexpected_rows(whole, write("survived", "a.png,ok,1", "poison.png,ok,1", "z.png,ok,1")) == ["poison.png"]
    assert cluster.unexpected_rows(whole, write("other", "a.png,ok,2", "poison.png,failed,")) == ["a.png", "z.png"]


def test_poison_kills_who_reads_it_and_nobody_else(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(cluster._POISON)
    read = (
        "from types import SimpleNamespace as S; from usseg_monai.runs.work import FrameWork; from usseg_monai.inputs.naming import Input; "
        "import sys; list(FrameWork.read(S(options=S(limits=None), predictor=None), (Input('x', sys.argv[1], refusal='no'), None)))"
    )
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(cluster.REPOSITORY)])}
    codes = [
        subprocess.run([sys.executable, "-c", read, name], env=variables, capture_output=True, timeout=60).returncode
        for name in ("a.png", "poison.png")
    ]
    assert codes == [1, -9]  # refused as the input says, killed


def test_table() -> None:
    lines = cluster.markdown(FIGURES).splitlines()
    assert lines[0] == "| Two workers on this machine, 160 images | table and masks | time, start included |"
    assert "| undisturbed | as of threads | 12 s |" in lines
    assert "| one image kills its workers | as of threads, one row `failed` | 20 s |" in lines
    assert "1.85 times" in lines[-1] and "700 MB after 400 images, 711 MB after 1950 more, +11 MB over 2000." in lines[-1]
    assert "here it is" in insert_table(cluster.DOCS.read_text(encoding="utf-8"), "cluster", "here it is")


@pytest.mark.parametrize(
    ("part", "changed", "missed"),
    [
        ("speed", {}, []),
        ("speed", {"times": 1.79}, ["two workers are 1.79 times as fast as one: at least 1.8 times is wanted"]),
        ("growth", {"growth_of_2000": 21.0}, ["memory grows by 21 MB over 2000 images: at most 20 MB is wanted"]),
    ],
)
def test_bars(part: str, changed: dict[str, Any], missed: list[str]) -> None:
    assert cluster.missed_bars(FIGURES | {part: FIGURES[part] | changed}) == missed


def test_a_fault_that_changes_results_is_named() -> None:
    changed = FAULTS[0] | {"differences": ["results.csv", "masks/1.png"]}
    assert cluster.missed_bars(FIGURES | {"faults": [changed]}) == ["undisturbed: results.csv, masks/1.png differ"]
    assert "| undisturbed | 2 files differ | 12 s |" in cluster.markdown(FIGURES | {"faults": [changed]})
