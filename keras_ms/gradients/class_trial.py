"""Numbers beyond the outputs of a network, tried on a loss of one's own that takes classes.

Within a loss they end the training with an error of TensorFlow, or, on a GPU, with no number. A
loss may leave out some of them, or know what to do: so it is asked.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.roles import Leaf
from keras_ms.data.values import Values
from keras_ms.gradients.losses_of_targets import name_of

_MOST = 8
"""Numbers that are tried of one set of examples: the smallest and the greatest."""
_SIDE = 16


class ClassTrial:
    """Refuses numbers on which a loss fails, though it does not on others.

    Args:
        loss: The loss, as `compile` takes it.
        leaf: Its target.
        sample: A target as it is stored.
        outputs: Last side of the network's output.
    """

    def __init__(self, loss: Any, leaf: Leaf, sample: np.ndarray, outputs: int) -> None:
        self._loss, self._leaf, self._outputs = keras.losses.get(loss), leaf, outputs
        self._name = name_of(loss)
        thinned = tuple(slice(None, None, -(-side // _SIDE)) for side in sample.shape)
        self._y = np.clip(sample[thinned], 0, outputs - 1)[np.newaxis]
        self._failures: dict[int, str] = {}
        self._stands: bool | None = None

    def __call__(self, values: Values) -> None:
        """Tries the numbers of some examples that are no classes of the network.

        Raises:
            ValueError: If the loss fails on one.
        """
        numbers = sorted(n for n in values.numbers or () if not 0 <= n < self._outputs)
        for number in (*numbers[: _MOST // 2], *numbers[_MOST // 2 :][-_MOST // 2 :]):
            if number not in self._failures:
                self._failures[number] = self._tried(number)
            if failure := self._failures[number]:
                assert values.numbers is not None
                raise ValueError(
                    "Classes are numbers that the loss takes beside the outputs of the network. "
                    f"Received: {self._leaf.name} with {number} in example "
                    f"{values.numbers[number]}, {self._outputs} outputs, under the loss "
                    f"{self._name}, which {failure}. Use more outputs, or leave such pixels out "
                    "of the loss."
                )

    def _tried(self, number: int) -> str:
        """How the loss fails on a number; empty if it does not, or does anyway."""
        if self._stands is None:
            self._stands = not self._failure(self._y)
        if not self._stands or not _holds(self._y.dtype, number):
            return ""
        y = self._y.copy()
        y.reshape(-1)[0] = number
        return self._failure(y)

    def _failure(self, y: np.ndarray) -> str:
        sides = y.shape[:-1] if y.ndim > 1 and y.shape[-1] == 1 else y.shape
        made = np.full((*sides, self._outputs), 1.0 / self._outputs, np.float32)
        try:
            found = np.asarray(self._loss(tf.constant(y, tf.float32), tf.constant(made)))
        except Exception as error:  # whatever the loss raises
            return f"fails on it ({type(error).__name__})"
        return "" if np.all(np.isfinite(found)) else f"is {np.max(np.abs(found))} of it"


def _holds(dtype: np.dtype, number: int) -> bool:
    if dtype.kind not in "iu":
        return dtype.kind == "f"
    return bool(np.iinfo(dtype).min <= number <= np.iinfo(dtype).max)
