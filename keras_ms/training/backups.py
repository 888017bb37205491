"""Makes Keras's BackupAndRestore keep all that a run on a `MultiscaleDataset` depends on.

By itself it writes weights and epoch into two files one after the other, no seeds of Dropout, and,
every few batches, no place within the epoch. Here it writes a whole state beside them, and goes on
from that. Where there are its own files alone, the optimizer's count of steps says what is done.
"""

from __future__ import annotations

import contextlib
import pathlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras

from keras_ms.keras_internals.fitting import backing_up, begin_at_epoch, first_epoch
from keras_ms.training import run_state
from keras_ms.training.snapshots import Snapshots

FOLDER = "keras_ms"


@contextlib.contextmanager
def mended(model: Any, callbacks: list[Any], initial_epoch: int, counts: bool) -> Iterator[None]:
    """Mends every BackupAndRestore among callbacks while a `fit` lasts.

    Args:
        model: The model, within its run.
        callbacks: Those of the `fit`.
        initial_epoch: As `fit` was given it.
        counts: Whether a step of the model is one step of its optimizer.
    """
    with contextlib.ExitStack() as stack:
        for callback in callbacks:
            if isinstance(callback, keras.callbacks.BackupAndRestore):
                backup = _Backup(model, callback, initial_epoch, counts)
                ours = (backup.save, backup.begin, backup.end_epoch)
                stack.enter_context(backing_up(callback, *ours))
        yield


class _Backup:
    def __init__(self, model: Any, callback: Any, initial_epoch: int, counts: bool) -> None:
        self._model, self._folder = model, str(callback.backup_dir)
        self._first, self._counts = initial_epoch, counts
        remote = "://" in self._folder
        self._snapshots = None if remote else Snapshots(pathlib.Path(self._folder) / FOLDER)
        self._due: Callable[[], None] | None = None

    def save(self, own: Callable[[], None]) -> None:
        """Writes the whole state, and then what Keras writes; after an epoch's last step, later."""
        run = self._model.fit_run
        epoch, step = run.position
        if step >= run.dataset.steps_per_epoch:
            self._due = own  # the end of the epoch belongs to it
            return
        if self._snapshots is not None:
            self._snapshots.write(run_state.taken(self._model, epoch, step, alone=True))
        own()

    def end_epoch(self) -> None:
        """Writes what was put off."""
        due, self._due = self._due, None
        if due is not None:
            self.save(due)

    def begin(self, own: Callable[[], None]) -> None:
        """Loads the whole state or, if there is none, what Keras has written."""
        found = None if self._snapshots is None else self._snapshots.newest()
        if found is None:
            self._begin_as_keras(own)
            return
        several = self._model.fit_run.place.hosts > 1  # of which the chief alone is here
        run_state.given_back(self._model, found.content | ({"metrics": []} if several else {}))

    def _begin_as_keras(self, own: Callable[[], None]) -> None:
        before = run_state.steps_of(self._model)
        try:
            own()
            known = True
        except (KeyError, TypeError, ValueError, OSError) as error:
            if run_state.steps_of(self._model) == before:
                raise ValueError(
                    f"The backup cannot be read. Received: backup_dir={self._folder!r} ({error}). "
                    "Remove it to start anew, or use keras_ms.callbacks.Checkpoint."
                ) from error
            known = False
        if self._counts:
            self._agree(run_state.steps_of(self._model) - before, known)

    def _agree(self, done: int, known: bool) -> None:
        """Takes the optimizer's word for where a run stands."""
        run = self._model.fit_run
        said = first_epoch(self._model, self._first)
        steps = run.dataset.steps_per_epoch
        if known and done == (said - self._first) * steps:
            return
        if done <= 0:
            raise ValueError(
                f"The backup says that epoch {said} comes next, but its optimizer has done no "
                f"steps. Received: backup_dir={self._folder!r}. Remove it to start anew."
            )
        epoch, step = self._first + done // steps, done % steps
        warnings.warn(
            f"The backup says that epoch {said} comes next, and its optimizer has done {done} "
            f"steps of {steps} an epoch. Going on from there: epoch {epoch}, step {step}.",
            stacklevel=2,
        )
        begin_at_epoch(self._model, epoch)
        run.resume(epoch, step)
