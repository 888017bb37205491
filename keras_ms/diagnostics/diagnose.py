"""diagnose: measures what every level is worth."""

from __future__ import annotations

import itertools
import math
import time
from typing import Any

import keras
import numpy as np

from keras_ms.data import MultiscaleDataset, geometry
from keras_ms.diagnostics import rule
from keras_ms.diagnostics.candidates import Measured, finest, measured, of_usual, others, problems
from keras_ms.diagnostics.coarse_report import CoarseReport, sight
from keras_ms.diagnostics.report import LevelReport
from keras_ms.diagnostics.seconds import seconds_by_level
from keras_ms.gradients.chunks import chunks_for
from keras_ms.gradients.compiled_fits import check_has_loss
from keras_ms.gradients.estimates import Estimates, Groups, estimate, standard_errors
from keras_ms.gradients.finite import check_finite
from keras_ms.gradients.model_fits import check_model_fits
from keras_ms.gradients.moments import MomentMeter
from keras_ms.gradients.per_sample import build_for_gradients
from keras_ms.gradients.target_roles import suited
from keras_ms.keras_internals.custom_gradients import call_ending_with_graphs
from keras_ms.levels import Levels, Stage
from keras_ms.validation import is_count, is_number, shown

GROUPS = 8
LEAST_GROUPS = 4


@call_ending_with_graphs
def diagnose(
    model: keras.Model,
    dataset: MultiscaleDataset,
    samples: int = 128,
    seconds: float = 60.0,
    batch_size: int = 16,
) -> LevelReport:
    """Measures variance, bias and cost of every level, for the model as it is now.

    For each level: the per-sample variance of `g_l` and of `g_l - g_(l+1)`, which decide what a
    telescoping sum costs (section 2.1 of Ahamed et al., TMLR 2026; Giles, Acta Numerica 24, 2015);
    the squared bias of the coarse gradient, which decides how far coarse training leads; and
    seconds per sample. Gradients are those of the compiled loss, with `training=True`. Weights,
    batch statistics, seeds and metrics are left as they were. Figures change as training goes on:
    diagnose the model in the state you ask about, for example after a short run.

    Args:
        model: A compiled Keras model.
        dataset: What it trains on. All its levels are measured, whatever its `telescoping`. With
            `coarsening="auto"` coarse problems are compared, too: `LevelReport.coarse`.
        samples: Samples on the finest level, at least 8; every coarser level gets twice as many.
        seconds: Stop measuring gradients after about so long, with at least half of the samples;
            likewise those of every other coarse problem. Tracing and timing come on top.
        batch_size: Batch size of the single-scale training to compare with.

    Returns:
        A `LevelReport`: print it, `plot` it, `save` it as JSON. It ends in flags and Python to
            paste.

    Raises:
        ValueError: If the model is not compiled or has nothing to train, an argument is out of
            range, the model or its loss does not fit the data (as in `MultiscaleModel.fit`), or
            the gradients of a level are not finite, or those of the finest are all the same.

    Example:
        >>> network = keras_ms.networks.ResNet(width=8)
        >>> model = keras_ms.MultiscaleModel(network.input, network.output)
        >>> model.compile("adam", "mse")
        >>> dataset = keras_ms.MultiscaleDataset(
        ...     keras_ms.data.photos("train"), keras_ms.tasks.Denoising(), (2, 4), image_size=32)
        >>> report = keras_ms.diagnose(model, dataset, samples=8)
        >>> report.num_levels, len(report.variance)
        (2, 2)
    """
    # Over 60 lines with its docstring, 37 without.
    _check(dataset, samples, seconds, batch_size)
    samples, batch_size = int(samples), int(batch_size)
    dataset = suited(model, dataset)
    check_model_fits(model, dataset)
    start = time.perf_counter()
    unbuilt = not model.built
    build_for_gradients(model, dataset)
    if unbuilt:
        check_model_fits(model, dataset)
    check_has_loss(model, dataset)
    chunks = chunks_for(model, dataset)
    meter = MomentMeter(model, dataset, chunks)
    groups = _groups(meter, dataset.levels.num_levels, samples, start + seconds)
    usual, levels = of_usual(groups), dataset.levels
    found = usual.found
    coarse = _coarse_report(model, meter, dataset, (usual, groups), seconds, batch_size)
    sizes = _sizes_to_time(found, levels, batch_size, chunks.unit)
    per_sample, fixed = seconds_by_level(model, meter.gradient, dataset, sizes, chunks.unit)
    return LevelReport(
        mesh_sizes=dataset.mesh_sizes,
        samples=tuple(sum(term.samples for term in level) for level in zip(*groups, strict=True)),
        **{name: _floats(values) for name, values in found._asdict().items()},
        **{f"{name}_error": _error(groups, name) for name in _WITH_ERROR},
        squared_cosine=_floats(usual.squared_cosine),
        squared_cosine_error=_floats(usual.error),
        seconds_per_sample=per_sample,
        fixed_seconds=fixed,
        work_units=tuple(levels.sample_work_units(level) for level in range(levels.num_levels)),
        batch_size=batch_size,
        replicas=model.distribute_strategy.num_replicas_in_sync,
        chunk=chunks.unit,
        coarsening="task" if dataset.coarsening == geometry.AUTO else dataset.coarsening,
        of_pairs=dataset.pairs is not None,
        coarse=coarse,
    )


