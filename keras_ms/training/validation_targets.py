"""Checks targets of `validation_data` as those of the training data are: by what losses take.

Else TensorFlow fails after the first epoch, and on a GPU the loss is no number.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.examples import leaf_names
from keras_ms.data.inputs.dataset_graph import is_cached
from keras_ms.data.python_calls import called
from keras_ms.data.roles import Leaf
from keras_ms.data.values import values_of
from keras_ms.gradients.known_losses import CLASSES, ONE_HOT, takes
from keras_ms.gradients.losses_of_targets import kind_of, last_side_of, loss_of
from keras_ms.gradients.target_values import Check, check_of

LOOKED_AT = 32
"""Examples of a `tf.data.Dataset` that are looked at before training; the others as they come."""


class ValidationTargets:
    """Looks at targets of validation data, as far as it is known what their losses take.

    Args:
        model: A compiled model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._failure: ValueError | None = None

    def checked(self, data: Any) -> Any:
        """Looks at arrays, and at the first examples of a `tf.data.Dataset`.

        Args:
            data: What `fit` was given as `validation_data`.

        Returns:
            The same data; of a dataset, one that looks at the others when they are read. Anything
            else is left to Keras.

        Raises:
            ValueError: If a target is none that its loss takes, such as a class beyond the outputs.
        """
        if isinstance(data, tf.data.Dataset):
            return self._of_dataset(data)
        if isinstance(data, (tuple, list)) and len(data) > 1 and _are_arrays(data[1]):
            targets = _targets(tuple(data))
            for name, check in self._checks(targets).items():
                _look(check, self._counts(name), targets[name], "{}")
        return data

    @contextlib.contextmanager
    def own_errors(self) -> Iterator[None]:
        """Raises what was found in a dataset within as it was raised there."""
        try:
            yield
        except tf.errors.OpError as error:
            if self._failure is None:
                raise
            raise self._failure from error

    def _of_dataset(self, data: tf.data.Dataset) -> tf.data.Dataset:
        spec = data.element_spec
        plain = isinstance(spec, tuple) and len(spec) > 1
        if not plain or not all(isinstance(s, tf.TensorSpec) for s in keras.tree.flatten(spec)):
            return data
        checks = self._checks(_targets(spec))
        if not checks:
            return data
        self._look_ahead(data, checks)
        names = list(checks)

        def look(targets: ValidationTargets, number: Any, *arrays: Any) -> bool:
            targets._look_at(dict(zip(names, arrays, strict=True)), checks, int(number))
            return True

        def passed(number: Any, parts: Any) -> Any:
            leaves = _targets(parts)
            seen = called(self, look, [number, *(leaves[name] for name in names)], tf.bool)
            with tf.control_dependencies([seen]):
                return keras.tree.map_structure(tf.identity, parts)

        return data.enumerate().map(passed)

    def _look_ahead(self, data: tf.data.Dataset, checks: Mapping[str, Check]) -> None:
        # A cache that is read in part complains, and has to be filled anyway.
        whole = is_cached(data) and int(data.cardinality()) != tf.data.INFINITE_CARDINALITY
        seen = 0
        for number, parts in enumerate(data if whole else data.take(LOOKED_AT)):
            leaves = {name: np.asarray(leaf) for name, leaf in _targets(parts).items()}
            self._look_at(leaves, checks, number)
            seen += len(leaves[next(iter(checks))])
            if seen >= LOOKED_AT and not whole:
                break

    def _look_at(
        self, leaves: Mapping[str, np.ndarray], checks: Mapping[str, Check], number: int
    ) -> None:
        """Looks at a batch; what is wrong is kept, since tf.data would hide it."""
        try:
            for name, check in checks.items():
                _look(check, self._counts(name), leaves[name], f"{{}} of batch {number}")
        except ValueError as error:
            self._failure = error
            raise

    def _checks(self, targets: Mapping[str, Any]) -> dict[str, Check]:
        """What is to hold of targets by name, for those of which something is known."""
        found: dict[str, Check] = {}
        for name, target in targets.items():
            path = name.split("/")[1:]
            loss = loss_of(self._model, path)
            kind = "" if loss is None else kind_of(loss)
            dtype = tf.as_dtype(keras.backend.standardize_dtype(target.dtype))
            if not kind or (takes(kind, ONE_HOT) and dtype.is_floating):
                continue  # shares that may be weighed are warned of in training, once
            leaf = Leaf(f"{name} of validation_data", "label", "", tuple(target.shape[1:]), dtype)
            outputs = last_side_of(self._model, path)
            check = check_of(leaf, loss, kind, outputs, asks=False)
            if check is not None:
                found[name] = check
        return found

    def _counts(self, name: str) -> bool:
        """Whether whole numbers are counted: where they are classes."""
        loss = loss_of(self._model, name.split("/")[1:])
        return loss is not None and takes(kind_of(loss), CLASSES)


def _targets(parts: Any) -> dict[str, Any]:
    """Targets of `(x, y)` or `(x, y, sample_weight)` by name."""
    both = zip(leaf_names(("", parts[1])), keras.tree.flatten(("", parts[1])), strict=True)
    return dict(itertools.islice(both, 1, None))


def _are_arrays(structure: Any) -> bool:
    leaves = keras.tree.flatten(structure)
    return all(hasattr(leaf, "shape") and hasattr(leaf, "dtype") for leaf in leaves)


def _look(check: Check, counts: bool, rows: Any, name: str) -> None:
    """Looks at all rows at once and, if that finds something, at one by one to name it."""
    with contextlib.suppress(ValueError):
        check(values_of(np.asarray(rows), "all", numbers=counts, columns=False))
        return
    for number, row in enumerate(rows):
        check(values_of(np.asarray(row), name.format(number), numbers=counts, columns=False))
