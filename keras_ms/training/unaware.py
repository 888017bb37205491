"""Which callbacks misfire where stages change, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras

from keras_ms.gradients.level_losses import PREFIX
from keras_ms.training.log_columns import OWN


def complaint(callback: Any, changes: Callable[[int], bool]) -> str:
    """What is wrong with a callback in a run of stages, and its mend; empty if nothing is.

    A training loss is that of the stage's mesh, so a best value of one stage is none of the next.
    Validation has one mesh throughout, so its best values are right. But a plateau on a coarse
    mesh, of whatever value, says nothing about the finer one.

    Args:
        callback: A callback; one that says `knows_stages = True` is right.
        changes: Whether stages change from an epoch on.
    """
    if getattr(callback, "knows_stages", False):
        return ""
    if isinstance(callback, keras.callbacks.LearningRateScheduler):
        return _of_scheduler(callback) if changes(0) else ""
    monitor = getattr(callback, "monitor", None)
    if not isinstance(monitor, str) or monitor in OWN:
        return ""
    waits = hasattr(callback, "patience")
    if _is_right(callback, monitor, waits) or not changes(_first_epoch(callback)):
        return ""
    return _of_waiting(callback, monitor) if waits else _of_best(callback, monitor)


def kinds_of_keras(names: Iterable[str]) -> tuple[type, ...]:
    """Keras's classes of callbacks of some names, those that this version has."""
    found = (getattr(keras.callbacks, name, None) for name in names)
    return tuple(kind for kind in found if kind is not None)


def _is_right(callback: Any, monitor: str, waits: bool) -> bool:
    if not getattr(callback, "save_best_only", True):
        return True  # it keeps every model
    if monitor == f"{PREFIX}0":
        return True  # logged on the finest stage alone
    return not waits and monitor.startswith(("val_", PREFIX))


def _first_epoch(callback: Any) -> int:
    """The epoch from which on it looks at what it monitors."""
    first = getattr(callback, "start_from_epoch", 0)
    return first if isinstance(first, int) else 0


def _of_waiting(callback: Any, monitor: str) -> str:
    shown, name = f"{_name(callback)}(monitor={monitor!r})", _name(callback)
    return (
        f"{name} does not know of stages: it takes a plateau on a coarse mesh, or a loss that is "
        "larger on the next finer one, for the end of all progress. Received: "
        f"{shown} among the callbacks of a `fit` with stages. Use "
        f"keras_ms.callbacks.PerStage({name}(...)), which starts it anew with every stage."
    )


def _of_best(callback: Any, monitor: str) -> str:
    shown, name = f"{_name(callback)}(monitor={monitor!r})", _name(callback)
    return (
        f"{name} does not know of stages: {monitor!r} is measured on the mesh of the stage, so "
        f"the best value may be that of a coarse one. Received: {shown} among the callbacks of a "
        f"`fit` with stages. Use monitor='val_{monitor}', which is measured on one mesh, or "
        f"keras_ms.callbacks.PerStage({name}(...)), which starts it anew with every stage."
    )


def _of_scheduler(callback: Any) -> str:
    name = _name(callback)
    return (
        f"{name} sets the learning rate by the epoch and does not know where stages begin. "
        f"Received: {name} among the callbacks of a `fit` with stages. Use "
        f"keras_ms.callbacks.PerStage({name}(...)), which counts epochs from the beginning of the "
        "stage; or set `knows_stages = True` on it if the rate is meant for the whole run."
    )


def _name(callback: Any) -> str:
    return type(callback).__name__
