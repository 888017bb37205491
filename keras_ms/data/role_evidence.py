"""What roles rest on: the examples that were looked at. Later ones may contradict them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import keras
import numpy as np

from keras_ms.data.examples import leaf_names
from keras_ms.data.points import FEW
from keras_ms.data.reading import Reading
from keras_ms.data.roles import Deciding, Leaf, Told, mesh_leaf
from keras_ms.data.survey import Check, Looked, Survey
from keras_ms.data.values import Values

_LOOKED_AT = 32
"""Examples of a stream that are looked at before training, if they are not large."""
_BYTES_LOOKED_AT = 2**28


class Evidence:
    """What is known of the tensors of examples, and what follows for their roles.

    Args:
        spec: The structure of an example, of `tf.TensorSpec` without a batch axis.
        reading: Reads the examples; it is to be begun with `survey`.
        dims: Number of spatial dimensions.
        said: Roles that the user, or the source, says.

    Attributes:
        survey: Looks at examples as they are read.
    """

    def __init__(self, spec: Any, reading: Reading, dims: int, said: Told) -> None:
        self._reading = reading
        self._first = [np.asarray(leaf) for leaf in keras.tree.flatten(reading.first)]
        self._deciding = Deciding(spec, tuple(leaf.shape for leaf in self._first), dims, said)
        self.survey = survey_for(self._deciding)

    @property
    def values(self) -> Mapping[str, Values]:
        """What the values of tensors are in all examples that were read, by name.

        Of images that are inputs, nothing is known.
        """
        return self.survey.found

    def leaves(self, told: Told | None = None) -> tuple[Leaf, ...]:
        """What every tensor is, by all examples that were read.

        Args:
            told: Roles of fields that a loss tells.

        Raises:
            ValueError: If a tensor may be anything, or does not fit its role.
        """
        return self._deciding.leaves(self.values, told)

    def sample(self, name: str) -> np.ndarray:
        """A tensor of the first example, as stored."""
        return self._first[leaf_names(self._deciding.spec).index(name)]

    def look_ahead(self) -> None:
        """Reads, and looks at, some examples of a stream; the first steps take them.

        What was expected of examples is forgotten: it is to be decided anew.
        """
        self.survey.forget()
        self._reading.forgive()
        size = sum(leaf.nbytes for leaf in self._first)
        self._reading.look(min(_LOOKED_AT, 1 + _BYTES_LOOKED_AT // max(size, 1)))

    def expect(
        self,
        leaves: tuple[Leaf, ...],
        told: Collection[str] = (),
        checks: Mapping[str, Check] | None = None,
    ) -> None:
        """Has examples that are read later checked as well.

        Args:
            leaves: What tensors were taken for.
            told: Names of those of which a loss tells the role; others must stay what they are.
            checks: What else is to hold of values, by what says so.
        """
        self.survey.expect("roles", altogether=same_roles(self._deciding, told, leaves))
        for name, check in (checks or {}).items():
            self.survey.expect(name, single=check)


def survey_for(deciding: Deciding) -> Survey:
    """A survey of examples that has seen none yet.

    Pixels of inputs are not looked at, and whole numbers of tensors with several bands not counted:
    no decision rests on them.

    Args:
        deciding: What roles rest on.
    """
    dims = deciding.dims
    mesh = mesh_leaf(deciding.spec, deciding.shapes, dims, deciding.said)
    how = []
    for number, leaf in enumerate(leaf_names(deciding.spec)):
        shape = deciding.shapes[number]
        pixels = len(shape) in (dims, dims + 1) and max(shape[:dims], default=0) > FEW
        of_input = leaf.startswith("x") and (pixels or number == mesh)
        bands = pixels and len(shape) == dims + 1 and shape[-1] > 1
        how.append(Looked(leaf, at_all=not of_input, numbers=not bands))
    return Survey(how)


def same_roles(deciding: Deciding, told: Collection[str], leaves: tuple[Leaf, ...]) -> Check:
    """Checks that examples, looked at together, are still what they were taken for.

    Args:
        deciding: What roles rest on.
        told: Names of leaves of which something else tells the role.
        leaves: What they were taken for.
    """
    before = {leaf.name: leaf for leaf in leaves if leaf.name not in told}

    def check(found: Mapping[str, Values]) -> None:
        for leaf in deciding.leaves(found):
            was = before.get(leaf.name, leaf)
            if (was.role, was.ratio) != (leaf.role, leaf.ratio):
                raise ValueError(
                    "Examples that come later are other than the first. Received: "
                    f"{leaf.name} that looks like {_words(leaf)}; by the examples before, it was "
                    f"taken for {_words(was)}. Say which: roles={{'{leaf.name}': '{leaf.role}'}}, "
                    f"or '{was.role}'."
                )

    return check


def _words(leaf: Leaf) -> str:
    article = "an" if leaf.role == "image" else "a"
    return f"{article} {leaf.role.replace('_', ' ')} ({leaf.reason})"
