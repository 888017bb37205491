"""LevelReport: what the levels of a hierarchy are worth, and the advice that follows."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import os
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ms import safe_files
from keras_ms.diagnostics import allocation
from keras_ms.diagnostics.advised_command import Advice
from keras_ms.diagnostics.advising import commands, compared, told
from keras_ms.diagnostics.coarse_report import CoarseReport
from keras_ms.diagnostics.control_weights import control_weights
from keras_ms.diagnostics.control_weights import weighted as _weighted
from keras_ms.diagnostics.rule import WORTHWHILE, Allocation, allocate, plain_batch
from keras_ms.diagnostics.shown import ShownReport
from keras_ms.diagnostics.table import as_table
from keras_ms.levels import pair_costs
from keras_ms.validation import checked_weights, is_number, shown

Floats = tuple[float, ...]


@dataclasses.dataclass(frozen=True, repr=False)
class LevelReport(ShownReport):
    """Variance, bias and cost by level; per-level tuples are finest first.

    Attributes:
        mesh_sizes: Sides of the meshes, in pixels.
        samples: Samples measured in the term of each level.
        variance: Variance of one sample's gradient `g_l`, summed over the parameters.
        variance_error: Its standard error, as all `..._error`s by leaving out groups of samples.
        difference: Variance of one sample's `g_l - g_(l+1)`; 0 on the coarsest level.
        difference_error: Its standard error.
        correlation: Of one sample's `g_l` and `g_(l+1)`, in [-1, 1]; one entry fewer than levels.
        cosine: Of the mean gradients of levels `l` and `l + 1`, sampling noise removed; likewise,
            `None` where noise leaves nothing to compare.
        squared_norm: `|E g_l|^2`, sampling noise removed, so it may come out negative.
        squared_bias: `|E g_0 - E g_l|^2`, likewise.
        squared_bias_error: Its standard error.
        squared_cosine: `cos^2` of the angle between `E g_0` and `E g_l`, likewise; 0 if obtuse.
        squared_cosine_error: Its standard error.
        seconds_per_sample: Forward and backward pass of one more sample, on this hardware.
        fixed_seconds: What a pass over level `l` takes whatever its batch.
        work_units: Cost of one sample, in forward and backward passes of one on level 0.
        batch_size: Batch size of the single-scale training that costs are compared with.
        replicas: Replicas that share every batch.
        chunk: Samples whose loss is taken together, since the loss of a batch is not the mean of
            theirs; advised batch sizes are multiples of it. 1 for losses that are means.
        coarsening: Of the levels that were measured, as in `MultiscaleDataset`.
        of_pairs: Whether the examples are the user's own, without a task.
        coarse: Coarse problems compared, of a dataset with `coarsening="auto"`; else `None`.

    Example:
        >>> report = LevelReport.load("report.json")  # doctest: +SKIP
        >>> print(report)  # doctest: +SKIP
    """

    mesh_sizes: tuple[tuple[int, ...], ...]
    samples: tuple[int, ...]
    variance: Floats
    variance_error: Floats
    difference: Floats
    difference_error: Floats
    correlation: tuple[float | None, ...]
    cosine: tuple[float | None, ...]
    squared_norm: Floats
    squared_bias: Floats
    squared_bias_error: Floats
    squared_cosine: Floats
    squared_cosine_error: Floats
    seconds_per_sample: Floats
    fixed_seconds: Floats
    work_units: Floats
    batch_size: int = 16
    replicas: int = 1
    chunk: int = 1
    coarsening: str | tuple[str, ...] = "task"
    of_pairs: bool = False
    coarse: CoarseReport | None = None

    @property
    def num_levels(self) -> int:
        """Number of levels that were measured."""
        return len(self.mesh_sizes)

    @property
    def variances(self) -> tuple[tuple[float, float], ...]:
        """`(alone, difference)` per level, for `optimal_batch_sizes`."""
        return tuple(zip(self.variance, self.difference, strict=True))

    def costs(self, unit: str = "seconds") -> tuple[tuple[float, float], ...]:
        """`(alone, pair)` per level, for `optimal_batch_sizes`.

        Args:
            unit: `"seconds"` or `"work_units"`.

        Raises:
            ValueError: If `unit` is neither.
        """
        if unit not in ("seconds", "work_units"):
            raise ValueError(f"Costs are in 'seconds' or 'work_units'. Received: unit={unit!r}.")
        return pair_costs(self.seconds_per_sample if unit == "seconds" else self.work_units)

    def relative_costs(self, unit: str = "seconds", weighted: bool = False) -> Floats:
        """Cost at equal variance relative to single-scale, for 1, 2, ... levels.

        For the best allocation (Giles 2008), batch sizes not rounded.

        Args:
            unit: As in `costs`.
            weighted: Whether each sum has the best control weights, not 1.

        Returns:
            One ratio per number of levels; 1 means nothing gained.
        """
        plain = allocation.relative_costs(self.variances, self.costs(unit))
        if not weighted:
            return plain
        ratios = []
        for depth in range(1, self.num_levels + 1):
            own, costs = self.variances[:depth], self.costs(unit)[:depth]
            weights = control_weights(own, costs)
            ratios.append(min(allocation.relative_costs(_weighted(own, weights), costs)))
        return tuple(ratios)

    @functools.cached_property
    def allocation(self) -> Allocation:
        """The advised step: the cheapest in seconds that is as certain as single-scale's."""
        return allocate(
            self.variances,
            self.costs(),
            self.batch_size,
            self.fixed_seconds,
            self.unit,
            samples=self.samples[0] // self.chunk,
            nested=self.chunk > 1,
        )

    @property
    def unit(self) -> int:
        """What advised batch sizes are multiples of: the replicas, and the chunks of the loss."""
        return math.lcm(self.replicas, self.chunk)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Advised batch sizes, for `MultiscaleDataset(levels=...)`, with `control_weights`."""
        return self.allocation.batch_sizes

    @property
    def control_weights(self) -> Floats:
        """The weights that they are made for, for `MultiscaleDataset(control_weights=...)`."""
        return self.allocation.control_weights

    def sampling_variance(
        self, batch_sizes: tuple[int, ...], control_weights: Sequence[float] | None = None
    ) -> float:
        """Variance `sum_l V_l / N_l` of a step with these batch sizes, finest first.

        Args:
            batch_sizes: One per level that takes part.
            control_weights: One per pair of these levels. Defaults to 1.

        Raises:
            ValueError: If there are no batch sizes, more than levels, or one is not positive; or
                the weights do not match them.
        """
        self._check(batch_sizes)
        depth = len(batch_sizes)
        ones = (1.0,) * (depth - 1)
        weights = checked_weights(ones if control_weights is None else control_weights, depth)
        table = np.array(_weighted(self.variances[:depth], weights))
        terms, _ = allocation.hierarchies(table, table)[-1]
        return float(np.sum(terms / np.array(batch_sizes)))

    def seconds(self, batch_sizes: tuple[int, ...]) -> float:
        """Predicted seconds of the gradient of a step with these batch sizes.

        Raises:
            ValueError: As `sampling_variance`.
        """
        self._check(batch_sizes)
        costs = np.array(self.costs())
        _, terms = allocation.hierarchies(costs, costs)[len(batch_sizes) - 1]
        return float(terms @ np.array(batch_sizes)) + sum(self.fixed_seconds[: len(batch_sizes)])

    def _check(self, batch_sizes: tuple[int, ...]) -> None:
        sizes = batch_sizes if isinstance(batch_sizes, Sequence) else ()
        positive = all(is_number(n) and float(n) > 0.0 for n in sizes)
        if not 0 < len(sizes) <= self.num_levels or not positive:
            raise ValueError(
                f"One positive batch size per level, finest first, at most {self.num_levels}. "
                f"Received: batch_sizes={shown(batch_sizes)}."
            )

    @property
    def advice(self) -> str:
        """How many levels, which batch sizes and weights, and what that saves, in a sentence."""
        sizes, weights, ratio, _ = self.allocation
        if len(sizes) == 1:
            return f"Single-scale is cheaper here: at equal variance {self._against_levels()}."
        listed = ", ".join(str(size) for size in sizes)
        by = ", ".join(f"{weight:.2f}" for weight in weights)
        weighted = f" and control weights ({by})" if set(weights) - {1.0} else ""
        return (
            f"Use {len(sizes)} levels with batch sizes ({listed}){weighted}: a gradient as certain "
            f"as that of {plain_batch(self.batch_size, self.unit)} images of "
            f"{_mesh(self.mesh_sizes[0])} px costs {ratio:.2f} of its time."
        )

    def _against_levels(self) -> str:
        best = min(self.relative_costs(weighted=True)[1:], default=math.inf)
        if math.isinf(best):
            return "there is one level only"
        if best >= WORTHWHILE:
            return f"two levels or more cost {best:.2f} times as much"
        return (
            "whole samples, and what a pass takes whatever its batch, outweigh what coarse levels "
            "save"
        )

    @property
    def compared(self) -> CoarseReport:
        """Coarse problems compared: all that were, or the one measured with doing without."""
        return compared(self)

    @property
    def commands(self) -> tuple[Advice, ...]:
        """Ways to train that the figures speak for, the advised one first: print it and paste."""
        return commands(self)

    def table(self, details: bool = False) -> str:
        """The levels, and the coarse problems if several were compared, as text tables.

        Args:
            details: Whether all that was measured is shown, or what one decides by.
        """
        coarse = f"\n{self.coarse}\n{self.coarse.advice}" if self.coarse else ""
        return as_table(self, details) + coarse

    def told(self, details: bool = False, command: str = "") -> str:
        """Tables, advice, and commands to paste.

        Args:
            details: As in `table`.
            command: What flags are for, such as `python -m apps.train --task=deblurring`.
        """
        return told(self, details, command)

    def __str__(self) -> str:
        return self.told()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves the report as JSON, with its advice; folders are made."""
        content = {**dataclasses.asdict(self), "advised_batch_sizes": self.batch_sizes}
        content["coarse"] = self.coarse and self.coarse.as_json()
        content["flags"] = [command.flags for command in self.commands]
        content |= {"advice": self.advice, "control_weights": self.control_weights}
        safe_files.write_text(path, json.dumps(content, indent=1) + "\n")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> LevelReport:
        """Loads a report that `save` wrote.

        Raises:
            ValueError: If the file is no such report.
        """
        try:
            content = json.loads(pathlib.Path(path).read_text())
            fields = {
                field.name: _immutable(content[field.name])
                for field in _fields(cls)
                if field.name in content or field.default is dataclasses.MISSING
            }
            if fields.get("coarse") is not None:
                fields["coarse"] = CoarseReport.of_json(content["coarse"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"The file is no LevelReport. Received: {path} ({error}).") from error
        return cls(**fields)


def _fields(cls: Any) -> tuple[dataclasses.Field[Any], ...]:
    return dataclasses.fields(cls)


def _immutable(value: Any) -> Any:
    return tuple(_immutable(entry) for entry in value) if isinstance(value, list) else value


def _mesh(sides: tuple[int, ...]) -> str:
    return "x".join(str(side) for side in sides)
