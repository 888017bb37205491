"""What Keras keeps private of optimizers: that they sum gradients over replicas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras_ms.keras_internals.attribute import attribute


def alone(model: Any, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step of training that sums no gradients over replicas where there is one.

    Keras sums those of one replica as well, by a custom gradient. TensorFlow never forgets one, nor
    the graph that it was traced in: every model that was ever trained in a process would stay.

    Args:
        model: The model in training.
        step: Its step, a function of a batch.
    """
    if model.distribute_strategy.num_replicas_in_sync > 1:
        return step

    def of_one(data: Any) -> Any:
        optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
        with attribute(optimizer, "_all_reduce_sum_gradients", list):
            return step(data)

    return of_one
