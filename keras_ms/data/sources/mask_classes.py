"""From mask files, indices or colours, to class maps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from PIL import ImageColor

from keras_ms.data.sources.class_maps import stored_indices
from keras_ms.data.sources.likely_classes import FEW, classes_for, is_lossy
from keras_ms.data.sources.picture_file import stored_colours
from keras_ms.data.sources.stored import MAX_MEGAPIXELS
from keras_ms.validation import index_of, shown

Path = str | os.PathLike[str]
Colour = Sequence[int] | str
Classes = int | Sequence[Colour] | Mapping[Any, Any]

SHOWN = 5
MOST = 2**16  # classes
OUTSIDE = -1


class MaskClasses:
    """Reads masks as class maps.

    Args:
        classes: How masks are read, see `keras_ms.data.FolderPairs`.
        void: Class of all that is no class, or `None`: such masks are refused.

    Attributes:
        count: Number of classes, void not among them unless it is one of their numbers.
        colours: Colours by class `(count, 3)`, uint8, or `None` if masks hold indices.
        dtype: Type of the class maps.

    Raises:
        ValueError: If the classes make no sense.
    """

    def __init__(self, classes: Classes, void: int | None) -> None:
        table, self.colours = _table_of(classes)
        number = None if isinstance(void, bool) else index_of(void)
        if void is not None and (number is None or not 0 <= number < MOST):
            raise ValueError(f"`void` is the number of a class, 0 or more. Received: void={void}.")
        self.void = number
        self.count = max(table.values()) + 1
        self.dtype = np.dtype(np.uint8 if max(self.count - 1, number or 0) < 256 else np.int32)
        self._values = np.array(sorted(table))
        self._classes = np.array([table[value] for value in sorted(table)])

    def read(self, path: Path, max_megapixels: float = MAX_MEGAPIXELS) -> np.ndarray:
        """Reads a mask.

        Returns:
            Classes `(height, width)`, of type `dtype`.

        Raises:
            ValueError: If it cannot be read, or holds what is no class and there is no `void`.
        """
        read = stored_indices if self.colours is None else _packed_colours
        values = read(path, max_megapixels)
        place = np.minimum(np.searchsorted(self._values, values), len(self._values) - 1)
        found, outside = self._classes[place], self._values[place] != values
        if outside.any():
            if self.void is None:
                raise ValueError(self._refusal(path, np.unique(values), np.unique(values[outside])))
            found = np.where(outside, self.void, found)
        return found.astype(self.dtype)

    def _refusal(self, path: Path, values: np.ndarray, outside: np.ndarray) -> str:
        in_colours = self.colours is not None
        shown = [str(_unpacked(v) if in_colours else int(v)) for v in outside[:SHOWN]]
        if len(outside) > SHOWN:
            shown.append("...")
        lossy = "JPEG changes values: write masks as PNG. " if is_lossy(path) else ""
        return (
            f"A mask has {'colours' if in_colours else 'values'} that are none of {self.count} "
            f"classes. Received: {', '.join(shown)} in {os.fspath(path)!r}. {lossy}"
            f"Use {self._mend(values)}, or void=255 if they are no class: then these pixels are "
            "not learned"
        )

    def _mend(self, values: np.ndarray) -> str:
        """How masks are read whose values are classes."""
        if self.colours is not None:
            return "a mapping, classes={(0, 0, 0): 0, (128, 0, 0): 1}, or list all colours"
        if len(values) > FEW or values[0] < 0:
            return "a mapping of values to classes, such as classes={0: 0, 255: 1}"
        return f"{classes_for(sorted({0, *values.tolist()}))} if they are classes"


def _table_of(classes: Any) -> tuple[dict[int, int], np.ndarray | None]:
    """Class by value of the file, or by colour as one number, and the colours."""
    if _whole(classes):
        return _checked({index: index for index in range(min(classes, MOST + 1))}, classes), None
    if isinstance(classes, Mapping):
        if all(isinstance(value, Integral) for value in classes):
            return _checked(dict(classes), classes), None
        if any(isinstance(value, Integral) for value in classes.values()):
            return _by_colour(list(classes.items()), classes)
        classes = list(classes.values())  # colours by name
    if isinstance(classes, (Sequence, np.ndarray)) and not isinstance(classes, str):
        return _by_colour([(colour, index) for index, colour in enumerate(classes)], classes)
    raise _unknown(classes)


def _by_colour(pairs: list[tuple[Any, int]], given: Any) -> tuple[dict[int, int], np.ndarray]:
    table = {packed(colour): index for colour, index in pairs}
    if len(table) < len(pairs):
        raise ValueError(f"A colour stands for two classes. Received: classes={shown(given)}.")
    _checked(table, given)
    colours = np.zeros((max(table.values()) + 1, 3), np.uint8)
    for value, index in reversed(table.items()):  # the first of several shows the class
        colours[index] = _unpacked(value)
    return table, colours


def _checked(table: dict[int, int], given: Any) -> dict[int, int]:
    whole = all(map(_whole, (*table, *table.values()))) and min(table.values(), default=0) >= 0
    if len(table) < 2 or not whole or max(table.values()) >= MOST:
        raise _unknown(given)
    return table


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _packed_colours(path: Path, max_megapixels: float) -> np.ndarray:
    return stored_colours(path, max_megapixels).astype(np.int64) @ np.array([65536, 256, 1])


def _unknown(classes: Any) -> ValueError:
    return ValueError(
        "`classes` is a number of classes (2 or more), colours in their order, or a mapping: from "
        f"names to colours, or from colours or indices to classes. Received: "
        f"classes={shown(classes)}."
    )


def packed(colour: Any) -> int:
    """A colour as one number, 65536 red + 256 green + blue.

    Raises:
        ValueError: If it is neither three numbers from 0 to 255 nor a name of HTML.
    """
    try:
        bands = ImageColor.getrgb(colour)[:3] if isinstance(colour, str) else colour
        red, green, blue = bands
        if all(0 <= int(band) <= 255 for band in (red, green, blue)):
            return int(red) * 65536 + int(green) * 256 + int(blue)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        "A colour is three numbers from 0 to 255, or a name of HTML. "
        f"Received: {colour!r} in `classes`."
    )


def _unpacked(value: int) -> tuple[int, int, int]:
    return int(value) // 65536, int(value) // 256 % 256, int(value) % 256
