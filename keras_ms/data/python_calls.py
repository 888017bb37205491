"""Python that pipelines of TensorFlow call: it keeps nothing alive, and ends with the process.

TensorFlow keeps every function that it is to call for as long as the outermost graph lives, which
is as long as the process. What the function holds, such as decoded images and their files, would
live as long. And a thread of TensorFlow that calls Python while the interpreter is being taken down
never returns: whoever waits for the thread hangs.
"""

from __future__ import annotations

import atexit
import gc
import sys
import threading
import time
import traceback
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensor = Any

PATIENCE = 5.0
"""Seconds that the end of the process waits for pipelines to fill what they prepare ahead."""
_LOOKS, _PAUSE = 5, 0.02


class _Calls:
    """Counts the calls that are under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.ever = 0
        self.ending = False

    def __enter__(self) -> None:
        with self._lock:
            self.now, self.ever = self.now + 1, self.ever + 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self.now -= 1


_calls = _Calls()
_closed_at_the_end: weakref.WeakSet[Any] = weakref.WeakSet()


def called(
    owner: Any,
    function: Callable[..., Any],
    inputs: Sequence[Tensor],
    types: Any,
    stateful: bool = True,
) -> Any:
    """`tf.numpy_function` of `function(owner, *arrays)`, which does not keep the owner alive.

    Whoever makes a `tf.data.Dataset` of it has to: a function that the dataset maps does, if it
    refers to the owner, for the dataset and its iterators keep that function.

    Args:
        owner: What the function works on.
        function: Takes the owner and the values of the inputs; it must not refer to the owner.
        inputs: Tensors.
        types: Type, or types, of what the function returns.
        stateful: Whether equal inputs may give other results.
    """
    found = weakref.ref(owner)

    def call(*arrays: Any) -> Any:
        with _calls:
            alive = None if _calls.ending else found()
            if alive is None:
                raise RuntimeError("The dataset that is to be read is gone, or the process ends.")
            return function(alive, *arrays)

    return tf.numpy_function(call, list(inputs), types, stateful=stateful)


def closed_at_the_end(source: Any) -> None:
    """Has an object closed, by its `close()`, before the process ends; it is not kept alive."""
    _closed_at_the_end.add(source)


@atexit.register
def _end() -> None:
    _forget_what_ended_the_script()
    if _calls.ever and not _quiet():
        _calls.ending = True
        _quiet()
    for source in list(_closed_at_the_end):
        source.close()


def _forget_what_ended_the_script() -> None:
    """Frees what functions held that an exception left, such as iterators of Keras."""
    error = getattr(sys, "last_value", None)
    if error is not None and error.__traceback__ is not None:
        traceback.clear_frames(error.__traceback__)
        gc.collect()


def _quiet() -> bool:
    """Waits until nobody calls any more; whether that is so."""
    end, seen, still = time.monotonic() + PATIENCE, -1, 0
    while still < _LOOKS:
        if time.monotonic() > end:
            return False
        same = _calls.now == 0 and _calls.ever == seen
        still, seen = (still + 1 if same else 0), _calls.ever
        time.sleep(_PAUSE)
    return True
