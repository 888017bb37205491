"""Looks at the tensors of examples as they are read, so that roles and checks rest on all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_ms.data.values import Values, values_of

SMALL = 4096
"""Numbers that a tensor may have whose places along the last axis are looked at."""

Check = Callable[[Mapping[str, Values]], None]
"""Raises a ValueError if the values of tensors, by name, are not what they should be."""


class UnfitValuesError(ValueError):
    """An example, read later than others, is not what those were taken for."""


class Looked(NamedTuple):
    """How a tensor is looked at.

    Attributes:
        name: Its name.
        at_all: Whether it is; pixels of inputs are not.
        numbers: Whether its whole numbers are counted.
    """

    name: str
    at_all: bool
    numbers: bool


class Survey:
    """What the values of the tensors are in all examples that were read so far.

    Examples that are read after something was decided have to fit it: see `expect`.

    Args:
        how: How the tensors are looked at, in the order of `keras.tree.flatten`.

    Attributes:
        found: Values by name of tensor.
    """

    def __init__(self, how: Sequence[Looked]) -> None:
        self._how = tuple(how)
        self.found: Mapping[str, Values] = {one.name: Values() for one in how if one.at_all}
        self._single: dict[str, Check] = {}
        self._altogether: dict[str, Check] = {}

    def expect(self, of: str, single: Check | None = None, altogether: Check | None = None) -> None:
        """From now on, checks every example that is read.

        Args:
            of: Whose check it is, such as a tensor's; it takes the place of the last one.
            single: Gets the values of the example alone, by name of tensor.
            altogether: Gets those of all that were read, it included.
        """
        if single is not None:
            self._single[of] = single
        if altogether is not None:
            self._altogether[of] = altogether

    def forget(self) -> None:
        """Expects nothing any more."""
        self._single, self._altogether = {}, {}

    def add(self, name: str, example: Any) -> None:
        """Looks at an example.

        Raises:
            UnfitValuesError: If it is not what the others were taken for.
        """
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(example)]
        of_one = {
            how.name: values_of(leaf, name, how.numbers, leaf.size <= SMALL)
            for how, leaf in zip(self._how, leaves, strict=True)
            if how.at_all
        }
        self.found = {leaf: self.found[leaf].joined(seen) for leaf, seen in of_one.items()}
        try:
            for check in tuple(self._single.values()):
                check(of_one)
            for check in tuple(self._altogether.values()):
                check(self.found)
        except ValueError as error:
            said = str(error)
            named = f"example {name}" in said
            raise UnfitValuesError(said if named else f"Example {name}: {said}") from error
