"""Whether hosts are reached, told within seconds: who downloads may try for minutes."""

from __future__ import annotations

import socket
import threading
import urllib.request
from collections.abc import Iterable
from urllib.parse import urlsplit

SECONDS = 3.0
PORTS = {"http": 80, "https": 443}


def check(urls: Iterable[str], seconds: float = SECONDS) -> None:
    """Refuses URLs whose hosts are not reached. Behind a proxy it cannot know, and refuses none.

    Args:
        urls: Of files, by http or https.
        seconds: How long to try, all hosts together.

    Raises:
        ConnectionError: Naming a host.
    """
    if urllib.request.getproxies():
        return
    hosts = {(parts.hostname, PORTS.get(parts.scheme, 443)) for parts in map(urlsplit, urls)}
    reached: list[object] = []
    # Looking up a name has no time limit of its own.
    threads = [
        threading.Thread(target=_try, args=(host, seconds, reached), daemon=True) for host in hosts
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds / len(threads))
    if missed := sorted(str(host[0]) for host in hosts if host not in reached):
        raise ConnectionError(f"no network: {', '.join(missed)} not reached in {seconds:g} s.")


def _try(host: tuple[str | None, int], seconds: float, reached: list[object]) -> None:
    try:
        socket.create_connection(host, seconds).close()
    except OSError:
        return
    reached.append(host)
