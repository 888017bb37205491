"""Kernels that TensorFlow keeps of models that are gone.

Each variable and each traced function leaves kernels in a cache that only grows: .2 MB per model of
two layers that is built, .5 MB per `fit` of a new one. `keras.utils.clear_session` empties it; so
does the next `fit` here once a model is gone, and no kernel of the only model in use is made twice.

Kernels of `tf.random.normal(..., seed=1)` and its likes count what they drew. Made anew they would
draw the same once more, so the cache is left alone in a process that has made one.
"""

from __future__ import annotations

import functools
import types
import weakref
from collections.abc import Callable
from typing import Any

from tensorflow.python.data.util import random_seed as seeds_of_data
from tensorflow.python.eager import context
from tensorflow.python.framework import ops, random_seed

# Lists and sets, since a collection of garbage may come at any line: a lock might be held by it.
_gone: list[int] = []
_watched: set[int] = set()
_counting: set[str] = set()


def let_go_of_gone(model: Any) -> None:
    """Empties the cache if a model seen before is gone, and sees this one.

    Args:
        model: Who is about to trace or run.
    """
    if _gone and not _counting:
        _gone.clear()
        context.context().clear_kernel_cache()
    if id(model) not in _watched:
        _watched.add(id(model))
        weakref.finalize(model, _went, id(model)).atexit = False


def _went(number: int) -> None:
    _watched.discard(number)
    _gone.append(number)


def _noting(get_seed: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Finds the seeds of an operation, and notes whether its kernel will count."""

    @functools.wraps(get_seed)
    def noted(op_seed: Any) -> Any:
        seeds = get_seed(op_seed)
        if seeds != (None, None) and _is_kept(op_seed):
            _counting.add("seeded")
        return seeds

    return noted


def _is_kept(op_seed: Any) -> bool:
    """Whether a seeded operation's kernel is one that later calls find in the cache."""
    if context.executing_eagerly():
        return op_seed is not None  # else every call has a seed, and so a kernel, of its own
    graph = ops.get_default_graph()
    while graph is not None:
        if getattr(graph, "name", "").startswith("Dataset_"):
            return False  # what a dataset maps lives as long as its iterator
        graph = getattr(graph, "outer_graph", None)
    return True


# Datasets keep their seeds in resources, not in kernels.
seeds_of_data.random_seed = types.SimpleNamespace(get_seed=random_seed.get_seed)
random_seed.get_seed = _noting(random_seed.get_seed)
