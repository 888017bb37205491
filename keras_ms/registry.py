"""Registries: what the modules of a folder offer by name, and what users name in modules of theirs.

A module offers things by a literal `NAMES = {"name": "Attribute", ...}`.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable
from typing import Any

from keras_ms.validation import known


@dataclasses.dataclass(frozen=True)
class Registry:
    """What the modules of a package offer by name, and what may be named in modules of one's own.

    Attributes:
        package: Name of the package, such as `"keras_ms.tasks"`.
        what: What its things are, such as "task": it is what messages call them.
        checked: Takes what a name stands for and the name, and returns a function or class that can
            be called, or raises a `ValueError`.

    Example:
        >>> tasks = Registry("keras_ms.tasks", "task", lambda found, name: found)
        >>> tasks.made("denoising", conditional=True).conditional
        True
    """

    package: str
    what: str
    checked: Callable[[Any, str], Callable[..., Any]]

    def names(self) -> tuple[str, ...]:
        """The names that the package offers, in alphabetical order."""
        return tuple(registered(self.package))

    def made(self, name: str, **options: Any) -> Any:
        """Calls what a name stands for.

        Args:
            name: One of `names()`, or `"module:attribute"`.
            **options: Arguments of the call.

        Raises:
            ValueError: If there is no such thing, or it cannot be called so.
        """
        return self._found(name)(**options)

    def options(self, name: str) -> tuple[str, ...]:
        """Names of the arguments of what a name stands for.

        Args:
            name: One of `names()`, or `"module:attribute"`.

        Raises:
            ValueError: As `made`.
        """
        return tuple(inspect.signature(self._found(name)).parameters)

    def _found(self, name: str) -> Callable[..., Any]:
        return self.checked(found_by(name, self.package, self.what, self.what), name)


@functools.cache
def registered(package_name: str) -> dict[str, Any]:
    """What the modules of a package offer by name; `offered`, looked up once.

    Args:
        package_name: Name of a package, such as `"keras_ms.tasks"`.

    Returns:
        The things by name, sorted by name.

    Raises:
        ValueError: As `offered`.

    Example:
        >>> sorted(keras_ms.registry.registered("keras_ms.tasks"))[:2]
        ['deblurring', 'denoising']
    """
    return offered(package_name)


def offered(package_name: str) -> dict[str, Any]:
    """What the modules of a package offer by name.

    A module offers things by a literal `NAMES = {"name": "Attribute", ...}`, from names to
    attributes of that module. So a new file in the package's folder is all that a new thing
    needs. Packages within the package are passed over: what is slow to import goes there.

    Args:
        package_name: Name of a package, such as `"keras_ms.tasks"`.

    Returns:
        The things by name, sorted by name.

    Raises:
        ValueError: If the NAMES of a module is no dictionary of strings, two modules offer one
            name, or a module lacks an attribute that it names.

    Example:
        >>> sorted(keras_ms.registry.offered("keras_ms.networks"))[:1]
        ['espcn']
    """
    found: dict[str, Any] = {}
    owners: dict[str, str] = {}
    package = importlib.import_module(package_name)
    for entry in pkgutil.iter_modules(package.__path__, f"{package_name}."):
        if entry.ispkg:
            continue
        module = importlib.import_module(entry.name)
        for name, attribute in _names_of(module).items():
            _check_offer(name, attribute, module, owners)
            found[name], owners[name] = getattr(module, attribute), entry.name
    return dict(sorted(found.items()))


def found_by(name: str, package_name: str, argument: str, what: str) -> Any:
    """What a name stands for: an offer of a package, or `"module:attribute"` of one's own.

    Args:
        name: The name.
        package_name: Name of the package, such as `"keras_ms.tasks"`.
        argument: What the argument is called.
        what: What the names are of, such as "task".

    Raises:
        ValueError: If there is no such offer, or the module cannot be imported or has no such
            attribute.

    Example:
        >>> keras_ms.registry.found_by("math:sqrt", "keras_ms.tasks", "task", "task")(4.0)
        2.0
    """
    if not is_own(name):
        found = registered(package_name)
        return found[known(name, tuple(found), argument, what)]
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"A {what} of your own is named module:attribute, and the module can be imported from "
            f"where Python looks. Received: {argument}={name!r} ({error}). Use for example "
            f"my_module:My{what.capitalize()}."
        ) from error


def is_own(name: Any) -> bool:
    """Whether a name is `"module:attribute"`."""
    return isinstance(name, str) and ":" in name


def _names_of(module: Any) -> dict[str, str]:
    names = getattr(module, "NAMES", {})
    if not isinstance(names, dict) or not all(
        isinstance(part, str) for part in (*names, *names.values())
    ):
        raise ValueError(
            "NAMES must map names to attributes of the same file, all of them strings. Received: "
            f"NAMES={names!r} in {module.__file__}. Use for example "
            'NAMES = {"my_name": "MyClass"}.'
        )
    return names


def _check_offer(name: str, attribute: str, module: Any, owners: dict[str, str]) -> None:
    where = module.__name__
    if name in owners:
        raise ValueError(
            f"Two modules offer one name in their NAMES. Received: {name!r} in {owners[name]} and "
            f"in {where}. Use another name in one of them."
        )
    if not hasattr(module, attribute):
        raise ValueError(
            "NAMES must map names to attributes of the same file. "
            f"Received: NAMES[{name!r}]={attribute!r} in {where}, which has no such attribute."
        )
