"""Columns for Keras's `CSVLogger`, whose file has those of its first epoch to the end, and rows.

Later stages log what the first one does not know of, such as the losses of finer levels. A run that
goes on from a checkpoint repeats epochs that were logged after it.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Sequence
from typing import Any

import keras

from keras_ms.keras_internals.fitting import first_epoch

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
    """Tells a `CSVLogger` in the first epoch which columns there will be, and of which rows again.

    Args:
        logger: Stands behind this one.
        names: What may be logged besides; it may grow until then.
    """

    def __init__(self, logger: keras.callbacks.CSVLogger, names: Collection[str]) -> None:
        super().__init__()
        self._logger, self._names, self._begun = logger, names, False

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Takes out the rows that come again, if the run goes on from a checkpoint."""
        goes_on = not self._begun and 0 < epoch == first_epoch(self.model, 0)
        self._begun = True
        if goes_on and self._logger.append:
            self._logger.csv_file.flush()
            drop_last(self._logger.filename, epoch, self._logger.sep)

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


def drop_last(path: str | os.PathLike[str], epoch: int, sep: str = ",") -> None:
    """Takes the last rows out of a file, as long as they are of an epoch or of later ones.

    Args:
        path: The file, whose rows begin with their epochs. One elsewhere stays as it is.
        epoch: The epoch.
        sep: What separates columns.
    """
    if not os.path.isfile(path):
        return
    with open(path, "rb+") as file:
        lines = file.readlines()
        while len(lines) > 1 and _is_from(lines[-1], epoch, sep):
            lines.pop()
        file.truncate(sum(map(len, lines)))


def _is_from(line: bytes, epoch: int, sep: str) -> bool:
    """Whether a row is of an epoch or a later one; or was cut short by a kill."""
    number = line.partition(sep.encode())[0]
    return not line.endswith(b"\n") or (number.isdigit() and int(number) >= epoch)


def place_in(logger: keras.callbacks.CSVLogger) -> dict[str, Any]:
    """How much of a logger's file is written, for a checkpoint."""
    name = os.fspath(logger.filename)
    return {"file": name, "bytes": os.path.getsize(name) if os.path.isfile(name) else 0}


def back_to(logger: keras.callbacks.CSVLogger, place: dict[str, Any]) -> None:
    """Takes out of the same file, if it goes on, what was written since `place_in`.

    By rows one cannot tell epoch 0 of this run from that of an earlier one.
    """
    name, size = os.fspath(logger.filename), place["bytes"]
    if not logger.append or name != place["file"] or not os.path.isfile(name):
        return
    if os.path.getsize(name) > size:
        os.truncate(name, size)
    logger.append_header = logger.append_header or not size


def header_of(logger: keras.callbacks.CSVLogger) -> list[str] | None:
    """Columns of a file that goes on, besides `epoch`; `None` for a new one."""
    if not logger.append or not os.path.exists(logger.filename):
        return None
    with open(logger.filename, newline="") as file:
        header = next(csv.reader(file, delimiter=logger.sep), [])
    return header[1:] if header[:1] == ["epoch"] else None
