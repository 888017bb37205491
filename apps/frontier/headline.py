"""What a frontier says in two sentences: the gain at converged quality, and the best rival."""

from __future__ import annotations

from collections.abc import Mapping

from . import reading
from .entries import Entry
from .settings import FrontierSettings

Entries = Mapping[str, Entry]


def of_plain(options: FrontierSettings, entries: Entries) -> dict[str, reading.Curve]:
    """Curves of the contestants that are plain training and have come to an end."""
    found = {name: entry.curve for name, entry in entries.items() if name in options.plain}
    return {name: curve for name, curve in found.items() if curve}


def headline(options: FrontierSettings, entries: Entries) -> str:
    """When plain training, the default and the best rival reach the converged quality.

    Args:
        options: Of the frontier.
        entries: What came of every contestant.

    Returns:
        Sentences; none as long as no plain training has come to an end.
    """
    plain = of_plain(options, entries)
    loss = reading.converged(plain.values())
    first = _first(plain, loss)
    if first is None:
        return ""
    name, reference = first
    texts = [f"Plain training ({name}) reaches the converged loss, {loss:.4g}, {_when(reference)}."]
    default = entries.get(options.default)
    if default is not None and options.default not in options.plain:
        texts.append(_told(options.default, default.curve, loss, reference))
    skipped = (*options.plain, options.default)
    others = {name: entry.curve for name, entry in entries.items() if name not in skipped}
    if rival := _first(others, loss):
        texts.append("The best rival: " + _told(rival[0], others[rival[0]], loss, reference))
    elif others:
        texts.append("No rival reaches it.")
    return " ".join(texts)


def _first(curves: Mapping[str, reading.Curve], loss: float) -> tuple[str, reading.Reached] | None:
    """Who of several reaches a loss first, and when."""
    soonest = reading.soonest(curves.values(), loss)
    for name, curve in curves.items():
        if soonest is not None and reading.reached(curve, loss) == soonest:
            return name, soonest
    return None


def _told(name: str, curve: reading.Curve, loss: float, plain: reading.Reached) -> str:
    when = reading.reached(curve, loss)
    if when is None:
        longest = max((seconds for seconds, _ in curve), default=0.0)
        return f"{name} does not reach it in {longest:.0f} s." if curve else f"{name} has no run."
    gain = reading.speed_up(plain, when)
    times = "as fast, as far as these budgets tell" if gain is None else f"{gain} times as fast"
    return f"{name} does {_when(when)}: {times}."


def _when(reached: reading.Reached) -> str:
    return f"{'within' if reached.at_most else 'after'} {reached.seconds:.0f} s"
