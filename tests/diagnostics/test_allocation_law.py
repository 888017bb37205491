"""Batch sizes of any variances and costs: they keep the target, and nearly nothing is wasted."""

import itertools
from unittest import mock

import numpy as np
from hypothesis import strategies as st
from laws import law

from keras_ms import optimal_batch_sizes
from keras_ms.diagnostics import allocation
from keras_ms.diagnostics.allocation import TOLERANCE, relative_costs

positive = st.floats(-3.0, 3.0).map(lambda exponent: 10.0**exponent)
levels = st.integers(1, 4).flatmap(lambda n: st.tuples(*[st.tuples(positive, positive)] * n))
share = st.floats(0.3, 30.0)  # how many times smaller than that of single samples


def columns(pairs):
    return (np.array(column) for column in zip(*pairs, strict=True))


@law(60, pairs=levels, share=share, replicas=st.integers(1, 4))
def test_the_variance_is_reached_at_hardly_more_than_the_least_cost(pairs, share, replicas):
    variances, costs = columns(pairs)
    target = variances.sum() / share
    sizes = np.array(optimal_batch_sizes(variances, costs, variance=target, replicas=replicas))
    assert (sizes >= replicas).all()
    assert (sizes % replicas == 0).all()
    assert (variances / sizes).sum() <= target * (1 + 1e-9)
    giles = np.sqrt(variances / costs) * np.sqrt(variances * costs).sum() / target
    rounded = np.maximum(1, np.ceil(giles / replicas)) * replicas
    assert costs @ sizes <= costs @ rounded * (1 + 2 * TOLERANCE)
    assert costs @ sizes >= np.sqrt(variances * costs).sum() ** 2 / target * (1 - 1e-6)


@law(60, pairs=levels, share=st.floats(1.0, 30.0))
def test_the_cost_is_kept_and_spent(pairs, share):
    variances, costs = columns(pairs)
    budget = costs.sum() * share
    sizes = np.array(optimal_batch_sizes(variances, costs, cost=budget))
    assert costs @ sizes <= budget * (1 + 1e-9)
    reached = (variances / sizes).sum()
    assert reached >= np.sqrt(variances * costs).sum() ** 2 / budget * (1 - 1e-6)
    again = np.array(optimal_batch_sizes(variances, costs, variance=reached))
    assert costs @ again <= budget * (1 + 2 * TOLERANCE)


@law(
    40,
    pairs=levels,
    share=share,
    units=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
)
def test_units_do_not_matter(pairs, share, units):
    variances, costs = columns(pairs)
    of_variance, of_cost = (2.0**power for power in units)
    target = variances.sum() / share
    here = optimal_batch_sizes(variances, costs, variance=target)
    there = optimal_batch_sizes(
        variances * of_variance, costs * of_cost, variance=target * of_variance
    )
    assert here == there


@law(60, pairs=st.tuples(*[st.tuples(*[positive] * 4)] * 3), batch=st.integers(1, 20))
def test_it_is_never_dearer_than_plain_training(pairs, batch):
    variances, costs = np.array(pairs)[:, :2], np.array(pairs)[:, 2:]
    target = variances[0, 0] / batch
    sizes = optimal_batch_sizes(variances, costs, variance=target)
    last = len(sizes) - 1
    spent = costs[:last, 1] @ np.array(sizes[:last]) + costs[last, 0] * sizes[last]
    assert spent <= batch * costs[0, 0] * (1 + 1e-9)
    assert relative_costs(variances, costs)[0] == 1.0


@law(
    40,
    pairs=levels.filter(lambda pairs: 1 < len(pairs) < 4),
    share=st.floats(0.5, 6.0),
    nodes=st.sampled_from([20, 20_000]),  # so few that the second order is taken, or enough
)
def test_no_sizes_are_cheaper(pairs, share, nodes):
    variances, costs = columns(pairs)
    target = variances.sum() / share
    every = np.array(list(itertools.product(range(1, 31), repeat=len(costs))))
    enough = (variances / every).sum(axis=1) <= target
    with mock.patch.object(allocation, "_NODES", (nodes, 200_000)):
        sizes = np.array(optimal_batch_sizes(variances, costs, variance=target))
    assert costs @ sizes <= (every[enough] @ costs).min() * (1 + 2 * TOLERANCE)


def test_levels_that_cost_next_to_nothing_do_not_keep_the_search_busy():
    # One in 10,000,000 of the cost: any of millions of batches would do.
    variances = (0.24016588830911922, 0.01633084150363266, 424.06326404164895, 0.00370390697062848)
    costs = (0.0010700313204590982, 0.08660138187316233, 879.9708976972363, 0.038740994968839995)
    sizes = optimal_batch_sizes(variances, costs, variance=16.911965067694805)
    assert sizes[2] == 26
    assert np.dot(costs, sizes) <= np.dot(costs, (1, 1, 26, 1)) * 1.001


def test_both_orders_of_the_search_find_the_least():
    variances = (1.823111054190578, 12.052779286310464, 0.0153112775, 167.08723509872638, 0.0013029)
    costs = (0.8761209183045687, 0.1219013817789274, 0.0758940323, 0.00130381248, 4.507270418269341)
    found = []
    for nodes in (5, 20_000):  # so few that the second order is taken, or enough
        with mock.patch.object(allocation, "_NODES", (nodes, 200_000)):
            sizes = optimal_batch_sizes(
                variances, costs, variance=sum(variances) / 278.6397161959909
            )
            found.append(np.dot(costs, sizes))
    assert abs(found[0] / found[1] - 1.0) < 2 * TOLERANCE
