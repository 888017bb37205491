"""What a user says that tensors of an example are, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras_ms.data.examples import leaf_names
from keras_ms.data.roles import ROLES
from keras_ms.validation import known

OF_SOURCE, OF_USER = "the source says so", "you say so"
"""Reasons for roles that are said."""


def said_roles(roles: Any, spec: Any) -> dict[str, str]:
    """Roles by name of leaf, from what a user says.

    Args:
        roles: `{"x": "image", "y": "class_map"}`, where a key names a leaf or all leaves below it
            (`"y/mask"`), and a value may be nested as the example is. `None` for none.
        spec: The structure of an example.

    Raises:
        ValueError: If a name is no leaf's, or a role is none of `ROLES`.
    """
    names = leaf_names(spec)
    found: dict[str, str] = {}
    for name, role in _flat(roles or {}):
        below = [leaf for leaf in names if leaf == name or leaf.startswith(f"{name}/")]
        if not below:
            raise ValueError(
                f"`roles` names what is not there. Received: {name!r}, the tensors are "
                f"{', '.join(names)}."
            )
        known(role, ROLES, "roles", "role")
        found |= dict.fromkeys(below, role)
    return found


def _flat(roles: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(roles, str):
        return [(prefix, roles)]
    if isinstance(roles, (list, tuple)):
        roles = dict(enumerate(roles))
    if not isinstance(roles, Mapping):
        raise ValueError(
            "`roles` says what tensors are, by name. "
            f"Received: {roles!r}. Use for example {{'x': 'image', 'y': 'class_map'}}."
        )
    below = [(f"{prefix}/{name}" if prefix else str(name), of) for name, of in roles.items()]
    return [pair for name, of in below for pair in _flat(of, name)]
