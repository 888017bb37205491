"""LevelMoments: variance and bias of the levels' gradients, measured during training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from keras_ms.callbacks.looking import Logs, Looking
from keras_ms.gradients.estimates import estimate, figure_names
from keras_ms.gradients.moments import MomentMeter, TermMoments

SAMPLES = 2
"""Samples of a group on level 0; twice as many on each coarser one."""
GROUPS = 4


class LevelMoments(Looking):
    """Measures during training what `diagnose` measures once, for logs and for TensorBoard.

    The logs gain `variance_level_k`, the variance of one sample's gradient on level `k`, summed
    over all weights, and `squared_bias_level_k`, the squared distance of its mean from that of
    level 0 (it may come out negative). Weights, statistics and seeds stay as they are. It takes
    the gradients of 8 samples of level 0, of twice as many of each coarser one, and some seconds
    the first time. This is not counted in the logged `work_units`.

    Args:
        every: Every how many epochs; by default with every validation.

    Raises:
        ValueError: If `every` is no positive integer; when training starts, if the data is no
            `MultiscaleDataset`.

    Example:
        >>> moments = keras_ms.callbacks.LevelMoments(every=10)
        >>> callbacks = [moments, keras.callbacks.CSVLogger("log.csv")]  # of `fit`
    """

    def __init__(self, every: int | None = None) -> None:
        super().__init__(every)
        self._stream: Iterator[tuple[TermMoments, ...]] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Says what will be logged."""
        super().on_train_begin(logs)
        run: Any = getattr(self.model, "fit_run", None)
        if run is None:
            raise ValueError(
                "LevelMoments works in `MultiscaleModel.fit` on a MultiscaleDataset. "
                f"Received: a {type(self.model).__name__} fitted on other data."
            )
        self._run, self._stream = run, None
        run.names |= set(figure_names(run.dataset.levels.num_levels))

    def look(self, epoch: int, logs: Logs) -> None:
        """Measures."""
        if self._stream is None:
            counts = tuple(SAMPLES * 2**k for k in range(self._run.dataset.levels.num_levels))
            units = tuple(count // SAMPLES for count in counts)
            meter = MomentMeter(self.model, self._run.dataset, self._run.chunks)
            self._stream = meter.groups(counts, units=units)
        figures = estimate(list(itertools.islice(self._stream, GROUPS))).figures()
        (self._run.figures if logs is None else logs).update(figures)

    def on_train_end(self, logs: Logs = None) -> None:
        """Lets go of the data."""
        super().on_train_end(logs)
        self._stream = None
