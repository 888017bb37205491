"""How many steps of each stage fit a budget, and when to validate."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from keras_ms.training.pace import largest_divisor

from .settings import Settings

EPOCHS_OF_SHORTEST_STAGE = 4
UNSPENT = 0.01
"""Of a budget, what may be left because stages are rounded down to whole epochs."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Steps per stage, finest first, cut into epochs, and the epochs to validate after."""

    iterations: tuple[int, ...]
    steps_per_epoch: int
    validation_epochs: list[int]

    @property
    def epochs(self) -> int:
        """Epochs of the whole run."""
        return sum(self.iterations) // self.steps_per_epoch


class BudgetError(ValueError):
    """A budget that does not pay for one step of every stage."""


def make_plan(
    settings: Settings, wanted: Sequence[int], costs: Sequence[float], cycle: int = 1
) -> Plan:
    """Plans a run: the iterations asked for, or their proportions stretched to the work units.

    Args:
        settings: The settings.
        wanted: Steps of the stage with each finest level, finest first.
        costs: Work units of a step of each stage.
        cycle: Steps that epochs are to be multiples of.

    Returns:
        A `Plan`.

    Raises:
        BudgetError: If the budget does not pay for one step of every stage.
    """
    if settings.work_units is None:
        return cut_into_epochs(wanted, costs, settings.validations, cycle == 1, cycle)
    name = f"--work_units={settings.work_units:g}"
    iterations = stretched(wanted, costs, settings.work_units, name)
    return cut_into_epochs(iterations, costs, settings.validations, False, cycle)


def stretched(
    proportions: Sequence[int], costs: Sequence[float], budget: float, name: str
) -> tuple[int, ...]:
    """Steps per stage in given proportions that cost at most `budget` together.

    Args:
        proportions: Relative numbers of steps, finest first.
        costs: Work units of one step of each stage.
        budget: Work units that may be spent.
        name: The budget as the user gave it, for the error.

    Returns:
        Steps per stage, at least one where the proportion is positive.

    Raises:
        BudgetError: If the budget is less than one step of every stage.
    """
    least = sum(cost for cost, n in zip(costs, proportions, strict=True) if n)
    if budget < least:
        raise BudgetError(
            f"The budget does not pay for one step of every stage, which takes {least:.3g} work "
            f"units. Received: {name}. Give more work units, or fewer levels."
        )
    exact = _exact(proportions, costs, budget)
    found = [max(1, int(n + 1e-9)) if n else 0 for n in exact]
    left = budget - sum(n * cost for n, cost in zip(found, costs, strict=True))
    for stage in sorted(range(len(exact)), key=lambda stage: found[stage] - exact[stage]):
        if found[stage] < exact[stage] - 1e-9 and costs[stage] <= left:
            found[stage] += 1
            left -= costs[stage]
    return tuple(found)


def _exact(proportions: Sequence[int], costs: Sequence[float], budget: float) -> list[float]:
    """Steps as fractions that spend all of the budget; where it is less than one, one."""
    single: set[int] = set()
    while True:
        left = budget - sum(costs[stage] for stage in single)
        others = {i: n for i, n in enumerate(proportions) if n and i not in single}
        whole = sum(n * costs[stage] for stage, n in others.items())
        found = {stage: n * left / whole for stage, n in others.items()}
        if not (few := {stage for stage, n in found.items() if n < 1.0}):
            return [float(i in single) or found.get(i, 0.0) for i in range(len(proportions))]
        single |= few


def cut_into_epochs(
    iterations: Sequence[int],
    costs: Sequence[float],
    validations: int,
    exactly: bool = True,
    cycle: int = 1,
) -> Plan:
    """Cuts stages into epochs of one length and spreads the validations evenly over the cost.

    The shortest stage gets a few epochs, so that even it is validated more than once.

    Args:
        iterations: Steps of each stage, finest first.
        costs: Work units of a step of each stage.
        validations: How many are wanted.
        exactly: Whether every stage has as many steps as it says, for which its epochs may have to
            be short. Else steps are rounded down to whole epochs where those would be shorter than
            half of what they may be, as far as next to no work is lost by it.
        cycle: Steps that epochs are multiples of; stages are at least as long.
    """
    shortest = min(n for n in iterations if n)
    most = max(1, min(shortest // EPOCHS_OF_SHORTEST_STAGE, sum(iterations) // validations))
    steps = largest_divisor(math.gcd(*iterations), most)
    if not exactly and 2 * steps < most:
        steps = max(steps, _nearly_exact(iterations, costs, most))
    if steps % cycle:
        steps = max(cycle, steps - steps % cycle)
    rounded = tuple(max(steps, n - n % steps) if n else 0 for n in iterations)
    return Plan(rounded, steps, _validated(rounded, costs, steps, validations))


def _nearly_exact(iterations: Sequence[int], costs: Sequence[float], most: int) -> int:
    """The longest epochs that leave next to nothing of the work undone; even ones, if long.

    Several steps in one execution divide an epoch.
    """
    whole = sum(n * cost for n, cost in zip(iterations, costs, strict=True))
    for steps in range(most, 1, -1):
        undone = sum(n % steps * cost for n, cost in zip(iterations, costs, strict=True))
        if undone <= UNSPENT * whole and (steps <= 8 or steps % 2 == 0):
            return steps
    return 1


def _validated(
    iterations: Sequence[int], costs: Sequence[float], steps: int, validations: int
) -> list[int]:
    """Numbers of the epochs that end with, or first after, another share of the cost."""
    coarse_first = list(zip(iterations, costs, strict=True))[::-1]
    stages = [(n // steps, cost) for n, cost in coarse_first if n]
    whole, found = sum(count * cost for count, cost in stages), set()
    done, spent = 0, 0.0
    for count, cost in stages:
        first = math.floor(validations * spent / whole)
        last = math.ceil(validations * (spent + count * cost) / whole)
        for number in range(max(1, first), min(validations, last + 1) + 1):
            # Sums are a little off.
            due = number / validations * whole - min(1e-9 * whole, 0.5 * cost)
            if 1 <= (epoch := math.ceil((due - spent) / cost)) <= count:
                found.add(done + epoch)
        done, spent = done + count, spent + count * cost
    return sorted(found | {done})
