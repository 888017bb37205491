"""What a step needs of memory at the least, before the first one: a system kills what takes more.

The backward pass of a layer with a kernel needs what went into the layer. On a GPU TensorFlow
raises an error when memory runs out; in the memory of the machine the process is killed.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.memory import available_bytes, in_words
from keras_ms.keras_internals.graphs import graph_nodes, has_own_call, is_functional, run_nodes
from keras_ms.levels import Stage


def check_room(model: Any, dataset: MultiscaleDataset, stages: tuple[Stage, ...]) -> None:
    """Refuses stages of which a step cannot fit in the memory of the machine.

    Args:
        model: A built model. Nothing is said of one that is no graph of layers, nor on a GPU.
        dataset: What it trains on.
        stages: The stages.

    Raises:
        ValueError: Naming the level, its batch and what is free.
    """
    if not is_functional(model) or has_own_call(model) or tf.config.list_logical_devices("GPU"):
        return
    there = available_bytes()
    depth = dataset.levels.num_levels
    of_sample = [_bytes_of_sample(model, dataset, level) for level in range(depth)]
    for stage in stages:
        for level, size in _batches(stage):
            needed = size * of_sample[level]
            if needed > there:
                raise ValueError(
                    f"A step does not fit in memory: the layers of {size} samples on level {level} "
                    f"take {in_words(needed)} or more, and {in_words(there)} are free. Received: "
                    f"levels with batch_sizes={stage.batch_sizes}. Use smaller batch sizes "
                    "(`levels`), smaller crops (`image_size`), or fit(..., remat=True)."
                )


def _batches(stage: Stage) -> list[tuple[int, int]]:
    """Levels and samples of what goes through the network at once."""
    sizes = stage.batch_sizes
    both = [(sizes[0], 0), *((own, finer) for finer, own in itertools.pairwise(sizes))]
    return [(stage.finest + place, own + finer) for place, (own, finer) in enumerate(both)]


def _bytes_of_sample(model: Any, dataset: MultiscaleDataset, level: int) -> int:
    """Bytes of one sample's tensors that go into layers with kernels."""
    into: dict[int, Any] = {}

    def spec(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if args and getattr(layer, "trainable_weights", None) and hasattr(layer, "kernel"):
            into[id(args[0])] = args[0]
        return layer.compute_output_spec(*args, **kwargs)

    x = dataset.pair_spec(level)[0]
    symbols = [keras.KerasTensor((1, *leaf.shape[1:]), leaf.dtype) for leaf in _leaves(x)]
    if len(symbols) != len(model.inputs):
        return 0
    values = dict(zip(map(id, model.inputs), symbols, strict=True))
    try:
        run_nodes(graph_nodes(model), values, spec)
    except Exception:  # of layers that do not run on symbols; others say what is wrong
        return 0
    return sum(_bytes(tensor) for tensor in into.values())


def _leaves(x: Any) -> list[Any]:
    return keras.tree.flatten(x)


def _bytes(tensor: Any) -> int:
    return tf.as_dtype(tensor.dtype).size * math.prod(side or 1 for side in tensor.shape)
