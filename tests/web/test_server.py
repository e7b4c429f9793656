"""Where the server may listen."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from usseg_monai.errors import UsageError
from usseg_monai.web.server import _listener, host_of, serve


@pytest.mark.parametrize(
    ("host", "port"), [("0.0.0.0", 0), ("::", 0), ("", 0), ("127.0.0.1", -1), ("127.0.0.1", 65536), ("no.such.invalid", 0)]
)
def test_addresses_that_are_refused(host: str, port: int) -> None:
    with pytest.raises(UsageError):
        serve(host, port, browser=False)


def test_all_addresses_of_the_machine_need_the_one_that_browsers_see() -> None:
    with pytest.raises(UsageError, match="or, in a container, --address"):
        serve("0.0.0.0", browser=False)
    with pytest.raises(UsageError, match="host ''"):
        serve("", address="http://a.example.org", browser=False)
    with _listener("0.0.0.0", 0, everywhere=True) as listener:
        assert listener.getsockname()[0] == "0.0.0.0"


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("http://Heads.Example.org/", "heads.example.org"),
        ("http://a.example.org:80", "a.example.org"),
        ("https://a.example.org:443", "a.example.org"),
        ("https://a.example.org:80", "a.example.org:80"),
        ("https://[2001:db8::1]:8443/", "[2001:db8::1]:8443"),
    ],
)
def test_what_browsers_send_as_host(address: str, host: str) -> None:
    assert host_of(address) == host


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1:8765",
        "ftp://a",
        "http://",
        "http://a/page",
        "http://a/?b",
        "http://a/#b",
        "http://u@a",
        "http://a:x",
        "http://a:65536",
        "http://[::1",
    ],
)
def test_what_is_no_address_of_the_page(address: str) -> None:
    with pytest.raises(UsageError, match="such as http://127"):
        serve(address=address, browser=False)


def test_behind_a_published_port_or_a_proxy_its_name_and_the_key_are_needed() -> None:
    code = (
        "from usseg_monai.web.server import serve\n"
        "serve(port=PORT, address='https://heads.example.org/', browser=False, tell=lambda address: print(address, flush=True))"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", code.replace("PORT", str(port))], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address, _, key = process.stdout.readline().strip().partition("#")
        assert address == "https://heads.example.org/" and len(key) >= 32
        answers = []
        for name, said in (
            ("heads.example.org", key),
            (f"127.0.0.1:{port}", key),
            ("heads.example.org", "page"),
            ("evil.example.org", key),
            (f"heads.example.org:{port}", key),
        ):
            headers = {"host": name, "x-usseg": said, "origin": f"https://{name}"}
            try:
                with urllib.request.urlopen(
                    urllib.request.Request(f"http://127.0.0.1:{port}/call/facts", headers=headers), timeout=30
                ) as answer:
                    answers.append(answer.status)
            except urllib.error.HTTPError as error:
                answers.append(error.code)
        assert answers == [200, 200, 403, 403, 403]
    finally:
        process.terminate()
        process.wait(20)


def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="give another with --port"):
            serve("127.0.0.1", taken.getsockname()[1], browser=False)


def test_the_command_serves_until_it_is_stopped_and_loads_no_torch() -> None:
    code = "import sys; from usseg_monai.cli import main; sys.stdin.close(); main(['app', '--no-browser'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", line)
        assert address, line
        with urllib.request.urlopen(address.group(), timeout=30) as answer:
            assert b"Not a medical device" in answer.read()
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert not errors


def test_another_address_needs_the_key() -> None:
    """A second loopback address stands for an address of the network."""
    code = (
        "import usseg_monai.web.server as server\n"
        "server._is_loopback = lambda host: host == '127.0.0.1'\n"
        "server.serve('127.0.0.2', 0, browser=False, tell=lambda address: print(address, flush=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        address, _, key = process.stdout.readline().strip().partition("#")
        if not address:
            pytest.skip("this system has one loopback address only")
        assert len(key) >= 32
        for said, status in ((key, 200), ("page", 403), ("", 403)):
            request = urllib.request.Request(f"{address}call/facts", headers={"x-usseg": said})
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    found = answer.status
            except urllib.error.HTTPError as error:
                found = error.code
            assert found == status
    finally:
        process.terminate()
        process.wait(20)
