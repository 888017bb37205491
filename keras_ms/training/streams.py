"""A stage's batches as the steps of a model take them, on this host."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.gradients.traces import loosened
from keras_ms.levels import Stage
from keras_ms.training.hosts import Place, iterator


class StageStreams:
    """Makes streams and iterators of batches.

    Args:
        dataset: The dataset, its coarsening decided.
        place: Which host this is, of those that train together.
        strategy: The model's distribution strategy.
        plain_spec: What plain steps of all levels are traced for; `None` if each has its own trace.
    """

    def __init__(
        self,
        dataset: MultiscaleDataset,
        place: Place,
        strategy: tf.distribute.Strategy,
        plain_spec: Any,
    ) -> None:
        self._dataset, self._place, self._strategy = dataset, place, strategy
        self._plain_spec = plain_spec

    def iterator(self, stage: Stage, step: int, position: int | None = None) -> Iterator[Any]:
        """A new iterator over a stage's batches from a step on; see `MultiscaleDataset.stage`."""
        stream = self.of(stage, step, position)
        return iterator(self._strategy, stream, whole=self._dataset.shard is None)

    def of(self, stage: Stage, step: int, position: int | None = None) -> tf.data.Dataset:
        """A stage's batches from a step on; of a dataset that is a host's part, that host's."""
        finest, sizes, weights, refresh = stage
        if self._dataset.shard is not None:
            sizes = tuple(size // self._place.hosts for size in sizes)
            position = None if position is None else position // self._place.hosts
        stream = self._dataset.stage(finest, step, sizes, weights, position, refresh)
        return self.as_steps_take(stream, stage)

    def as_steps_take(self, stream: tf.data.Dataset, stage: Stage) -> tf.data.Dataset:
        """Batches of a dataset's stage in the form that the model's steps take."""
        spec = self._plain_spec
        if spec is not None and len(stage.batch_sizes) == 1:
            stream = stream.map(lambda batch: loosened(batch.fine[stage.finest], spec))
        return stream
