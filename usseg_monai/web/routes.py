"""Which address is answered by what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from usseg_monai.errors import UssegError, printable
from usseg_monai.web import calls, tables
from usseg_monai.web.bodies import Bodies, Refusal
from usseg_monai.web.decoding import decoded_file
from usseg_monai.web.engines import Engines
from usseg_monai.web.facts import MOST_BODY, STATIC, page_facts, shades_css
from usseg_monai.web.guard import Guard
from usseg_monai.web.samples import sample_file
from usseg_monai.web.sheet import sheet
from usseg_monai.web.study import study
from usseg_monai.web.words import in_page_words

__all__ = ["CALLS", "page"]

CALLS = "/call/"
"""Beginning of the paths of calls."""

_MOST_BODIES = 640 << 20  # bytes of all requests together
_AT_A_TIME = 2  # files decoded, and networks run, at a time
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_BINARY = "application/octet-stream"

Endpoint = Callable[[Request], Awaitable[Response]]


def page(hosts: list[str], key: str, *, pause_s: float = 15.0, longest_s: float = 120.0) -> Guard:
    """The application.

    Args:
        hosts: names with ports by which the server may be called.
        key: that every call must send.
        pause_s, longest_s: see `usseg_monai.web.bodies.Bodies`.
    """
    engines, bodies = Engines(), Bodies(MOST_BODY, _MOST_BODIES, pause_s, longest_s)
    limiter = CapacityLimiter(_AT_A_TIME)
    quick = CapacityLimiter(2 * _AT_A_TIME)  # measuring must not wait for networks

    def call(function: Callable[[bytes], bytes | str], limiter: CapacityLimiter, media_type: str = _BINARY) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            async with bodies.read(request) as file:
                return Response(await _in_thread(limiter, lambda: function(file.read())), media_type=media_type)

        return endpoint

    async def decode(request: Request) -> Response:
        name = printable(Path(request.query_params.get("name", "picture")).name)[:200]
        async with bodies.read(request) as file:
            return Response(await _in_thread(limiter, lambda: decoded_file(name, file)), media_type=_BINARY)

    async def sample(request: Request) -> Response:
        task, group, number = (request.query_params.get(name, "") for name in ("task", "group", "number"))
        which = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else -1
        return Response(await _in_thread(limiter, lambda: sample_file(task, group, which)), media_type=_BINARY)

    async def facts(request: Request) -> Response:
        return JSONResponse(page_facts(engines.tasks))

    routes = [
        Route("/", _static),
        Route("/health", _health),
        Route("/static/shades.css", _shades),
        Route("/static/{name:path}", _static),
        Route(f"{CALLS}facts", facts),
        Route(f"{CALLS}sample", sample, methods=["POST"]),
        Route(f"{CALLS}decode", decode, methods=["POST"]),
        *(
            Route(f"{CALLS}{name}", call(function, limit, kind), methods=["POST"])
            for name, function, limit, kind in (
                ("predict", partial(calls.predict, engines), limiter, _BINARY),
                ("measure", calls.measure, quick, _BINARY),
                ("study", study, quick, _BINARY),
                ("table", tables.table, quick, "text/csv"),
                ("mask.png", tables.mask_png, quick, "image/png"),
                ("mask.nii.gz", tables.mask_nifti, quick, "application/gzip"),
                ("sheet", partial(sheet, engines), quick, "application/pdf"),
            )
        ),
    ]
    app = Starlette(routes=routes, exception_handlers={Refusal: _refused, UssegError: _unusable, HTTPException: _not_there, 500: _fault})
    return Guard(app, hosts, key, CALLS)


async def _in_thread(limiter: CapacityLimiter, function: Callable[[], Any]) -> Any:
    return await to_thread.run_sync(function, limiter=limiter)


async def _health(request: Request) -> Response:
    return PlainTextResponse("ok")


async def _shades(request: Request) -> Response:
    return Response(shades_css(), media_type=_TYPES[".css"])


async def _static(request: Request) -> Response:
    """A file of the page; nothing else can be named."""
    name = request.path_params.get("name", "index.html")
    known = {file.relative_to(STATIC).as_posix(): file for file in STATIC.rglob("*") if file.suffix in _TYPES}
    if name not in known:
        raise HTTPException(404)
    return FileResponse(known[name], media_type=_TYPES[known[name].suffix])


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return JSONResponse({"reason": error.reason}, error.status, headers={"connection": "close"})


async def _unusable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UssegError)
    return JSONResponse({"code": error.code, "reason": in_page_words(error)}, 422)


async def _not_there(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse("there is nothing under this address", error.status_code)


async def _fault(request: Request, error: Exception) -> Response:
    return JSONResponse({"reason": "a fault of this program: please report it with the version, and what you did"}, 500)
