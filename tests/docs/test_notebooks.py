"""The notebooks run, what they store is what they show, and they become pages."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY
from tests.docs.shown import run

sys.path.insert(0, str(REPOSITORY))
from docs.execute_notebooks import NOTEBOOKS, execute, page_of, read

FILES = sorted(NOTEBOOKS.glob("*.ipynb"))
MOST_BYTES = 250_000

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def shown(notebook: dict[str, Any]) -> list[str]:
    """All text that the outputs hold."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", ())]
    return ["".join(output.get("text", output.get("data", {}).get("text/plain", ()))) for output in outputs]


def notebook_of(*sources: str) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "source": [source], "outputs": [], "execution_count": None} for source in sources]}


@pytest.fixture(scope="module", params=FILES, ids=lambda file: file.stem)
def executed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """A notebook as it is stored, and as it is after a run in a process and folder of its own."""
    place = tmp_path_factory.mktemp("notebook")
    (place / "bin").mkdir()
    (place / "work").mkdir()
    program = f"""
import json
from pathlib import Path
from docs.execute_notebooks import execute, read
done = execute(read(Path({str(request.param)!r})), Path("work"))
Path("done.json").write_text(json.dumps(done))
"""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # networks so small compute less than threads would wait
        run("python", program, place)
    return read(request.param), json.loads((place / "done.json").read_text())


def test_it_runs_and_shows_what_is_stored(executed: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Numbers of trainings differ from machine to machine; words do not, nor do numbers of the released networks by much."""
    stored, done = (shown(notebook) for notebook in executed)
    assert len(stored) == len(done) >= 5
    trains = any("compare(" in "".join(cell["source"]) for cell in executed[0]["cells"])
    for before, after in zip(stored, done, strict=True):
        if trains:
            assert before.split("=")[0].split()[0] == after.split("=")[0].split()[0]
        else:
            assert _NUMBER.sub("#", before) == _NUMBER.sub("#", after)
            assert [float(number) for number in _NUMBER.findall(after)] == pytest.approx(
                [float(number) for number in _NUMBER.findall(before)], rel=0.02, abs=0.06
            )


def test_pictures_are_shown_again(executed: tuple[dict[str, Any], dict[str, Any]]) -> None:
    pictures = [[output.get("data", {}).keys() for cell in each["cells"] for output in cell.get("outputs", ())] for each in executed]
    assert pictures[0] == pictures[1] and any("image/png" in kinds for kinds in pictures[0])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_a_whole_notebook_of_format_4_5(file: Path) -> None:
    notebook = read(file)
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5) and file.stat().st_size < MOST_BYTES
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert all({"cell_type", "id", "metadata", "source"} <= cell.keys() for cell in notebook["cells"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_its_page_has_every_cell_and_picture(file: Path) -> None:
    notebook = read(file)
    text, pictures = page_of(notebook, file.stem)
    assert all("".join(cell["source"]) in text for cell in notebook["cells"])
    assert pictures and all(f"]({name})" in text and content.startswith(b"\x89PNG") for name, content in pictures.items())


def test_a_cell_shows_what_it_prints_and_its_last_expression(tmp_path: Path) -> None:
    first, second, third = execute(notebook_of("a = 3\nprint('said')\na + 1", "a = 5", "a"), tmp_path)["cells"]
    assert [output["output_type"] for output in first["outputs"]] == ["stream", "execute_result"]
    assert first["outputs"][0]["text"] == ["said\n"] and first["outputs"][1]["data"] == {"text/plain": ["4"]}
    assert second["outputs"] == [] and third["outputs"][0]["data"] == {"text/plain": ["5"]}


def test_a_cell_that_fails_is_named(tmp_path: Path) -> None:
    before = Path.cwd()
    with pytest.raises(RuntimeError, match=r"cell 1 \(code 2\): ZeroDivisionError"):
        execute(notebook_of("a = 0", "1 / a"), tmp_path)
    assert Path.cwd() == before
