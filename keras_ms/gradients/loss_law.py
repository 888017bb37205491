"""Whether the loss of a batch is the mean of the losses of its samples, found out beforehand.

Where the kind of a loss tells, no trial is made: of Keras's losses it is known. Of others, a few
trial examples of the coarsest mesh tell: see `loss_trial`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from keras_ms.data import MultiscaleDataset
from keras_ms.data.own_errors import batches_of
from keras_ms.gradients import loss_trial
from keras_ms.gradients.known_losses import ALWAYS, KNOWN, WITHOUT_AXIS
from keras_ms.gradients.loss_kinds import Verdict
from keras_ms.keras_internals.losses import compiled_losses, losses_are_built
from keras_ms.keras_internals.models import all_layers

_MEANS = ("sum_over_batch_size", "mean")
_WEIGHTED_MEAN = "mean_with_sample_weight"


class LossLaw(NamedTuple):
    """How the loss of a batch follows from those of its samples.

    Attributes:
        is_mean: Whether it is known to be their mean.
        why: If not, what it does instead.
        silent_alone: Name of a loss of which a single sample has no gradient; empty if there is
            none.
    """

    is_mean: bool
    why: str = ""
    silent_alone: str = ""


MEAN = LossLaw(True)


def check_stream(model: keras.Model, stream: tf.data.Dataset) -> None:
    """Checks that a model can train on a mere stream of `MultiscaleBatch`es: its loss is a mean.

    Raises:
        ValueError: If it is not, since nobody says how large its chunks are to be.
    """
    spec = stream.element_spec
    if len(spec.active_levels) == 1:
        return
    law = _law(model, spec.fine[spec.finest], lambda: _some_of(stream))
    if not law.is_mean:
        raise ValueError(
            "A stream of batches needs a loss that is a mean over samples. Received: "
            f"tf.data of MultiscaleBatch, and {law.why}. Fit the MultiscaleDataset itself, whose "
            "run takes the loss in chunks."
        )


def _some_of(stream: tf.data.Dataset) -> Any:
    """As many examples of the coarsest level as a trial takes, from as many batches as needed."""
    pairs: list[Any] = []
    for batch in stream:
        pairs.append(batch.fine[batch.active_levels[-1]])
        if sum(int(keras.tree.flatten(pair)[0].shape[0]) for pair in pairs) >= loss_trial.SAMPLES:
            break
    return keras.tree.map_structure(
        lambda *parts: tf.concat(parts, axis=0)[: loss_trial.SAMPLES], *pairs
    )


def loss_law(model: keras.Model, dataset: MultiscaleDataset) -> LossLaw:
    """Finds out what a model's loss of a batch is.

    Args:
        model: A compiled model. Its state is left alone; if it could not be built on symbols and
            its loss has to be tried, it is built on a batch of the coarsest level. An attribute
            `loss_is_mean` that is `True` or `False` is taken at its word.
        dataset: Where trial examples come from.

    Returns:
        The law. Where it cannot be told, the loss is not taken for a mean.

    Raises:
        ValueError: If the loss is no number, or the sum of the losses of its samples.
    """

    def examples() -> Any:
        coarsest = dataset.levels.num_levels - 1
        batches = batches_of(dataset, coarsest, batch_sizes=(loss_trial.SAMPLES,))
        return next(batches).fine[coarsest]

    return _law(model, dataset.pair_spec(0), examples)


def _law(model: keras.Model, spec: Any, examples: Callable[[], Any]) -> LossLaw:
    said = getattr(model, "loss_is_mean", None)
    if said is not None:
        return MEAN if said else LossLaw(False, "it was said to be no mean over samples")
    own = has_own_loss(model)
    if not own and model.loss is None:
        return MEAN  # losses of layers count once, whatever they are
    verdicts = []
    if own or not _all_known(model, spec):
        verdicts = loss_trial.verdicts(model, examples, own)
        for verdict in verdicts:
            _refuse(verdict)
    # By now the losses are objects: the trial has made them, if nobody had.
    silent = next((verdict.name for verdict in verdicts if verdict.silent_alone), "")
    if not own and (coupling := _coupling(model, spec)):
        return LossLaw(False, coupling, silent)
    if not own and _all_known(model, spec):
        return MEAN
    broken = [verdict for verdict in verdicts if not verdict.is_mean]
    return LossLaw(False, _named(broken), silent) if broken else MEAN


def has_own_loss(model: keras.Model) -> bool:
    """Whether a model computes its loss otherwise than Keras."""
    return type(model).compute_loss is not keras.Model.compute_loss or "compute_loss" in vars(model)


def _all_known(model: keras.Model, spec: Any) -> bool:
    """Whether the kinds of all losses tell what they are."""
    if not losses_are_built(model):
        return False
    _, y, weights = keras.utils.unpack_x_y_sample_weight(spec)
    masked = any(_may_mask(layer) for layer in all_layers(model))
    plain = not masked and (weights is None or _fit(weights, y))
    weighted = weights is not None
    return all(
        _couples(entry.loss, weighted) or (plain and _is_of_samples(entry.loss))
        for entry in compiled_losses(model)
    )


def _coupling(model: keras.Model, spec: Any) -> str:
    """What couples samples by its kind, in words; empty if nothing does."""
    *_, weights = keras.utils.unpack_x_y_sample_weight(spec)
    entries = compiled_losses(model)
    for entry in entries:
        if _couples(entry.loss, weights is not None):
            name = loss_trial.name_of(entry, len(entries) > 1)
            return f"{name} couples the samples of a batch"
    return ""


def _fit(weights: Any, y: Any) -> bool:
    """Whether weights are as Keras expects; those of samples alone do not fit values of pixels."""
    deepest = max(len(leaf.shape) for leaf in keras.tree.flatten(y))
    return deepest <= 2 or all(len(leaf.shape) > 1 for leaf in keras.tree.flatten(weights))


def _is_of_samples(loss: Any) -> bool:
    """Whether it is known to be a mean of values of single samples, where nothing is weighted."""
    if getattr(loss, "reduction", None) not in (*_MEANS, _WEIGHTED_MEAN):
        return False
    kind = type(loss)
    if kind.__module__ == "keras_ms.losses":
        return True
    function = getattr(loss, "fn", None)
    known = KNOWN.get(getattr(function, "__name__", ""))
    names = {
        kind.__module__.partition(".")[0],
        getattr(function, "__module__", "").partition(".")[0],
    }
    options = getattr(loss, "_fn_kwargs", {})
    return (
        names == {"keras"}
        and known is not None
        and not known.couples
        and options.get("axis", -1) == -1
        and options.get("ignore_class") is None
    )


def _couples(loss: Any, weighted: bool) -> bool:
    """Whether it is known that samples count for each other."""
    if weighted and getattr(loss, "reduction", None) == _WEIGHTED_MEAN:
        return True
    kind, reduction = type(loss), getattr(loss, "reduction", None)
    if not kind.__module__.startswith("keras.") or reduction not in _MEANS:
        return False
    options = getattr(loss, "_fn_kwargs", {})
    found = KNOWN.get(getattr(getattr(loss, "fn", None), "__name__", ""))
    couples = "" if found is None else found.couples
    whole = couples == WITHOUT_AXIS and options.get("axis") is None
    return whole or couples == ALWAYS or options.get("ignore_class") is not None


def _may_mask(layer: keras.layers.Layer) -> bool:
    """Whether a layer may be where a mask comes from, by which losses are divided."""
    if isinstance(layer, keras.layers.Embedding):
        return bool(layer.mask_zero)
    foreign = type(layer).__module__.partition(".")[0] not in ("keras", "keras_ms")
    own = type(layer).compute_mask is not keras.layers.Layer.compute_mask
    return isinstance(layer, keras.layers.Masking) or (foreign and own)


def _refuse(verdict: Verdict) -> None:
    if verdict.kind == "vector":
        raise ValueError(
            "The loss of a batch must be a number. Received: "
            f"{verdict.name}, of shape {verdict.shape} for {loss_trial.SAMPLES} samples. Use a "
            "mean, in Keras's losses reduction='sum_over_batch_size'."
        )
    if verdict.kind == "sum":
        raise ValueError(
            "The loss grows with the number of samples in its batch, and levels have batches of "
            f"different sizes; losses must be means. Received: {verdict.name}, whose "
            f"loss of {loss_trial.SAMPLES} samples is the sum of those of its parts. Use "
            "keras.ops.mean over the samples."
        )


def _named(verdicts: list[Verdict]) -> str:
    untold = [verdict for verdict in verdicts if verdict.kind == "unknown"]
    coupled = [verdict.name for verdict in verdicts if verdict.kind == "coupled"]
    if coupled:
        verb = "couples" if len(coupled) == 1 else "couple"
        return f"{' and '.join(coupled)} {verb} the samples of a batch"
    return (
        f"whether {' and '.join(verdict.name for verdict in untold)} is a mean over samples could "
        f"not be found out ({untold[0].note})"
    )
