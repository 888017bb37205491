"""What several hosts agree on when a `fit` begins, and how one that is lost ends it."""

from __future__ import annotations

import contextlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.roles import ROLES
from keras_ms.keras_internals.fitting import begin_at_epoch, first_epoch
from keras_ms.keras_internals.models import kept_variables
from keras_ms.training.changes import traits_of
from keras_ms.training.collectives import bytes_from_chief, from_chief, sums_of
from keras_ms.training.hosts import place_of

WRITERS = (
    keras.callbacks.BackupAndRestore,
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.TensorBoard,
)
"""Callbacks that the chief alone has. Others that write say `chief_only = True`."""
_SIGNS = re.compile(
    r"coordination|heartbeat|collective|peer|socket|connect|unavailable|task:\d|deadline|timed out",
    re.IGNORECASE,
)
_REASONS = re.compile(
    r"aborted by|connect|heartbeat|coordination|deadline|timed out|unavailable|closed|reset",
    re.IGNORECASE,
)


def for_this_host(callbacks: Sequence[Any], strategy: Any) -> list[Any]:
    """The callbacks that a host has: those that write files are the chief's.

    Args:
        callbacks: What `fit` was given.
        strategy: The strategy of the model.
    """
    if place_of(strategy).is_chief:
        return list(callbacks)
    return [one for one in callbacks if not _writes(one)]


def _writes(callback: Any) -> bool:
    return isinstance(callback, WRITERS) or bool(getattr(callback, "chief_only", False))


class Agreement(keras.callbacks.Callback):
    """Has all hosts begin where the chief does: its epoch and step, weights, optimizer and seeds.

    So a checkpoint may lie where the chief alone can read it. Put it behind what loads weights.

    Args:
        run: The run of the `fit`.
        epochs: First epoch and end, as `fit` was given them.
        optimizer: What the optimizer is, before anybody loads another state of it.
    """

    def __init__(self, run: Any, epochs: tuple[int, int], optimizer: str) -> None:
        super().__init__()
        self._run, self._epochs, self._moved = run, epochs, False
        self._optimizer = optimizer

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Compares what must be alike, and takes the chief's place in the run and variables.

        Raises:
            ValueError: If hosts have other settings.
        """
        strategy = self.model.distribute_strategy
        _check_alike(strategy, self._told(), {"optimizers": self._optimizer})
        self._go_where_the_chief_is(strategy)
        variables = kept_variables(self.model)
        values = [np.asarray(variable.numpy()) for variable in variables]
        for variable, value in zip(variables, from_chief(strategy, values), strict=True):
            variable.assign(value)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Lets a next `fit` begin where it is told to."""
        if self._moved:
            begin_at_epoch(self.model, 0)

    def _go_where_the_chief_is(self, strategy: Any) -> None:
        run, start = self._run, int(first_epoch(self.model, self._epochs[0]))
        mine = {"start": start, "position": run.position, "ends": run.course.early_ends}
        chiefs = json.loads(bytes_from_chief(strategy, json.dumps(mine).encode()))
        self._moved = chiefs["start"] != start
        if self._moved:
            begin_at_epoch(self.model, chiefs["start"])
        if tuple(chiefs["position"]) != tuple(run.position):  # metrics of it only the chief has
            run.resume(*chiefs["position"])
        run.course.early_ends = chiefs["ends"]

    def _told(self) -> dict[str, list[float]]:
        """Numbers that must be alike on all hosts."""
        dataset = self._run.dataset
        sizes = [size for stage in self._run.stages for size in (stage.finest, *stage.batch_sizes)]
        meshes = [side for mesh in dataset.mesh_sizes for side in mesh]
        leaves = dataset.pairs.leaves if dataset.pairs else ()
        return {
            "epochs": [self._epochs[1]],
            "steps_per_epoch": [dataset.steps_per_epoch],
            "batch sizes of the stages": sizes,
            "mesh sizes": meshes,
            "seed": [dataset.seed],
            "shards": [-1 if dataset.shard is None else dataset.shard.parts],
            # Each host judges by the examples that it reads.
            "roles of tensors (to be said: roles={...})": [ROLES.index(x.role) for x in leaves],
            "numbers in the model": [self.model.count_params()],
            "optimizers": [zlib.crc32(self._optimizer.encode())],
        }


def agreements(model: Any, run: Any, epochs: tuple[int, int]) -> list[keras.callbacks.Callback]:
    """What hosts that train together need among the callbacks; nothing on a single one.

    Args:
        model: The model.
        run: The run of the `fit`, which has not begun.
        epochs: First epoch and end, as `fit` was given them.
    """
    return [Agreement(run, epochs, optimizer_of(model))] if run.place.hosts > 1 else []


def optimizer_of(model: Any) -> str:
    """What a model's optimizer was made with, such as its learning rate, as every host says it."""
    text = json.dumps(traits_of(model, None), sort_keys=True, default=str)
    return re.sub(r" at 0x[0-9a-f]+", "", text)  # of objects that lie elsewhere on each


def _check_alike(strategy: Any, told: dict[str, list[float]], shown: dict[str, str]) -> None:
    longest = 64  # hosts whose numbers differ in length agree on a length all the same
    rows = [np.resize(np.array(values, np.float64), longest) for values in told.values()]
    lengths = np.array([len(values) for values in told.values()], np.float64)
    found = sums_of(strategy).gathered(np.concatenate([lengths, *rows]))
    different = np.any(found != found[:1], axis=0)
    for index, (name, values) in enumerate(told.items()):
        begin = len(told) + index * longest
        if different[index] or np.any(different[begin : begin + longest]):
            raise ValueError(
                f"All hosts run the same program with the same settings, but {name} differ. "
                f"Received: {shown.get(name, values)} on host {place_of(strategy).host}. Start all "
                "hosts alike."
            )


@contextlib.contextmanager
def naming_lost_hosts(strategy: Any) -> Iterator[None]:
    """Says in one line that another host is gone, where TensorFlow tells of connections.

    Args:
        strategy: The strategy of the model.

    Raises:
        ConnectionError: If another host is gone, or does not answer in time.
    """
    place = place_of(strategy)
    try:
        yield
    except tf.errors.OpError as error:
        if place.hosts == 1 or not _SIGNS.search(str(error)):
            raise
        text = re.sub(r"\{\{.*?\}\} *", "", str(error))  # names of nodes in graphs
        lines = [" ".join(line.split()) for line in text.splitlines()]
        told = [line for line in lines if _REASONS.search(line) and not line.startswith("File ")]
        said = (told or [type(error).__name__])[0][:300]
        raise ConnectionError(
            f"Another host is gone, or does not answer. Received: {said!r} (on host "
            f"{place.host} of {place.hosts}). Start the same command on all hosts again: "
            "training goes on where the chief's last checkpoint is."
        ) from error
