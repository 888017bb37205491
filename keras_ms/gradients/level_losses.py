"""The loss of every active level of a telescoping sum, which its terms compute anyway."""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

Tensor = Any
PREFIX = "loss_level_"
_NAME = "_losses_of_levels"

# Of one thread, since the replicas of tf.distribute trace in threads of their own.
_NOTED: contextvars.ContextVar[list[Tensor] | None] = contextvars.ContextVar("noted", default=None)


@contextlib.contextmanager
def noting() -> Iterator[list[Tensor]]:
    """Within it, gradients of single levels note the loss that they are of.

    Yields:
        A list that grows by one loss with each gradient of a level.
    """
    noted: list[Tensor] = []
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def note(loss: Tensor) -> None:
    """Notes a loss, where somebody listens."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(loss)


class LevelLosses:
    """Means over an epoch of the losses of single levels, kept on the device.

    They belong to a model and not to its metrics: a step that is traced goes on adding to them in
    a later `fit`, and validation has none.

    Args:
        strategy: The model's `distribute_strategy`.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        self._means: dict[int, keras.metrics.Mean] = {}

    def prepare(self, num_levels: int) -> None:
        """Makes the variables of so many levels, which a graph cannot."""
        with self._strategy.scope():
            for level in range(1, num_levels):  # level 0 is never the coarser one
                if level not in self._means:
                    self._means[level] = keras.metrics.Mean(name=f"{PREFIX}{level}")

    def add(self, level: int, loss: Tensor | None, weight: Tensor | None = None) -> None:
        """Adds the loss of a level in one step.

        Args:
            level: The level.
            loss: Its loss; `None` if nobody noted one.
            weight: How often it counts. Defaults to once.
        """
        if loss is None or level not in self._means:
            return
        # Under tf.distribute a loss is a share of the mean over all replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self._means[level].update_state(loss * replicas, sample_weight=weight)

    @property
    def variables(self) -> list[Any]:
        """What the means are made of."""
        return [variable for mean in self._means.values() for variable in mean.variables]

    def reset(self) -> None:
        """Forgets what was added."""
        for mean in self._means.values():
            mean.reset_state()

    def results(self, levels: Sequence[int]) -> dict[str, float]:
        """Mean losses since the last reset, by name; none of levels that nothing was added to.

        Args:
            levels: Of which levels.
        """
        means = {level: self._means[level] for level in levels if level in self._means}
        return {
            f"{PREFIX}{level}": float(mean.result())
            for level, mean in means.items()
            if float(tf.convert_to_tensor(mean.count.value)) > 0.0
        }


def losses_of(model: keras.Model, num_levels: int) -> LevelLosses:
    """The losses of a model's levels, ready for so many; the same at every call."""
    found = model.__dict__.get(_NAME)
    if found is None:
        found = LevelLosses(model.distribute_strategy)
        object.__setattr__(model, _NAME, found)  # nothing that Keras tracks, or saves
    found.prepare(num_levels)
    return found
