"""Operations of a SavedModel that do more than compute, found in its file without loading it.

Loading runs some of a SavedModel's functions, and calling it runs others. So all are looked at,
whether or not anything calls them. Functions that save and restore the variables are part of every
SavedModel. TensorFlow's loader does not run them, so what they do with checkpoints is left out.
"""

from __future__ import annotations

import collections
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from keras_ms.inference.operations import effect_of

MAIN = "the main graph"
OF_CHECKPOINTS = ("SaveV2", "MergeV2Checkpoints", "RestoreV2")

Nodes = Mapping[str, list[Any]]


class Effect(NamedTuple):
    """Something in a model's file that does more than compute.

    Attributes:
        name: What it is: an operation of TensorFlow, or a layer or function of Keras.
        does: What it does, in words.
        where: The function, or the part of the file, that it is in.
    """

    name: str
    does: str
    where: str


def effects_of_saved_model(saved_model: Any) -> tuple[Effect, ...]:
    """Operations of a SavedModel that do more than compute, each once per function.

    Args:
        saved_model: The `SavedModel` protocol buffer.

    Returns:
        Sorted by what they do; empty for a model that only computes.
    """
    metas = saved_model.meta_graphs
    # Others are loaded as TensorFlow 1 did, by operations of the main graph.
    by_objects = len(metas) == 1 and metas[0].HasField("object_graph_def")
    found = {effect for meta in metas for effect in _effects(meta, by_objects)}
    return tuple(sorted(found, key=lambda effect: (effect.does, effect.name, effect.where)))


def _effects(meta: Any, by_objects: bool) -> Iterable[Effect]:
    graph = meta.graph_def
    functions = _by_name((f.signature.name, f.node_def) for f in graph.library.function)
    nodes, own = _of_saving(meta, functions) if by_objects else (set(), set())
    main = ((node, node.name in nodes) for node in graph.node)
    yield from _of_nodes(main, MAIN, functions)
    for name, inner in functions.items():
        yield from _of_nodes(((node, name in own) for node in inner), name, functions)


def _of_nodes(
    nodes: Iterable[tuple[Any, bool]], where: str, functions: Collection[str]
) -> Iterable[Effect]:
    for node, saves in nodes:
        if node.op in functions or (saves and node.op in OF_CHECKPOINTS):
            continue
        if does := effect_of(node):
            yield Effect(node.op, does, where)


def _of_saving(meta: Any, functions: Nodes) -> tuple[set[str], set[str]]:
    """Nodes of the main graph, and functions, that only save or restore the variables."""
    graph, saver = meta.graph_def, meta.saver_def
    named = _by_name((node.name, [node]) for node in graph.node)
    outputs = [t.name for s in meta.signature_def.values() for t in s.outputs.values()]
    saving = _upstream(named, [saver.save_tensor_name, saver.restore_op_name])
    only = saving - _upstream(named, outputs)
    of_saver = _called(functions, (node for name in only for node in named[name]))
    others = [node for node in graph.node if node.name not in only]
    others += [node for name in functions if name not in of_saver for node in functions[name]]
    objects = _reached(functions, _named_by_objects(meta))
    return only, of_saver - _called(functions, others) - objects


def _named_by_objects(meta: Any) -> Iterable[str]:
    """Functions that loaded objects, or gradients, may call."""
    objects, library = meta.object_graph_def, meta.graph_def.library
    yield from objects.concrete_functions
    for node in objects.nodes:
        yield from node.function.concrete_functions
        yield node.bare_concrete_function.concrete_function_name
        yield node.captured_tensor.concrete_function
    for gradient in (*library.gradient, *library.registered_gradients):
        yield gradient.gradient_func


def _called(functions: Nodes, nodes: Iterable[Any]) -> set[str]:
    """Functions that nodes call, and that these call in turn."""
    return _reached(functions, (name for node in nodes for name in _names_in(node)))


def _reached(functions: Nodes, names: Iterable[str]) -> set[str]:
    """The functions of these names, and those that they call in turn."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in functions and name not in found:
            found.add(name)
            ahead += [called for node in functions[name] for called in _names_in(node)]
    return found


def _names_in(node: Any) -> Iterable[str]:
    yield node.op  # of a function that is called like an operation
    values = list(node.attr.values())
    while values:
        value = values.pop()
        for function in (value.func, *value.list.func):
            yield function.name
            values += function.attr.values()


def _upstream(named: Nodes, ends: Iterable[str]) -> set[str]:
    """Nodes of a graph that run where tensors are asked for."""
    found: set[str] = set()
    ahead = list(ends)
    while ahead:
        name = ahead.pop().lstrip("^").partition(":")[0]
        if name in named and name not in found:
            found.add(name)
            ahead += [tensor for node in named[name] for tensor in node.input]
    return found


def _by_name(parts: Iterable[tuple[str, Iterable[Any]]]) -> Nodes:
    """Nodes by name; of two alike, which a file that was tampered with may have, both."""
    found: dict[str, list[Any]] = collections.defaultdict(list)
    for name, nodes in parts:
        found[name] += nodes
    return dict(found)
