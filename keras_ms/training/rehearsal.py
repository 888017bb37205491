"""One step of the finest stage on throw-away weights, before the first step of a coarser one.

A network that does not fit in memory on the finest mesh, or does not run there, shows at once, and
not after hours on coarse ones. The step's trace is the one that the stage takes later.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.keras_internals.fitting import first_epoch
from keras_ms.levels import Stage
from keras_ms.training.fit_run import FitRun
from keras_ms.training.hosts import iterator
from keras_ms.training.trial import unchanged


class Rehearsal(keras.callbacks.Callback):
    """Rehearses the finest stage ahead when training starts, if it starts on a coarser one.

    Put it last, behind schedules and behind what loads weights.

    Args:
        run: The run of the `fit`.
        epochs: First epoch and end, as `fit` was given them.
        verbose: Whether to print the line.
    """

    def __init__(self, run: FitRun, epochs: tuple[int, int], verbose: bool) -> None:
        super().__init__()
        self._run, self._epochs, self._verbose = run, epochs, verbose

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the step, and leaves everything as it was."""
        start, end = self._epochs
        stage = self._run.finest_ahead(range(first_epoch(self.model, start), end))
        if stage is None:
            return
        with self._run.rehearsing(stage):
            line = rehearse(self.model, self._run, stage)
        if self._verbose:
            print(line)


def rehearse(model: Any, run: FitRun, stage: Stage) -> str:
    """Takes one step of a stage on made-up numbers, and puts every variable back.

    Args:
        model: A compiled model whose variables are made.
        run: The run of its `fit`.
        stage: What the step is of.

    Returns:
        What it took, in a sentence.
    """
    _forget_peak()
    start = time.perf_counter()
    with unchanged(model):
        logs = model.train_function(_made_up_batches(model, run, stage))
        keras.tree.map_structure(np.asarray, logs)  # waits for the step
    seconds = time.perf_counter() - start
    return (
        f"Rehearsal of {run.described(stage)}: {_peak()}; {seconds:.1f} s, mostly for tracing the "
        "step, which the stage needs anyway."
    )


def _made_up_batches(model: Any, run: FitRun, stage: Stage) -> Iterator[Any]:
    """Batches of a stage's form, for which no example is read."""
    finest, sizes, weights, refresh = stage
    real = run.dataset.stage(finest, 0, sizes, weights, refresh=refresh)
    batch = keras.tree.map_structure(_made_up, real.element_spec)
    stream = run.streams.as_steps_take(tf.data.Dataset.from_tensors(batch), stage)
    strategy = model.distribute_strategy
    # One batch ends an execution of many steps after the first. Replicas want no end.
    stream = stream if strategy.num_replicas_in_sync == 1 else stream.repeat()
    return iterator(strategy, stream)


def _made_up(spec: tf.TensorSpec) -> tf.Tensor:
    if spec.dtype.is_floating:
        return tf.constant(np.random.default_rng(0).random(spec.shape), spec.dtype)
    # What is true or false says that a term is computed, which is what takes memory.
    return (
        tf.ones(spec.shape, spec.dtype) if spec.dtype.is_bool else tf.zeros(spec.shape, spec.dtype)
    )


def _forget_peak() -> None:
    if gpus := tf.config.list_logical_devices("GPU"):
        for gpu in gpus:
            tf.config.experimental.reset_memory_stats(gpu.name.partition("device:")[2])


def _peak() -> str:
    """Peak memory so far, in words that say of what."""
    names = [gpu.name.partition("device:")[2] for gpu in tf.config.list_logical_devices("GPU")]
    if names:
        peaks = [tf.config.experimental.get_memory_info(name)["peak"] for name in names]
        return f"peak memory {max(peaks) / 2**30:.2f} GiB of the GPU"
    try:
        import resource
    except ImportError:  # there is none on Windows
        return "peak memory unknown"
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 2**10
    return f"peak memory {largest * unit / 2**30:.2f} GiB of the process (resident set)"
