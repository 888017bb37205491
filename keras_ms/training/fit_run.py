"""One `fit` on a `MultiscaleDataset`: which stage each epoch trains, from which iterator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.terms import SharedTerms, Terms
from keras_ms.gradients.traces import loosened, plain_spec
from keras_ms.keras_internals import StageAdapter
from keras_ms.levels import Stage


class FitRun:
    """State of one `fit`: the epoch, one live iterator per stage, and what its steps share.

    The stage is a pure function of the epoch, and a stage's batches of the step, so a run that
    `BackupAndRestore` resumes sees what an uninterrupted one would have seen. As a context, it is
    the model's `fit_run`.

    Args:
        model: The model in training, compiled.
        dataset: The dataset being trained on.
        share: Whether levels may share traces, where network, losses and metrics allow it.
            Defaults to `True`.

    Attributes:
        terms: The gradients of one level, for the model's steps.
    """

    def __init__(self, model: Any, dataset: MultiscaleDataset, share: bool = True) -> None:
        self.dataset = dataset
        self.adapter = StageAdapter(self._current_iterator, dataset.steps_per_epoch)
        share = share and dataset.levels.num_levels > 1
        self._plain_spec = plain_spec(model, dataset) if share else None
        self._model, self._strategy = model, model.distribute_strategy
        self.renew_terms()
        self._stage: Callable[[int], Stage] = lambda epoch: self.stage_from(0)
        self._extra: Callable[[int], float] = lambda epoch: 0.0
        self._epoch: int | None = None
        self._followed = False
        self._spent = [0.0]  # work units of the steps before each epoch
        # A tf.data iterator can take long to destroy, so each stage keeps its own until the end.
        self._iterators: dict[Stage, tuple[int, Iterator[Any]]] = {}

    def __enter__(self) -> FitRun:
        self._model.fit_run = self
        return self

    def __exit__(self, *error: object) -> None:
        self._model.fit_run = None

    def renew_terms(self) -> None:
        """Forgets the traces of single levels, as when the model is compiled anew."""
        spec, shared = self._plain_spec, not self._model.run_eagerly
        self.terms = (
            Terms(self._model) if spec is None or not shared else SharedTerms(self._model, spec)
        )

    def follow(
        self, stage: Callable[[int], Stage], extra_work_units: Callable[[int], float] | None = None
    ) -> None:
        """Makes `stage(epoch)` decide what every epoch trains on.

        Args:
            stage: The stage of an epoch: for an epoch that has begun, always the same.
            extra_work_units: What was spent beside the steps until an epoch began.

        Raises:
            ValueError: If another schedule leads this `fit` already.
        """
        if self._followed:
            raise ValueError(
                "One schedule leads a `fit`. Received: two or more of FullMultiscaleSchedule and "
                "AdaptiveSchedule among the callbacks. Take out all but one."
            )
        self._followed = True
        self._stage, self._spent = stage, [0.0]
        self._extra = extra_work_units or (lambda epoch: 0.0)

    def stage(self, epoch: int) -> Stage:
        """The stage of an epoch."""
        return self._stage(epoch)

    def stage_from(self, finest: int) -> Stage:
        """The dataset's own stage whose finest level is `finest`."""
        return Stage(finest, self.dataset.batch_sizes(finest))

    def begin_epoch(self, epoch: int) -> None:
        """Says which epoch the next iterator is for."""
        self._epoch = epoch

    def work_units(self, epoch: int, steps: int) -> float:
        """Work units spent from epoch 0 to step `steps` of `epoch`."""
        for earlier in range(len(self._spent) - 1, epoch):
            cost = self._step_cost(earlier) * self.dataset.steps_per_epoch
            self._spent.append(self._spent[-1] + cost)
        return self._spent[epoch] + self._step_cost(epoch) * steps + self._extra(epoch)

    def _step_cost(self, epoch: int) -> float:
        stage = self.stage(epoch)
        return self.dataset.levels.step_work_units(stage.finest, stage.batch_sizes)

    def _current_iterator(self) -> Iterator[Any]:
        if self._epoch is None:
            # Under tf.distribute Keras builds the model from one batch before training starts.
            return self.iterator_from(self.stage(0), 0)
        stage = self.stage(self._epoch)
        epoch, iterator = self._iterators.get(stage, (None, None))
        if epoch is None or epoch not in (self._epoch, self._epoch - 1) or iterator is None:
            iterator = self.iterator_from(stage, self._epoch * self.dataset.steps_per_epoch)
        self._iterators[stage] = (self._epoch, iterator)
        return iterator

    def iterator_from(self, stage: Stage, step: int) -> Iterator[Any]:
        """A new iterator over a stage's batches from a step on."""
        return iter(self._strategy.experimental_distribute_dataset(self.stream(stage, step)))

    def stream(self, stage: Stage, step: int) -> tf.data.Dataset:
        """A stage's batches from a step on, as the model's steps take them."""
        weights = stage.control_weights or None
        stream = self.dataset.stage(stage.finest, step, stage.batch_sizes, weights)
        if self._plain_spec is not None and len(stage.batch_sizes) == 1:
            stream = stream.map(lambda batch: loosened(batch.fine[stage.finest], self._plain_spec))
        return stream


class CostLog(keras.callbacks.Callback):
    """Adds the stage and the work units so far to the logs of every batch and epoch.

    Keys: `stage` (1 is the coarsest, L has every level active), `resolution` (first side of its
    finest mesh, in pixels) and `work_units` (spent since epoch 0, coarse halves included).
    """

    async_safe = True  # reads nothing that the training loop writes, so Keras need not wait

    def __init__(self, run: FitRun) -> None:
        super().__init__()
        self._run = run
        self._epoch = self._steps = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells the run which epoch starts."""
        self._epoch, self._steps = epoch, 0
        self._run.begin_epoch(epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far."""
        self._steps = batch + 1
        self._add(logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the cost so far; an epoch may have been stopped before its end."""
        self._add(logs)

    def _add(self, logs: dict[str, Any] | None) -> None:
        if logs is None:
            return
        level = self._run.stage(self._epoch).finest
        logs["stage"] = self._run.dataset.levels.num_levels - level
        logs["resolution"] = self._run.dataset.mesh_sizes[level][0]
        logs["work_units"] = self._run.work_units(self._epoch, self._steps)
