"""How runs ended: medians with their spread, and runs that did not get to their finest level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def spread(values: Sequence[float | None], digits: str = ".3f") -> str:
    """Median (least to most) of what there is; where these read alike, one number.

    Args:
        values: One per seed, `None` where there is none.
        digits: How numbers are written.

    Example:
        >>> spread([0.2, None, 0.6, 0.3]), spread([0.5]), spread([None])
        ('0.300 (0.200 to 0.600)', '0.500', '-')
    """
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    ends = (np.median(known), min(known), max(known))
    median, least, most = (format(float(value), digits) for value in ends)
    return median if least == most else f"{median} ({least} to {most})"


def cut_short(runs: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """A line for runs whose time was up before their finest stage.

    Args:
        runs: Contestants, each with what is on file of one of its runs.
    """
    found = [f"{name} ({run['steps']:,} steps)" for name, run in runs if run.get("finest") == 0]
    if not found:
        return []
    return [
        "The time of these runs was up before their finest level, as the budget was too short or "
        f"the machine too busy: {', '.join(found)}."
    ]
