"""Checks that many share, each once. They raise `ValueError` and say what was received."""

from __future__ import annotations

import functools
import importlib
import math
import numbers
import operator
import pkgutil
from collections.abc import Collection
from typing import Any


def positive_integer(value: Any, name: str) -> int:
    """The value as a Python integer.

    Args:
        value: Anything with an `__index__`.
        name: What the argument is called.

    Raises:
        ValueError: If it is no integer, or less than 1.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 1:
        raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    return operator.index(value)


def positive_integers(values: Any) -> tuple[int, ...]:
    """The values as a tuple of Python integers, empty if they are not all positive integers."""
    try:
        integers = tuple(operator.index(value) for value in values)
    except TypeError:
        return ()
    return integers if integers and min(integers) > 0 else ()


def none_or_positive(**values: int | None) -> None:
    """Refuses values that are neither `None` nor a positive integer.

    Raises:
        ValueError: Naming the argument.
    """
    for name, value in values.items():
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"`{name}` is None or 1 or more. Received: {name}={value!r}.")


def true_or_false(**values: Any) -> None:
    """Refuses values that are none of `True`, `False` and `None`.

    Raises:
        ValueError: Naming the argument.
    """
    for name, value in values.items():
        if value is not None and type(value).__name__ not in ("bool", "bool_"):
            raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}.")


def known(value: Any, names: Collection[str], argument: str, what: str) -> str:
    """The value, if it is one of some names.

    Args:
        value: What was received.
        names: What there is.
        argument: What the argument is called.
        what: What the names are of, such as "task".

    Raises:
        ValueError: If it is none of them.
    """
    if value not in names:
        raise ValueError(
            f"There is no such {what}. Received: {argument}={value!r}. "
            f"Use one of {tuple(sorted(names))}."
        )
    return value


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
        >>> sorted(keras_ms.validation.registered("keras_ms.tasks"))[:2]
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
        >>> sorted(keras_ms.validation.offered("keras_ms.networks"))[:1]
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
        >>> keras_ms.validation.found_by("math:sqrt", "keras_ms.tasks", "task", "task")(4.0)
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


def checked_refresh(refresh: Any, num_levels: int, steps_per_epoch: int) -> tuple[int, ...]:
    """How often terms are computed anew, as integers.

    Raises:
        ValueError: If they are not one positive integer per level, the last is not 1, or one does
            not divide the steps of an epoch.
    """
    values = tuple(refresh) if hasattr(refresh, "__iter__") else ()
    integers = all(isinstance(v, numbers.Integral) and int(v) > 0 for v in values)
    if len(values) != num_levels or not integers or values[-1] != 1:
        raise ValueError(
            "`refresh` says for each level, finest first, every how many steps its term is "
            "computed anew: positive integers, of which the last is 1. Received: "
            f"refresh={refresh!r} for {num_levels} levels. Use for example "
            f"{tuple(2**level for level in reversed(range(num_levels)))}."
        )
    if any(steps_per_epoch % value for value in values):
        raise ValueError(
            "Every epoch computes all terms in its first step, so `refresh` must divide "
            f"steps_per_epoch. Received: refresh={values}, steps_per_epoch={steps_per_epoch}. Use "
            "another steps_per_epoch, or powers of 2 for both."
        )
    return tuple(int(value) for value in values)


def checked_weights(weights: Any, num_levels: int) -> tuple[float, ...]:
    """The weights of a dataset as floats.

    Raises:
        ValueError: If they are not one finite number per pair of levels.
    """
    values = tuple(weights) if hasattr(weights, "__iter__") else ()
    numbers_all = all(isinstance(v, numbers.Real) and math.isfinite(v) for v in values)
    if len(values) != num_levels - 1 or not numbers_all:
        raise ValueError(
            "Control weights are one finite number per pair of levels, finest first. "
            f"Received: control_weights={weights!r} for {num_levels} levels."
        )
    return tuple(float(value) for value in values)
