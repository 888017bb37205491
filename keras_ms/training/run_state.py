"""Everything that the steps to come depend on: taken from a model and its run, and given back."""

from __future__ import annotations

import collections
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.keras_internals.fitting import begin_at_epoch
from keras_ms.keras_internals.models import all_variables
from keras_ms.training.log_columns import back_to, place_in
from keras_ms.training.unaware import kinds_of_keras

ENDED = 10**9
"""An epoch behind the last one, to begin with where nothing is left to do."""
_SAVER = ("best", "_batches_seen_since_last_saving")
_ATTRIBUTES = {
    "EarlyStopping": ("wait", "best", "best_epoch", "best_weights", "stopped_epoch"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
    "ModelCheckpoint": _SAVER,
    "OrbaxCheckpoint": (*_SAVER, "_total_batches_seen"),
    "SwapEMAWeights": ("_ema_weights_in_model",),
    "TensorBoard": ("_global_train_batch", "_global_test_batch"),
}
"""What callbacks of Keras remember from epoch to epoch, or from step to step."""


def taken(model: Any, epoch: int, step: int, alone: bool = False) -> dict[str, Any]:
    """The values of all variables, of seeds too, and where the run stands.

    Args:
        model: A model within its `fit`.
        epoch: The epoch that comes next, or is in progress.
        step: Steps of it that are done.
        alone: Whether other hosts do not call it now, all of which it takes to read metrics.
    """
    variables, run = _variables(model), getattr(model, "fit_run", None)
    sums = model.metrics_variables if run is None else run.sums
    if alone and run is not None and run.place.hosts > 1:
        sums = []
    return {
        "epoch": epoch,
        "step": step,
        "steps": steps_of(model),
        "values": [np.array(variable.numpy()) for variable in variables],
        "metrics": [np.array(variable.numpy()) for variable in sums],
        "early_ends": [] if run is None else run.course.early_ends,
    }


def given_back(model: Any, content: dict[str, Any]) -> None:
    """Puts the values into the variables, and has the `fit` begin where they were taken.

    Raises:
        ValueError: If they are of another model, naming the first variable that differs.
    """
    variables = _variables(model)
    _check(variables, content)
    for variable, value in zip(variables, content["values"], strict=True):
        variable.assign(value)
    begin_at_epoch(model, ENDED if content.get("ended") else content["epoch"])
    if run := getattr(model, "fit_run", None):
        run.course.early_ends = content["early_ends"]
        run.resume(content["epoch"], content["step"], content["metrics"])


def steps_of(model: Any) -> int:
    """Steps that the optimizer has counted."""
    optimizer = getattr(model, "optimizer", None)
    return 0 if optimizer is None else int(np.asarray(optimizer.iterations))


def is_sound(model: Any) -> bool:
    """Whether all weights that are trained are finite."""
    values = (np.asarray(variable.numpy()) for variable in model.trainable_variables)
    real = (value.astype(np.float64) for value in values if value.dtype.kind not in "iubc")
    return all(bool(np.all(np.isfinite(value))) for value in real)


def history_of(model: Any, done: tuple[int, dict[str, Any] | None] | None) -> dict[str, Any]:
    """Epochs and logs so far.

    Args:
        model: A model within its `fit`.
        done: An epoch that ends now, and its logs: Keras adds them when all others have seen it.
    """
    found = getattr(model, "history", None)
    epochs = list(getattr(found, "epoch", ()))
    history = {name: list(of) for name, of in getattr(found, "history", {}).items()}
    if done is not None and done[0] not in epochs:
        epochs.append(done[0])
        for name, value in (done[1] or {}).items():
            history.setdefault(name, []).append(value)
    return {"epoch": epochs, "history": history}


def states_of(callbacks: list[Any]) -> dict[str, Any]:
    """What callbacks remember: of some of Keras's, and of those that have `get_state`."""
    return {
        name: state
        for name, callback in _named(callbacks).items()
        if (state := state_of(callback)) is not None
    }


def states_given_back(callbacks: list[Any], states: dict[str, Any]) -> None:
    """Gives callbacks back what `states_of` has taken from the same ones."""
    for name, callback in _named(callbacks).items():
        if name in states:
            state_given_back(callback, states[name])


def state_of(callback: Any) -> Any:
    """What one callback remembers, or `None` if nobody knows."""
    if hasattr(callback, "get_state") and hasattr(callback, "set_state"):
        return callback.get_state()
    if isinstance(callback, keras.callbacks.CSVLogger):
        return place_in(callback)
    for kind, names in _ATTRIBUTES.items():
        if isinstance(callback, kinds_of_keras((kind,))):
            return {name: getattr(callback, name) for name in names if hasattr(callback, name)}
    return None


def state_given_back(callback: Any, state: Any) -> None:
    """Gives one callback back what `state_of` has taken from it."""
    if hasattr(callback, "set_state"):
        callback.set_state(state)
    elif isinstance(callback, keras.callbacks.CSVLogger):
        back_to(callback, state)
    else:
        for attribute, value in state.items():
            setattr(callback, attribute, value)


def _named(callbacks: list[Any]) -> dict[str, Any]:
    """By class and place among those of that class: others may come and go."""
    counts: collections.Counter[str] = collections.Counter()
    found = {}
    for one in callbacks:
        kind = type(one).__name__
        found[f"{kind} {counts[kind]}"] = one
        counts[kind] += 1
    return found


def _variables(model: Any) -> list[Any]:
    run, optimizer = getattr(model, "fit_run", None), getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built and model.built:
        with model.distribute_strategy.scope():
            optimizer.build(model.trainable_variables)
    metrics = set(map(id, model.metrics_variables))  # which may not be made yet
    found = [variable for variable in all_variables(model) if id(variable) not in metrics]
    return [*found, *([] if run is None else run.variables)]


def _name(variable: Any) -> str:
    return str(getattr(variable, "path", variable.name))


def _check(variables: list[Any], content: dict[str, Any]) -> None:
    if not variables:
        raise ValueError(
            "A run goes on with a model whose variables are made. Received: one that its first "
            "step builds. Call it on a batch before `fit`."
        )
    mine = [(tuple(v.shape), tf.as_dtype(v.dtype).name) for v in variables]
    theirs = [(tuple(value.shape), value.dtype.name) for value in content["values"]]
    if len(mine) != len(theirs):
        raise _another(f"{len(mine)} variables", f"{len(theirs)}")
    for variable, one, other in zip(variables, mine, theirs, strict=True):
        if one != other:
            raise _another(f"{_name(variable)} of {_shown(*one)}", _shown(*other))


def _another(mine: str, theirs: str) -> ValueError:
    return ValueError(
        f"The checkpoint is of another model or optimizer. Received: a model with {mine}, where "
        f"the checkpoint has {theirs}. Use the same model, or another folder."
    )


def _shown(shape: tuple[int, ...], dtype: str) -> str:
    return f"{dtype} {shape}"
