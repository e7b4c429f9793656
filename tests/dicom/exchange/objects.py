"""Small DICOM files, and processes of other programs' places: an application entity and a DICOMweb service, both on 127.0.0.1."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt

from tests.dicom.runs import save
from tests.dicom.sources import US, source, uid
from usseg_monai.dicom.exchange.address import Entity, WebAddress

SEG, SR = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.88.33"


def small(folder: Path, count: int, sop_class: str = US, **elements: Any) -> list[Path]:
    """Files of small pictures of one series."""
    names = [f"{sop_class} {number}" for number in range(count)]
    return [save(source(sop_class, name, (4, 6), **elements), folder / f"{number}.dcm") for number, name in enumerate(names)]


def uids(files: list[Path]) -> list[str]:
    return [str(pydicom.dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files]


@contextmanager
def entity(
    store: Callable[[Any], int], contexts: tuple[str, ...] = (US, SEG, SR), syntaxes: Any = ExplicitVRLittleEndian, **settings: Any
) -> Iterator[Entity]:
    """An application entity that answers each C-STORE with what the function says."""
    ae = AE(ae_title="PACS")
    for sop_class in contexts:
        ae.add_supported_context(sop_class, syntaxes)
    for name, value in settings.items():
        setattr(ae, name, value)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, store)])
    assert server is not None
    try:
        yield Entity("PACS", "127.0.0.1", server.server_address[1])
    finally:
        server.shutdown()


class Web:
    """A DICOMweb service that holds what was stored, and answers wrongly where it is told to.

    Attributes:
        held: the content of each object, by its identifier; the first that came stays.
        requests: method, path and query of each request, and its login.
        wrong: takes a request, and returns status, type and content of a wrong answer, or ``None``.
        reasons: why objects are refused, by identifier.
        at_most: number of answers to one query.
    """

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        self.wrong: Callable[[str, str], tuple[int, str, bytes] | None] = lambda method, path: None
        self.reasons: dict[str, int] = {}
        self.at_most = 1000

    def headers(self) -> list[Dataset]:
        return [pydicom.dcmread(BytesIO(content), stop_before_pixels=True) for content in self.held.values()]

    def stow(self, kind: str, body: bytes) -> tuple[int, str, bytes]:
        parts = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        answer = Dataset()
        answer.FailedSOPSequence, answer.ReferencedSOPSequence = [], []
        for part in parts.get_payload():
            content = part.get_payload(decode=True)  # type: ignore[union-attr]
            assert isinstance(content, bytes)
            item = Dataset()
            item.ReferencedSOPInstanceUID = pydicom.dcmread(BytesIO(content)).SOPInstanceUID
            if reason := self.reasons.get(item.ReferencedSOPInstanceUID):
                item.FailureReason = reason
                answer.FailedSOPSequence.append(item)
            else:
                self.held.setdefault(str(item.ReferencedSOPInstanceUID), content)
                answer.ReferencedSOPSequence.append(item)
        status = 200 if not answer.FailedSOPSequence else 202 if answer.ReferencedSOPSequence else 409
        return status, "application/dicom+json", answer.to_json().encode()

    def query(self, path: list[str], query: dict[str, str]) -> tuple[int, str, bytes]:
        given = dict(zip(("StudyInstanceUID", "SeriesInstanceUID"), path[1::2], strict=False))
        given |= {name: value for name, value in query.items() if name not in ("limit", "offset", "includefield")}
        found: dict[str, Dataset] = {}
        for header in self.headers():
            if all(str(header.get(name, "")) == value for name, value in given.items()):
                key = "SOPInstanceUID" if path[-1] == "instances" else "SeriesInstanceUID"
                part = Dataset()
                for name in ("StudyInstanceUID", "SeriesInstanceUID", *(("SOPInstanceUID",) if path[-1] == "instances" else ())):
                    setattr(part, name, header[name].value)
                found[header[key].value] = part
        begin, size = int(query.get("offset", 0)), min(int(query.get("limit", 1000)), self.at_most)
        shown = [json.loads(part.to_json()) for part in list(found.values())[begin : begin + size]]
        return 200, "application/dicom+json", json.dumps(shown).encode()

    def retrieve(self, path: list[str]) -> tuple[int, str, bytes]:
        names = dict(zip(("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"), path[1::2], strict=False))
        held = zip(self.headers(), self.held.values(), strict=True)
        contents = [content for header, content in held if all(header.get(name) == value for name, value in names.items())]
        return (200, *multipart(contents)) if contents else (404, "text/plain", b"")

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, str, bytes]:
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.query))
        self.requests.append((method, parts.path, query, headers.get("Authorization", "")))
        if (wrong := self.wrong(method, parts.path)) is not None:
            return wrong
        path = parts.path.removeprefix("/web/").split("/")
        if method == "POST":
            return self.stow(headers["Content-Type"], body)
        return self.query(path, query) if path[-1] in ("studies", "series", "instances") else self.retrieve(path)


def multipart(contents: list[bytes], boundary: str = "a-b'c") -> tuple[str, bytes]:
    """Type and content of a multipart answer."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\nContent-Length: 1\r\n\r\n".encode()
    body = b"".join(head + content + b"\r\n" for content in contents) + f"--{boundary}--\r\n".encode()
    return f'multipart/related; type="application/dicom"; boundary="{boundary}"', body


@contextmanager
def web() -> Iterator[tuple[Web, WebAddress]]:
    """A DICOMweb service."""
    service = Web()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            elif length := int(self.headers.get("Content-Length", 0)):
                body = self.rfile.read(length)
            status, kind, content = service.answer(self.command, self.path, self.headers, body)
            if not status:  # the server has gone
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield service, WebAddress(f"http://127.0.0.1:{server.server_address[1]}/web")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def unused() -> int:
    """A port where nobody listens."""
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


__all__ = ["SEG", "SR", "Web", "entity", "multipart", "small", "uid", "uids", "unused", "web"]
