"""Keeps other web sites, other machines and other names away from the server, and adds headers that keep the page to itself.

Against DNS rebinding the header Host must be one of the server's own; against requests that other sites make a browser send, calls need a
header that only the page sets, and an Origin equal to the Host. The page may load nothing from elsewhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["HEADERS", "KEY_HEADER", "Guard"]

KEY_HEADER = "x-usseg"
"""Header of every call: the key of this server."""

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Headers of every answer."""


class Guard:
    """Refuses what is not a request of the page to its own server.

    Args:
        app: what is guarded.
        hosts: values of the header Host that are this server's, such as ``127.0.0.1:8765``.
        key: that every call must send.
        calls: beginning of the paths that are calls.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], key: str, calls: str) -> None:
        self._app, self._hosts, self._key, self._calls = app, {host.lower() for host in hosts}, key, calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            answer = self._app if refusal is None else PlainTextResponse(refusal[1], refusal[0])
            await answer(scope, receive, _with_headers(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason, ``None`` for a request that may pass."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return 403, "this server answers under its own name only: open the address that it printed, or state another by --address"
        is_call = scope["path"].startswith(self._calls)
        if scope["method"] not in (("GET", "HEAD", "POST") if is_call else ("GET", "HEAD")):
            return 403, "this method is not used here"
        origin = headers.get("origin")
        if origin is not None and origin.lower() not in (f"http://{hosts[0].lower()}", f"https://{hosts[0].lower()}"):
            return 403, "another site may not ask"
        if not is_call:
            return None
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "another site may not ask"
        if not hmac.compare_digest(headers.get(KEY_HEADER, "").encode(), self._key.encode()):
            return 403, "the key of this server is missing; open the page by the address that the command printed"
        return None


def _with_headers(send: Send) -> Send:
    async def send_more(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in HEADERS.items():
                headers[name] = value
        await send(message)

    return send_more
