"""Ways to train, one file each: what is special to a strategy is in its file and nowhere else.

A file offers strategies by name in a literal, `NAMES = {"adaptive": "Adaptive"}`, which says the
class of each.
"""

from __future__ import annotations

import importlib
import pkgutil

from ..experiment.options import check_choice
from ..experiment.settings import Settings
from .strategy import Strategy


def get(name: str) -> Strategy:
    """Returns a strategy by name.

    Raises:
        ValueError: If there is none of that name.
    """
    classes = _classes()
    if name not in classes:
        raise ValueError(
            f"There is no such strategy. Received: {name}. Use one of {', '.join(sorted(classes))}."
        )
    return classes[name](name)


def names() -> tuple[str, ...]:
    """Names that `get` knows, in alphabetical order."""
    return tuple(sorted(_classes()))


def chosen(settings: Settings) -> list[Strategy]:
    """The strategies that settings ask for, the main one first.

    Raises:
        ValueError: If there is no such strategy, or the settings make no sense with one.
    """
    check_choice(settings, "strategy", names())
    check_choice(settings, "compare", names())
    found = [get(name) for name in settings.strategies]
    for strategy in found:
        strategy.check(settings)
    if settings.control_weights is not None and not any(one.telescoping for one in found):
        raise ValueError(
            "--control_weights weigh the terms of telescoping sums, and there are none here. "
            f"Received: --strategy={settings.strategy}. Leave them out, or take another strategy."
        )
    return found


def _classes() -> dict[str, type[Strategy]]:
    found: dict[str, type[Strategy]] = {}
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        offered: dict[str, str] = getattr(module, "NAMES", {})
        found |= {name: getattr(module, attribute) for name, attribute in offered.items()}
    return found
