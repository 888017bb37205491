"""The page and what it asks for, as an application of Starlette."""

from __future__ import annotations

import asyncio
import functools
import math
import pathlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .workshop import RESTORED, UPLOAD, EndedError, Workshop

PAGE = pathlib.Path(__file__).parent / "page"
HOSTS = ["127.0.0.1", "localhost"]  # another name may be another site's that leads to this machine
MOST_AT_ONCE = 4  # pictures that are sent, wait or are restored
LOOK = 0.2  # seconds between two looks whether anybody waits for a picture
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Server(uvicorn.Server):
    """A server that says when it listens.

    By then its own handlers of signals only note that it is to end. The usual exception of Ctrl-C,
    before, may be raised where Python drops it.

    Args:
        config: See uvicorn.
        listens: Called once it listens.
    """

    def __init__(self, config: uvicorn.Config, listens: Callable[[], None]) -> None:
        super().__init__(config)
        self._listens = listens

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        self._listens()


def application(
    workshop: Workshop, about: dict[str, Any], is_ending: Callable[[], bool]
) -> Starlette:
    """The application.

    Args:
        workshop: What restores pictures.
        about: What the page is told at first; `max_bytes` is the largest file it may send.
        is_ending: Whether the server is to end.
    """
    desk = _Desk(workshop, about, is_ending)
    routes = [
        Route("/about", desk.about),
        Route("/restore", desk.restore, methods=["POST"]),
        Route("/results/{result}/{part}", desk.result),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    middleware = [Middleware(_Headers), Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)]
    handlers: dict[Any, Any] = {
        ValueError: lambda _, error: PlainTextResponse(str(error), 400),
        EndedError: lambda *_: PlainTextResponse("This picture was given up.", 503),
        ClientDisconnect: lambda *_: Response(status_code=400),
        Exception: _failed,
    }
    return Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)


class _Desk:
    def __init__(
        self, workshop: Workshop, about: dict[str, Any], is_ending: Callable[[], bool]
    ) -> None:
        self._workshop, self._about, self._is_ending = workshop, about, is_ending
        self._inside, self._turn = 0, asyncio.Lock()

    async def about(self, _: Request) -> Response:
        """Models and limits."""
        return JSONResponse(self._about)

    async def restore(self, request: Request) -> Response:
        """Restores the picture that the body is."""
        _check_origin(request)
        level = _number(request.query_params.get("noise_level"))
        how = self._workshop.how(request.query_params.get("model", ""), level)
        if self._inside >= MOST_AT_ONCE:
            raise HTTPException(503, "Too many pictures wait already. Try again in a while.")
        self._inside += 1
        try:
            with self._workshop.place() as place:
                await self._receive(request, place / UPLOAD)
                async with self._turn:
                    work = functools.partial(self._workshop.restore, place, how)
                    return JSONResponse(await self._watched(request, work))
        finally:
            self._inside -= 1

    async def result(self, request: Request) -> Response:
        """A part of a result, as a file."""
        result, part = (request.path_params[name] for name in ("result", "part"))
        path = self._workshop.part(result, part)
        if path is None:
            raise HTTPException(404, "This result is not kept any more. Restore it again.")
        if part != RESTORED:
            return FileResponse(path, media_type="image/png")
        headers = {"Content-Disposition": "attachment"}
        return FileResponse(path, headers=headers, media_type="application/octet-stream")

    async def _receive(self, request: Request, path: pathlib.Path) -> None:
        most, size = self._about["max_bytes"], 0
        _check_size(int(request.headers.get("content-length", 0)), most)
        with path.open("wb") as file:
            async for chunk in request.stream():
                size += len(chunk)
                _check_size(size, most)
                file.write(chunk)
        if not size:
            raise ValueError("This file is empty.")

    async def _watched(
        self, request: Request, work: Callable[[Callable[[], bool]], dict[str, Any]]
    ) -> dict[str, Any]:
        """What a function returns in a thread; it is told when nobody waits for it any more."""
        over = threading.Event()
        task = asyncio.ensure_future(run_in_threadpool(work, over.is_set))
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=LOOK)
                if self._is_ending() or await request.is_disconnected():
                    over.set()
        finally:
            over.set()
        return task.result()


class _Headers:
    """Says to the browser with every answer that it may take things from this server only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _check_origin(request: Request) -> None:
    """Refuses what pages of other sites have a browser send."""
    origin = request.headers.get("origin")
    if origin is not None and origin != f"http://{request.headers.get('host')}":
        raise HTTPException(403, "Only the page of this server may send pictures.")


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise HTTPException(
            413,
            f"This file has more than {most / 1e6:g} MB, which are the most. Start the command "
            "with a larger --max_megabytes.",
        )


def _number(text: str | None) -> float | None:
    if text is None:
        return None
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"t is a number. Received: {text}.")
    return value


def _failed(_: Request, error: Exception) -> Response:
    return PlainTextResponse(
        f"Restoring failed: {type(error).__name__}. The terminal of the command says more.", 500
    )
