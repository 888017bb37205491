import itertools

import numpy as np
import pytest
import tensorflow as tf

from keras_ms import optimal_batch_sizes
from keras_ms.diagnostics.allocation import relative_costs


def small_problems(count=60):
    rng = np.random.default_rng(3)
    for _ in range(count):
        levels = int(rng.integers(1, 4))
        variances = rng.exponential(size=levels) * 10.0 ** rng.uniform(-2, 1)
        yield variances, rng.exponential(size=levels) + 0.01, float(rng.uniform(1.5, 7.0))


def brute_force(variances, costs, allowed, wanted, most=41):
    """The least `wanted` of all batch sizes up to `most` that are `allowed`."""
    sizes = itertools.product(range(1, most), repeat=len(variances))
    return min(
        (wanted(np.array(n)) for n in sizes if allowed(np.array(n))),
        default=np.inf,
    )


def test_cheapest_for_a_variance_is_what_brute_force_finds():
    for variances, costs, share in small_problems():
        target = float(variances.sum()) / share
        sizes = np.array(optimal_batch_sizes(variances, costs, variance=target))
        assert (variances / sizes).sum() <= target * (1 + 1e-9)
        best = brute_force(
            variances,
            costs,
            lambda n, v=variances, t=target: (v / n).sum() <= t,
            lambda n, c=costs: c @ n,
        )
        assert costs @ sizes <= best * (1 + 2e-4)


def test_surest_for_a_cost_is_what_brute_force_finds():
    for variances, costs, share in small_problems():
        target = float(costs.sum()) * share
        sizes = np.array(optimal_batch_sizes(variances, costs, cost=target))
        assert costs @ sizes <= target * (1 + 1e-9)
        best = brute_force(
            variances,
            costs,
            lambda n, c=costs, t=target: c @ n <= t,
            lambda n, v=variances: (v / n).sum(),
        )
        assert (variances / sizes).sum() <= best * (1 + 2e-4)


def test_large_batches_follow_giles():
    variances, costs = np.array((1.0, 0.2, 3.0)), np.array((1.25, 0.3, 0.06))
    sizes = np.array(optimal_batch_sizes(variances, costs, variance=1e-4))
    wanted = np.sqrt(variances / costs) * np.sqrt(variances * costs).sum() / 1e-4
    np.testing.assert_allclose(sizes, wanted, rtol=0.02)
    cost_times_variance = (costs @ sizes) * (variances / sizes).sum()
    assert cost_times_variance == pytest.approx(np.sqrt(variances * costs).sum() ** 2, rel=1e-3)


ALONE_AND_PAIR = ((1.0, 1.25), (0.25, 0.3125), (0.0625, 0.0))


@pytest.mark.parametrize("seed", range(40))
def test_never_worse_than_a_plain_batch_on_the_finest_level(seed):
    rng = np.random.default_rng(seed)
    variances = rng.exponential(size=(3, 2)) * 10.0 ** rng.uniform(-2, 1, size=(3, 2))
    batch = int(rng.integers(1, 30))
    sizes = optimal_batch_sizes(variances, ALONE_AND_PAIR, variance=variances[0, 0] / batch)
    terms = [*variances[: len(sizes) - 1, 1], variances[len(sizes) - 1, 0]]
    costs = [pair for _, pair in ALONE_AND_PAIR[: len(sizes) - 1]]
    costs.append(ALONE_AND_PAIR[len(sizes) - 1][0])
    assert np.dot(costs, sizes) <= batch
    assert np.sum(np.array(terms) / sizes) <= variances[0, 0] / batch * (1 + 1e-9)


def test_levels_that_share_nothing_are_not_used():
    independent = ((1.0, 2.0), (1.0, 2.0), (1.0, 0.0))
    assert optimal_batch_sizes(independent, ALONE_AND_PAIR, variance=1 / 16) == (16,)
    assert optimal_batch_sizes(independent, ALONE_AND_PAIR, cost=16.0) == (16,)
    assert relative_costs(independent, ALONE_AND_PAIR)[0] == 1.0
    assert min(relative_costs(independent, ALONE_AND_PAIR)[1:]) > 1.0


