"""Roles that rest on what was looked at, and examples, read later, that may contradict them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from keras_ms.data.examples import leaf_names
from keras_ms.data.points import FEW
from keras_ms.data.roles import Deciding, Leaf, mesh_leaf
from keras_ms.data.survey import Check, Looked, Survey
from keras_ms.data.values import Values


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
