"""What a user says that tensors of an example are, by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_ms.data.examples import PARTS, leaf_names
from keras_ms.data.roles import ROLES
from keras_ms.validation import known, shown


def said_roles(roles: Any, spec: Any) -> dict[str, str]:
    """Roles by name of leaf, from what a user says.

    Args:
        roles: `{"x": "image", "y": "class_map"}`, where a key names a leaf or all leaves below it
            (`"y/mask"`), and a value may be nested as the example is; or a list or tuple, one entry
            for each of `x`, `y` and `sample_weight`. `None`, also within, for nothing said.
        spec: The structure of an example.

    Raises:
        ValueError: If a name is no leaf's, or a role is none of `ROLES`.
    """
    names = leaf_names(spec)
    found: dict[str, str] = {}
    if isinstance(roles, (list, tuple)):
        roles = dict(zip(_parts(roles), roles, strict=True))
    for name, role in _flat(roles or {}):
        below = [leaf for leaf in names if leaf == name or leaf.startswith(f"{name}/")]
        if not below:
            raise ValueError(
                f"`roles` names what is not there. Received: {name or roles!r}, the tensors are "
                f"{', '.join(names)}. Use for example {{'y': 'class_map'}}."
            )
        known(role, ROLES, "roles", "role")
        found |= dict.fromkeys(below, role)
    return found


def _parts(roles: Sequence[Any]) -> tuple[str, ...]:
    if len(roles) > len(PARTS):
        raise ValueError(
            f"Roles in a row are those of x, y and sample_weight. Received: roles={shown(roles)}. "
            "Use names: {'x': 'image', 'y/0': 'class_map'}."
        )
    return PARTS[: len(roles)]


def _flat(roles: Any, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(roles, str):
        return [(prefix, roles)]
    if roles is None:
        return []
    if isinstance(roles, (list, tuple)):
        roles = dict(enumerate(roles))
    if not isinstance(roles, Mapping):
        raise ValueError(
            "`roles` says what tensors are, by name. "
            f"Received: {shown(roles)}. Use for example {{'x': 'image', 'y': 'class_map'}}."
        )
    below = [(f"{prefix}/{name}" if prefix else str(name), of) for name, of in roles.items()]
    return [pair for name, of in below for pair in _flat(of, name)]
