"""What is checked before the first step of a `fit` on a `MultiscaleDataset`, or of a schedule."""

from __future__ import annotations

import math
import os
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np

from keras_ms.data import MultiscaleBatch, MultiscaleDataset
from keras_ms.gradients.chunks import check_chunks
from keras_ms.levels import Stage
from keras_ms.training.fit_counts import check_counts_of_fit
from keras_ms.validation import is_number, shown

_OWNED_BY_DATASET = {
    "y": "the targets are part of the dataset",
    "sample_weight": "sample weights are part of the dataset's examples",
    "class_weight": "sample weights are part of the dataset's examples",
    "batch_size": "every level has its own batch size; set them in `Levels`",
    "validation_split": "hold out whole images and pass `validation_data`",
    "steps_per_epoch": "set it in `MultiscaleDataset(steps_per_epoch=...)`",
}


def check_fit_arguments(
    arguments: Mapping[str, Any], dataset: MultiscaleDataset, steps_per_execution: int
) -> None:
    """Refuses arguments of `fit` that belong to the dataset.

    Raises:
        ValueError: Naming the argument and where its value goes instead.
    """
    for name, mend in _OWNED_BY_DATASET.items():
        value = arguments.get(name)
        if value is not None and not (name == "validation_split" and value == 0):
            raise ValueError(
                f"`{name}` cannot be passed to `fit` with a MultiscaleDataset: {mend}. "
                f"Received: {name}={_short(value)}."
            )
    check_evaluation_data(arguments.get("validation_data"), "fit(validation_data=...)")
    check_counts_of_fit(arguments)
    if dataset.steps_per_epoch % steps_per_execution:
        raise ValueError(
            "`steps_per_execution` must divide the dataset's steps_per_epoch. Received: "
            f"steps_per_execution={steps_per_execution}, "
            f"steps_per_epoch={dataset.steps_per_epoch}."
        )


def check_evaluation_data(data: Any, call: str) -> None:
    """Refuses a dataset that never ends, also as the first of `(x, y)`.

    Args:
        data: What was handed over.
        call: What was called with it, for the message.

    Raises:
        ValueError: If it is a `MultiscaleDataset`.
    """
    parts = data if isinstance(data, (tuple, list)) else (data,)
    if not any(isinstance(part, MultiscaleDataset) for part in parts):
        return
    wanted = (
        "images of any size, (batch, height, width, channels)"
        if call.startswith("predict")
        else "(x, y) pairs of the finest mesh, for example keras_ms.data.evaluation_pairs(...)"
    )
    raise ValueError(
        "A MultiscaleDataset is endless, and for `fit` to train on. Received: "
        f"{call} with {_short(data)}. Use {wanted}."
    )


def check_no_step(data: Any, call: str) -> None:
    """Refuses one step of the telescoping sum where arrays or pairs are taken.

    Args:
        data: What was handed over.
        call: What was called with it, for the message.

    Raises:
        ValueError: If it is a `MultiscaleBatch`, or a `MultiscaleDataset`.
    """
    if isinstance(data, (MultiscaleBatch, MultiscaleDataset)):
        raise ValueError(
            f"`{call}` takes arrays. Received: a {type(data).__name__}. Use `fit(dataset)`, or "
            f"`fit(dataset.stage(level), steps_per_epoch=...)`; a batch `(x, y)` of one level is "
            "`next(iter(dataset.stage(level))).fine[level]`."
        )


def check_adaptive_arguments(seconds: Any, work_units: Any, learning_rate: Any) -> None:
    """Checks the arguments of an `AdaptiveSchedule`.

    Raises:
        ValueError: If not exactly one budget is given, or one of them is out of range.
    """
    budget = seconds if work_units is None else work_units
    number = is_number(budget) and 0.0 < float(budget) < math.inf
    if (seconds is None) == (work_units is None) or not number:
        raise ValueError(
            "A budget is a positive number of seconds or of work units, one of the two. "
            f"Received: seconds={shown(seconds)}, work_units={shown(work_units)}."
        )
    if learning_rate is not None and not callable(learning_rate):
        raise ValueError(
            "`learning_rate` is a function of the share of the budget that is spent. Received: "
            f"learning_rate={shown(learning_rate)}. Compile the optimizer with a constant rate "
            "instead."
        )


