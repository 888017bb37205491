"""Files read by threads, one a core, and handed out in order."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent import futures
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Read]
) -> Iterator[tuple[Item, Read | ValueError]]:
    """Items and what was read of them, in order; those that cannot be read are a `ValueError`.

    As many as there are cores are read at a time, and no more are waiting.

    Args:
        items: Such as paths. May be endless.
        read: Reads one of them; it runs in threads.

    Example:
        >>> [size for _, size in read_ahead(["a", "bc"], len)]
        [1, 2]
    """

    def one(item: Item) -> Read | ValueError:
        try:
            return read(item)
        except ValueError as error:
            return error

    at_once = os.cpu_count() or 1
    waiting: collections.deque[tuple[Item, futures.Future[Read | ValueError]]] = collections.deque()
    with futures.ThreadPoolExecutor(at_once) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(one, item)))
                if len(waiting) > at_once:
                    first, future = waiting.popleft()
                    yield first, future.result()
            for first, future in waiting:
                yield first, future.result()
        finally:  # whoever reads may stop early
            for _, future in waiting:
                future.cancel()
