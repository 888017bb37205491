"""One `fit` on a `MultiscaleDataset`: which stage each epoch trains, from which iterator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.keras_internals import StageAdapter


class FitRun:
    """State of one `fit`: the epoch, and one live iterator per stage.

    The stage is a pure function of the epoch, and a stage's batches of the step, so a run that
    `BackupAndRestore` resumes sees what an uninterrupted one would have seen.

    Args:
        dataset: The dataset being trained on.
        strategy: The model's `tf.distribute.Strategy`.
    """

    def __init__(self, dataset: MultiscaleDataset, strategy: tf.distribute.Strategy) -> None:
        self.dataset = dataset
        self.adapter = StageAdapter(self._current_iterator, dataset.steps_per_epoch)
        self._strategy = strategy
        self._finest_level: Callable[[int], int] = lambda epoch: 0
        self._epoch: int | None = None
        self._spent = [0.0]  # work units before each epoch
        # A tf.data iterator can take long to destroy, so each stage keeps its own until the end.
        self._iterators: dict[int, tuple[int, Iterator[Any]]] = {}

    def follow(self, finest_level: Callable[[int], int]) -> None:
        """Makes `finest_level(epoch)` decide the stage of every epoch."""
        self._finest_level, self._spent = finest_level, [0.0]

    def finest_level(self, epoch: int) -> int:
        """Finest active level of an epoch."""
        return self._finest_level(epoch)

    def begin_epoch(self, epoch: int) -> None:
        """Says which epoch the next iterator is for."""
        self._epoch = epoch

    def work_units(self, epoch: int, steps: int) -> float:
        """Work units spent from epoch 0 to step `steps` of `epoch`."""
        for earlier in range(len(self._spent) - 1, epoch):
            cost = self.dataset.work_units(self.finest_level(earlier))
            self._spent.append(self._spent[-1] + cost * self.dataset.steps_per_epoch)
        return self._spent[epoch] + self.dataset.work_units(self.finest_level(epoch)) * steps

    def _current_iterator(self) -> Iterator[Any]:
        if self._epoch is None:
            # Under tf.distribute Keras builds the model from one batch before training starts.
            return self._iterator_from(self.finest_level(0), 0)
        stage = self.finest_level(self._epoch)
        epoch, iterator = self._iterators.get(stage, (None, None))
        if epoch is None or epoch not in (self._epoch, self._epoch - 1) or iterator is None:
            iterator = self._iterator_from(stage, self._epoch * self.dataset.steps_per_epoch)
        self._iterators[stage] = (self._epoch, iterator)
        return iterator

    def _iterator_from(self, finest: int, step: int) -> Iterator[Any]:
        stream = self.dataset.stage(finest, start=step)
        return iter(self._strategy.experimental_distribute_dataset(stream))


class CostLog(keras.callbacks.Callback):
    """Adds the stage and the work units so far to the logs of every batch and epoch.

    Keys: `stage` (1 is the coarsest, L has every level active), `resolution` (first side of its
    finest mesh, in pixels) and `work_units` (spent since epoch 0, coarse halves included).
    """

    async_safe = True  # reads nothing that the training loop writes, so Keras need not wait

    def __init__(self, run: FitRun) -> None:
        super().__init__()
        self._run = run
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells the run which epoch starts."""
        self._epoch = epoch
        self._run.begin_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far."""
        self._add(logs, batch + 1)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far."""
        self._add(logs, self._run.dataset.steps_per_epoch)

    def _add(self, logs: dict[str, Any] | None, steps: int) -> None:
        if logs is None:
            return
        level = self._run.finest_level(self._epoch)
        logs["stage"] = self._run.dataset.levels.num_levels - level
        logs["resolution"] = self._run.dataset.mesh_sizes[level][0]
        logs["work_units"] = self._run.work_units(self._epoch, steps)
