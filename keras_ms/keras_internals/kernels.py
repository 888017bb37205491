"""Kernels that TensorFlow keeps of models that are gone.

Each variable and each traced function leaves kernels in a cache that only grows: .2 MB per model of
two layers that is built, .5 MB per `fit` of a new one. `keras.utils.clear_session` empties it; so
does the next `fit` here once a model is gone, and no kernel of the only model in use is made twice.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any

from tensorflow.python.eager import context

_gone = threading.Event()
_watched: weakref.WeakSet[Any] = weakref.WeakSet()


def let_go_of_gone(model: Any) -> None:
    """Empties the cache if a model seen before is gone, and sees this one.

    Args:
        model: Who is about to trace or run.
    """
    if _gone.is_set():
        _gone.clear()
        context.context().clear_kernel_cache()
    if model not in _watched:
        _watched.add(model)
        weakref.finalize(model, _gone.set).atexit = False
