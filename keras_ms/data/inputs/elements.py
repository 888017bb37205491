"""What an element of a source is: `(x, y)`, `(x, y, sample_weight)`, or named columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras

from keras_ms.data.examples import PARTS, leaf_names
from keras_ms.data.inputs.leaves import array_of
from keras_ms.validation import shown

Names = str | Sequence[str] | None

USUAL = {  # column names of public data sets, for proposals
    "x": ("image", "img", "pixel_values", "input", "lr", "x"),
    "y": ("segmentation_mask", "mask", "label", "annotation", "segmentation", "target", "hr", "y"),
}
EITHER = "Examples are (x, y) or (x, y, sample_weight)."


class Columns(NamedTuple):
    """Which columns of a dictionary are input, target and weight. All `None` for tuples.

    A list of names becomes a dictionary of these columns.
    """

    x: Names = None
    y: Names = None
    sample_weight: Names = None

    @property
    def named(self) -> bool:
        """Whether there are any."""
        return any(names is not None for names in self)

    def example(self, element: Any) -> tuple[Any, ...]:
        """`(x, y)` or `(x, y, sample_weight)` of an element, leaves as they are.

        Args:
            element: A tuple or list of two or three parts, or a dictionary. It may as well be a
                structure of specs.

        Raises:
            ValueError: If it is anything else, or a column is missing.
        """
        if isinstance(element, Mapping):
            return self._of_columns(element)
        if self.named:
            raise ValueError(
                "`x`, `y` and `sample_weight` name columns of dictionaries. Received: "
                f"x={shown(self.x)}, y={shown(self.y)}, elements that are {_described(element)}. "
                "Leave them out."
            )
        return _pair(element)

    def _of_columns(self, columns: Mapping[str, Any]) -> tuple[Any, ...]:
        if self.x is None or self.y is None:
            raise ValueError(
                "Of dictionaries, `x` and `y` name the columns of input and target. Received: "
                f"x={shown(self.x)}, y={shown(self.y)}, columns {_listed(columns)}. "
                f"Use for example {proposal(columns)}."
            )
        wanted = [names for names in self if names is not None]
        return tuple(_taken(columns, names) for names in wanted)


def proposal(columns: Mapping[str, Any]) -> str:
    """What to write for `x` and `y`, by the names that public data sets use."""
    left = list(map(str, columns))
    found = {}
    for part, usual in USUAL.items():
        likely = [name for name in usual if name in left]
        found[part] = likely[0] if likely else next(iter(left), "image" if part == "x" else "mask")
        left = [name for name in left if name != found[part]]
    return f"x={found['x']!r}, y={found['y']!r}"


def _taken(columns: Mapping[str, Any], names: Names) -> Any:
    if isinstance(names, str):
        if names not in columns:
            raise ValueError(
                f"There is no such column. Received: {shown(names)}. There are {_listed(columns)}."
            )
        return columns[names]
    assert names is not None
    return {name: _taken(columns, name) for name in names}


def _pair(element: Any) -> tuple[Any, ...]:
    if not isinstance(element, (tuple, list)):
        raise ValueError(
            f"{EITHER} Received: elements that are {_described(element)}. Pass a task to train on "
            "images alone, or make pairs."
        )
    if len(element) not in (2, 3):
        raise ValueError(
            f"{EITHER} Received: elements of {len(element)} parts. Several inputs or targets go "
            "into a dictionary or a tuple: ((a, b), y)."
        )
    parts = tuple(element)
    if len(parts) == 3 and _is_none(parts[2]):
        parts = parts[:2]
    for name, part in zip(PARTS, parts, strict=False):
        if any(_is_none(leaf) for leaf in keras.tree.flatten(part)):
            raise ValueError(
                f"{EITHER} Received: None in {name}. Pass a task to train on images alone."
            )
    return parts


def _is_none(part: Any) -> bool:
    # Known by its name: the class itself is not public in TensorFlow 2.18.
    return part is None or type(part).__name__ == "NoneTensorSpec"


def _described(element: Any) -> str:
    shape = getattr(element, "shape", None)
    return type(element).__name__ + ("" if shape is None else f" of shape {shape}")


def _listed(columns: Mapping[str, Any]) -> str:
    return ", ".join(repr(name) for name in columns) or "none"


def arrays_of(example: tuple[Any, ...]) -> tuple[Any, ...]:
    """The example with NumPy arrays as leaves.

    Raises:
        ValueError: If a leaf is none and cannot become one.
    """
    paths = iter(leaf_names(example))
    return keras.tree.map_structure(lambda leaf: array_of(leaf, next(paths).split("/")[0]), example)
