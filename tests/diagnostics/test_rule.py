"""The one rule of allocation, and that everybody who decides batch sizes decides by it."""

import dataclasses
import itertools
import warnings

import keras
import numpy as np
import pytest
from conftest import small_images, small_net

import keras_ms
from keras_ms import LevelReport, Levels
from keras_ms.diagnostics.allocation import hierarchies
from keras_ms.diagnostics.control_weights import best_weights, weighted
from keras_ms.diagnostics.rule import ENOUGH, VISIT, WORTHWHILE, allocate, allocate_in_work_units
from keras_ms.gradients.estimates import Estimates
from keras_ms.levels import Stage
from keras_ms.training import automatic
from keras_ms.training.adaptive import bias, gauge

COSTS = ((1.0, 1.25), (0.25, 0.3125), (0.0625, 0.0625))
ALIKE = ((1.0, 0.01), (1.0, 0.02), (1.0, 0.0))  # as a residual network on large images
NOISY = ((1.0, 0.8), (3.0, 0.4), (3.2, 0.0))  # as a U-Net: coarse gradients are noisier
APART = ((1.0, 3.0), (1.0, 3.0), (1.0, 0.0))


def variance_of(variances, sizes, weights):
    depth = len(sizes)
    table = np.array(weighted(variances[:depth], weights))
    terms, _ = hierarchies(table, np.array(COSTS[:depth]))[-1]
    return float((terms / np.array(sizes)).sum())


def cost_of(sizes, fixed=0.0):
    prices = [pair for _, pair in COSTS[: len(sizes) - 1]] + [COSTS[len(sizes) - 1][0]]
    return float(np.dot(prices, sizes)) + fixed * len(sizes)


def random_problem(seed):
    """Variances of gradients with random correlations, coarse ones noisier or not."""
    rng = np.random.default_rng(seed)
    alone = rng.uniform(0.5, 4.0, size=3)
    correlation = np.clip(1.0 - 0.2 * rng.exponential(size=2), 0.2, 0.999)
    pairs = alone[:-1] + alone[1:] - 2.0 * correlation * np.sqrt(alone[:-1] * alone[1:])
    return tuple(zip(alone.tolist(), [*pairs.tolist(), 0.0], strict=True))


def brute_force(variances, batch, fixed):
    """Relative cost of the cheapest sum of all: any sizes, and the best weights for them."""
    target, whole, best = variances[0][0] / batch, cost_of((batch,), fixed), 1.0
    most = (range(1, batch + 1), range(1, 26), range(1, 46))
    for depth in (2, 3):
        for sizes in itertools.product(*most[:depth]):
            cost = cost_of(sizes, fixed) / whole
            if cost < best:
                weights = best_weights(variances[:depth], sizes)
                if variance_of(variances, sizes, weights) <= target * (1 + 1e-12):
                    best = cost
    return best


