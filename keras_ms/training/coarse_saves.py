"""Warns of callbacks that save models whose statistics are those of a coarse mesh."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_ms.data.skipped import first_level_outside
from keras_ms.gradients.moving_statistics import keeping_statistics
from keras_ms.training.fit_run import FitRun
from keras_ms.training.statistics import RefreshStatistics
from keras_ms.training.unaware import kinds_of_keras

SAVERS = ("ModelCheckpoint", "OrbaxCheckpoint")
"""Callbacks of Keras that save what is used, not what a run goes on from."""

Logs = dict[str, Any] | None


class CoarseSaves(keras.callbacks.Callback):
    """Warns once of callbacks that save statistics of BatchNormalization of a coarse mesh.

    It does so when training starts or, of a model that its first step builds, after its first
    epoch. Put it behind schedules.

    Args:
        run: The run of the `fit`.
        callbacks: Those that `fit` was given, in order.
        validates: Whether every epoch ends with a validation.
    """

    def __init__(self, run: FitRun, callbacks: Sequence[Any], validates: bool) -> None:
        super().__init__()
        self._run, self._callbacks, self._validates = run, callbacks, validates
        self._said = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Warns, if the model is built."""
        self._said = False
        self._look()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Warns, if the model was not built before."""
        self._look()

    def _look(self) -> None:
        if self._said or not keeping_statistics(self.model):
            return
        self._said = True
        # Of an earlier `fit` on coarse levels moving means remember something, too.
        past = getattr(self.model, "steps_since_coarse", None) is not None
        several = self._run.dataset.levels.num_levels > 1
        if not (past or (several and self._run.course.is_coarse())):
            return
        for text in complaints(self._callbacks, self._validates):
            warnings.warn(text, stacklevel=first_level_outside())


def complaints(callbacks: Sequence[Any], validates: bool) -> list[str]:
    """What is wrong with callbacks that save models trained on coarse meshes, and the mends.

    Args:
        callbacks: Callbacks in the order in which they are called; one that says
            `knows_stages = True` is right, whatever it saves.
        validates: Whether every epoch ends with a validation.

    Returns:
        A text for each callback of which something is wrong.
    """
    kinds = kinds_of_keras(SAVERS)
    inner = [getattr(one, "callback", one) for one in callbacks]  # of PerStage, what is within
    savers = [
        (place, one)
        for place, one in enumerate(inner)
        if isinstance(one, kinds) and not getattr(one, "knows_stages", False)
    ]
    mends = [(one, _mend(one, place, callbacks, validates)) for place, one in savers]
    return [_text(one, mend) for one, mend in mends if mend]


def _mend(saver: Any, place: int, callbacks: Sequence[Any], validates: bool) -> str:
    """What to do about a callback; empty if what it saves has been refreshed."""
    if getattr(saver, "save_freq", "epoch") != "epoch":
        return (
            "Save by epochs, behind a keras_ms.RefreshStatistics, or call "
            "keras_ms.refresh_statistics(model, dataset) on the model that you load."
        )
    refreshers = [
        (at, one) for at, one in enumerate(callbacks) if isinstance(one, RefreshStatistics)
    ]
    if validates and refreshers:
        return ""
    if any(one.every_epoch and at < place for at, one in refreshers):
        return ""
    option = "" if validates else "every_epoch=True"
    return f"Put keras_ms.RefreshStatistics({option}) before it."


def _text(saver: Any, mend: str) -> str:
    name = type(saver).__name__
    return (
        f"{name} saves BatchNormalization with the statistics of the mesh that is trained, which "
        "here is a coarse one for a time; on the finest mesh the saved model is worse than the one "
        f"that `fit` leaves. Received: {name} among the callbacks of a `fit` with coarse levels. "
        f"{mend}"
    )
