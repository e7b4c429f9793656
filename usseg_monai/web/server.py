"""Starts the server and the browser."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import threading
import time
import webbrowser
from collections.abc import Callable
from urllib.parse import urlsplit

import uvicorn

from usseg_monai.errors import UsageError, quoted
from usseg_monai.web.routes import page

__all__ = ["LOOPBACK", "host_of", "serve"]

LOOPBACK = "127.0.0.1"
"""The address that only programs of this machine can reach."""

_MOST_CONNECTIONS = 64
_DEFAULT_PORTS = {"http": 80, "https": 443}


def serve(host: str = LOOPBACK, port: int = 0, *, address: str = "", browser: bool = True, tell: Callable[[str], None] = print) -> None:
    """Serve the page until interrupted.

    Args:
        host: address or name of this machine that the server listens on. Any but this machine's own loopback needs the key in the
            address that is printed. ``0.0.0.0`` and ``::``, all addresses of this machine, need `address`.
        port: 0 for any that is free.
        address: where browsers find the page, if that is not where the server listens: behind a published port of a container, or
            behind a proxy. The key is needed then, whatever `host` is.
        browser: whether to open the page in the browser.
        tell: gets the page's address once the server listens.

    Raises:
        UsageError: the host, the port or the address cannot be used.
    """
    public = [host_of(address)] if address else []
    listener = _listener(host, port, everywhere=bool(public))
    port = listener.getsockname()[1]
    loopback = host == "localhost" or _is_loopback(host)
    local = loopback and not public
    key = "page" if local else secrets.token_urlsafe(24)
    # With an address, the loopback names stay for a container's health check and for a proxy beside the server.
    names = [LOOPBACK, "localhost", "[::1]"] if loopback or public else [f"[{host}]" if ":" in host else host]
    address = (address.rstrip("/") or f"http://{names[0]}:{port}") + ("/" if local else f"/#{key}")
    hosts = public + [f"{name}:{port}" for name in names] + (names if port == 80 else [])
    config = uvicorn.Config(
        page(hosts, key),
        access_log=False,
        date_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        log_level="error",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=5,
        ws="none",
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_announce, args=(server, address, browser, tell), daemon=True).start()
    server.run(sockets=[listener])


def host_of(address: str) -> str:
    """The header Host that browsers send for the page's address.

    Raises:
        UsageError: the address is not one of a page at the root of a host.

    >>> host_of("https://Heads.example.org:443/"), host_of("http://127.0.0.1:8765")
    ('heads.example.org', '127.0.0.1:8765')
    """
    try:
        parts = urlsplit(address)
        name, port = parts.hostname, parts.port
    except ValueError:
        parts, name, port = urlsplit(""), None, None
    if (
        parts.scheme not in _DEFAULT_PORTS
        or not name
        or "@" in parts.netloc
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
    ):
        raise UsageError(f"address {quoted(address)}: give where browsers find the page, such as http://127.0.0.1:8765, without a path")
    name = f"[{name}]" if ":" in name else name
    return name if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{name}:{port}"


def _announce(server: uvicorn.Server, address: str, browser: bool, tell: Callable[[str], None]) -> None:
    while not server.started:
        time.sleep(0.01)
    tell(address)
    if browser:
        webbrowser.open(address)


def _listener(host: str, port: int, *, everywhere: bool) -> socket.socket:
    """A socket that listens; raises `UsageError` if it cannot."""
    if host in ("0.0.0.0", "::", "") and not (host and everywhere):
        raise UsageError(
            f"host {host!r}: give the one address or name by which others reach this machine; or, in a container, --address with the "
            "page's address as browsers see it"
        )
    if not 0 <= port <= 65535:
        raise UsageError(f"port {port}: it must be 0, for any that is free, or 1 to 65535")
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        return listener
    except OSError as error:
        raise UsageError(f"{host}, port {port}: cannot be used ({error.strerror or error}); give another with --port, or --host") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
