"""What is found in the layers of small images made here."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.image.layers import Forbidden, config_of, entries, findings, result_findings

HOST = "mirror.hospital.example.org"
WEIGHTS = b"weights of a nerve"
FORBIDDEN = Forbidden([HOST, "/builds/usseg"], {hashlib.sha256(WEIGHTS).hexdigest(): "nerve's model.onnx"}, ["nerve"])
CLEAN = {"etc/os-release": b"Debian", "opt/usseg/bundles/fetal_head/models/model.onnx": b"free"}

Layer = Mapping[str, bytes]


def tar(files: Layer, *, uid: int = 0, mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.uid, member.mode = len(content), uid, mode
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def image(folder: Path, layers: Sequence[Layer | bytes], config: str = "{}") -> Path:
    """An archive as ``docker save`` writes it; a layer is its files, or its bytes."""
    packed = {f"{number}.tar": layer if isinstance(layer, bytes) else tar(layer) for number, layer in enumerate(layers)}
    manifest = json.dumps([{"Config": "config.json", "Layers": list(packed)}]).encode()
    file = folder / "image.tar"
    file.write_bytes(tar({"config.json": config.encode(), **packed, "manifest.json": manifest}))
    return file


def test_a_clean_image(tmp_path: Path) -> None:
    archive = image(
        tmp_path, [CLEAN, {"opt/usseg/b": b"http://xmirror.hospital.example.org http://mirror.hospital.example.org-2"}], '{"a": 1}'
    )
    assert findings(archive, FORBIDDEN) == [] and config_of(archive)[0] == {"a": 1}
    assert [(entry.layer, entry.path) for entry in entries(archive)] == [*((0, name) for name in CLEAN), (1, "opt/usseg/b")]


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("etc/apt/sources.list", f"deb http://{HOST}/debian x".encode(), f"has '{HOST}'"),
        ("opt/a.pyc", b"\0\xff//" + HOST.encode() + b":80\0", f"has '{HOST}'"),
        (f"var/lib/{HOST}_dists", b"", f"has '{HOST}'"),
        ("opt/RECORD", b"file:///builds/usseg/x", "has '/builds/usseg'"),
        ("builds/usseg/x", b"", "has '/builds/usseg'"),
        ("opt/renamed.bin", WEIGHTS, "is nerve's model.onnx"),
        ("opt/usseg_monai/bundles/nerve/models/model.pt", b"another set", "weights that must not be passed on"),
        ("opt/a.dist-info/direct_url.json", b"{}", "left-over"),
        ("etc/pip.conf", b"", "left-over"),
        ("root/.netrc", b"", "left-over"),
        ("root/.cache/pip/http/0", b"", "left-over"),
        ("wheels/a-1-py3-none-any.whl", b"", "left-over"),
        ("var/lib/apt/lists/a_dists_bookworm_InRelease", b"", "left-over"),
        ("opt/key", b"-----BEGIN OPENSSH PRIVATE KEY-----\n", "private key"),
    ],
)
def test_what_must_not_travel_is_found_in_any_layer(path: str, content: bytes, found: str, tmp_path: Path) -> None:
    for layers in ([{path: content}, CLEAN], [CLEAN, {f"./{path}": content}]):
        (line,) = findings(image(tmp_path, layers), FORBIDDEN)
        assert path in line and found in line


def test_what_a_later_layer_deletes_is_found_below(tmp_path: Path) -> None:
    archive = image(tmp_path, [{"opt/a": HOST.encode(), "opt/w": WEIGHTS}, {"opt/.wh.a": b"", "opt/.wh.w": b""}])
    assert findings(archive, FORBIDDEN) == [f"layer 0: opt/a: has '{HOST}'", "layer 0: opt/w: is nerve's model.onnx"]


def test_the_configuration_and_its_history_are_read(tmp_path: Path) -> None:
    history = json.dumps({"history": [{"created_by": f"RUN pip install -i https://{HOST}/simple x"}]})
    assert findings(image(tmp_path, [CLEAN], history), FORBIDDEN) == [f"configuration: has '{HOST}'"]


def test_packed_layers_and_links_are_read(tmp_path: Path) -> None:
    link = tarfile.TarInfo("opt/link")
    link.type, link.linkname = tarfile.SYMTYPE, "/builds/usseg/x"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(link)
    packed = gzip.compress(tar({"a": HOST.encode()}))
    assert findings(image(tmp_path, [packed, buffer.getvalue()]), FORBIDDEN) == [
        f"layer 0: a: has '{HOST}'",
        "layer 1: opt/link: has '/builds/usseg'",
    ]


def test_a_host_without_a_dot_counts_in_addresses_only(tmp_path: Path) -> None:
    archive = image(tmp_path, [{"a": b"a mirror image", "b": b"http://mirror:3128/x"}])
    assert findings(archive, Forbidden(["mirror"], {}, [])) == ["layer 0: b: has 'mirror'"]


def test_pips_of_base_images_are_no_left_over_but_must_not_be_in_the_result(tmp_path: Path) -> None:
    base = {"usr/share/python-wheels/pip-23.whl": b"", "usr/lib/python3/ensurepip/_bundled/pip-24.whl": b"", "usr/lib/pip/__init__.py": b""}
    kept = image(tmp_path, [base, CLEAN])
    assert findings(kept, FORBIDDEN) == []
    assert len(result_findings(kept, uid=10001, program="opt/usseg")) == 3
    removed = {"usr/share/.wh.python-wheels": b"", "usr/lib/python3/ensurepip/.wh..wh..opq": b"", "usr/lib/.wh.pip": b""}
    assert result_findings(image(tmp_path, [base, removed]), uid=10001, program="opt/usseg") == []


def test_a_file_that_a_layer_deletes_and_puts_back_is_in_the_result(tmp_path: Path) -> None:
    again = {"usr/bin/pip3": b"", "usr/bin/.wh.pip3": b""}
    assert result_findings(image(tmp_path, [{"usr/bin/pip3": b""}, again]), uid=10001, program="opt/usseg")


@pytest.mark.parametrize(("uid", "mode", "wrong"), [(0, 0o755, False), (10001, 0o444, False), (10001, 0o644, True), (0, 0o646, True)])
def test_the_program_must_not_be_changed_by_its_user(uid: int, mode: int, wrong: bool, tmp_path: Path) -> None:
    archive = image(tmp_path, [tar({"opt/usseg/a.py": b"", "out/a": b""}, uid=uid, mode=mode)])
    assert result_findings(archive, uid=10001, program="opt/usseg") == (["opt/usseg/a.py: user 10001 can change it"] if wrong else [])
