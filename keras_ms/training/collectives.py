"""What several hosts tell each other, by the sums that TensorFlow offers their replicas.

Every host has to make the same calls in the same order; one that does without lets others wait.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from keras_ms.training.hosts import place_of

PIECE = 2**20
"""Bytes that are sent at once: each takes the room of eight."""
SAID, REFUSED = b"+", b"-"


class Sums:
    """Sums of numbers over the hosts, on each of them; see `sums_of`.

    Args:
        strategy: The strategy of the hosts.
    """

    def __init__(self, strategy: Any) -> None:
        self.place = place_of(strategy)
        replicas = strategy.num_replicas_in_sync // self.place.hosts

        def all_reduced(own: Any) -> Any:
            context = tf.distribute.get_replica_context()
            # A copy has a device, by which TensorFlow finds out whose sums it is to make.
            return context.all_reduce(tf.distribute.ReduceOp.SUM, tf.identity(own))

        @tf.function(input_signature=[tf.TensorSpec((None,), tf.float64)])
        def summed(own: Any) -> Any:
            return strategy.run(all_reduced, (own,))

        def results(own: Any) -> np.ndarray:
            return strategy.experimental_local_results(summed(own))[0].numpy() / replicas

        self._results = results

    def __call__(self, numbers: np.ndarray) -> np.ndarray:
        """The sums, as float64."""
        flat = self._results(tf.constant(np.ravel(numbers), tf.float64))
        return flat.reshape(np.shape(numbers))

    def gathered(self, numbers: Sequence[float] | np.ndarray) -> np.ndarray:
        """The numbers of every host, `(hosts, numbers)`, on all of them."""
        table = np.zeros((self.place.hosts, len(numbers)))
        table[self.place.host] = numbers
        return self(table)


@functools.lru_cache(maxsize=1)  # of the strategy that this process has, traced once
def sums_of(strategy: Any) -> Sums:
    """Sums over the hosts of a strategy."""
    return Sums(strategy)


def from_chief(strategy: Any, arrays: Sequence[Any]) -> list[np.ndarray]:
    """The arrays of the chief, on every host. All call it, with arrays of the same shapes.

    Args:
        strategy: The strategy of the hosts.
        arrays: Numbers that float64 holds exactly.
    """
    arrays, sums = [np.asarray(array) for array in arrays], sums_of(strategy)
    own = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
    given = sums(own if sums.place.is_chief else np.zeros_like(own))
    parts = np.split(given, np.cumsum([array.size for array in arrays])[:-1])
    pairs = zip(parts, arrays, strict=True)
    return [part.reshape(array.shape).astype(array.dtype) for part, array in pairs]


def bytes_from_chief(strategy: Any, data: bytes) -> bytes:
    """Bytes of the chief, on every host. All call it; what others give does not count."""
    sums = sums_of(strategy)
    data = data if sums.place.is_chief else b""
    length = int(sums(np.array([len(data)]))[0])
    pieces = []
    for begin in range(0, length, PIECE):
        own, piece = data[begin : begin + PIECE], np.zeros(min(PIECE, length))
        piece[: len(own)] = np.frombuffer(own, np.uint8)
        pieces.append(sums(piece).astype(np.uint8).tobytes())
    return b"".join(pieces)[:length]


def said_by_chief(strategy: Any, say: Callable[[], bytes]) -> bytes:
    """What the chief says, on every host; what it refuses, all refuse. All call it.

    Args:
        strategy: The strategy of the hosts.
        say: Is called on the chief alone.

    Raises:
        ValueError: On every host, if `say` has raised one on the chief; likewise an `OSError`.
    """
    if not place_of(strategy).is_chief:
        told = bytes_from_chief(strategy, b"")
        if told[:1] == REFUSED:
            raise ValueError(told[1:].decode())
        return told[1:]
    try:
        said = say()
    except (ValueError, OSError) as error:
        bytes_from_chief(strategy, REFUSED + str(error).encode())
        raise
    bytes_from_chief(strategy, SAID + said)
    return said