def test_identical_levels_are_worth_all_they_cost_less():
    # Two levels with g_0 = g_1: nothing but one pair is needed on the finest.
    same = ((1.0, 0.0), (1.0, 0.0), (1.0, 0.0))
    assert optimal_batch_sizes(same, ALONE_AND_PAIR, variance=1 / 64) == (1, 1, 64)
    assert relative_costs(same, ALONE_AND_PAIR) == pytest.approx((1.0, 0.25, 0.0625))


@pytest.mark.parametrize("replicas", [2, 3, 8])
@pytest.mark.parametrize("target", [{"variance": 0.05}, {"cost": 60.0}])
def test_replicas_divide_every_batch(replicas, target):
    variances = ((1.0, 0.1), (1.2, 0.3), (1.5, 0.0))
    sizes = optimal_batch_sizes(variances, ALONE_AND_PAIR, replicas=replicas, **target)
    assert all(n >= replicas and n % replicas == 0 for n in sizes)


def test_fixed_costs_decide_for_fewer_levels():
    variances = ((1.0, 0.1), (1.0, 0.1), (1.0, 0.0))
    assert len(optimal_batch_sizes(variances, ALONE_AND_PAIR, variance=0.1)) == 3
    sizes = optimal_batch_sizes(
        variances, ALONE_AND_PAIR, variance=0.1, fixed_costs=(1.0, 100.0, 100.0)
    )
    assert sizes == (10,)
    # A budget pays the fixed costs first.
    assert optimal_batch_sizes((1.0,), (1.0,), cost=np.int64(10), fixed_costs=(4.0,)) == (6,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"variance": 1.0, "cost": 1.0}, "one of the two"),
        ({}, "one of the two"),
        ({"variance": 0.0}, "Targets are positive"),
        ({"cost": np.nan}, "Targets are positive"),
        ({"cost": True}, "Targets are positive"),
        ({"variance": 10**400}, "Targets are positive"),
        ({"cost": 1e300}, r"more than 2\*\*53"),
        ({"variance": 1e-300}, r"more than 2\*\*53"),
        ({"cost": 0.5}, "does not pay"),
        ({"variance": 1.0, "replicas": 0}, "replicas=0"),
        ({"variance": 1.0, "replicas": 1.5}, "replicas=1.5"),
        ({"variances": (1.0,), "variance": 1.0}, "one number, or two, for every level"),
        ({"variances": (1.0, "a"), "variance": 1.0}, "one number, or two, for every level"),
        ({"variances": (), "costs": (), "variance": 1.0}, "one number, or two"),
        ({"variances": (1.0, -1.0), "variance": 1.0}, "not negative"),
        ({"variances": (1.0, np.nan), "variance": 1.0}, "finite"),
        ({"costs": (1.0, 0.0), "variance": 1.0}, "Costs are positive"),
        ({"variance": 1.0, "fixed_costs": (1.0,)}, "Fixed costs"),
        ({"variance": 1.0, "fixed_costs": ("x",)}, "Fixed costs"),
        ({"variance": 1.0, "fixed_costs": (1.0, -1.0)}, "Fixed costs"),
    ],
)
def test_senseless_arguments_are_refused(arguments, message):
    arguments = {"variances": (1.0, 1.0), "costs": (1.0, 0.5), **arguments}
    with pytest.raises(ValueError, match=message):
        optimal_batch_sizes(**arguments)


@pytest.mark.parametrize("replicas", [np.uint8(200), np.array(200), tf.constant(200)])
def test_replicas_are_any_integer(replicas):
    arguments = {"variances": (4.0, 4.0), "costs": (1.0, 0.25), "variance": 1e-3}
    found = optimal_batch_sizes(**arguments, replicas=replicas)
    assert found == optimal_batch_sizes(**arguments, replicas=200)


def test_hierarchies_out_of_reach_leave_the_others():
    pairs = ((1.0, 1.25), (0.25, 0.0))
    assert optimal_batch_sizes(((1.0, 1.0), (1e17, 0.0)), pairs, variance=1.0) == (1,)
    left = optimal_batch_sizes((1.0, 1.0), (1.0, 1.0), cost=1e17, fixed_costs=(1e17 - 1024.0, 0.0))
    assert left == (512, 512)
