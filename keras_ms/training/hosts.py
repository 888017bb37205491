"""Several hosts that train one model: which of them this is, and which rows it takes.

Each host runs the same program under `tf.distribute.MultiWorkerMirroredStrategy`. Whatever they do
together they all have to do, in the same order; a host that does without lets the others wait.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import tensorflow as tf

from keras_ms.data import MultiscaleDataset, geometry
from keras_ms.keras_internals.fitting import StageAdapter
from keras_ms.training.evaluated_rows import shares

COORDINATED = ("chief", "worker")  # jobs of TF_CONFIG that train


class Place(NamedTuple):
    """Which host this is, from 0 on, and how many train together."""

    host: int = 0
    hosts: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this is the host that writes."""
        return self.host == 0


def place_of(strategy: Any) -> Place:
    """Which host this is, by what `TF_CONFIG` told the strategy.

    Args:
        strategy: A `tf.distribute.Strategy`.

    Example:
        >>> place_of(tf.distribute.get_strategy())
        Place(host=0, hosts=1)
    """
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return Place()
    resolver = strategy.cluster_resolver
    jobs = {name: len(tasks) for name, tasks in resolver.cluster_spec().as_dict().items()}
    if resolver.task_type not in COORDINATED or resolver.task_type not in jobs:
        return Place()
    before = jobs.get("chief", 0) if resolver.task_type == "worker" else 0
    return Place(before + int(resolver.task_id), sum(jobs.get(name, 0) for name in COORDINATED))


def check_hosts(place: Place, dataset: MultiscaleDataset, built: bool) -> None:
    """Checks that hosts can train together on a dataset.

    Raises:
        ValueError: If its part of the data is that of another host, each host would decide for
            itself, or the model's first step would build it.
    """
    shard = dataset.shard
    if shard is not None and tuple(shard) != tuple(place):
        raise ValueError(
            "The dataset is the part of another host. Received: "
            f"shard={tuple(shard)}, on host {place.host} of {place.hosts}. Use "
            f"shard={tuple(place)}, or leave it out."
        )
    if place.hosts == 1:
        return
    if dataset.allocation == "measured" or dataset.coarsening == geometry.AUTO:
        raise ValueError(
            "What is measured differs from host to host, so hosts would decide differently. "
            f"Received: levels {dataset.allocation}, coarsening={dataset.coarsening!r}, on "
            f"{place.hosts} hosts. Give what keras_ms.diagnose advises on one host."
        )
    if not built:
        raise ValueError(
            "Hosts make the variables of a model together, before the first step. Received: a "
            "model that does not run on symbols. Build it first, by a call, in the scope."
        )


def iterator(strategy: Any, stream: tf.data.Dataset, whole: bool = True) -> Iterator[Any]:
    """An iterator over endless batches, of which every replica gets its rows.

    Args:
        strategy: The strategy of the model.
        stream: Batches, each tensor with as many rows as replicas can share.
        whole: Whether every host makes whole batches, of which it takes its rows. If not, they are
            the rows of this host.
    """
    place = place_of(strategy)
    if place.hosts == 1:
        return iter(strategy.experimental_distribute_dataset(stream))
    if whole:
        stream = stream.map(functools.partial(_each, functools.partial(_rows_of, place)))
    replicas = strategy.num_replicas_in_sync // place.hosts
    if replicas > 1:
        stream = stream.map(functools.partial(_each, functools.partial(_split, replicas)))
        stream = stream.unbatch()
    # Of what has no end TensorFlow does not ask all hosts, at every step, whether they have more.
    endless = tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    stream = stream.apply(endless)
    return iter(strategy.distribute_datasets_from_function(lambda context: stream))


def finite(strategy: Any, batches: Any) -> Any:
    """Batches to evaluate on: on several hosts, each evaluates all of them.

    TensorFlow would share every batch. Where one has fewer examples than there are replicas, some
    would have none, whose mean is no number, and convolutions fail. Sums over all hosts leave means
    as they are. On one host replicas share batches of which none is too small.

    Args:
        strategy: The strategy of the model.
        batches: What Keras evaluates on; all but a `tf.data.Dataset` is left to it.
    """
    place = place_of(strategy)
    if strategy.num_replicas_in_sync == 1 or not isinstance(batches, tf.data.Dataset):
        return batches
    if place.hosts == 1:
        shared = shares(batches, strategy.num_replicas_in_sync)
        return batches if shared is None else _taken_in_turn(strategy, shared, None)
    count, replicas = int(batches.cardinality()), strategy.num_replicas_in_sync // place.hosts

    def for_each_replica(*parts: Any) -> tf.data.Dataset:
        element = parts[0] if len(parts) == 1 else parts
        return tf.data.Dataset.from_tensors(element).repeat(replicas)

    alike = batches.flat_map(for_each_replica) if replicas > 1 else batches
    return _taken_in_turn(strategy, alike, count if count >= 0 else None)


def _taken_in_turn(strategy: Any, stream: tf.data.Dataset, count: int | None) -> Any:
    """For Keras, an element of a stream for each replica of this host, in turn."""
    own = strategy.distribute_datasets_from_function(lambda context: stream)
    return StageAdapter(lambda: iter(own), count)


def _each(function: Any, *parts: Any) -> Any:
    # tf.data takes tuples apart, but not named tuples.
    element = parts[0] if len(parts) == 1 else parts
    return tf.nest.map_structure(function, element)


def _rows_of(place: Place, tensor: Any) -> Any:
    size = tf.shape(tensor)[0] // place.hosts
    rows = tensor[place.host * size : (place.host + 1) * size]
    known = tensor.shape[0]
    return tf.ensure_shape(rows, (known and known // place.hosts, *tensor.shape[1:]))


def _split(replicas: int, tensor: Any) -> Any:
    shape = tf.concat([[replicas, -1], tf.shape(tensor)[1:]], axis=0)
    known = tensor.shape[0]
    parts = tf.reshape(tensor, shape)
    return tf.ensure_shape(parts, (replicas, known and known // replicas, *tensor.shape[1:]))
