"""A user's own examples, whatever they came as: what the pipeline knows of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import keras

PARTS = ("x", "y", "sample_weight")


class Examples(NamedTuple):
    """A user's own unbatched examples, ready to be read.

    Attributes:
        spec: The structure of one example, `(x, y)` or `(x, y, sample_weight)`, of `tf.TensorSpec`
            without a batch axis; sides that differ from example to example are `None`.
        passes: Begins a pass over all examples. Yields `(name, example)`: the name of a file or a
            number, for messages; the example as a structure of NumPy arrays as in `spec`, or a
            `ValueError` that says why it cannot be read.
        length: How many there are; `None` if that is not known, `math.inf` if they never end.
        anew: Whether examples come out otherwise in every pass, so that none may be kept.
        ranges: For leaves by name, the values `(low, high)` that become 0 and 1. Others stay in
            the range that they have.
        roles: For leaves by name, what the source knows them to be, such as `"class_map"`.
        note: What was decided about the source that a user should read, or nothing.
        once: Whether there is one pass only: what it yields must be kept. Another one goes on
            where the last one is, and is refused at the end.
        alike: Whether all examples are known to have the sides of the spec. If not, they are
            those of the first one.
        draws: What makes examples come out otherwise in every pass or, unless `anew`, may do so,
            in a clause; empty if nothing does.
    """

    spec: Any
    passes: Callable[[], Iterator[tuple[str, Any]]]
    length: float | None = None
    anew: bool = False
    ranges: Mapping[str, tuple[float, float]] = {}
    roles: Mapping[str, str] = {}
    note: str = ""
    once: bool = False
    alike: bool = True
    draws: str = ""

    @property
    def sizes_are_known(self) -> bool:
        """Whether all examples are known to have the shapes of the spec."""
        shapes = [leaf.shape for leaf in keras.tree.flatten(self.spec)]
        return self.alike and all(shape.is_fully_defined() for shape in shapes)


def leaf_names(spec: Any) -> list[str]:
    """Names of the leaves of an example, in the order of `keras.tree.flatten`.

    The part that a leaf is in, and its way through dictionaries and lists: `"x"`, `"y/mask"`,
    `"y/0"`.

    Example:
        >>> leaf_names(({"photo": 0, "noise": 0}, [0, 0]))
        ['x/noise', 'x/photo', 'y/0', 'y/1']
    """
    paths = keras.tree.flatten_with_path(tuple(spec))
    return ["/".join([PARTS[path[0]], *map(str, path[1:])]) for path, _ in paths]
