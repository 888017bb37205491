"""Custom gradients of TensorFlow that end with the graphs they were traced in.

`tf.custom_gradient` enters each gradient that it traces into a registry, for ever, and with it the
whole graph. `tf.nn.silu` is such a function; so is how Keras sums gradients over replicas, also of
one. So every model that was ever trained in a process would stay in memory.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

from tensorflow.python.framework import ops
from tensorflow.python.ops import custom_gradient

_TYPE = "type"  # where an entry of the registry has its function
_NAME = "CustomGradient-"
_KEPT = "_keras_ms_custom_gradients"
_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")


class _Weakly:
    """Calls a function that graphs keep alive."""

    def __init__(self, function: Any) -> None:
        self._reference = weakref.ref(function)

    def __call__(self, *args: Any) -> Any:
        return self._reference()(*args)  # type: ignore[misc]  # with its graph goes who calls


@contextlib.contextmanager
def ending_with_graphs() -> Iterator[None]:
    """What is traced within leaves no gradient behind once nobody holds its graph."""
    traced = custom_gradient._graph_mode_decorator
    if traced is _traced:
        yield
        return
    custom_gradient._graph_mode_decorator = _traced
    try:
        yield
    finally:
        custom_gradient._graph_mode_decorator = traced


def call_ending_with_graphs(function: Callable[_Given, _Result]) -> Callable[_Given, _Result]:
    """A function that traces so; warnings in it still name the line of who calls it."""

    # As a decorator `ending_with_graphs` would put a frame of contextlib between the two.
    @functools.wraps(function)
    def called(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
        with ending_with_graphs():
            return function(*args, **kwargs)

    return called


def step_ending_with_graphs(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step of training that is traced so, wherever it is traced."""

    def traced(data: Any) -> Any:  # which AutoGraph converts, as it does not what wraps another
        with ending_with_graphs():
            return step(data)

    return traced


_OF_TENSORFLOW = custom_gradient._graph_mode_decorator


def _traced(function: Any, args: Any, kwargs: Any) -> Any:
    entries = ops.gradient_registry._registry
    last = next(reversed(entries), None)
    result = _OF_TENSORFLOW(function, args, kwargs)
    for name in list(itertools.takewhile(lambda name: name != last, reversed(entries))):
        # Modules that are loaded meanwhile enter operations for good.
        ours = name.startswith(_NAME) and not isinstance(entries[name][_TYPE], _Weakly)
        if ours:
            _bind(entries, name)
    return result


def _bind(entries: dict[str, Any], name: str) -> None:
    """Has the graphs that are being made keep a gradient, in place of the registry."""
    function = entries[name][_TYPE]
    for graph in _graphs():
        setattr(graph, _KEPT, [*getattr(graph, _KEPT, ()), function])
    entries[name] = {**entries[name], _TYPE: _Weakly(function)}
    weakref.finalize(function, entries.pop, name, None).atexit = False


def _graphs() -> list[Any]:
    """The graph that is being made, and those of functions around it."""
    graph = ops.get_default_graph()
    found = [graph]
    while graph.building_function and graph.outer_graph.building_function:
        graph = graph.outer_graph
        found.append(graph)
    return found
