"""How a callback starts anew: its state, and the learning rate that it had changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.training.coarse_saves import SAVERS
from keras_ms.training.unaware import kinds_of_keras
from keras_ms.validation import shown

_OF_KERAS = ("_model", "params")
_COPIED = (list, dict, set, np.ndarray)
_WHOLE_RUN = (
    "BackupAndRestore",
    "CallbackList",
    "CSVLogger",
    "History",
    "ProgbarLogger",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
)


def checked(callback: Any) -> keras.callbacks.Callback:
    """The callback, if it is one that may start anew.

    Raises:
        ValueError: If not.
    """
    if not isinstance(callback, keras.callbacks.Callback):
        raise ValueError(
            "`callback` is a keras.callbacks.Callback. Received: "
            f"callback={shown(callback)}. Use for example PerStage(EarlyStopping('loss'))."
        )
    if isinstance(callback, kinds_of_keras(_WHOLE_RUN)) or getattr(callback, "knows_stages", False):
        raise ValueError(
            f"{type(callback).__name__} belongs to the whole run and is right as it is. Received: "
            f"callback={type(callback).__name__}(...). Pass it to `fit` without PerStage."
        )
    return callback


class Restart:
    """Puts a callback back to what it was when training began.

    Args:
        callback: The callback.
    """

    def __init__(self, callback: keras.callbacks.Callback) -> None:
        self._callback = callback
        self._saves = isinstance(callback, kinds_of_keras(SAVERS))
        self._state: dict[str, Any] = {}
        self._rates: tuple[float, float] | None = None  # before it changed them, and since

    def begin(self) -> None:
        """Notes the state, when training has begun."""
        self._state, self._rates = _state_of(self._callback), None

    def again(self) -> None:
        """Starts the callback anew, as another `fit` would."""
        callback = self._callback
        if self._saves:
            # Its counts of steps go on, as its files do.
            callback.best = self._state.get("best")
            return
        callback.on_train_end(None)
        state = _state_of(callback)
        for name in state.keys() - self._state.keys():
            delattr(callback, name)
        vars(callback).update({name: _copied(value) for name, value in self._state.items()})
        self._put_rate_back()
        callback.on_train_begin(None)

    def get_rates(self) -> list[float] | None:
        """The rate before the callback changed it, and since; for a run that goes on."""
        return None if self._rates is None else list(self._rates)

    def set_rates(self, rates: Sequence[float] | None) -> None:
        """Takes back what `get_rates` returned."""
        self._rates = None if rates is None else (rates[0], rates[1])

    def count_from(self, first: int) -> None:
        """Has `start_from_epoch` count from an epoch on."""
        start = self._state.get("start_from_epoch")
        if isinstance(start, int):
            self._callback.start_from_epoch = start + first

    def end(self) -> None:
        """Leaves the callback as a `fit` would."""
        if self._state:
            self.count_from(0)

    def watching(self, hook: Callable[..., None], *args: Any) -> None:
        """Calls a hook, and notes the learning rate if it changes that."""
        before = _rate(self._callback.model)
        hook(*args)
        after = _rate(self._callback.model)
        if before is not None and after is not None and after != before:
            first = before if self._rates is None else self._rates[0]
            self._rates = first, after

    def _put_rate_back(self) -> None:
        rates, self._rates = self._rates, None
        # Somebody else may have set it since.
        if rates is not None and _rate(self._callback.model) == rates[1]:
            self._callback.model.optimizer.learning_rate = rates[0]


def _state_of(callback: Any) -> dict[str, Any]:
    kept = {name: value for name, value in vars(callback).items() if name not in _OF_KERAS}
    return {name: _copied(value) for name, value in kept.items()}


def _copied(value: Any) -> Any:
    return copy.copy(value) if isinstance(value, _COPIED) else value


def _rate(model: Any) -> float | None:
    """The learning rate if it is a number that can be set."""
    rate = getattr(getattr(model, "optimizer", None), "learning_rate", None)
    return float(tf.convert_to_tensor(rate.value)) if isinstance(rate, keras.Variable) else None
