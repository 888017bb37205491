"""What is put into a loss on trial, made of a few real examples. Pure NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ms.gradients.loss_marks import Marks

_KEPT = (1.0, 0.5, 0.1, 0.0)
"""Share of a target's entries that are not emptied, by sample."""
_OWN = (0.9, 0.3, 0.6, 0.1)
"""Share of a prediction that is the model's, by sample."""
_MARKS = (-1.0, 255.0, np.nan)
"""What targets hold where nothing is known, besides 0 and the number of classes."""
_LOGITS = 20.0
"""Logits of classes that are as good as certain."""


class Case(NamedTuple):
    """Arguments of `compute_loss`, structures of arrays.

    Attributes:
        x: Inputs.
        y: Targets.
        y_pred: Predictions.
        weights: Sample weights, or `None`.
        masks: Masks of the predictions, in the order of `keras.tree.flatten`; `None` for none.
    """

    x: Any
    y: Any
    y_pred: Any
    weights: Any
    masks: list[Any]

    def part(self, chosen: slice) -> Case:
        """The case of some of the samples."""
        *tensors, masks = self
        x, y, y_pred, weights = (_mapped(lambda array: array[chosen], part) for part in tensors)
        masks = [None if mask is None else mask[chosen] for mask in masks]
        return Case(x, y, y_pred, weights, masks)


def variants(case: Case, marks: Marks) -> Iterator[Case]:
    """The case itself, and others in which the samples differ more.

    Predictions and targets stay in the domain of real ones as far as that can be known.

    Args:
        case: Arguments of the loss for a few real samples.
        marks: What arguments may hold where nothing is known, besides the usual numbers in targets.
    """
    random = np.random.default_rng(0)
    yield case
    apart = _apart(case, random)
    yield apart
    yield apart._replace(y=_mapped(lambda y: _emptied(y, random), apart.y))
    invented = _invented(case.y, case.y_pred, random)
    yield apart._replace(y=invented)
    yield apart._replace(y=_mapped(lambda y: _emptied(y, random), invented))
    everywhere = (*_MARKS, float(_classes(case.y_pred)))
    for name, numbers in (
        ("y", (*everywhere, *marks.y)),
        ("x", marks.x),
        ("weights", marks.weights),
    ):
        for mark in dict.fromkeys(numbers):
            marked = _mapped(lambda array, m=mark: _marked(array, m, random), getattr(case, name))
            yield apart._replace(**{name: marked})
    for scale in (1.0, _LOGITS):
        yield apart._replace(y_pred=_near(apart.y_pred, case.y, scale))


def _near(y_pred: Any, y: Any, scale: float) -> Any:
    """Predictions that are almost right but for the last sample, for losses with a floor.

    Args:
        y_pred: Predictions.
        y: Targets: values, or class maps.
        scale: 1 for predictions in the range of the targets; logits go from minus to plus `scale`.
    """
    made, wanted = keras.tree.flatten(y_pred), keras.tree.flatten(y)
    if len(made) != len(wanted):
        return y_pred
    leaves = [_nearer(*pair, scale) for pair in zip(made, wanted, strict=True)]
    return keras.tree.pack_sequence_as(y_pred, leaves)


def _nearer(made: np.ndarray, wanted: np.ndarray, scale: float) -> np.ndarray:
    if not (_is_number(made) and _is_number(wanted)):
        return made
    right = wanted
    if made.shape != wanted.shape:
        classes = np.arange(made.shape[-1]) if made.ndim else np.arange(1)
        right = wanted if wanted.shape[-1:] == (1,) else wanted[..., None]
        right = right == classes
    if right.shape != made.shape:
        return made
    right = right.astype(made.dtype)
    right = right if scale == 1.0 else scale * (2.0 * right - 1.0)
    near = right + 1e-3 * (made - right)
    near[-1] = made[-1]
    return near.astype(made.dtype)


def _is_number(array: np.ndarray) -> bool:
    return np.issubdtype(array.dtype, np.number)


def _apart(case: Case, random: np.random.Generator) -> Case:
    """Predictions of other samples, each mixed with more or less noise; random weights."""

    def mixed(made: np.ndarray) -> np.ndarray:
        rolled = np.roll(made, 1, axis=0)
        if not np.issubdtype(made.dtype, np.floating):
            return rolled
        own = _by_sample(_OWN, made)
        return (own * rolled + (1.0 - own) * random.random(made.shape)).astype(made.dtype)

    masks = [None if mask is None else np.roll(mask, 1, axis=0) for mask in case.masks]
    weights = case.weights
    if weights is not None:
        weights = _mapped(lambda w: _emptied(_random_weights(w, random), random), weights)
    return case._replace(y_pred=_mapped(mixed, case.y_pred), weights=weights, masks=masks)


def _random_weights(weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return (2.0 * random.random(weights.shape)).astype(weights.dtype)


def _emptied(array: np.ndarray, random: np.random.Generator) -> np.ndarray:
    if not np.issubdtype(array.dtype, np.number):
        return array
    kept = random.random(array.shape) < _by_sample(_KEPT, array)
    return np.where(kept, array, 0).astype(array.dtype)


def _invented(y: Any, y_pred: Any, random: np.random.Generator) -> Any:
    """Targets that are full, where real ones may all be empty: class maps, or numbers in range."""
    classes = _classes(y_pred)

    def made(array: np.ndarray) -> np.ndarray:
        if array.dtype == bool:
            return random.random(array.shape) < 0.5
        if np.issubdtype(array.dtype, np.integer):
            return random.integers(0, classes, array.shape).astype(array.dtype)
        if not np.issubdtype(array.dtype, np.floating):
            return array
        low, high = min(0.0, _extreme(array, np.min)), max(1.0, _extreme(array, np.max))
        return (low + (high - low) * random.random(array.shape)).astype(array.dtype)

    return _mapped(made, y)


def _extreme(array: np.ndarray, which: Any) -> float:
    finite = array[np.isfinite(array)]
    return float(which(finite)) if finite.size else 0.0


def _marked(array: np.ndarray, mark: float, random: np.random.Generator) -> np.ndarray:
    """The array with a mark at more or fewer of its entries, if its type can hold it."""
    if not np.issubdtype(array.dtype, np.number):
        return array
    if np.issubdtype(array.dtype, np.integer):
        limits = np.iinfo(array.dtype)
        if not limits.min <= mark <= limits.max:  # never of nan
            return array
    kept = random.random(array.shape) < _by_sample(_KEPT, array)
    return np.where(kept, array, np.array(mark, array.dtype))


def _classes(y_pred: Any) -> int:
    """As many classes as a prediction has channels, at most; 2 of one channel."""
    leaves = [leaf for leaf in keras.tree.flatten(y_pred) if np.ndim(leaf) > 1]
    return max([2, *(leaf.shape[-1] for leaf in leaves)])


def _by_sample(shares: tuple[float, ...], array: np.ndarray) -> np.ndarray:
    return np.resize(shares, len(array)).reshape(-1, *[1] * (array.ndim - 1))


def _mapped(function: Any, structure: Any) -> Any:
    return keras.tree.map_structure(
        lambda leaf: None if leaf is None else function(leaf), structure
    )
