"""CoarseReport: what every coarse problem is worth on every level, and how far the network sees."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import keras

from keras_ms.diagnostics.coarse_problem import Choice, CoarseProblem, choose_all, words
from keras_ms.diagnostics.table import drawn
from keras_ms.networks.reach import receptive_field

_COLUMNS = ("level", "mesh", "coarse problem", "cos^2", "±", "variance", "cost", "gain", "")
_CAPTION = (
    "For the cost of a plain step of {batch} images of level 0. cos^2: of the angle between the "
    "mean gradient and level 0's; variance: of the batch's gradient, over the square of its mean; "
    "cost: of one image; gain: cos^2 / (1 + variance), 1 for the mean gradient of level 0 itself."
)


@dataclasses.dataclass(frozen=True)
class CoarseReport:
    """Coarse problems compared by what a step gains at equal cost; see `coarse_problem`.

    Attributes:
        mesh_sizes: Sides of the meshes in pixels, finest first.
        problems: What was measured, by level and coarsening.
        finest: Plain training.
        batch_size: Samples of the plain step.
        sees: How far from a pixel the network looks, in pixels; infinite if without bound, `None`
            if it is not known.
    """

    mesh_sizes: tuple[tuple[int, ...], ...]
    problems: tuple[CoarseProblem, ...]
    finest: CoarseProblem
    batch_size: int
    sees: float | None = None

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What serves every level from 1 on, finest first."""
        return choose_all(self.problems, self.finest, self.batch_size)

    @property
    def coarsening(self) -> str | tuple[str, ...]:
        """For `MultiscaleDataset(coarsening=...)`: one word, or one for every level."""
        return words(self.choices)

    @property
    def levels(self) -> tuple[int, ...]:
        """Levels that are worth training on, finest first; 0 is one."""
        return (0, *(choice.level for choice in self.choices if choice.serves))

    @property
    def advice(self) -> str:
        """What serves, and how that goes with what the network sees, in some sentences."""
        served = [
            f"level {choice.level} ({mesh_of(self.mesh_sizes[choice.level])} px) by "
            f"{choice.coarsening!r}, gain {choice.gain:.2f}"
            if choice.serves
            else f"level {choice.level} is better done without"
            for choice in self.choices
        ]
        found = "; ".join(served) or "there is one level only"
        return f"Coarse problems: {found}. {self._sight()}".strip()

    def _sight(self) -> str:
        if self.sees is None:
            return "How far the network sees is not known."
        if math.isinf(self.sees):
            return "Your network sees the whole image: to it crops may be another problem."
        seen = f"Your network sees {2 * int(self.sees) + 1:d} px"
        crops = [c for c in self.choices if c.coarsening == "crop"]
        if not crops:
            coarsest = self.mesh_sizes[-1]
            return f"{seen}: in images of {mesh_of(coarsest)} px, {self._border(coarsest)}."
        sides, cost = self.mesh_sizes[crops[-1].level], self._of(crops[-1]).cost
        return (
            f"{seen}: crops of {mesh_of(sides)} px, where {self._border(sides)}, have a gradient "
            f"as good at {_fraction(cost)} of the cost."
        )

    def _border(self, sides: tuple[int, ...]) -> str:
        inner = math.prod(max(0.0, side - 2 * (self.sees or 0.0)) / side for side in sides)
        return f"{1.0 - inner:.0%} of the pixels see the border"

    def _of(self, choice: Choice) -> CoarseProblem:
        return next(
            p for p in self.problems if (p.level, p.coarsening) == (choice.level, choice.coarsening)
        )

    def __str__(self) -> str:
        """The table, a row per level and coarse problem, the chosen ones marked."""
        rows = [row for choice in self.choices for row in self._rows(choice)]
        caption = _CAPTION.format(batch=self.batch_size)
        return drawn(_COLUMNS, [self._plain_row(), *rows], caption)

    def _plain_row(self) -> list[str]:
        return self._row(self.finest, "")

    def _rows(self, choice: Choice) -> list[list[str]]:
        rows = []
        for problem in (p for p in self.problems if p.level == choice.level):
            mark = "<-" if problem.coarsening == choice.coarsening else ""
            rows.append(self._row(problem, mark))
        return rows

    def _row(self, problem: CoarseProblem, mark: str) -> list[str]:
        norm, variance = problem.squared_norm, problem.variance_for(self.batch_size)
        return [
            str(problem.level),
            mesh_of(self.mesh_sizes[problem.level]),
            problem.coarsening,
            f"{problem.squared_cosine:.2f}",
            f"{problem.squared_cosine_error:.2f}",
            f"{variance / norm:.2f}" if norm > 0.0 else "?",
            _fraction(problem.cost),
            f"{problem.gain_for(self.batch_size):.2f}",
            mark,
        ]

    def as_json(self) -> dict[str, Any]:
        """Numbers, lists and words alone; JSON has no infinite numbers."""
        return {**dataclasses.asdict(self), "sees": None if self.sees is None else str(self.sees)}

    @classmethod
    def of_json(cls, content: dict[str, Any]) -> CoarseReport:
        """The report that `as_json` made this of."""
        problems = tuple(CoarseProblem(*problem) for problem in content["problems"])
        finest = CoarseProblem(*content["finest"])
        meshes = tuple(tuple(sides) for sides in content["mesh_sizes"])
        sees = None if content["sees"] is None else float(content["sees"])
        return cls(meshes, problems, finest, content["batch_size"], sees)


def sight(model: keras.Model) -> float | None:
    """How far a network sees, in pixels: infinite without bound, `None` if it cannot be asked."""
    try:
        found = receptive_field(model)
    except ValueError:  # a class of its own, other inputs than images, fixed sizes ...
        return None
    return math.inf if found is None else float(found)


def mesh_of(sides: tuple[int, ...]) -> str:
    """Sides as they are written: `128x128`."""
    return "x".join(str(side) for side in sides)


def _fraction(cost: float) -> str:
    """A share as `1/16` where it is one, or near."""
    whole = round(1.0 / cost) if cost > 0.0 else 0
    return f"1/{whole}" if whole > 1 and abs(cost * whole - 1.0) < 0.1 else f"{cost:.2g}"
