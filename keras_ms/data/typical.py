"""What most examples look like: one of another kind, wherever it is, decides nothing."""

from __future__ import annotations

import collections
import functools
import math
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from keras_ms.data.examples import Examples, leaf_names
from keras_ms.data.looking_ahead import Named
from keras_ms.data.roles import Told, mesh_leaf
from keras_ms.data.skipped import SHOWN

Shape = tuple[int | None, ...]


class Typical(NamedTuple):
    """What most examples are like.

    Attributes:
        spec: The spec of the examples; shapes that only the first one told are those of most.
        example: The first that is like most.
    """

    spec: Any
    example: Any


def typical(
    examples: Examples,
    seen: Sequence[Named],
    dims: int,
    said: Told,
    whole: bool,
    max_bad_fraction: float,
) -> Typical:
    """What most of some examples are like.

    Args:
        examples: The examples.
        seen: Names and examples of the first of them.
        dims: Number of spatial dimensions.
        said: Roles that are said.
        whole: Whether examples are to be taken whole, so that their sides must be alike.
        max_bad_fraction: Greatest part that may be otherwise where nobody counts them later.

    Raises:
        ValueError: If so many examples of a stream differ in how their tensors lie over each
            other that none of the kinds is that of most.
    """
    if examples.sizes_are_known:
        return Typical(examples.spec, seen[0][1])
    kinds = [_ratios(examples.spec, example, dims, said) for _, example in seen]
    kind = _most_frequent(kinds)
    alike = [example for (_, example), of in zip(seen, kinds, strict=True) if of == kind]
    if not _counted(examples) and len(alike) < (1 - max_bad_fraction) * len(seen):
        odd = [item for item, of in zip(seen, kinds, strict=True) if of != kind]
        raise ValueError(_of_several_kinds(examples.spec, len(seen), odd, alike[0]))
    fields = [ratio is not None for ratio in kind]
    least = (1 - max_bad_fraction) * len(seen)
    spec = _refined(examples, alike, fields, whole, least, dims)
    fitting = (example for example in alike if _fits(example, spec))
    return Typical(spec, next(fitting, alike[0]))


def most_alike(values: Sequence[Any], key: Any) -> Any:
    """The first value whose key is the most frequent one.

    Example:
        >>> most_alike(["a", "bb", "cc"], key=len)
        'bb'
    """
    keys = [key(value) for value in values]
    return values[keys.index(_most_frequent(keys))]


def _most_frequent(kinds: Sequence[Any]) -> Any:
    """The most frequent kind; of a tie, that of tensors of one size, then the first."""
    counted = collections.Counter(kinds)

    def rank(kind: Any) -> tuple[int, int]:
        same = sum(part == 1 for part in kind) if isinstance(kind, tuple) else 0
        return counted[kind], same

    return max(counted, key=rank)


def _ratios(spec: Any, example: Any, dims: int, said: Told) -> tuple[Fraction | None, ...]:
    """Sides of the leaves by those of the mesh; `None` of what does not lie on it."""
    values = [np.asarray(leaf) for leaf in keras.tree.flatten(example)]
    if len(values) != len(leaf_names(spec)):
        return ()
    try:
        shapes = [value.shape for value in values]
        mesh = shapes[mesh_leaf(spec, shapes, dims, said)][:dims]
    except ValueError:  # no image
        return (None,) * len(values)
    found = []
    for name, value in zip(leaf_names(spec), values, strict=True):
        sides = {Fraction(a, b) for a, b in zip(value.shape, mesh, strict=False)}
        field = value.ndim in (dims, dims + 1) and max(value.shape[:dims], default=1) > 1
        field &= said.get(name, ("",))[0] not in ("label", "coordinates")
        ratio = sides.pop() if field and len(sides) == 1 else Fraction(0)
        found.append(ratio if ratio and 1 in (ratio.numerator, ratio.denominator) else None)
    return tuple(found)


def _counted(examples: Examples) -> bool:
    """Whether all examples are read, and those that do not fit counted, before training."""
    return examples.length is not None and examples.length != math.inf


def _refined(
    examples: Examples,
    alike: Sequence[Any],
    fields: Sequence[bool],
    whole: bool,
    least: float,
    dims: int,
) -> Any:
    """The spec with the shapes of most, where it has those of the first one or none."""
    leaves = []
    by_leaf = zip(*map(keras.tree.flatten, alike), strict=True)
    for leaf, values, field in zip(keras.tree.flatten(examples.spec), by_leaf, fields, strict=True):
        shape = _shape_of_most([np.shape(value) for value in values], least)
        told = tuple(leaf.shape)
        if examples.alike and not _counted(examples):
            shape = told  # nothing but the end of the source could tell
        elif examples.alike and field and not whole:
            shape = (*told[:dims], *shape[dims:])
        leaves.append(tf.TensorSpec(shape, leaf.dtype))
    return keras.tree.pack_sequence_as(examples.spec, leaves)


def _shape_of_most(shapes: Sequence[Shape], least: float) -> Shape:
    """The shape of at least so many; else what all have in common."""
    shape, count = collections.Counter(shapes).most_common(1)[0]
    return shape if count >= least else functools.reduce(common_shape, shapes)


def common_shape(one: Shape, other: Shape) -> Shape:
    """What two shapes of as many axes have in common; sides that differ become `None`."""
    return tuple(a if a == b else None for a, b in zip(one, other, strict=True))


def _fits(example: Any, spec: Any) -> bool:
    leaves = zip(keras.tree.flatten(example), keras.tree.flatten(spec), strict=True)
    return all(leaf.shape.is_compatible_with(np.shape(value)) for value, leaf in leaves)


def _of_several_kinds(spec: Any, seen: int, odd: Sequence[Named], usual: Any) -> str:
    named = "; ".join(f"{name} ({_shapes(spec, example)})" for name, example in odd[:SHOWN])
    more = "; ..." if len(odd) > SHOWN else ""
    return (
        "Tensors of an example lie over each other, by the same factors in all examples. "
        f"Received: {len(odd)} of the first {seen} examples are otherwise: {named}{more}. "
        f"Expected is {_shapes(spec, usual)}, or as much smaller or larger. Resize what is "
        "otherwise, or leave it out."
    )


def _shapes(spec: Any, example: Any) -> str:
    both = zip(leaf_names(spec), keras.tree.flatten(example), strict=True)
    return ", ".join(f"{name} of shape {np.shape(leaf)}" for name, leaf in both)


def signature(example: Any) -> Hashable:
    """Structure, types, axes and channels of an example: what all examples must have alike."""
    paths: Iterable[tuple[Any, Any]] = keras.tree.flatten_with_path(example)
    return tuple((path, *_kind(np.asarray(leaf))) for path, leaf in paths)


def _kind(array: np.ndarray) -> tuple[str, int, Shape]:
    return str(array.dtype), array.ndim, array.shape[-1:] if array.ndim > 2 else ()
