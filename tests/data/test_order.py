import itertools

import numpy as np
import pytest
import tensorflow as tf
from by_hand import chi_square

from keras_ms.data import order
from keras_ms.data.order import image_order

SEED = (5, 6)


def visit(first, count, num_images, seed=SEED):
    return image_order(tf.constant(first, tf.int64), count, num_images, seed).numpy().tolist()


@pytest.mark.parametrize(("count", "num_images"), [(1, 5), (3, 5), (5, 5), (7, 5), (13, 5), (4, 1)])
def test_every_image_comes_once_in_each_pass(count, num_images):
    steps = 3 * num_images
    order = np.concatenate([visit(step * count, count, num_images) for step in range(steps)])
    for one_pass in order.reshape(-1, num_images):
        assert sorted(one_pass) == list(range(num_images))


@pytest.mark.parametrize("pieces", [(12,), (1,) * 12, (5, 7), (2, 3, 6, 1), (6, 6)])
def test_order_is_a_function_of_position_however_it_is_split(pieces):
    starts = np.cumsum([0, *pieces[:-1]])
    parts = [visit(9 + start, count, 12) for start, count in zip(starts, pieces, strict=True)]
    assert list(itertools.chain(*parts)) == [*visit(9, 3, 12), *visit(12, 9, 12)]


@pytest.mark.parametrize("first", [1, 4, 9, 11, 30])
def test_overlapping_requests_agree_when_a_step_needs_more_than_all_images(first):
    order = visit(0, 10, 4) + visit(10, 10, 4) + visit(20, 10, 4) + visit(30, 10, 4)
    assert visit(first, 10, 4) == order[first : first + 10]


def test_positions_far_along_work():
    first = 10**12
    order = visit(first * 7, 7, 7)
    assert sorted(order) == list(range(7))
    assert visit(first * 7 + 3, 4, 7) == order[3:]


def test_passes_and_seeds_differ():
    passes = {tuple(visit(8 * k, 8, 8)) for k in range(20)}
    assert len(passes) == 20
    assert visit(0, 8, 8, (5, 7)) != visit(0, 8, 8)


def test_result_is_int64_of_static_length():
    traced = tf.function(lambda first: image_order(first, 6, 4, SEED))
    spec = traced.get_concrete_function(tf.TensorSpec((), tf.int64)).structured_outputs
    assert spec.shape == (6,)
    assert spec.dtype == tf.int64


@tf.function
def every_order(seeds, first, count):
    return tf.map_fn(
        lambda seed: image_order(first, count, 3, seed),
        seeds,
        fn_output_signature=tf.TensorSpec((count,), tf.int64),
    )


@pytest.mark.parametrize(("first", "count"), [(0, 3), (6, 3), (3, 9)])
def test_orders_of_three_images_are_equally_likely(first, count):
    seeds = tf.stack([tf.range(1800), tf.ones(1800, tf.int32)], axis=1)
    orders = every_order(seeds, tf.constant(first, tf.int64), count)
    for start in range(0, count, 3):
        _, counts = np.unique(orders.numpy()[:, start : start + 3], axis=0, return_counts=True)
        assert len(counts) == 6
        assert chi_square(counts) < 20.5  # 5 degrees of freedom, p = .001


MANY = order.MOST_SORTED + 905


@pytest.mark.parametrize("count", [1, 7, 3000])
def test_every_one_of_many_images_comes_once_in_each_pass(count):
    whole = np.array(visit(MANY, MANY, MANY))
    assert sorted(whole) == list(range(MANY))
    first = 2 * MANY - 5  # over the end of a pass
    wanted = [*whole[-5:], *visit(2 * MANY, MANY, MANY)][:count]
    assert visit(first, count, MANY) == wanted


def test_orders_of_many_images_are_as_if_at_random():
    passes = np.array([visit(k * MANY, MANY, MANY) for k in (0, 1, 10**9)])
    others = np.array([visit(0, MANY, MANY, (5, 7))])
    ranks = np.concatenate([np.arange(MANY)[None], passes, others])
    correlations = np.corrcoef(ranks)[np.triu_indices(len(ranks), 1)]
    assert np.max(np.abs(correlations)) < 4.0 / np.sqrt(MANY)
    for one in (*passes, *others):
        steps = np.diff(one) % MANY  # from an image to the next, uniform too
        counts = np.histogram(steps, 20, (0, MANY))[0]
        assert chi_square(counts) < 43.8  # 19 degrees of freedom, p = .001
        neighbours = np.corrcoef(one[:-1], one[1:])[0, 1]
        assert abs(neighbours) < 4.0 / np.sqrt(MANY)


def test_work_of_a_step_does_not_grow_with_the_images():
    def operations(num_images):
        traced = tf.function(lambda first: image_order(first, 6, num_images, SEED))
        return {
            op.type
            for op in traced.get_concrete_function(
                tf.TensorSpec((), tf.int64)
            ).graph.get_operations()
        }

    assert "TopKV2" in operations(order.MOST_SORTED)
    assert "TopKV2" not in operations(MANY)
