"""Batches to evaluate on, of which no replica gets nothing.

Where a batch has fewer rows than there are replicas, as the last one often has, TensorFlow gives
some of them none, and convolutions of no rows fail. So small batches join the one before, or each
replica sees all rows if there are fewer of these than replicas.
"""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def shares(batches: tf.data.Dataset, replicas: int) -> tf.data.Dataset | None:
    """One element for each replica in turn, of each batch; all have rows if there are enough.

    Args:
        batches: Finite batches.
        replicas: How many share each.

    Returns:
        The shares; `None` if batches are alike and large enough, have no end, or hold other than
        tensors with rows: then they are TensorFlow's to share.
    """
    specs = tf.nest.flatten(batches.element_spec)
    plain = all(isinstance(spec, tf.TensorSpec) and spec.shape.rank for spec in specs)
    if not plain or int(batches.cardinality()) == tf.data.INFINITE_CARDINALITY:
        return None
    if all(spec.shape[0] is not None and spec.shape[0] % replicas == 0 for spec in specs):
        return None

    def cut(*parts: Any) -> tf.data.Dataset:
        element = _whole(parts)
        rows = _rows(element)
        bounds = tf.range(replicas + 1, dtype=tf.int64) * rows // replicas
        few = rows < replicas  # which are all there are, so that each replica may see all
        begins = tf.where(few, tf.zeros_like(rows), bounds[:-1])
        ends = tf.where(few, rows, bounds[1:])
        spans = tf.data.Dataset.from_tensor_slices((begins, ends))
        return spans.map(lambda a, b: tf.nest.map_structure(lambda leaf: leaf[a:b], element))

    return _joined(batches, replicas).flat_map(cut)


def _joined(batches: tf.data.Dataset, least: int) -> tf.data.Dataset:
    """The same rows in the same order, in batches of `least` or more if there are so many."""

    def empty(spec: tf.TensorSpec) -> Any:
        return tf.zeros([0, *(side or 0 for side in spec.shape[1:])], spec.dtype)

    nothing = tf.nest.map_structure(empty, batches.element_spec)
    more = batches.map(lambda *parts: (_whole(parts), False))
    more = more.concatenate(tf.data.Dataset.from_tensors((nothing, True)))

    def step(held: Any, new: Any) -> Any:
        element, over = new
        joins = tf.minimum(_rows(held), _rows(element)) < least
        joins = tf.logical_and(joins, tf.logical_not(over))
        both = tf.nest.map_structure(lambda a, b: _one_after_another(a, b, joins), held, element)
        given = tf.nest.map_structure(
            lambda leaf: leaf[: tf.where(joins, 0, tf.shape(leaf)[0])], held
        )
        return both, given

    return more.scan(nothing, step).filter(lambda *parts: _rows(_whole(parts)) > 0)


def _one_after_another(held: Any, new: Any, joins: Any) -> Any:
    has_none = tf.equal(tf.shape(held)[0], 0)  # its other sides may be unknown
    alone = tf.logical_or(has_none, tf.logical_not(joins))
    return tf.cond(alone, lambda: new, lambda: tf.concat([held, new], axis=0))


def _whole(parts: tuple[Any, ...]) -> Any:
    # tf.data takes tuples apart.
    return parts[0] if len(parts) == 1 else parts


def _rows(element: Any) -> Any:
    return tf.shape(tf.nest.flatten(element)[0], out_type=tf.int64)[0]
