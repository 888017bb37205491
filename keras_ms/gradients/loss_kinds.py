"""What the losses of some samples, together and one by one, say of a loss. Pure NumPy.

Training follows gradients alone, so they are compared as well as values. A loss may be a mean by
its value and couple samples by its gradient: gradients may be made up, stopped, or divided by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_OF_VALUES = 1e-4
"""Of the size of a loss: many times the rounding of a sum in single precision."""
_OF_GRADIENTS = 1e-3
_OF_WEIGHTS = 1e-2
"""Gradients of weights go through a network, which may compute in half precision."""
_NOTHING = 1e-6


class Shown(NamedTuple):
    """A loss of some samples, and its gradients.

    Attributes:
        value: The loss; one number, unless it is a vector.
        of_predictions: Its gradient by predictions, `(samples, numbers)`; `None` if there is none.
        of_weights: Its gradient by weights of the model, a vector; `None` if there is none.
    """

    value: np.ndarray
    of_predictions: np.ndarray | None = None
    of_weights: np.ndarray | None = None


class Trial(NamedTuple):
    """A loss of some samples together.

    Attributes:
        whole: That of all.
        alone: Those of single samples; `None` if it cannot be taken of one.
    """

    whole: Shown
    alone: tuple[Shown, ...] | None


class Verdict(NamedTuple):
    """What trials say of one loss.

    Attributes:
        name: Its name, and that of the output if there are several.
        kind: "mean", "sum", "coupled", "vector" or "unknown".
        shape: Of a vector.
        note: Why it is unknown.
        silent_alone: Whether a single sample has no gradient.
    """

    name: str
    kind: str
    shape: tuple[int, ...] = ()
    note: str = ""
    silent_alone: bool = False

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean of the losses of its samples."""
        return self.kind == "mean"


def judged(name: str, trials: Sequence[Trial], doubt: str = "") -> Verdict:
    """What trials of a loss come to.

    Args:
        name: Name of the loss.
        trials: At least one.
        doubt: Why it may be no mean although no trial shows that; empty if nothing says so.
    """
    shape = trials[0].whole.value.shape
    if np.prod(shape) > 1:
        return Verdict(name, "vector", shape)
    kinds = [kind_of(trial) for trial in trials]
    if is_coupled(kinds) or {"sum", "mean"} <= set(kinds):
        return Verdict(name, "coupled", silent_alone=is_silent_alone(trials))
    if "sum" in kinds:
        return Verdict(name, "sum")
    if "mean" in kinds:
        return Verdict(name, "unknown" if doubt else "mean", note=doubt)
    return Verdict(name, "unknown")


def is_coupled(kinds: Sequence[str], at_least: int = 2) -> bool:
    """Whether trials show that samples count for each other.

    Where the largest of almost equal numbers is picked, rounding decides where a gradient goes. So
    single trials in which gradients alone differ do not count.

    Args:
        kinds: What each trial shows, as of `kind_of`.
        at_least: Trials in which gradients alone have to differ.
    """
    bent = kinds.count("bent")
    return "coupled" in kinds or (bent >= at_least and bent >= kinds.count("mean"))


def kind_of(trial: Trial) -> str:
    """What one trial shows: "mean", "sum", "coupled", or "unknown" where it shows nothing.

    It is "bent" where finite gradients are coupled and values are not.

    Example:
        >>> alone = tuple(Shown(np.array(value)) for value in (1.0, 3.0))
        >>> [kind_of(Trial(Shown(np.array(value)), alone)) for value in (2.0, 4.0, 3.0)]
        ['mean', 'sum', 'coupled']
    """
    if trial.alone is None:
        return "coupled"
    of_gradients = {_by_predictions(trial), _by_weights(trial)} - {"unknown"}
    if "sum" in of_gradients:
        return "sum"
    by_value = _by_value(trial)
    if "bent" in of_gradients and by_value in ("mean", "unknown"):
        return "coupled" if "coupled" in of_gradients else "bent"
    kinds = of_gradients | ({by_value} - {"unknown"})
    if len(kinds) > 1:
        return "coupled"
    return kinds.pop() if kinds else "unknown"


def is_silent_alone(trials: Sequence[Trial]) -> bool:
    """Whether single samples have no gradient although samples together have one."""
    if any(trial.alone is None for trial in trials):
        return False
    alone = [shown for trial in trials for shown in trial.alone or ()]
    return not any(map(_speaks, alone)) and any(_speaks(trial.whole) for trial in trials)


def _speaks(shown: Shown) -> bool:
    return any(
        gradient is not None and bool(np.any(gradient))
        for gradient in (shown.of_predictions, shown.of_weights)
    )


def _by_value(trial: Trial) -> str:
    shown = (trial.whole, *(trial.alone or ()))
    whole, *alone = (float(s.value.reshape(-1)[0]) if s.value.size == 1 else np.nan for s in shown)
    finite = bool(np.isfinite(whole)), bool(np.all(np.isfinite(alone)))
    if not all(finite):
        return "unknown" if finite[0] == finite[1] else "coupled"
    tolerance = _OF_VALUES * max(abs(whole), *map(abs, alone))
    if abs(whole - np.mean(alone)) <= tolerance:
        # What does not vary is a mean in any case.
        return "unknown" if np.ptp(alone) <= 10.0 * tolerance else "mean"
    return "sum" if abs(whole - np.sum(alone)) <= len(alone) * tolerance else "coupled"


def _by_predictions(trial: Trial) -> str:
    whole, alone = trial.whole.of_predictions, [s.of_predictions for s in trial.alone or ()]
    there = [part for part in alone if part is not None]
    if whole is None or len(there) < len(alone):
        return "unknown"
    return _compared(whole, np.concatenate(there), len(alone), _OF_GRADIENTS)


def _by_weights(trial: Trial) -> str:
    whole, alone = trial.whole.of_weights, [s.of_weights for s in trial.alone or ()]
    there = [part for part in alone if part is not None]
    if whole is None or len(there) < len(alone):
        return "unknown"
    size = max(float(np.linalg.norm(part)) for part in (whole, *there))
    together = np.sum(there, axis=0)
    return _compared(whole[None], together[None], len(alone), _OF_WEIGHTS, size)


def _compared(
    whole: np.ndarray, alone: np.ndarray, count: int, tolerance: float, size: float = 0.0
) -> str:
    """What rows show: a sum if equal to others, a mean if to their `count`-th part, else bent."""
    if np.any(np.isfinite(whole) != np.isfinite(alone)):
        return "coupled"
    finite = np.isfinite(whole)
    whole, alone = np.where(finite, whole, 0.0), np.where(finite, alone, 0.0)
    sizes = np.maximum(np.linalg.norm(whole, axis=1), np.linalg.norm(alone, axis=1) / count)
    if not np.any(sizes):
        return "unknown"
    allowed = tolerance * np.maximum(sizes, size) + _NOTHING * np.max(sizes)
    if np.all(np.linalg.norm(whole - alone / count, axis=1) <= allowed):
        return "mean"
    return "sum" if np.all(np.linalg.norm(whole - alone, axis=1) <= count * allowed) else "bent"
