"""Finds the step at which numbers cease to be finite, within the compiled step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

Tensor = Any
SOUND = 0
KINDS = ("the data", "the loss", "gradients", "weights")
"""Where numbers are looked for that are not finite, in the order in which they spread."""


class Watch:
    """Notes the first step whose data, loss, gradients or weights hold NaN or Inf.

    One sum per tensor tells: it is finite if all are. So it costs little, and no number changes.

    Args:
        model: A compiled model that runs on one device.

    Attributes:
        found: Variable of two integers: the place in `KINDS`, from 1, or 0; and the steps that the
            optimizer had done after the step.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.found = tf.Variable([SOUND, 0], dtype=tf.int64, trainable=False)
        self._armed = tf.Variable(0, dtype=tf.int64, trainable=False)

    def begin(self, armed: bool = True) -> None:
        """Forgets what was found, and says whether executions of several steps end there."""
        self.found.assign([SOUND, 0])
        self._armed.assign(int(armed))

    def halts(self) -> Tensor:
        """Whether no step is to follow."""
        return tf.logical_and(self.found[0] != SOUND, self._armed > 0)

    def around(self, step: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The function of a step that takes note.

        Args:
            step: Takes the data of a step and returns its logs.
        """

        def watched(data: Any) -> Any:
            with noting(self._model.optimizer) as gradients:
                logs = step(data)
            self._look(data, logs, gradients)
            return logs

        return watched

    def _look(self, data: Any, logs: Any, gradients: list[Any]) -> None:
        loss = [logs["loss"]] if isinstance(logs, dict) and "loss" in logs else []
        weights = [variable.value for variable in self._model.weights]
        # Scaled gradients overflow now and then, and such steps are left out.
        scales = isinstance(self._model.optimizer, keras.optimizers.LossScaleOptimizer)
        parts = (tf.nest.flatten(data), loss, [] if scales else gradients, weights)
        bad = tf.stack([tf.logical_not(_finite(part)) for part in parts])
        first = tf.argmax(tf.cast(bad, tf.float32)) + 1
        steps = tf.cast(tf.convert_to_tensor(self._model.optimizer.iterations), tf.int64)
        now = tf.where(tf.reduce_any(bad), tf.stack([first, steps]), self.found)
        self.found.assign(tf.where(self.found[0] == SOUND, now, self.found))


@contextlib.contextmanager
def noting(optimizer: Any) -> Iterator[list[Any]]:
    """A list of the gradients that an optimizer is given while a step is traced."""
    noted: list[Any] = []
    own = optimizer.apply

    def apply(grads: Any, *args: Any, **kwargs: Any) -> Any:
        grads = list(grads)
        noted.extend(gradient for gradient in grads if gradient is not None)
        return own(grads, *args, **kwargs)

    object.__setattr__(optimizer, "apply", apply)
    try:
        yield noted
    finally:
        object.__delattr__(optimizer, "apply")


def _finite(tensors: list[Any]) -> Tensor:
    """Whether the numbers of some tensors are all finite, of those that can be otherwise."""
    sums = [_sum(t) for t in map(_values, tensors) if t is not None]
    return tf.reduce_all(tf.math.is_finite(tf.stack(sums))) if sums else tf.constant(True)


def _values(tensor: Any) -> Tensor | None:
    if isinstance(tensor, tf.IndexedSlices):
        tensor = tensor.values
    if not (tf.is_tensor(tensor) or isinstance(tensor, tf.Variable)):
        return None
    tensor = tf.convert_to_tensor(tensor)
    return tensor if tensor.dtype.is_floating else None


def _sum(tensor: Tensor) -> Tensor:
    # Sums of half precision overflow where no number does.
    return tf.cast(tf.reduce_sum(tf.cast(tensor, _wide(tensor.dtype))), tf.float32)


def _wide(dtype: tf.DType) -> tf.DType:
    return dtype if dtype.size >= 4 else tf.float32
