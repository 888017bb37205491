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
    items: Iterable[Item],
    read: Callable[[Item], Read],
    size: Callable[[Item], int] = lambda item: 0,
    most: float = 0.0,
) -> Iterator[tuple[Item, Read | ValueError]]:
    """Items and what was read of them, in order; those that cannot be read are a `ValueError`.

    As many as there are cores are read at a time, and no more are waiting.

    Args:
        items: Such as paths. May be endless.
        read: Reads one of them; it runs in threads.
        size: What one takes once it is read, such as bytes.
        most: How much those together may take that are being read or waiting. One is read in any
            case.

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
    waiting: collections.deque[tuple[Item, int, futures.Future[Read | ValueError]]]
    waiting = collections.deque()
    with futures.ThreadPoolExecutor(at_once) as pool:
        try:
            for item in items:
                takes = size(item)
                while waiting and takes + sum(of for _, of, _ in waiting) > most and takes:
                    yield _next(waiting)
                waiting.append((item, takes, pool.submit(one, item)))
                if len(waiting) > at_once:
                    yield _next(waiting)
            while waiting:
                yield _next(waiting)
        finally:  # whoever reads may stop early
            for _, _, future in waiting:
                future.cancel()


def _next(
    waiting: collections.deque[tuple[Item, int, futures.Future[Read | ValueError]]],
) -> tuple[Item, Read | ValueError]:
    item, _, future = waiting.popleft()
    return item, future.result()
