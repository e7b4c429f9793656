"""The page as a folder of static files: each visitor's own browser decodes, runs the networks and measures."""

from __future__ import annotations

import gzip
import hashlib
import json
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from usseg_monai.errors import OutputError, UsageError, WeightsError
from usseg_monai.files.table import Value
from usseg_monai.measuring.result import Status
from usseg_monai.report.words import HEADINGS, in_sentence, label
from usseg_monai.runs.table import COMMON_COLUMNS
from usseg_monai.tasks import TASKS, Task, bundle_path, has_weights, load
from usseg_monai.tasks.record import UNSPECIFIC
from usseg_monai.tasks.showcase import Sample, Showcase
from usseg_monai.web.facts import STATIC, absent, page_facts, shades_css
from usseg_monai.web.single_file import single_file

__all__ = ["RUNTIME", "RUNTIME_SHA256", "RUNTIME_VERSION", "SERVERLESS", "export_page", "exported_tasks"]

RUNTIME = Path(__file__).with_name("onnxruntime")
"""ONNX Runtime Web as its makers built it (npm package onnxruntime-web, MIT), with its licence; its binary is compressed."""

RUNTIME_VERSION = "1.30.0"

RUNTIME_SHA256: Mapping[str, str] = {
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
}
"""Its files, and their SHA-256 in the package of that version."""

_NOTICES = ("LICENSE", "ThirdPartyNotices.txt")

SERVERLESS = Path(__file__).with_name("serverless")
"""The page's files that take the place of the server."""

_POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'"
)
_INDEX = (
    ('<meta charset="utf-8">', f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
    (
        '<link rel="stylesheet" href="static/shades.css">',
        '<link rel="manifest" href="manifest.webmanifest">\n<link rel="stylesheet" href="static/shades.css">',
    ),
    (
        "This page needs JavaScript, which comes from the program on your own machine.",
        "This page needs JavaScript: it finds and measures in your browser.",
    ),
    ("PNG, JPEG, TIFF, BMP, DICOM, NIfTI, NRRD, MHA, MP4, MOV, AVI; a zip of a cine", "PNG, JPEG, BMP, uncompressed DICOM"),
    (
        "Pictures go to the program that you started, and nowhere else; nothing is kept.",
        "Pictures stay in this browser; nothing is sent, nothing is kept.",
    ),
)
"""What the page of the server says, and what this one says instead."""

_READ = (".png", ".jpg", ".jpeg", ".bmp", ".dcm")


def exported_tasks() -> list[str]:
    """The tasks that a page without a server can have: their weights may be passed on, and their measurement is there in JavaScript."""
    return [
        name
        for name, task in TASKS.items()
        if task.weights_redistributable and has_weights(name) and (STATIC / "measure" / f"{name}.js").is_file()
    ]


def export_page(folder: Path, *, single_files: bool = False) -> list[str]:
    """Write the page.

    Args:
        folder: new, or empty.
        single_files: one HTML file for each task, which opens from a disk, instead of the files of a web host.

    Returns:
        Names of the tasks that it has.

    Raises:
        UsageError: the folder holds something.
        WeightsError: a graph or the runtime is not the released one.
        OutputError: the folder cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already: give a new folder, or an empty one")
    names = exported_tasks()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".usseg-", dir=folder.parent) as temporary:
            page = Path(temporary, "page")
            for name, content in _single_files(names) if single_files else _files(names):
                file = page / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            if not single_files:
                (page / "files.js").write_text(_inventory(page), encoding="utf-8")
            if folder.exists():
                folder.rmdir()
            page.rename(folder)
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror or error}; give another folder") from error
    return names


def _files(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    return chain(_page(), _runtime(), _tasks(names))


def _single_files(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for name in names:
        yield f"{name}.html", single_file(dict(_files([name]))).encode()
    yield "LICENSES.txt", dict(_tasks(names))["LICENSES.txt"]
    for name in _NOTICES:
        yield f"onnxruntime/{name}", (RUNTIME / name).read_bytes()


def _page() -> Iterator[tuple[str, bytes]]:
    for file in sorted(STATIC.rglob("*")):
        if file.is_file() and file.name not in ("index.html", "api.js"):
            yield f"static/{file.relative_to(STATIC).as_posix()}", file.read_bytes()
    for file in sorted(set(SERVERLESS.glob("*.js")) - {SERVERLESS / "single.js"}):
        place = {"api.js": "static/api.js", "offline.js": "offline.js"}.get(file.name, f"static/serverless/{file.name}")
        yield place, file.read_bytes()
    yield "static/shades.css", shades_css().encode()
    yield "index.html", _index((STATIC / "index.html").read_text(encoding="utf-8")).encode()
    icon = {"src": "static/icon.svg", "sizes": "any", "type": "image/svg+xml"}
    manifest = {"name": "usseg: find and measure", "short_name": "usseg", "start_url": "./", "display": "standalone", "icons": [icon]}
    yield "manifest.webmanifest", _json(manifest)


def _index(text: str) -> str:
    for old, new in _INDEX:
        if old not in text:
            raise UsageError(f"the page of this installation does not hold {old!r}; install the package again")
        text = text.replace(old, new)
    return text


def _runtime() -> Iterator[tuple[str, bytes]]:
    for name, sha256 in RUNTIME_SHA256.items():
        yield f"static/onnxruntime/{name}", _checked(_stored(name), sha256)
    for name in _NOTICES:
        yield f"static/onnxruntime/{name}", (RUNTIME / name).read_bytes()


def _stored(name: str) -> Path:
    plain, packed = RUNTIME / name, RUNTIME / f"{name}.gz"
    return packed if packed.is_file() else plain


def _checked(file: Path, sha256: str) -> bytes:
    content = file.read_bytes()
    if file.suffix == ".gz":
        with suppress(EOFError, gzip.BadGzipFile, zlib.error):  # damaged: what is left has another digest
            content = gzip.decompress(content)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise WeightsError(f"{file} is damaged or not the released one; install the package again")
    return content


def _tasks(names: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    samples: list[dict[str, Any]] = []
    licenses = [f"ONNX Runtime Web {RUNTIME_VERSION}: MIT, see static/onnxruntime"]
    for name in names:
        task = TASKS[name]
        yield f"graphs/{name}.onnx", _checked(bundle_path(name) / "models" / "model.onnx", task.weights_sha256)
        licenses.append(f"weights of {name}: {task.weights_license}")
        showcase: Showcase | None = load(task.showcase) if task.showcase else None
        licenses += showcase.notes if showcase else ()
        for group in showcase.groups if showcase else ():
            found = [sample for sample in group.samples() if sample.name.endswith(_READ)]
            described = [_sample(name, group.folder, number, sample) for number, sample in enumerate(found)]
            if found:
                samples.append({"task": name, "group": group.folder, "title": group.title, "text": group.text, "files": described})
            yield from ((one["at"], sample.content) for one, sample in zip(described, found, strict=True))
    yield "facts.json", _json(_facts(names, samples))
    yield "LICENSES.txt", "\n".join((*licenses, "")).encode()


def _sample(task: str, group: str, number: int, sample: Sample) -> dict[str, Any]:
    return {
        "name": sample.name,
        "at": f"samples/{task}/{group}/{number}{PurePosixPath(sample.name).suffix}",
        "spacing_mm": sample.spacing_mm,
    }


def _facts(names: Sequence[str], samples: list[dict[str, Any]]) -> dict[str, Any]:
    """What `usseg_monai.web.facts` tells the page, and what the server would add to each answer."""
    facts = page_facts(names)
    return {
        **facts,
        "tasks": [{**told, **_told(TASKS[told["name"]]), "study": False} for told in facts["tasks"]],
        "absent": absent("their weights may not be passed on", [name for name, task in TASKS.items() if not task.weights_redistributable]),
        "samples": samples,
        "common_columns": COMMON_COLUMNS,
        "unspecific": UNSPECIFIC,
        "statuses": {status.value: {"severity": status.severity.name, "heading": HEADINGS[status]} for status in Status},
    }


def _told(task: Task) -> dict[str, Any]:
    showcase: Showcase | None = load(task.showcase) if task.showcase else None
    wanted = {label(name)[0] for name in (showcase.highlights if showcase else [column.name for column in task.columns])}
    values: Mapping[str, Value] = task.measure(np.ones((8, 8), np.uint8), 1.0).values  # which columns are counts
    columns: list[dict[str, Any]] = [
        {
            "name": column.name,
            "label": label(column.name)[0],
            "unit": label(column.name)[1],
            "description": column.description,
            "highlight": label(column.name)[0] in wanted,
            "whole": isinstance(values[column.name], int),
        }
        for column in task.columns
    ]
    finds = dict.fromkeys(column["label"] for column in columns if column["highlight"])
    return {
        "finds": ", ".join(map(in_sentence, finds)),
        "modality": task.modality,
        "low_confidence": task.low_confidence,
        "graph": f"graphs/{task.name}.onnx",
        "graph_sha256": task.weights_sha256,
        "columns": columns,
    }


def _inventory(page: Path) -> str:
    """Names of all files, and a version that changes with any of them, for the part that works offline."""
    digest, names = hashlib.sha256(), []
    for file in sorted(page.rglob("*")):
        name = file.relative_to(page).as_posix()
        if file.is_file() and name != "offline.js":
            digest.update(f"{name}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
            names.append(name)
    kept = ["./", *names]
    return f"self.VERSION = {json.dumps(f'usseg-{digest.hexdigest()[:16]}')};\nself.FILES = {json.dumps(kept)};\n"


def _json(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
