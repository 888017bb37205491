"""The function that Keras calls for every step, which may do several steps in one call."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

from keras_ms.keras_internals.attribute import attribute
from keras_ms.training.pace import Pace, looks_at_steps
from keras_ms.training.stage_iterators import itself

Logs = Any


class StepFunction:
    """A model's train function: Keras's own, and a loop of steps for fits that have a `Pace`.

    How often the loop goes round is a number that the graph is given. So one trace of a step serves
    every number of steps, and to try another costs nothing.

    Args:
        model: The model.
        step: Takes the data of a step and returns its logs.
        of_keras: What Keras calls otherwise.
    """

    def __init__(
        self,
        model: keras.Model,
        step: Callable[[Any], Logs],
        of_keras: Callable[[Iterator[Any]], Logs],
    ) -> None:
        self._model, self._of_keras = model, of_keras
        self._loop = _Loop(model, step)

    def __call__(self, iterator: Iterator[Any]) -> Logs:
        """Does a step, or several, and returns the logs of the last one."""
        iterator = itself(iterator)
        run: Any = getattr(self._model, "fit_run", None)
        pace: Pace | None = run.pace if run is not None else None
        if pace is None:
            return self._of_keras(iterator)
        began = time.perf_counter()
        logs = self._loop(iterator, pace.count.value)
        if not self._loop.possible:
            pace.give_up()
        pace.ran(began, logs)
        return logs


class _Loop:
    """Steps in a loop, in one graph.

    Attributes:
        possible: Whether logs are tensors of known shapes, without which steps stay single.
    """

    def __init__(self, model: keras.Model, step: Callable[[Any], Logs]) -> None:
        self.possible = True
        self._counts: dict[int, tf.Tensor] = {}

        @tf.autograph.experimental.do_not_convert
        def one(data: Any) -> Logs:
            return model.distribute_strategy.run(step, args=(data,))

        one = tf.function(one, reduce_retracing=True, jit_compile=model.jit_compile)

        @tf.autograph.experimental.do_not_convert
        def several(iterator: Any, count: tf.Tensor) -> Logs:
            # Traced here, so that the loop knows what it returns before it begins.
            made = one.get_concrete_function(iterator.element_spec).structured_outputs
            if not all(map(_is_known, tf.nest.flatten(made))):
                self.possible = False
                return one(next(iterator))

            def body(done: tf.Tensor, logs: Logs) -> tuple[tf.Tensor, Logs]:
                return done + 1, one(next(iterator))

            def goes_on(done: tf.Tensor, logs: Logs) -> tf.Tensor:
                watch: Any = getattr(model, "watch", None)
                left = done < count
                return (
                    left if watch is None else tf.logical_and(left, tf.logical_not(watch.halts()))
                )

            nothing = tf.nest.map_structure(lambda spec: tf.zeros(spec.shape, spec.dtype), made)
            loop = tf.while_loop(goes_on, body, (0, nothing))
            return loop[1]

        self._several = tf.function(several, reduce_retracing=True)

    def __call__(self, iterator: Iterator[Any], count: int) -> Logs:
        if count not in self._counts:
            self._counts[count] = tf.constant(count)
        return self._several(iterator, self._counts[count])


def _is_known(spec: Any) -> bool:
    return isinstance(spec, (tf.Tensor, tf.TensorSpec)) and spec.shape.is_fully_defined()


def pace_for(model: keras.Model, run: Any, callbacks: Any) -> Pace | None:
    """A `Pace` for a `fit`, or `None` where steps stay single, or as many as the user asked for.

    Args:
        model: The model in training.
        run: The run of its `fit`.
        callbacks: What `fit` was given.
    """
    listed = keras.tree.flatten(getattr(callbacks, "callbacks", callbacks) or [])
    with model.distribute_strategy.scope():
        distributed = tf.distribute.has_strategy()
    as_it_is = model.run_eagerly or model.steps_per_execution != 1 or distributed
    if as_it_is or not run.built or any(map(looks_at_steps, listed)):
        return None
    return Pace(run.dataset.steps_per_epoch)


@contextlib.contextmanager
def counted_by(model: keras.Model, pace: Pace | None) -> Iterator[None]:
    """Has the `fit` within count its steps by a pace; evaluations within it do not.

    Keras asks the model when `fit` and when the first validation start, so `FitRun.begin`, between
    the two, gives the model its own number back.
    """
    if pace is None:
        yield
        return
    with attribute(model, "steps_per_execution", pace.count):
        yield
