"""Which runs a frontier makes."""

from __future__ import annotations

from collections.abc import Mapping

from .entries import Entry
from .settings import FrontierSettings

RIVALS = 2  # others that run as often as the best plain training


def short(options: FrontierSettings) -> tuple[float, ...]:
    """Budgets that all contestants have."""
    return options.budgets[:-1] or options.budgets


def long(options: FrontierSettings) -> tuple[float, ...]:
    """The budget, if any, that only the best have."""
    return options.budgets[len(short(options)) :]


def refined(options: FrontierSettings, entries: Mapping[str, Entry]) -> list[str]:
    """Who has more seeds and the longest budget: the default, the best plain, the best rivals.

    Args:
        options: Of the frontier.
        entries: What came of the runs with the first seed. The best have the least loss at the
            longest budget that all have; of equals, the first among the contestants.
    """
    last = short(options)[-1]
    ranked = sorted(entries, key=lambda name: entries[name].median(last))
    plain = [name for name in ranked if name in options.plain]
    others = [name for name in ranked if name not in (*options.plain, options.default)]
    default = [options.default] if options.default in entries else []
    return list(dict.fromkeys((*default, *plain[:1], *others[:RIVALS])))


def budgets(options: FrontierSettings) -> list[float]:
    """Seconds of training of every run on one problem, trials included."""
    taking, plain = {*options.contestants}, {*options.plain}
    default, rivals = taking & {options.default}, taking - {*plain, options.default}
    best = len(default) + min(1, len(taking & plain - default)) + min(RIVALS, len(rivals))
    trials = [options.trial_seconds] * (len(options.rates) if len(options.rates) > 1 else 0)
    more = list(short(options)) * (len(options.seeds) - 1) + list(long(options))
    return [*trials, *short(options)] * len(taking) + more * best
