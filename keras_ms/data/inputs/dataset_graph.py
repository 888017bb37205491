"""What the chain of operations behind a `tf.data.Dataset` tells of its elements.

The chain is walked by two methods that every dataset of TensorFlow has but does not document. A
dataset without them tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

ONE_BY_ONE = ("TensorSlice", "Range", "Unbatch", "SparseTensorSlice")
OPAQUE = ("Tensor", "FlatMap", "Interleave", "ParallelInterleave", "Generator", "Window", "Scan")
_ORDERED = ("TensorSlice", "Range", "Take", "Skip", "Zip", "Concatenate", "Repeat", "Shard")
SAME_LENGTH = ("Map", "ParallelMap", "Prefetch", "Options", "Shuffle", "Cache")
RANDOM = (
    "Random",
    "SampleDistorted",
    "Multinomial",
    "RngRead",
    "StatefulUniform",
    "StandardNormal",
    "TruncatedNormal",
)
PYTHON = ("PyFunc", "GeneratorDataset")
NOT_OF_PIXELS = ("Seed", "Dataset")  # seeds of shuffles, datasets within datasets


def kind(dataset: tf.data.Dataset) -> str:
    """What made a dataset: `"Map"`, `"Batch"`, `"TensorSlice"` ..."""
    return type(dataset).__name__.strip("_").split("Dataset")[0]


def inputs_of(dataset: tf.data.Dataset) -> list[tf.data.Dataset]:
    """The datasets that a dataset is made from."""
    found = getattr(dataset, "_inputs", None)
    return list(found()) if found is not None else []


def are_batches(dataset: tf.data.Dataset) -> bool | None:
    """Whether elements come from a batch(...), one by one, or `None`: it cannot be told."""
    name, inputs = kind(dataset), inputs_of(dataset)
    if name in ONE_BY_ONE:
        return False
    if "Batch" in name:
        return True
    if name in OPAQUE or not inputs:
        return None
    found = {are_batches(one) for one in inputs}
    return found.pop() if len(found) == 1 else None


def length_before_batching(dataset: tf.data.Dataset) -> int | None:
    """How many examples the batches of a dataset hold, if the chain tells."""
    while kind(dataset) in SAME_LENGTH and len(inputs_of(dataset)) == 1:
        (dataset,) = inputs_of(dataset)
    if kind(dataset) not in ("Batch", "ParallelBatch"):
        return None
    leaves = tf.nest.flatten(dataset.element_spec)
    first = [leaf.shape[:1] for leaf in leaves if isinstance(leaf, tf.TensorSpec)]
    if all(shape.is_fully_defined() for shape in first):
        found = int(dataset.cardinality()) * first[0][0]  # none is smaller than others
    else:
        found = int(inputs_of(dataset)[0].cardinality())
    return found if found >= 0 else None


def what_differs(dataset: tf.data.Dataset) -> str:
    """What makes examples differ in every pass, in a clause; empty if nothing is seen.

    Shuffling changes only the order, unless what is shuffled is zipped with something. What
    `tf.numpy_function` and generators do cannot be known, see `runs_python`. What comes before a
    `.cache()` is frozen by it.
    """
    if kind(dataset) == "Cache":
        return ""
    random = next((name for name in _operations(dataset) if _is_random(name)), "")
    if random:
        return f"its pipeline draws at random ({random})"
    if kind(dataset) == "Random" and getattr(dataset, "_rerandomize", False):
        return "its pipeline draws at random (Dataset.random)"
    inputs = inputs_of(dataset)
    if kind(dataset) == "Zip" and any(map(_is_reshuffled, inputs)):
        return "its pipeline zips what it shuffles"
    return next(filter(None, map(what_differs, inputs)), "")


def _is_reshuffled(dataset: tf.data.Dataset) -> bool:
    """Whether examples come in another order in every pass."""
    if kind(dataset) == "Cache":
        return False
    if kind(dataset) == "Shuffle" and getattr(dataset, "_reshuffle_each_iteration", True):
        return True
    return any(map(_is_reshuffled, inputs_of(dataset)))


def runs_python(dataset: tf.data.Dataset) -> bool:
    """Whether code of Python takes part in every pass, whose draws nobody sees."""
    if kind(dataset) == "Cache":
        return False
    if any(part in name for name in _operations(dataset) for part in PYTHON):
        return True
    return any(map(runs_python, inputs_of(dataset)))


def comes_again(dataset: tf.data.Dataset) -> bool:
    """Whether every pass is known to have the same elements in the same order."""
    name = kind(dataset)
    ordered = dataset.options().deterministic is not False
    ordered = ordered and getattr(dataset, "_deterministic", "") != "false"
    # A cache leaves out in later passes what failed in the first.
    if not ordered or name in ("Shuffle", "Cache") or name not in (*_ORDERED, *SAME_LENGTH):
        return False
    if any(_is_random(name) for name in _operations(dataset)):
        return False
    return all(map(comes_again, inputs_of(dataset)))


def claims_its_length(dataset: tf.data.Dataset) -> bool:
    """Whether somebody says how many elements there are, which may be wrong."""
    claimed = kind(dataset) == "AssertCardinality"
    return claimed or any(map(claims_its_length, inputs_of(dataset)))


def is_cached(dataset: tf.data.Dataset) -> bool:
    """Whether elements are kept by a `.cache()` when they have been read once."""
    return kind(dataset) == "Cache" or any(map(is_cached, inputs_of(dataset)))


def has_generator(dataset: tf.data.Dataset) -> bool:
    """Whether elements come from a generator of Python, which ends with the error it raises."""
    if "GeneratorDataset" in _operations(dataset):
        return True
    return any(map(has_generator, inputs_of(dataset)))


def _is_random(operation: str) -> bool:
    return any(part in operation for part in RANDOM) and not any(
        part in operation for part in NOT_OF_PIXELS
    )


def _operations(dataset: tf.data.Dataset) -> Iterator[str]:
    functions: Any = getattr(dataset, "_functions", list)
    for wrapped in functions():
        graph = wrapped.function.graph.as_graph_def()
        yield from (node.op for node in graph.node)
        for function in graph.library.function:
            yield from (node.op for node in function.node_def)
