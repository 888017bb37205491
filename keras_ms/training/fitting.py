"""A `fit` on a `MultiscaleDataset`, once its run is made: what callbacks Keras's own gets."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.data.own_errors import own_errors
from keras_ms.training.agreement import agreements, for_this_host
from keras_ms.training.automatic import PLAIN_BATCH
from keras_ms.training.backups import mended
from keras_ms.training.coarse_past import CoarsePast
from keras_ms.training.coarse_saves import CoarseSaves
from keras_ms.training.exhaustion import naming_mends
from keras_ms.training.extent import Extent, extent_of
from keras_ms.training.fit_run import FitRun
from keras_ms.training.hosts import finite
from keras_ms.training.loss_leaps import LossLeaps
from keras_ms.training.own_step import StepOnSums
from keras_ms.training.progress import bars
from keras_ms.training.rehearsal import Rehearsal
from keras_ms.training.run_callbacks import CostLog, arranged, between, going_on, listed
from keras_ms.training.several_steps import counted_by, pace_for
from keras_ms.training.stage_bell import StageBell
from keras_ms.training.statistics import refreshes
from keras_ms.training.validation_shapes import check_shapes
from keras_ms.training.validation_targets import ValidationTargets
from keras_ms.training.validation_weights import with_axes


class Extras(NamedTuple):
    """The arguments of `MultiscaleModel.fit` that Keras's has not; see there."""

    rehearse: bool
    refresh_statistics: bool
    group_steps: bool


def asked_for(arguments: dict[str, Any], dataset: MultiscaleDataset) -> Extent:
    """What a `fit` with these arguments is to take."""
    callbacks, epochs = listed(arguments.get("callbacks")), arguments.get("epochs", 1)
    return extent_of(callbacks, epochs, dataset, PLAIN_BATCH)


def trained(
    model: Any,
    run: FitRun,
    arguments: dict[str, Any],
    extras: Extras,
    counts: bool,
    fit: Callable[..., keras.callbacks.History],
) -> keras.callbacks.History:
    """Trains a model.

    Args:
        model: The model.
        run: Its run.
        arguments: Those of Keras's `fit`, by name.
        extras: The others.
        counts: Whether the optimizer counts every step.
        fit: Keras's `fit`.
    """
    verbose = bool(arguments.get("verbose", "auto"))
    if verbose:
        for line in run.told():
            print(line)
    strategy = model.distribute_strategy
    here = functools.partial(for_this_host, strategy=strategy)
    validates = arguments.get("validation_data") is not None
    validates &= arguments.get("validation_freq", 1) == 1
    check_shapes(model, arguments.get("validation_data"), run.dataset.pair_spec(0))
    targets = ValidationTargets(model)
    held_out = with_axes(model, targets.checked(arguments.get("validation_data")))
    arguments["validation_data"] = finite(strategy, held_out)
    epochs = arguments.get("initial_epoch", 0), arguments.get("epochs", 1)
    run.course.epochs = epochs[1]
    with run, naming_mends(run.whereabouts), own_errors(run.dataset), targets.own_errors():
        last = agreements(model, run, epochs)
        if not counts:
            last.append(StepOnSums(run, epochs, extras.rehearse))
        if extras.rehearse:
            last.append(Rehearsal(run, epochs, verbose))
        own = arranged(arguments.pop("callbacks", None))
        run.pace = pace_for(model, run, own) if extras.group_steps else None
        refresh = extras.refresh_statistics and not refreshes(own)
        past = CoarsePast(run, refresh, verbose)
        last.append(past)
        first, ends = going_on(run, own)
        last += [
            StageBell(run, listed(own)),
            LossLeaps(run),
            CoarseSaves(run, listed(own), validates),
            *bars(run, own, verbose),
            *ends,
        ]
        with (
            mended(model, here(listed(own)), epochs[0], counts),
            between(model, [CostLog(run), past.look, *first], own, last, here) as callbacks,
            counted_by(model, run.pace),
        ):
            return fit(**(arguments | {"x": run.adapter, "callbacks": callbacks}))
