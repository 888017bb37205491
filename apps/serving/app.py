"""Starts the server on this machine alone, and leaves nothing behind however it ends."""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib.util
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..experiment.options import replaced

if TYPE_CHECKING:  # the port is looked at before TensorFlow is loaded
    import uvicorn

    from ..experiment.one_picture import How
    from .workshop import Workshop

LOOPBACK = "127.0.0.1"
PORT = 8000
MAX_MEGABYTES, MAX_MEGAPIXELS = 200.0, 100.0
PATIENCE = 10  # seconds that the end of the server waits for slow connections
MOST_CONNECTIONS = 64


def run(settings: Any) -> None:
    """Serves the page until the command is ended; see `apps.restore`.

    Raises:
        ValueError: If the port is not free, a model cannot be loaded, or libraries are missing.
    """
    _check_libraries()
    if settings.max_megapixels is None:
        settings = replaced(settings, max_megapixels=MAX_MEGAPIXELS)
    port = PORT if settings.port is None else settings.port
    with contextlib.suppress(KeyboardInterrupt), ended_by_signals(), listening(port) as channel:
        from keras_ms import safe_files

        from .workshop import Workshop

        hows = offered(settings)
        safe_files.clear(tempfile.gettempdir())
        with safe_files.workplace(tempfile.gettempdir()) as folder:
            workshop = Workshop(folder, hows)
            address = f"http://{LOOPBACK}:{channel.getsockname()[1]}"
            said = f"Open {address} in a browser of this machine. Ctrl-C ends it."
            server = server_of(workshop, settings, functools.partial(print, said, flush=True))
            with contextlib.closing(workshop):
                server.run(sockets=[channel])


def offered(settings: Any) -> dict[str, How]:
    """How pictures are restored, by model: one that is asked for first, then those of keras_ms.

    Raises:
        ValueError: If the one that is asked for cannot be used.
    """
    import keras_ms

    from ..experiment import one_picture

    asked = [settings.model] if settings.model else []
    names = dict.fromkeys((*asked, *keras_ms.inference.names()))
    hows = {name: settings.how(one_picture.load(name, settings.trust)) for name in names}
    if settings.noise_level is not None and not any(h.restorer.conditional for h in hows.values()):
        raise ValueError(
            "None of the models is told the noise level. Received: "
            f"--noise_level={settings.noise_level}."
        )
    for how in hows.values():
        one_picture.check_tile(how)
    return hows


def server_of(
    workshop: Workshop, settings: Any, listens: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """A server of the page that does not run yet.

    Args:
        workshop: What restores pictures.
        settings: Of the app.
        listens: Called once the server listens.
    """
    import uvicorn

    from .server import Server, application

    megabytes = settings.max_megabytes or MAX_MEGABYTES
    told = {
        "models": _told(workshop.hows),
        "noise_level": settings.noise_level,
        "max_bytes": int(megabytes * 1e6),
        "max_megapixels": settings.max_megapixels,
    }

    def is_ending() -> bool:
        return server.should_exit

    config = uvicorn.Config(
        application(workshop, told, is_ending),
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_level="warning",
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=PATIENCE,
    )
    server = Server(config, listens)
    return server


@contextlib.contextmanager
def listening(port: int) -> Iterator[socket.socket]:
    """A socket of this machine alone that listens on a port; 0 for any that is free.

    Raises:
        ValueError: If it is not free, or not to be had.
    """
    try:
        channel = socket.create_server((LOOPBACK, port))
    except OSError as error:
        used = error.errno == errno.EADDRINUSE
        reason = "is in use" if used else f"cannot be had ({error.strerror or error})"
        raise ValueError(
            f"The port {reason}. Received: --port={port}. Use another one, or --port=0 for any "
            "that is free."
        ) from error
    with channel:
        yield channel


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Signals that would end the process at once raise `SystemExit`, so that all is tidied up."""

    def end(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    found = [getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")]
    numbers = [number for number in found if number is not None]
    before = {number: signal.getsignal(number) for number in numbers}
    before = {n: handler for n, handler in before.items() if handler is not signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _told(hows: Mapping[str, How]) -> list[dict[str, Any]]:
    return [
        {"name": name, "conditional": how.restorer.conditional, "scale": how.restorer.scale}
        for name, how in hows.items()
    ]


def _check_libraries() -> None:
    missing = [name for name in ("starlette", "uvicorn") if not importlib.util.find_spec(name)]
    if missing:
        raise ValueError(
            f"The page needs {' and '.join(missing)}. Received: --serve. Use pip install "
            '"keras-ms[serve]".'
        )
