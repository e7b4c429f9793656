"""The page without a server as one HTML file, which opens from a disk."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from usseg_monai.errors import UsageError

__all__ = ["single_file"]

_START = Path(__file__).with_name("serverless") / "single.js"
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".json": "application/json",
    ".onnx": "application/octet-stream",
    ".png": "image/png",
    ".wasm": "application/wasm",
}
_IMPORT = re.compile(r'(\bfrom )"(\.{1,2}/[^"]+)"')
_RUNTIME, _WORKER = "static/onnxruntime/ort.wasm.bundle.min.mjs", "static/serverless/worker.js"
_RUNTIME_IMPORT = re.compile(r'import \{([^}]+)\} from "[^"]*/ort\.wasm\.bundle\.min\.mjs";')
_EXPORTS = re.compile(r"\bexport\{([^}]+)\};?")
_LINK = re.compile(r"<link [^>]*>\n")
_POLICY = re.compile(r'(http-equiv="Content-Security-Policy" content=")[^"]*')
_APP = '<script type="module" src="static/app.js"></script>'
_STYLES = ("static/shades.css", "static/page.css")


def single_file(files: Mapping[str, bytes]) -> str:
    """Pack the page into one file.

    Args:
        files: of the folder that `usseg_monai.web.export.export_page` writes, by path.

    Raises:
        UsageError: modules that import each other in a circle.
    """
    style = "\n".join(files[name].decode() for name in _STYLES)
    start = f"\n{_START.read_text(encoding='utf-8')}"
    index = _LINK.sub("", files["index.html"].decode())
    rules = (
        f"default-src 'none'; script-src '{_hash(start)}' blob: 'wasm-unsafe-eval'; worker-src blob:; style-src '{_hash(style)}'; "
        "img-src blob: data:; connect-src blob:; base-uri 'none'; form-action 'none'"
    )
    index = _POLICY.sub(lambda found: found[1] + rules, index)
    parts = json.dumps(list(_parts(files)), separators=(",", ":"))
    # what is inline must be the very text of the hashes; parts are base64, and hold no sign that could end the element
    page = f'<style>{style}</style>\n<script type="application/json" id="parts">{parts}</script>\n<script type="module">{start}</script>'
    return index.replace(_APP, "").replace("</body>", f"{page}\n</body>")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _parts(files: Mapping[str, bytes]) -> Iterator[dict[str, Any]]:
    files = {**files, _WORKER: _with_runtime(files[_WORKER].decode(), files[_RUNTIME].decode()).encode()} if _WORKER in files else files
    modules = {path: _named(path, files[path].decode()) for path in files if path.endswith(".js") and path.startswith("static/")}
    others = [path for path in files if path not in modules and Path(path).suffix in _TYPES and path not in ("offline.js", _RUNTIME)]
    for path in (*others, *_in_order(modules)):
        content = modules[path][0].encode() if path in modules else files[path]
        data = base64.b64encode(gzip.compress(content, mtime=0)).decode()
        yield {"path": path, "type": _TYPES[Path(path).suffix], "data": data}


def _with_runtime(worker: str, runtime: str) -> str:
    """The worker with the runtime as one script: browsers start no module as worker of a page from a disk."""
    wanted, exported = _RUNTIME_IMPORT.search(worker), _EXPORTS.search(runtime)
    if wanted is None or exported is None:
        raise UsageError("the worker of this installation does not fit its runtime; install the package again")
    own = {name: own for own, name in (pair.split(" as ") for pair in exported[1].split(","))}
    named = ", ".join(f"{name.strip()} = {own[name.strip()]}" for name in wanted[1].split(","))
    text = f"{_EXPORTS.sub('', runtime)}\n{{\nconst {named};\n{worker.replace(wanted[0], '')}}}\n"
    return text.replace("import.meta.url", "self.location.href")


def _named(path: str, text: str) -> tuple[str, list[str]]:
    """The text of a module with its imports by path of the page, and these paths."""
    folder = posixpath.dirname(path)
    imports = [posixpath.normpath(posixpath.join(folder, found[2])) for found in _IMPORT.finditer(text)]
    paths = iter(imports)
    return _IMPORT.sub(lambda found: f'{found[1]}"part:{next(paths)}"', text), imports


def _in_order(modules: Mapping[str, tuple[str, Sequence[str]]]) -> list[str]:
    """Each module after those that it imports."""
    order: list[str] = []
    waiting = dict(modules)
    while waiting:
        ready = [path for path, (_, imports) in waiting.items() if not any(other in waiting for other in imports)]
        if not ready:
            raise UsageError(f"modules of the page import each other in a circle: {', '.join(sorted(waiting))}")
        order += ready
        for path in ready:
            del waiting[path]
    return order
