"""What an adaptive run measures of the levels on its way, what that may cost, and what follows.

The optional part of `AdaptiveSchedule`: bias that ends stages, and sums in place of plain batches.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import keras

from keras_ms.data import MultiscaleDataset
from keras_ms.diagnostics.rule import Allocation, allocate_in_work_units, plain_batch
from keras_ms.gradients.chunks import WHOLE, Chunks
from keras_ms.gradients.estimates import estimate
from keras_ms.gradients.finite import check_finite
from keras_ms.gradients.moments import MomentMeter, TermMoments
from keras_ms.levels import Stage
from keras_ms.training.adaptive import bias
from keras_ms.training.extent import MEASURING_SHARE

SAMPLES = 2
"""Samples in a group on the finest level that is measured; twice as many on each coarser one."""
MOST_GROUPS = 8
"""Groups in a measurement."""
LEAST_GROUPS = 4
"""Groups without which a measurement is not worth its name."""
FIRST_SECONDS = 1.0
"""What the first measurement is reckoned to take: mostly tracing (.7 s for a ResNet, 1.5 s for a
U-Net of width 16 on 2 cores)."""


class Spent(NamedTuple):
    """What a run has spent when it may measure.

    Attributes:
        work_units: On steps.
        measuring: Work units on measuring.
        seconds: Seconds spent, and seconds left, if the budget is one of seconds.
    """

    work_units: float
    measuring: float
    seconds: tuple[float, float] | None = None


class Finding(NamedTuple):
    """What a look at a stage's levels came to.

    Attributes:
        biased: Whether what was measured now says that the stage should end.
        figures: What its recent measurements say; empty if there are none.
        measured: What was measured now, for a journal; empty if nothing.
        measuring: Work units that took.
    """

    biased: bool = False
    figures: dict[str, Any] = {}  # noqa: RUF012, nobody adds to it
    measured: dict[str, Any] = {}  # noqa: RUF012
    measuring: float = 0.0


class LevelGauge:
    """Measures the gradients of a stage's levels and of the next finer one, and keeps the findings.

    Args:
        model: The model in training.
        dataset: What it trains on.
        found: What an earlier run measured, as `Measurement.as_dict` of each.
        chunks: How the loss of a batch is taken. Defaults to as it is.
    """

    def __init__(
        self,
        model: keras.Model,
        dataset: MultiscaleDataset,
        found: Sequence[dict[str, Any]] = (),
        chunks: Chunks = WHOLE,
    ) -> None:
        self._model, self._dataset, self._levels = model, dataset, dataset.levels
        self._chunks = chunks
        self.measured = [bias.Measurement.from_dict(measured) for measured in found]
        self._meter: MomentMeter | None = None
        self._streams: dict[int, Generator[tuple[TermMoments, ...], None, None]] = {}
        self._last_seconds, self._seconds = FIRST_SECONDS, 0.0
        self.first_step = 0.0  # seconds, mostly of tracing one level

    def look(self, level: int, spent: Spent, rate_share: float) -> Finding:
        """Measures the levels of the stage on `level`, if that is affordable, and judges.

        Args:
            level: Finest level of the stage, 1 or coarser.
            spent: What the run has spent.
            rate_share: The present learning rate over the largest so far.
        """
        groups = self.affordable(level, spent)
        measured: dict[str, Any] = {}
        measuring = 0.0
        if groups:
            measured, measuring = self.measure(level, groups, rate_share)
        evidence = bias.evidence(self.measured, level, self._levels.batch_sizes[level])
        figures = {**evidence._asdict(), "ratio": evidence.ratio} if evidence else {}
        biased = bool(groups) and figures.get("ratio", 0.0) > 1.0
        return Finding(biased, figures, measured, measuring)

    def affordable(self, level: int, spent: Spent) -> int:
        """Groups that a measurement in the stage on `level` may take now.

        Returns:
            `MOST_GROUPS` or fewer; 0 if it is too early.
        """
        if spent.seconds is not None:
            passed, left = spent.seconds
            late = self._seconds + self._last_seconds > MEASURING_SHARE * passed
            if late or self._last_seconds > MEASURING_SHARE * left:
                return 0
        allowed = MEASURING_SHARE * spent.work_units - spent.measuring
        groups = min(MOST_GROUPS, int(allowed / self._group_work_units(level)))
        return groups if groups >= LEAST_GROUPS else 0

    def measure(self, level: int, groups: int, rate_share: float) -> tuple[dict[str, Any], float]:
        """Measures the levels of the stage on `level`, and the next finer one.

        Args:
            level: Finest level of the stage, 1 or coarser.
            groups: How much: see `affordable`.
            rate_share: The present learning rate over the largest so far.

        Returns:
            What was found, for a journal, and the work units that took.
        """
        begin = time.perf_counter()
        meter, finest = self._the_meter(), level - 1
        if finest not in self._streams:
            counts = self._counts(level)
            units = tuple(count // SAMPLES for count in counts)
            start = sum(m.groups for m in self.measured if m.finest == finest)
            self._streams[finest] = meter.groups(counts, finest, start, units)
        found = list(itertools.islice(self._streams[finest], groups))
        check_finite(found, "AdaptiveSchedule", finest)
        samples = sum(terms[0].samples for terms in found)
        measurement = bias.Measurement(finest, estimate(found), samples, groups, rate_share)
        self.measured.append(measurement)
        self._last_seconds = time.perf_counter() - begin
        self._seconds += self._last_seconds
        return measurement.as_dict(), groups * self._group_work_units(level)

    def allocation(self, level: int, seconds_left: float | None = None) -> Allocation:
        """The cheapest step from `level` on that is as certain as a plain batch of `N_l`.

        A plain batch if the dataset's stages are, if too little was measured, or if starting a sum,
        which has to be traced, would take more than a twentieth of the seconds left.
        """
        size = self._levels.batch_sizes[level]
        replicas = self._model.distribute_strategy.num_replicas_in_sync
        unit = math.lcm(replicas, self._chunks.unit)
        plain = (plain_batch(size, unit),)
        pooled = bias.pooled_estimates(self.measured, level)
        if pooled is None:
            return Allocation(plain, (), 1.0, "a plain batch: nothing was measured there")
        found, samples = pooled
        telescoping = self._dataset.telescoping
        chosen = allocate_in_work_units(
            found, self._levels, level, size, unit, telescoping, samples
        )
        starting = self.first_step * len(chosen.batch_sizes)
        if seconds_left is not None and starting > MEASURING_SHARE * seconds_left:
            return Allocation(plain, (), 1.0, "a plain batch: too late to start a sum")
        return chosen

    def stage(self, level: int, seconds_left: float | None) -> tuple[Stage, dict[str, Any]]:
        """The stage of that step, and the figures that speak for it."""
        found = self.allocation(level, seconds_left)
        why = {"allocation": found.reason, "relative_cost": found.relative_cost}
        return Stage(level, found.batch_sizes, found.control_weights), why

    def close(self) -> None:
        """Ends the streams that samples are taken from."""
        for stream in self._streams.values():
            stream.close()
        self._streams.clear()

    def _the_meter(self) -> MomentMeter:
        if self._meter is None:
            self._meter = MomentMeter(self._model, self._dataset, self._chunks)
        return self._meter

    def _counts(self, level: int) -> tuple[int, ...]:
        return tuple(SAMPLES * 2**k for k in range(self._levels.num_levels - level + 1))

    def _group_work_units(self, level: int) -> float:
        counts, finest = self._counts(level), level - 1
        units = tuple(count // SAMPLES for count in counts)
        sizes = self._the_meter().sizes(counts, finest, units)
        return self._levels.step_work_units(finest, sizes)
