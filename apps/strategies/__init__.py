"""Ways to train, one file each: what is special to a strategy is in its file and nowhere else.

A file offers strategies by name in a literal, `NAMES = {"adaptive": "Adaptive"}`, which says the
class of each.
"""

from __future__ import annotations

import inspect
from typing import Any

from keras_ms.registry import offered

from ..experiment.option_names import MULTI_WORKER
from ..experiment.options import check_choice, listed
from ..experiment.settings import Settings
from .strategy import Strategy


def get(name: str) -> Strategy:
    """Returns a strategy by name.

    Raises:
        ValueError: If there is none of that name, or it is not a strategy that can train.
    """
    classes = offered(__name__)
    if name not in classes:
        raise ValueError(
            f"There is no such strategy. Received: {name}. Use one of {', '.join(sorted(classes))}."
        )
    return _checked(name, classes[name])(name)


def names() -> tuple[str, ...]:
    """Names that `get` knows, in alphabetical order."""
    return tuple(offered(__name__))


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
        if settings.distribute == MULTI_WORKER and not strategy.is_planned:
            raise ValueError(
                "Hosts take the same steps, so these have to be planned. Received: "
                f"--distribute={MULTI_WORKER}, --strategy={strategy.name}, which decides as it "
                "goes. Use for example progressive or full_multiscale."
            )
    if settings.control_weights is not None and not any(one.telescoping for one in found):
        raise ValueError(
            "--control_weights weigh the terms of telescoping sums, and there are none here. "
            f"Received: --strategy={settings.strategy}. Leave them out, or take another strategy."
        )
    if settings.refresh and not all(one.keeps_terms for one in found):
        raise ValueError(
            "--refresh keeps terms of the sums of full_multiscale and multiscale. Received: "
            f"--refresh={listed(settings.refresh)}, --strategy={settings.strategy}, "
            f"--compare={listed(settings.compare)}. Leave it out, or take these strategies alone."
        )
    return found


def _checked(name: str, found: Any) -> type[Strategy]:
    """What a file offers, if it is a whole strategy: a fault would else show after training."""
    if not inspect.isclass(found) or not issubclass(found, Strategy):
        raise ValueError(
            f"A strategy is a class derived from Strategy. Received: {found!r} for {name!r}. "
            "Derive it from planned.Planned, planned.Staged or strategy.Strategy."
        )
    label = getattr(found, "label", None)
    if not isinstance(label, str) or not label:
        raise ValueError(
            "A strategy has a `label`, the text that tables and plots call it. Received: "
            f'{found.__name__}.label={label!r}. Use for example label = "{name}".'
        )
    if missing := sorted(found.__abstractmethods__):
        raise ValueError(
            f"A strategy has all the methods that it needs. Received: {found.__name__} without "
            f"{', '.join(missing)}. Write them, or derive it from planned.Planned."
        )
    return found
