"""The server against everything but its own page: the attack list of docs/app.md."""

from __future__ import annotations

import io
import socket
import time
import zipfile
from collections.abc import Iterator

import pytest

from tests.web.conftest import Server, running
from tests.web.test_archives import PNG, zipped
from usseg_monai.web.facts import MOST_BODY, STATIC
from usseg_monai.web.guard import HEADERS
from usseg_monai.web.wire import packed, split


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/static/tools/brush.js", "/static/shades.css", "/call/facts", "/health"])
def test_the_page_gets_its_files(server: Server, path: str) -> None:
    for method in ("GET", "HEAD"):
        status, headers, body = server.ask(method, path)
        assert status == 200 and bool(body) == (method == "GET")
        assert all(headers[name] == value for name, value in HEADERS.items())


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example", "", "127.0.0.1:{port}.evil.example"]
)
def test_foreign_hosts(server: Server, host: str) -> None:
    """DNS rebinding: another site's name points to this machine."""
    for path in ("/", "/call/facts", "/health"):
        assert server.ask("GET", path, headers={"host": host.format(port=server.port)})[0] == 403


def test_two_hosts_or_none(server: Server) -> None:
    for head in (b"", b"Host: 127.0.0.1:%d\r\nHost: evil.example\r\n" % server.port):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\n" + head + b"\r\n")
            assert connection.recv(100).split()[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"x-usseg": None},
        {"x-usseg": "another"},
    ],
)
def test_requests_of_other_sites(server: Server, headers: dict[str, str | None]) -> None:
    for method, path in (("POST", "/call/decode?name=a.png"), ("GET", "/call/facts")):
        assert server.ask(method, path, PNG if method == "POST" else None, headers)[0] == 403


def test_a_preflight_is_refused(server: Server) -> None:
    asked = {"origin": "http://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "x-usseg"}
    status, headers, _ = server.ask("OPTIONS", "/call/decode", headers=asked)
    assert status == 403 and not any(name.startswith("access-control") for name in headers)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "POST"])
def test_methods(server: Server, method: str) -> None:
    assert server.ask(method, "/")[0] == 403


@pytest.mark.parametrize(
    "path",
    ["/static/../routes.py", "/static/%2e%2e/routes.py", "/static/..%2froutes.py", "/static/%2e%2e%2froutes.py", "/static//etc/passwd",
     "/static/..%5croutes.py", "/static/tools", "/static/",
     "/static/tools/../../guard.py", "/static/app.js%00.css", "/routes.py", "/call/"],
)  # fmt: skip
def test_traversal(server: Server, path: str) -> None:
    status, _, body = server.ask("GET", path)
    assert status == 404 and b"import" not in body


def test_a_body_that_declares_too_much(server: Server) -> None:
    started = time.monotonic()
    status, _, body = server.ask("POST", "/call/decode", headers={"content-length": str(MOST_BODY + 1)})
    assert status == 413 and b"MB" in body and time.monotonic() - started < 5


def test_a_body_that_never_ends(server: Server) -> None:
    """Without a declared length it is counted while it is read."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        part = bytes(4 << 20)
        while sent < 2 * MOST_BODY:
            sent += len(part)
            yield part

    try:
        status = server.ask("POST", "/call/decode", endless())[0]
    except (ConnectionError, OSError):
        status = 413  # closed while it was sent
    assert status == 413 and sent < MOST_BODY + (64 << 20)


def test_slow_bodies() -> None:
    with running(pause_s=0.5, longest_s=1.5) as slow:
        head = f"POST /call/decode HTTP/1.1\r\nHost: 127.0.0.1:{slow.port}\r\nx-usseg: a-key\r\nContent-Length: 1000\r\n\r\n".encode()
        for pause, longest in ((60.0, 3.0), (0.2, 5.0)):  # silent; a byte at a time
            with socket.create_connection(("127.0.0.1", slow.port), timeout=20) as connection:
                connection.sendall(head + b"x")
                connection.settimeout(pause)
                started, answer = time.monotonic(), b""
                if pause > longest:
                    connection.settimeout(20)
                while not answer:
                    try:
                        answer = connection.recv(100)
                        break
                    except TimeoutError:
                        connection.sendall(b"x")
                assert answer.split()[1] == b"408" and time.monotonic() - started < longest + 5
        assert slow.ask("GET", "/health")[0] == 200


def test_zip_bombs(server: Server) -> None:
    bomb = zipped({"bomb.bmp": b"BM" + bytes(60 << 20)}).getvalue()
    started = time.monotonic()
    status, _, body = server.ask("POST", "/call/decode?name=bomb.zip", bomb)
    assert status == 422 and b"200 times" in body and time.monotonic() - started < 10
    nested = zipped({"inner.zip": zipped({"a.png": PNG}).getvalue()}).getvalue()
    status, _, body = server.ask("POST", "/call/decode?name=nested.zip", nested)
    assert status == 422 and b"a zip in a zip" in body
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(3001):
            archive.writestr(str(number), b"")
    assert server.ask("POST", "/call/decode", many.getvalue())[0] == 422


def test_a_zip_of_pictures_and_other_things(server: Server) -> None:
    status, _, body = server.ask(
        "POST", "/call/decode?name=..%2Fx.zip", zipped({"2.png": PNG, "1.png": PNG, "read.me": b"hello"}).getvalue()
    )
    text, pixels = split(body)
    assert status == 200 and [frame["file"] for frame in text["frames"]] == ["x.zip/1.png", "x.zip/2.png"] and len(pixels) == 200
    assert [left["file"] for left in text["left_out"]] == ["read.me"]


@pytest.mark.parametrize("call", ["predict", "measure", "study", "table", "mask.png", "mask.nii.gz", "sheet"])
def test_messages_that_are_none(server: Server, call: str) -> None:
    for body in (
        b"",
        b"\xff" * 100,
        packed({}),
        packed({"task": "nerve"}),
        packed({"task": ["nerve"], "rows": 8, "cols": 8, "type": "u1"}),
    ):
        status, headers, answer = server.ask("POST", f"/call/{call}", body)
        assert status == 422 and headers["content-type"] == "application/json" and b"Traceback" not in answer


def test_advice_is_that_of_the_page(server: Server) -> None:
    """Messages do not speak of options of the command line."""
    status, _, body = server.ask("POST", "/call/decode?name=a.png", b"hello")
    assert status == 422 and b"not an image" in body and b"--" not in body and b"bytes:" not in body


def test_only_files_of_the_page_lie_in_its_folder() -> None:
    assert {file.suffix for file in STATIC.rglob("*") if file.is_file()} == {".html", ".css", ".js", ".svg"}
