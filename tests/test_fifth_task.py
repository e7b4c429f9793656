"""A fifth task, made from a copy of one: a folder in the package, a bundle, a folder of tests, and one line in the list of tasks.

In a temporary copy of the repository it is listed, predicts, trains for an epoch, is shown by the demo and keeps all contracts.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests.conftest import REPOSITORY
from usseg_monai.tasks import TASKS

MODEL, NEW = "nerve", "ulnar"
FOLDERS = ("usseg_monai/tasks", "bundles", "tests/tasks")
LIST = "usseg_monai/tasks/__init__.py"
TEXTS = {".py", ".json", ".md", ".txt"}

USE = f"""
import json, sys
from pathlib import Path
from PIL import Image
import usseg_monai.cli.demo
from usseg_monai.cli import main
from usseg_monai.tasks import TASKS
from usseg_monai.tasks.{NEW}.phantom import {NEW}_phantom

place = Path(sys.argv[1])
for number in range(12):
    phantom = {NEW}_phantom(number, present=number % 4 > 0, shape=(105, 145))
    for kind, pixels in (("images", phantom.image.pixels.astype("uint8")), ("masks", phantom.mask * 255)):
        file = place / "phantoms" / kind / f"neck{{number}}" / "a.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
images = str(place / "phantoms" / "images")
for task in ("{MODEL}", "{NEW}"):
    assert main(["predict", task, images, "-o", str(place / task), "--spacing-mm", "0.3"]) == 0
usseg_monai.cli.demo.TASKS = {{"{NEW}": TASKS["{NEW}"]}}  # the others are shown elsewhere
assert main(["demo", "-o", str(place / "demo")]) == 0
quick = ["max_epochs=1", "image_size=[64,64]", "num_workers=0", "batch_size=4", "bfloat16=false", "network_def#widths=[4,6,8,10]"]
assert main(["train", "{NEW}", "--data", str(place / "phantoms"), "-o", str(place / "trained"), *quick]) == 0
"""


def renamed(text: str) -> str:
    return text.replace(MODEL, NEW).replace(MODEL.title(), NEW.title()).replace(MODEL.upper(), NEW.upper())


def copy_repository(tree: Path) -> None:
    """Package and tests as copies, the rest as links: nothing but the three new folders and the list is written to."""
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("usseg_monai", "tests"):
        shutil.copytree(REPOSITORY / name, tree / name, ignore=ignored)
    (tree / "bundles").mkdir()
    for path in (REPOSITORY / "bundles").iterdir():
        (tree / "bundles" / path.name).symlink_to(path)
    for path in REPOSITORY.iterdir():
        if not (path.name.startswith(".") or (tree / path.name).exists()):
            (tree / path.name).symlink_to(path)


def add_task(tree: Path) -> None:
    """Copy one task's folders under a new name, and put the new one on the list."""
    for folder in FOLDERS:
        source, target = REPOSITORY / folder / MODEL, tree / folder / NEW
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        for file in target.rglob("*"):
            if file.suffix in TEXTS:
                file.write_text(renamed(file.read_text(encoding="utf-8")), encoding="utf-8")
    graph = tree / "bundles" / NEW / "models" / "model.onnx"
    record = tree / "usseg_monai/tasks" / NEW / "record.py"
    record.write_text(record.read_text().replace(TASKS[MODEL].weights_sha256, rename_graph(graph)))
    listed = tree / LIST
    text, before = listed.read_text(), "from usseg_monai.tasks.record "
    text = text.replace(before, f"from usseg_monai.tasks.{NEW}.record import {NEW.upper()}\n{before}")
    text = text.replace("LEFT_VENTRICLE)", f"LEFT_VENTRICLE, {NEW.upper()})")
    listed.write_text(text)


def rename_graph(file: Path) -> str:
    """Give a deployed graph the new task's name, as an export would, and return its SHA-256."""
    model = onnx.load(file)
    for entry in model.metadata_props:
        entry.value = renamed(entry.value)
    onnx.save(model, file)
    return hashlib.sha256(file.read_bytes()).hexdigest()


def changes(tree: Path) -> tuple[set[str], set[str]]:
    """Files of the repository that differ in the tree, and files that are new there."""
    changed, new = set(), set()
    for file in tree.rglob("*"):
        name = file.relative_to(tree).as_posix()
        if file.is_file() and "__pycache__" not in file.parts:
            theirs = REPOSITORY / name
            if not theirs.is_file():
                new.add(name)
            elif file.read_bytes() != theirs.read_bytes():
                changed.add(name)
    return changed, new


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def run(tree: Path, *words: str) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    environment |= {"PYTHONPATH": str(tree), "USSEG_DATA": str(tree / "nothing")}
    done = subprocess.run([sys.executable, *words], cwd=tree, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("repository")
    copy_repository(tree)
    add_task(tree)
    return tree


def test_one_shared_file_is_edited(tree: Path) -> None:
    changed, new = changes(tree)
    assert changed == {LIST}
    assert {"/".join(name.split("/")[: folder.count("/") + 2]) for name in new for folder in FOLDERS if name.startswith(f"{folder}/")} == {
        f"{folder}/{NEW}" for folder in FOLDERS
    }
    assert all(name.startswith(tuple(f"{folder}/{NEW}/" for folder in FOLDERS)) for name in new)
    ours, theirs = ((root / LIST).read_text().splitlines() for root in (REPOSITORY, tree))
    assert len(set(theirs) - set(ours)) == 2  # the import, and the list


@pytest.mark.timeout(300)
def test_it_is_listed_predicts_is_shown_and_trains(tree: Path, tmp_path: Path) -> None:
    listed = run(tree, "-m", "usseg_monai", "tasks")
    assert f"\n{NEW}  {renamed(TASKS[MODEL].title)}\n" in listed
    run(tree, "-c", USE, str(tmp_path))
    first, second = (rows(tmp_path / task / "results.csv") for task in (MODEL, NEW))
    assert len(second) == 12
    assert [{name: renamed(value) for name, value in row.items()} for row in first] == second
    assert renamed(TASKS[MODEL].title) in (tmp_path / "demo" / "index.html").read_text(encoding="utf-8")
    assert (tmp_path / "demo" / NEW / "phantoms" / "results.csv").is_file()
    assert (tmp_path / "trained" / "model.pt").is_file()


@pytest.mark.timeout(300)
def test_it_keeps_the_contracts_of_tasks_bundles_and_the_house(tree: Path) -> None:
    files = (
        f"tests/tasks/{NEW}/test_contract.py",
        "tests/tasks/test_record.py::test_every_task_is_held_to_the_contracts",
        "tests/test_house.py",
        "tests/bundles/test_drift.py",
    )
    words = ("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *files, "tests/bundles/test_expressions.py")
    assert " passed" in run(tree, *words)
