"""What Keras keeps private of the loop of `fit`: its data, epochs and steps, and its callbacks."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras.src.trainers.data_adapters.data_adapter import DataAdapter

from keras_ms.keras_internals.attribute import attribute


class StageAdapter(DataAdapter):
    """A data adapter whose stream may change from epoch to epoch within one `fit`.

    Keras fixes its dataset when `fit` starts, but one that is already distributed it takes as it
    is, and calls `iter()` on it at the start of every epoch, after the callbacks'
    `on_epoch_begin`. So the stream handed over here asks for the iterator of the moment.

    Args:
        current_iterator: Returns the iterator to draw the next epoch's batches from.
        num_batches: Steps of every epoch; `None` to find out.
    """

    def __init__(
        self, current_iterator: Callable[[], Iterator[Any]], num_batches: int | None
    ) -> None:
        self._stream = _Stream(current_iterator)
        self._num_batches = num_batches

    def end(self) -> None:
        """Lets go of what makes iterators: Keras keeps adapters in circles."""
        self._stream.end()

    def get_tf_dataset(self) -> _Stream:
        """The stream, which Keras iterates anew every epoch."""
        return self._stream

    @property
    def num_batches(self) -> int | None:
        """Steps of every epoch."""
        return self._num_batches

    @property
    def batch_size(self) -> None:
        """Unknown to Keras: every level has its own."""
        return None

    @property
    def has_partial_batch(self) -> bool:
        """Streams are endless, all batches are full."""
        return False

    @property
    def partial_batch_size(self) -> None:
        """There is no partial batch."""
        return None


class _Stream(tf.distribute.DistributedDataset):
    def __init__(self, current_iterator: Callable[[], Iterator[Any]]) -> None:
        self._current_iterator = current_iterator

    def __iter__(self) -> Iterator[Any]:
        return self._current_iterator()

    def end(self) -> None:
        self._current_iterator = lambda: iter(())


class StepsAtOnce:
    """A number of steps that may change between epochs, in which Keras's `fit` counts.

    Keras asks a model for its `steps_per_execution` when `fit` starts, as an integer, which does
    not change; but at the start of every epoch it makes a `range` with it.

    Attributes:
        value: The present number.
    """

    def __init__(self) -> None:
        self.value = 1

    def __index__(self) -> int:
        return self.value

    def __radd__(self, other: int) -> int:
        return other + self.value


def first_epoch(model: keras.Model, initial_epoch: int) -> int:
    """The epoch that a `fit` begins with, which a callback may have set."""
    return model._initial_epoch or initial_epoch


def begin_at_epoch(model: keras.Model, epoch: int | None) -> None:
    """Has the `fit` in progress begin with an epoch; `None` leaves it to what `fit` is given."""
    model._initial_epoch = epoch


def forget_evaluation(model: Any) -> None:
    """Drops the iterator over validation data that an interrupted `fit` leaves to a model."""
    if getattr(model, "_eval_epoch_iterator", None) is not None:
        del model._eval_epoch_iterator


@contextlib.contextmanager
def as_it_is_built(model: Any) -> Iterator[None]:
    """Within it, Keras's loops do not look for what is not built, of a model that is.

    On several hosts they would reduce a first batch over all of them for that, and fail.
    """
    with attribute(model, "_maybe_symbolic_build", lambda *args, **kwargs: None):
        yield


def with_an_axis(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step whose logs Keras can reduce on several hosts, where it does so along the first axis.

    The mean over that axis, and over the replicas, is what it makes of plain numbers elsewhere.
    """

    def stepped(data: Any) -> Any:
        return tf.nest.map_structure(
            lambda log: tf.reshape(log, (1,)) if len(log.shape) == 0 else log, step(data)
        )

    return stepped


@contextlib.contextmanager
def backing_up(
    callback: keras.callbacks.BackupAndRestore,
    save: Callable[[Callable[[], None]], None],
    begin: Callable[[Callable[[], None]], None],
    end_epoch: Callable[[], None],
) -> Iterator[None]:
    """Within it, a BackupAndRestore saves and begins as told.

    Args:
        callback: The callback.
        save: Is called with what the callback would do.
        begin: Likewise, when training begins, which is where it loads.
        end_epoch: Is called when the callback has seen the end of an epoch.
    """
    callback._save_model = functools.partial(save, callback._save_model)
    own, own_end = callback.on_train_begin, callback.on_epoch_end

    def on_epoch_end(epoch: int, logs: Any = None) -> None:
        own_end(epoch, logs)
        end_epoch()

    callback.on_train_begin = lambda logs=None: begin(lambda: own(logs))
    callback.on_epoch_end = on_epoch_end
    try:
        yield
    finally:
        del callback._save_model, callback.on_train_begin, callback.on_epoch_end


def writes_by_epoch(callback: Any) -> bool:
    """Whether a `TensorBoard` looks at epochs alone, and at no single step."""
    plain = type(callback) is keras.callbacks.TensorBoard and callback.update_freq == "epoch"
    return plain and not callback.write_steps_per_second and not callback._should_trace


def prefer_larger(metric: keras.metrics.Metric) -> None:
    """Tells callbacks in mode "auto", such as `EarlyStopping`, that larger values are better."""
    metric._direction = "up"


def rate_schedule(optimizer: Any) -> Any:
    """The object that an optimizer has its learning rate from, if it is no number; else `None`."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)  # of one that scales losses
    rate = getattr(inner, "_learning_rate", None)
    return None if isinstance(rate, keras.Variable) else rate


def steps_taken(optimizer: Any) -> int:
    """Steps that an optimizer has taken, as its learning rate counts them."""
    counted = getattr(optimizer, "inner_optimizer", optimizer).iterations
    return int(counted.numpy())  # of replicas `int` cannot
