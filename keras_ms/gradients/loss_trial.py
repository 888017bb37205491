"""A trial of a loss: is that of a few samples the mean of those of their parts?

A mean over samples is one whatever targets, predictions and weights are. So the trial may put in
what shows most: samples that differ much, emptied targets, marks of "unknown", random weights.
Where the loss is not finite nothing is learned, and where it raises neither.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.gradients.loss_marks import marks_in
from keras_ms.gradients.loss_variants import Case, variants
from keras_ms.keras_internals import (
    build_losses,
    loss_of,
    losses_are_built,
    mask_of,
    recording_losses,
    with_mask,
)

SAMPLES = 4
_TOLERANCE = 1e-4
"""Of the size of a loss: many times the rounding of a sum in single precision."""

Values = dict[str, Any]


class Verdict(NamedTuple):
    """What the trial says of one loss.

    Attributes:
        name: Its name, and that of the output if there are several.
        kind: "mean", "sum", "coupled", "vector" or "unknown".
        shape: Of a vector.
        note: Why it is unknown.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    note: str = ""

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean of the losses of its samples."""
        return self.kind == "mean"


class _Trial(NamedTuple):
    """The losses of some samples, of a share of them, and of the others."""

    whole: Values
    parts: tuple[Values, Values] | None
    share: float


def verdicts(model: keras.Model, examples: Callable[[], Any], own: bool) -> list[Verdict]:
    """Tries the losses of a model on a few examples of the coarsest mesh.

    Args:
        model: A compiled model, whose state is left alone.
        examples: Makes `SAMPLES` examples, `(x, y)` or `(x, y, sample_weight)`.
        own: Whether `compute_loss` is the model's own, which is then judged as a whole.
    """
    name = f"compute_loss of {type(model).__name__}" if own else "the loss"
    found: dict[str, list[_Trial]] = {}
    note = "it is not finite, or does not vary, on trial examples"
    state: list[tuple[tf.Variable, Any]] = []
    batch = examples()  # what the data raise is no fault of the loss
    try:
        case = _case(model, batch)
        graph = _graph(model, case)
        state = _state_of_ones_own(model, graph)
        for index, variant in enumerate(variants(case, marks_in(graph) if graph else ())):
            try:
                trial = _tried(model, variant, own, 1 + index % (SAMPLES - 1), index == 0)
            except Exception as error:  # whatever the loss raises on what is put in
                note = note if index else _short(error)
                continue
            for key in trial.whole:
                found.setdefault(key, []).append(trial)
            if index and _settled(found):
                break
    except Exception as error:  # whatever the model raises outside of a step
        note = _short(error)
    finally:
        for variable, value in state:
            variable.assign(value)
    judged = [_judged(key or name, key, trials) for key, trials in found.items()]
    named = [v._replace(note=v.note or note) for v in judged]
    return named or [Verdict(name, "unknown", note=note)]


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


def _graph(model: Any, case: Case) -> Any:
    """The loss as a graph of its arguments; `None` if it does not run in one, or not on these."""

    def total(x: Any, y: Any, y_pred: Any, weights: Any) -> Any:
        return _total(model, Case(x, y, y_pred, weights, case.masks))

    try:
        return tf.function(total, autograph=False).get_concrete_function(*case[:4]).graph
    except Exception:  # whatever the loss raises
        return None


def _state_of_ones_own(model: Any, graph: Any) -> list[tuple[tf.Variable, Any]]:
    """Variables of TensorFlow's that the loss touches, with their values; Keras's are set aside."""
    known = {id(variable.value) for variable in model.variables}
    touched = graph.variables if graph else ()
    return [(v, v.numpy()) for v in touched if id(v) not in known]


def _tried(model: Any, case: Case, own: bool, first: int, real: bool) -> _Trial:
    whole, share = _losses(model, case, own), first / SAMPLES
    try:
        parts = tuple(
            _losses(model, case.part(part), own)
            for part in (slice(None, first), slice(first, None))
        )
    except Exception:
        if not real:
            raise
        return _Trial(whole, None, share)  # it needs the whole batch
    return _Trial(whole, parts, share)  # type: ignore[arg-type]


def _losses(model: Any, case: Case, own: bool) -> Values:
    """Values of all compiled losses by name, or of an own `compute_loss` under no name."""
    with recording_losses(model) as noted:
        total = _total(model, case)
    if own or not noted:
        return {"": _array(total)}
    return {name_of(entry, len(noted) > 1): _array(value) for entry, value in noted}


def _total(model: Any, case: Case) -> Any:
    x, y, made, weights = (
        None if part is None else keras.tree.map_structure(tf.convert_to_tensor, part)
        for part in case[:4]
    )
    for leaf, mask in zip(_leaves(made), case.masks, strict=True):
        with_mask(leaf, None if mask is None else tf.convert_to_tensor(mask))
    with _aside(model):
        return loss_of(model, x, y, made, weights)


@contextlib.contextmanager
def _aside(model: Any) -> Iterator[None]:
    # Keras reads regularized variables from the mapping alone.
    weights = [(variable, variable.value) for variable in model.trainable_variables]
    with keras.StatelessScope(weights, collect_losses=True):
        yield


def _judged(name: str, key: str, trials: list[_Trial]) -> Verdict:
    shape = trials[0].whole[key].shape
    if np.prod(shape) > 1:
        return Verdict(name, "vector", shape)
    kinds = [_kind(trial, key) for trial in trials]
    if "coupled" in kinds:
        return Verdict(name, "coupled")
    if "sum" in kinds:
        return Verdict(name, "coupled" if "mean" in kinds else "sum")
    return Verdict(name, "mean" if "mean" in kinds else "unknown")


def _settled(found: dict[str, list[_Trial]]) -> bool:
    return all("coupled" in [_kind(trial, key) for trial in found[key]] for key in found)


def _kind(trial: _Trial, key: str) -> str:
    """What one trial shows of a loss; "unknown" where nothing."""
    if trial.parts is None:
        return "coupled"
    whole, some, others = (
        float(np.reshape(values[key], -1)[0]) if np.size(values[key]) == 1 else np.nan
        for values in (trial.whole, *trial.parts)
    )
    if not np.all(np.isfinite([whole, some, others])):
        finite = np.isfinite(whole), np.isfinite(some) and np.isfinite(others)
        return "unknown" if finite[0] == finite[1] else "coupled"
    size = max(abs(whole), abs(some), abs(others))
    share = trial.share
    mean = share * some + (1.0 - share) * others
    if abs(some - others) <= 10.0 * _TOLERANCE * size and abs(whole - mean) <= _TOLERANCE * size:
        return "unknown"  # what does not vary is a mean in any case
    if abs(whole - mean) <= _TOLERANCE * size:
        return "mean"
    return "sum" if abs(whole - some - others) <= _TOLERANCE * size else "coupled"


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