@pytest.mark.parametrize("seed", range(12))
def test_weighted_sums_are_as_cheap_as_brute_force_finds_them(seed):
    variances, batch, fixed = random_problem(seed), 4 + seed % 5, 0.2 * (seed % 2)
    found = allocate(variances, COSTS, batch, [fixed] * 3)
    best = brute_force(variances, batch, fixed)
    # A threshold lies between what is elaborate and what is simple, each time.
    assert found.relative_cost <= max(best * 1.02, min(1.0, best / WORTHWHILE) + 1e-9)
    assert variance_of(variances, found.batch_sizes, found.control_weights) <= (
        variances[0][0] / batch * (1 + 1e-9)
    )
    assert found.relative_cost == pytest.approx(
        cost_of(found.batch_sizes, fixed) / cost_of((batch,), fixed)
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_best_weights_for_sizes_are_what_a_search_finds(seed):
    from scipy.optimize import minimize

    variances, rng = random_problem(seed), np.random.default_rng(seed)
    sizes = rng.integers(1, 20, size=3).tolist()
    found = variance_of(variances, sizes, best_weights(variances, sizes))
    searched = minimize(
        lambda a: variance_of(variances, sizes, np.abs(a)), (0.8, 0.8), method="Nelder-Mead"
    )
    assert found <= searched.fun * (1 + 1e-6)


def test_each_step_from_simple_to_elaborate_must_pay():
    plain = allocate(APART, COSTS, 16)
    assert plain[:3] == ((16,), (), 1.0)
    assert "no sum costs less" in plain.reason
    alike = allocate(ALIKE, COSTS, 16)
    assert len(alike.batch_sizes) == 3
    noisy = allocate(NOISY, COSTS, 16)
    assert len(noisy.batch_sizes) > 1
    assert set(noisy.control_weights) - {1.0}
    # Without weights it would have been the plain batch.
    sizes = keras_ms.optimal_batch_sizes(NOISY, COSTS, variance=1 / 16)
    assert cost_of(sizes) > WORTHWHILE * 16
    assert len(noisy.control_weights) == len(noisy.batch_sizes) - 1
    assert f"for {noisy.relative_cost:.2f} of it" in noisy.reason


def test_a_tenth_is_the_least_that_counts():
    # The dearer a visit to a level, the less a second level saves.
    fixed_costs = np.linspace(0.0, 4.0, 41)
    costs = [allocate(ALIKE[:2], COSTS[:2], 4, (f, f)).relative_cost for f in fixed_costs]
    taken = [cost for cost in costs if cost < 1.0]
    assert WORTHWHILE - 0.05 < max(taken) < WORTHWHILE
    assert costs[0] < 0.7
    assert costs[len(taken) :] == [1.0] * (len(costs) - len(taken))


@pytest.mark.parametrize(
    ("variances", "options", "why"),
    [
        (ALIKE, {"telescoping": False}, "as the data's own"),
        (ALIKE, {"samples": ENOUGH - 1}, "say too little"),
        (((np.nan, 0.1), (1.0, 0.0)), {}, "not finite"),
        (((np.inf, 0.1), (1.0, 0.0)), {}, "not finite"),
        (((0.0, 0.0), (0.0, 0.0)), {}, "do not vary"),
        (((1.0, 0.0),), {}, "no sum costs less"),
    ],
)
def test_plain_batches_where_nothing_better_is_known(variances, options, why):
    found = allocate(variances, COSTS[: len(variances)], 16, **options)
    assert found[:3] == ((16,), (), 1.0)
    assert why in found.reason


@pytest.mark.parametrize("variances", [ALIKE, NOISY, APART])
def test_replicas_divide_every_batch(variances):
    found = allocate(variances, COSTS, 15, replicas=4)
    assert all(size % 4 == 0 for size in found.batch_sizes)
    assert variance_of(variances, found.batch_sizes, found.control_weights) <= 1 / 16 * (1 + 1e-9)


def test_nobody_is_warned_of_advice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(60):
            Levels(allocate(random_problem(seed), COSTS, 4 + seed).batch_sizes)


def estimates(variances):
    alone, difference = np.array(variances).T
    nothing = np.zeros(len(alone))
    return Estimates(alone, difference, nothing[1:], nothing[1:], nothing, nothing)


def report(found, levels):
    """A report of the same estimates, whose seconds are work units."""
    depth, nothing = levels.num_levels, (0.0,) * levels.num_levels
    units = tuple(levels.sample_work_units(level) for level in range(depth))
    return LevelReport(
        mesh_sizes=levels.mesh_sizes(64),
        samples=tuple(32 * 2**level for level in range(depth)),
        variance=tuple(found.variance.tolist()),
        variance_error=nothing,
        difference=tuple(found.difference.tolist()),
        difference_error=nothing,
        correlation=(None,) * (depth - 1),
        cosine=(None,) * (depth - 1),
        squared_norm=nothing,
        squared_bias=nothing,
        squared_bias_error=nothing,
        squared_cosine=(1.0,) * depth,
        squared_cosine_error=nothing,
        seconds_per_sample=units,
        fixed_seconds=(VISIT,) * depth,
        work_units=units,
        batch_size=automatic.PLAIN_BATCH,
    )


def adaptive(model, dataset, found, samples=32):
    """What an adaptive run goes on to on level 0 that has measured so."""
    measured = bias.Measurement(0, found, samples, 8, 1.0)
    kept = gauge.LevelGauge(model, dataset, [measured.as_dict()])
    return kept.stage(0, None)[0]


@pytest.mark.parametrize("variances", [ALIKE, NOISY, APART, *map(random_problem, range(8))])
def test_the_same_moments_lead_all_three_to_the_same_step(variances):
    found, levels = estimates(variances), Levels((16, 16, 16))
    diagnosed = report(found, levels)
    advised = Stage(0, diagnosed.batch_sizes, diagnosed.control_weights)
    assert automatic.stages(found, levels, samples=32)[0] == advised
    data = keras_ms.MultiscaleDataset(small_images(), keras_ms.tasks.Denoising(), levels, 32, 1)
    assert adaptive(compiled(), data, found) == advised
    direct = allocate_in_work_units(found, levels, 0, 16, samples=32)
    assert Stage(0, *direct[:2]) == advised


def compiled():
    keras.utils.set_random_seed(1)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("adam", "mse")
    return model


def test_all_three_agree_on_a_real_model(monkeypatch):
    task, model = keras_ms.tasks.Denoising(t_range=(0.5, 1.0)), compiled()
    images = small_images(12, 48)
    levels = Levels((16, 16))  # as "auto" has it: two levels, as certain as 16 images each
    data = keras_ms.MultiscaleDataset(images, task, levels, 32, 1)
    # Diagnosed with as many samples as "auto" takes: the very same.
    samples = automatic.SAMPLES * automatic.GROUPS
    diagnosed = keras_ms.diagnose(model, data, samples)
    fixed = (VISIT,) * 2
    diagnosed = dataclasses.replace(
        diagnosed, seconds_per_sample=diagnosed.work_units, fixed_seconds=fixed
    )
    advised = Stage(0, diagnosed.batch_sizes, diagnosed.control_weights)
    assert len(diagnosed.batch_sizes) == 2  # smooth images: levels have nearly all in common
    seen = []
    decide = automatic.stages
    monkeypatch.setattr(
        automatic, "stages", lambda *args: seen.append((args[0], decide(*args))) or seen[-1][1]
    )
    undecided = keras_ms.MultiscaleDataset(images, task, "auto", 32, 1)
    model.fit(undecided, epochs=1, verbose=0)
    found, stages = seen[0]
    assert stages[0] == advised
    assert adaptive(compiled(), data, found, samples) == advised


@pytest.mark.parametrize("variances", [ALIKE, NOISY, *map(random_problem, range(6))])
@pytest.mark.parametrize("unit", [2, 4])
def test_sizes_for_a_new_dataset_are_multiples_of_the_finest(variances, unit):
    free, nested = (allocate(variances, COSTS, 24, replicas=unit, nested=n) for n in (False, True))
    sizes = nested.batch_sizes
    assert all(size % sizes[0] == size % unit == 0 for size in sizes)
    assert free.relative_cost <= nested.relative_cost <= 1.0
    if len(sizes) > 1:
        assert variance_of(variances, sizes, nested.control_weights) <= variances[0][0] / 24
        assert nested.relative_cost == pytest.approx(cost_of(sizes) / cost_of((24,)))
