"""Memory that runs out says where it did, and what helps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import tensorflow as tf

_SIGNS = re.compile(
    r"RESOURCE_EXHAUSTED|\bOOM\b|out of memory|ALLOC_FAILED|MemoryError", re.IGNORECASE
)

_COLOURS = re.compile(r"\x1b\[\d*m")  # Keras prints what a layer said in bold


@contextmanager
def naming_mends(where: Callable[[], str]) -> Iterator[None]:
    """Gives errors about exhausted memory a message that names what helps.

    The types stay those that are caught elsewhere: `MemoryError` of Python and NumPy, and
    `tf.errors.ResourceExhaustedError` of TensorFlow, also where it comes as another error.

    Args:
        where: What was going on, in words.

    Raises:
        MemoryError: From a `MemoryError`.
        tf.errors.ResourceExhaustedError: From others that say that memory ran out.
    """
    try:
        yield
    except MemoryError as error:
        raise MemoryError(_message(where(), error)) from error
    except (tf.errors.OpError, RuntimeError) as error:
        if not isinstance(error, tf.errors.ResourceExhaustedError) and not _SIGNS.search(
            str(error)
        ):
            raise
        node, op = getattr(error, "node_def", None), getattr(error, "op", None)
        raise tf.errors.ResourceExhaustedError(node, op, _message(where(), error)) from error


def _message(where: str, error: BaseException) -> str:
    plain = _COLOURS.sub("", str(error))
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Hint:")]  # names OOM, and says nothing
    said = next(filter(_SIGNS.search, lines), lines[0] if lines else type(error).__name__)
    return (
        f"Memory ran out {where}. Received: {said[:300]} Use, whichever suits: a smaller batch "
        "size on the finest level (`levels`), smaller crops (`image_size`), `fit(..., remat=True)`,"
        " which computes activations again in place of keeping them, or mixed precision "
        "(keras.mixed_precision.set_dtype_policy, before the network is built)."
    )
