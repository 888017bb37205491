"""A trial of a loss: is that of a few samples the mean of those of each, and its gradient as well?

A mean over samples is one whatever targets, predictions and weights are. So the trial may put in
what shows most: samples that differ much, emptied targets, marks of "unknown", random weights.
Where the loss is not finite nothing is learned, and where it raises neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.gradients.loss_kinds import Shown, Trial, Verdict, is_coupled, judged, kind_of
from keras_ms.gradients.loss_marks import UNREAD, Marks, marks_in
from keras_ms.gradients.loss_variants import Case, variants
from keras_ms.keras_internals.losses import (
    build_losses,
    loss_of,
    losses_are_built,
    mask_of,
    recording_losses,
    with_mask,
)

SAMPLES = 4
_NOT_FINITE = "it is not finite, or does not vary, on trial examples"
_UNREAD = "it compares its target with what cannot be read from its graph"


Losses = Callable[[Case], dict[str, Shown]]


def verdicts(model: keras.Model, examples: Callable[[], Any], own: bool) -> list[Verdict]:
    """Tries the losses of a model on a few examples of the coarsest mesh.

    Args:
        model: A compiled model, whose state is left alone.
        examples: Makes `SAMPLES` examples, `(x, y)` or `(x, y, sample_weight)`.
        own: Whether `compute_loss` is the model's own, which is then judged as a whole.
    """
    name = f"compute_loss of {type(model).__name__}" if own else "the loss"
    found: dict[str, list[Trial]] = {}
    note, marks = _NOT_FINITE, UNREAD
    state: list[tuple[tf.Variable, Any]] = []
    batch = examples()  # what the data raise is no fault of the loss
    try:
        case = _case(model, batch)
        function, marks = _read(model, case)
        state = _state_of_ones_own(model, function)
        losses = _losses_of(model, own, function is not None)
        for index, variant in enumerate(variants(case, marks)):
            try:
                trials = _tried(losses, variant, index == 0)
            except Exception as error:  # whatever the loss raises on what is put in
                note = note if index else _short(error)
                continue
            for key, trial in trials.items():
                found.setdefault(key, []).append(trial)
            if index and _settled(found):
                break
    except Exception as error:  # whatever the model raises outside of a step
        note = _short(error)
    finally:
        for variable, value in state:
            variable.assign(value)
    unread = _UNREAD if marks.unread else ""
    made = [judged(key or name, trials, unread) for key, trials in found.items()]
    return [v._replace(note=v.note or note) for v in made] or [Verdict(name, "unknown", note=note)]


def name_of(entry: Any, several: bool) -> str:
    """The name of a compiled loss, for messages."""
    reduction = getattr(entry.loss, "reduction", None)
    with_reduction = "" if reduction in ("sum_over_batch_size", "mean") else f"{reduction!r}"
    named = str(entry.loss.name)
    if with_reduction:
        named += f" with reduction={with_reduction}"
    return f"{named} of output {entry.name}" if several else named


def _case(model: Any, batch: Any) -> Case:
    x, y, weights = keras.utils.unpack_x_y_sample_weight(batch)
    if not model.built:
        with model.distribute_strategy.scope():
            model(x, training=False)
    with _aside(model):
        made = model(x, training=False)
    if not losses_are_built(model):
        build_losses(model, x, y, made, weights)
    masks = [None if (m := mask_of(leaf)) is None else np.array(m) for leaf in _leaves(made)]
    x, y, made = (keras.tree.map_structure(_array, part) for part in (x, y, made))
    weights = None if weights is None else keras.tree.map_structure(_array, weights)
    return Case(x, y, made, weights, masks)


def _read(model: Any, case: Case) -> tuple[Any, Marks]:
    """The loss as a function in a graph, if it runs in one, and what it compares."""
    names: dict[str, str] = {}

    def total(x: Any, y: Any, y_pred: Any, weights: Any) -> Any:
        parts = {"x": x, "y": y, "y_pred": y_pred, "weights": weights}
        names.update({leaf.name: n for n, part in parts.items() for leaf in _tensors(part)})
        masks = _mapped(tf.convert_to_tensor, case.masks)
        return _total(model, Case(x, y, y_pred, weights, masks))

    try:
        function = tf.function(total, autograph=False).get_concrete_function(*case[:4])
        return function, marks_in(function, names)
    except Exception:  # whatever the loss raises
        return None, UNREAD


def _state_of_ones_own(model: Any, function: Any) -> list[tuple[tf.Variable, Any]]:
    """Variables of TensorFlow's that the loss touches, with their values; Keras's are set aside."""
    known = {id(variable.value) for variable in model.variables}
    touched = function.graph.variables if function else ()
    return [(v, v.numpy()) for v in touched if id(v) not in known]


def _tried(losses: Losses, case: Case, real: bool) -> dict[str, Trial]:
    whole = losses(case)
    try:
        alone = [losses(case.part(slice(sample, sample + 1))) for sample in range(SAMPLES)]
    except Exception:
        if not real:
            raise
        return {key: Trial(shown, None) for key, shown in whole.items()}  # it needs the whole batch
    return {key: Trial(shown, tuple(part[key] for part in alone)) for key, shown in whole.items()}


def _losses_of(model: Any, own: bool, in_graph: bool) -> Losses:
    """All compiled losses by name, or an own `compute_loss` under no name, of a case."""

    def losses(*parts: Any) -> dict[str, tuple[Any, list[Any], list[Any]]]:
        case = Case(*parts)
        made = [leaf for leaf in _tensors(case.y_pred) if leaf.dtype.is_floating]
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(made)
            with recording_losses(model) as noted:
                total = _total(model, case)
        if own or not noted:
            return {"": _with_gradients(model, tape, made, total)}
        several = len(noted) > 1
        return {name_of(e, several): _with_gradients(model, tape, made, n) for e, n in noted}

    run = tf.function(losses, autograph=False) if in_graph else losses

    def shown(case: Case) -> dict[str, Shown]:
        found = run(*(_mapped(tf.convert_to_tensor, part) for part in case))
        return {key: _shown(*parts) for key, parts in found.items()}

    return shown


def _with_gradients(
    model: Any, tape: tf.GradientTape, made: list[Any], loss: Any
) -> tuple[Any, list[Any], list[Any]]:
    weights = [variable.value for variable in model.trainable_variables]
    try:
        found = tape.gradient(loss, [*made, *weights])
    except Exception:  # what has no gradient is told by its values
        return loss, [], []
    of_made = [tf.zeros_like(m) if g is None else g for m, g in zip(made, found, strict=False)]
    return loss, of_made, [tf.convert_to_tensor(g) for g in found[len(made) :] if g is not None]


def _shown(loss: Any, of_made: list[Any], of_weights: list[Any]) -> Shown:
    rows = [array.reshape(len(array), -1) for array in map(_array, of_made)]
    vectors = [array.reshape(-1) for array in map(_array, of_weights)]
    return Shown(
        _array(loss),
        np.concatenate(rows, axis=1) if rows else None,
        np.concatenate(vectors) if vectors else None,
    )


def _total(model: Any, case: Case) -> Any:
    for leaf, mask in zip(_leaves(case.y_pred), case.masks, strict=True):
        with_mask(leaf, mask)
    with _aside(model):
        return loss_of(model, *case[:4])


@contextlib.contextmanager
def _aside(model: Any) -> Iterator[None]:
    # Keras reads regularized variables from the mapping alone.
    weights = [(variable, variable.value) for variable in model.trainable_variables]
    with keras.StatelessScope(weights, collect_losses=True):
        yield


def _settled(found: dict[str, list[Trial]]) -> bool:
    kinds = [list(map(kind_of, trials)) for trials in found.values()]
    return all(is_coupled(of_loss, at_least=4) for of_loss in kinds)


def _tensors(structure: Any) -> list[Any]:
    return [leaf for leaf in _leaves(structure) if leaf is not None]


def _mapped(function: Callable[[Any], Any], structure: Any) -> Any:
    return keras.tree.map_structure(lambda x: None if x is None else function(x), structure)


def _leaves(structure: Any) -> list[Any]:
    return keras.tree.flatten(structure)


def _array(tensor: Any) -> np.ndarray:
    dtype = tf.as_dtype(tensor.dtype)
    if dtype.is_floating and dtype.size < 4:
        tensor = tf.cast(tensor, tf.float32)  # sums of half precision round too much to tell
    return np.array(tensor)


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else f"{text[:197]}..."