def _groups(meter: MomentMeter, depth: int, samples: int, end: float) -> list[Any]:
    """Moments of all levels, in groups of samples; fewer groups if it is past the end."""
    counts = tuple(math.ceil(samples / GROUPS) * 2**level for level in range(depth))
    groups: list[Any] = []
    for group in itertools.islice(meter.groups(counts), GROUPS):
        groups.append(group)
        if len(groups) >= LEAST_GROUPS and time.perf_counter() > end:
            break
    check_finite(groups, "`diagnose`")
    _check_varies(groups)
    return groups


def _coarse_report(
    model: keras.Model,
    meter: MomentMeter,
    dataset: MultiscaleDataset,
    measured_usual: tuple[Measured, Groups],
    seconds: float,
    batch_size: int,
) -> CoarseReport | None:
    """What is measured of the coarse problems, if the dataset leaves the choice."""
    usual, groups = measured_usual
    if dataset.coarsening != geometry.AUTO:
        return None
    count = groups[0][0].samples
    other = [measured(meter, one, groups, count, seconds) for one in others(dataset)]
    found = problems([usual, *other], dataset.levels, _plain_step)
    sees = sight(model)
    return CoarseReport(dataset.mesh_sizes, found, finest(usual), batch_size, sees)


def _plain_step(found: Estimates, level: int) -> Stage:
    return Stage(level, (1,))


_WITH_ERROR = ("variance", "difference", "squared_bias")


def _error(groups: Groups, name: str) -> tuple[Any, ...]:
    return _floats(standard_errors(groups, lambda some: getattr(estimate(some), name)))


def _floats(values: np.ndarray) -> tuple[Any, ...]:
    return tuple(None if math.isnan(value) else float(value) for value in values)


_MOST_TIMED = 1024
_SMALLER = 4  # how many times smaller the second batch is that the line goes through


def _sizes_to_time(
    found: Estimates, levels: Levels, batch_size: int, unit: int
) -> list[tuple[int, int]]:
    """Samples on every level in about the steps that will be advised, and other ones."""
    sizes = list(rule.allocate_in_work_units(found, levels, 0, batch_size, unit).batch_sizes)
    while len(sizes) < levels.num_levels:  # levels that may yet pay for their seconds
        sizes.append(2 * sizes[-1])
    through = [own + finer for finer, own in itertools.pairwise(sizes)]
    coarser = [min(size, _MOST_TIMED) for size in through]
    # On level 0 the batch of single-scale and that of the sum; no more than memory bears.
    least = sizes[0] if sizes[0] < batch_size else max(1, batch_size // _SMALLER)
    return [(max(2, batch_size), least), *((n, max(1, n // _SMALLER)) for n in coarser)]


def _check(dataset: Any, samples: Any, seconds: Any, batch_size: Any) -> None:
    if not isinstance(dataset, MultiscaleDataset):
        raise ValueError(
            "A MultiscaleDataset is needed, whose levels are measured. "
            f"Received: {type(dataset).__name__}."
        )
    for name, value, least in (("samples", samples, GROUPS), ("batch_size", batch_size, 1)):
        if not is_count(value) or value < least:
            raise ValueError(
                f"`{name}` is an integer, at least {least}. Received: {name}={shown(value)}."
            )
    if not is_number(seconds) or not 0.0 < float(seconds) < math.inf:
        raise ValueError(f"`seconds` is positive and finite. Received: seconds={shown(seconds)}.")


def _check_varies(groups: Groups) -> None:
    found = [(term.loss, term.fine) for term in next(zip(*groups, strict=True))]
    if not np.all(np.isfinite(found)) or not np.sum(found, axis=0)[1] > 0.0:
        raise ValueError(
            "The gradients of the finest level are not finite, or do not vary from sample to "
            f"sample, so there is nothing to compare. Received: losses {[x for x, _ in found]}, "
            f"variances {[x for _, x in found]}. Check the data, the loss and the weights."
        )
