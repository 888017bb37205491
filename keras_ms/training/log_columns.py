"""Columns for Keras's `CSVLogger`, whose file has those of its first epoch to the end.

Later stages log what the first one does not know of, such as the losses of finer levels.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Sequence
from typing import Any

import keras

OWN = frozenset(("stage", "resolution", "work_units", "learning_rate"))
"""Keys of logs that validation has not."""

Logs = dict[str, Any] | None


def with_columns(callbacks: Sequence[Any], model: Any) -> list[Any]:
    """The callbacks, with a `Columns` before every `CSVLogger`.

    Args:
        callbacks: Callbacks of `fit`, in order.
        model: The model in training.
    """
    found: list[Any] = []
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.CSVLogger):
            found.append(Columns(callback, model.fit_run.names))
        found.append(callback)
    return found


class Columns(keras.callbacks.Callback):
    """Tells a `CSVLogger` in the first epoch which columns there will be.

    Args:
        logger: Stands behind this one.
        names: What may be logged besides; it may grow until then.
    """

    def __init__(self, logger: keras.callbacks.CSVLogger, names: Collection[str]) -> None:
        super().__init__()
        self._logger, self._names = logger, names

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Sets the columns, unless they are known."""
        if self._logger.keys is None:
            self._logger.keys = header_of(self._logger) or columns(logs or {}, self._names)


def columns(logs: Collection[str], names: Collection[str]) -> list[str]:
    """Columns of a file besides `epoch`: as of Keras, and what later epochs may log.

    Args:
        logs: Keys of the logs of the first epoch.
        names: What may be logged besides.

    Example:
        >>> columns({"loss": 1.0, "stage": 1}, {"loss_level_0"})
        ['loss', 'loss_level_0', 'stage', 'val_loss']
    """
    found = sorted({*logs, *names})
    if any(name.startswith("val_") for name in found):
        return found
    judged = [name for name in found if name not in OWN and name not in names]
    return [*found, *(f"val_{name}" for name in judged)]


def header_of(logger: keras.callbacks.CSVLogger) -> list[str] | None:
    """Columns of a file that goes on, besides `epoch`; `None` for a new one."""
    if not logger.append or not os.path.exists(logger.filename):
        return None
    with open(logger.filename, newline="") as file:
        header = next(csv.reader(file, delimiter=logger.sep), [])
    return header[1:] if header[:1] == ["epoch"] else None
