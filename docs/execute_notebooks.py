"""Run the notebooks of ``docs/notebooks`` as a kernel would, keep what they show, and make pages of them.

A small executor instead of Jupyter's: the cells are plain Python without magics, so that a kernel with its sockets and thirty packages
would add nothing to the tests. A cell's last expression is shown as Jupyter shows it: as PNG where the object has one, and as text.

python docs/execute_notebooks.py [NOTEBOOK ...]    # runs them, all by default, and stores their outputs
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import os
import sys
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

__all__ = ["NOTEBOOKS", "execute", "page_of", "read"]

NOTEBOOKS = Path(__file__).resolve().parent / "notebooks"

_WIDEST = 560  # pixels of a stored picture
_COLOURS = 96  # of a stored picture: it then takes some ten kilobytes


def read(file: Path) -> dict[str, Any]:
    """A notebook of format 4."""
    notebook: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return notebook


def execute(notebook: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Run the cells of code in one namespace, in a folder, and return the notebook with their outputs.

    Raises:
        RuntimeError: a cell that fails, with its number, from its exception.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    cells, count, before = [], 0, Path.cwd()
    os.chdir(folder)
    try:
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] == "code":
                count += 1
                try:
                    outputs = _run("".join(cell["source"]), names, count)
                except Exception as error:
                    raise RuntimeError(f"cell {number} (code {count}): {type(error).__name__}: {error}") from error
                cell = {**cell, "execution_count": count, "outputs": outputs}
            cells.append(cell)
    finally:
        os.chdir(before)
    return {**notebook, "cells": cells}


def _run(source: str, names: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Run one cell; what it printed, and its last expression."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(statement := tree.body[-1], ast.Expr):
        last = ast.Expression(statement.value)
        del tree.body[-1]
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, f"<cell {count}>", "exec"), names)
        if last is not None:
            value = eval(compile(last, f"<cell {count}>", "eval"), names)
    outputs: list[dict[str, Any]] = []
    if text := printed.getvalue():
        outputs.append({"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)})
    if value is not None:
        outputs.append({"output_type": "execute_result", "execution_count": count, "metadata": {}, "data": _shown(value)})
    return outputs


def _shown(value: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_png_"):
        data["image/png"] = b64encode(_small(value._repr_png_())).decode()
    return data


def _small(png: bytes) -> bytes:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((_WIDEST, 4 * _WIDEST))
    file = io.BytesIO()
    picture.quantize(_COLOURS).save(file, "PNG", optimize=True)
    return file.getvalue()


def page_of(notebook: dict[str, Any], name: str) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by file name."""
    lines: list[str] = []
    pictures: dict[str, bytes] = {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        lines += [source, ""] if cell["cell_type"] == "markdown" else ["```python", source, "```", ""]
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                file = f"{name}_{len(pictures) + 1}.png"
                pictures[file] = b64decode(data["image/png"])
                lines += [f"![What the cell above shows]({file})", ""]
            elif text := "".join(output.get("text", data.get("text/plain", ()))):
                lines += ["```text", text.rstrip("\n"), "```", ""]
    return "\n".join(lines), pictures


def main(files: Sequence[str]) -> None:
    """Run notebooks and store their outputs."""
    for file in map(Path, files or sorted(map(str, NOTEBOOKS.glob("*.ipynb")))):
        with tempfile.TemporaryDirectory() as folder:
            done = execute(read(file), Path(folder))
        file.write_text(json.dumps(done, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(file)


if __name__ == "__main__":
    main(sys.argv[1:])