def check_journal(journal: Any, monitor: Any) -> None:
    """Checks the file and the name of the loss that an `AdaptiveSchedule` is given.

    Raises:
        ValueError: If the file cannot be one, or the name is none.
    """
    path = pathlib.Path(journal) if isinstance(journal, (str, os.PathLike)) else None
    blocked = path is not None and (
        not path.name or path.is_dir() or any(p.is_file() for p in path.parents)
    )
    if blocked or (path is None and journal is not None):
        raise ValueError(
            "`journal` is the path of a JSON file, in a folder that exists or can be made. "
            f"Received: journal={shown(journal)}."
        )
    if not isinstance(monitor, str) or not monitor:
        raise ValueError(
            "`monitor` is the name of a validation loss, for example 'val_loss'. "
            f"Received: monitor={shown(monitor)}."
        )


def check_adaptive_run(model: keras.Model, run: Any, sets_rate: bool) -> None:
    """Checks that an `AdaptiveSchedule` can lead a `fit`.

    Args:
        model: The model in training.
        run: Its `fit_run`.
        sets_rate: Whether the schedule sets the learning rate.

    Raises:
        ValueError: If the data is no `MultiscaleDataset` or decides batch sizes by itself, or the
            optimizer's rate cannot be set, or the loss is taken in chunks that do not divide the
            batch sizes.
    """
    if run is None:
        raise ValueError(
            "AdaptiveSchedule works in `MultiscaleModel.fit` on a MultiscaleDataset. "
            f"Received: a {type(model).__name__} fitted on other data."
        )
    if run.place.hosts > 1:
        raise ValueError(
            "AdaptiveSchedule decides by what it measures, which differs from host to host. "
            f"Received: {run.place.hosts} hosts. Use a FullMultiscaleSchedule."
        )
    if run.dataset.allocation == "measured":
        raise ValueError(
            "AdaptiveSchedule decides batch sizes by itself. Received: a dataset with "
            "levels='auto'. Give it Levels or a tuple of batch sizes."
        )
    # It takes plain batches of the hierarchy's sizes, whatever the stages of the dataset hold.
    levels = run.dataset.levels
    check_chunks(run.chunks, [Stage(level, (n,)) for level, n in enumerate(levels.batch_sizes)])
    if sets_rate and not _has_settable_rate(model.optimizer):
        raise ValueError(
            "The optimizer has a schedule of its own. Received: learning_rate in both. "
            "Compile with a number, or leave `learning_rate` out here."
        )


def checked_rate(learning_rate: Callable[[float], Any], share: float) -> float:
    """A learning rate as a number.

    Args:
        learning_rate: The rate as a function of the share of a budget that is spent.
        share: The share, from 0 to 1.

    Raises:
        ValueError: If it is none, negative or not finite.
    """
    given: Any = "nothing"
    try:
        given = learning_rate(share)
        rate = float(np.asarray(given))
    except (TypeError, ValueError):  # also of a function that takes something else
        rate = math.nan
    if not 0.0 <= rate < math.inf:
        raise ValueError(
            "`learning_rate` gives finite numbers, 0 or more. Received: learning_rate="
            f"{_short(learning_rate)}, which gives {_short(given)} where {share:.0%} of the "
            "budget is spent."
        )
    return rate


def check_optimizer(optimizer: Any) -> None:
    """Refuses an optimizer that begins with a learning rate that is no rate.

    Raises:
        ValueError: If it is negative or not finite.
    """
    try:
        rate = float(np.asarray(getattr(optimizer, "learning_rate", 0.0)))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "The `learning_rate` of an optimizer is a number, a schedule, or a function without "
            f"arguments that returns a number. Received: one of {type(optimizer).__name__} that "
            f"fails ({error})."
        ) from error
    if not 0.0 <= rate < math.inf:
        raise ValueError(
            "The optimizer needs a finite `learning_rate`, 0 or more. Received: "
            f"learning_rate={rate} of {type(optimizer).__name__}. Use for example 1e-3."
        )


def check_losses(epoch: int, logs: Mapping[str, Any], monitor: str, stage: str) -> None:
    """Refuses to decide by losses that are not finite.

    Args:
        epoch: The epoch that ended, from 0.
        logs: What Keras reports of it.
        monitor: Name of the validation loss.
        stage: What was trained, in words.

    Raises:
        ValueError: Naming the loss, the stage and the epoch.
    """
    for name in ("loss", monitor):
        value = float(logs.get(name, 0.0))
        if not math.isfinite(value):
            raise ValueError(
                f"The run has diverged, or the data hold NaN. Received: {name}={value} on {stage}, "
                f"in epoch {epoch + 1}. Use a smaller learning rate, and check the data."
            )


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _has_settable_rate(optimizer: keras.optimizers.Optimizer) -> bool:
    """Whether the learning rate is a number, not a schedule or a function."""
    # Of a schedule or a function, Keras returns what it says now; else the variable itself.
    return isinstance(optimizer.learning_rate, keras.Variable)
