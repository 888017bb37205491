"""A user's own `(x, y)` or `(x, y, sample_weight)` without a task."""

import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, central_half, every_second, most_frequent

import keras_ms

SIZES = (2, 3, 5)
COUNT = 20  # two steps of ten


def fields(*shape, seed=0):
    return np.random.default_rng(seed).random((COUNT, *shape)).astype("float32")


X, Y, LABELS = fields(32, 32, 3), fields(32, 32, 1, seed=1), np.arange(COUNT)


def dataset(*examples, levels=SIZES, **options):
    pairs = tf.data.Dataset.from_tensor_slices(examples)
    return keras_ms.MultiscaleDataset(pairs, levels=levels, steps_per_epoch=2, **options)


def take(stream, count):
    return list(stream.take(count).as_numpy_iterator())


def halved(values, restrict, times):
    for _ in range(times):
        values = restrict(values)
    return values


def test_an_epoch_shows_every_example_once_and_the_finest_side_shows_it_as_it_is():
    seen = []
    for batch in take(dataset(X, LABELS).stage(), 2):
        seen += [batch.fine[level][1] for level in range(3)]
        np.testing.assert_array_equal(batch.fine[0][0], X[batch.fine[0][1]])
    assert sorted(np.concatenate(seen)) == list(range(COUNT))


def test_one_level_gives_the_users_own_examples_a_pass_in_shuffled_order():
    batches = take(dataset(X, LABELS, levels=(10,)).stage(), 4)
    for batch in batches:
        x, labels = batch.fine[0]
        np.testing.assert_array_equal(x, X[labels])
        assert batch.coarse == ((),)
    first, second = (np.concatenate([b.fine[0][1] for b in batches[k : k + 2]]) for k in (0, 2))
    assert sorted(first) == sorted(second) == list(range(COUNT))
    assert list(first) != list(second)


@pytest.mark.parametrize(
    ("options", "halve"),
    [
        ({}, (block_mean, block_mean)),
        ({"restriction": "stride"}, (every_second, every_second)),
        ({"coarsening": "degrade_first"}, (block_mean, block_mean)),
        ({"coarsening": "crop"}, (central_half, central_half)),
        ({"coarsening": "coarsen_and_crop"}, (block_mean, central_half)),
        ({"coarsening": "coarsen_and_crop", "restriction": "stride"}, (every_second, central_half)),
    ],
)
def test_every_level_of_a_term_is_the_restricted_example(options, halve):
    (batch,) = take(dataset(X, LABELS, **options).stage(), 1)
    wanted = [X, halve[0](X), halve[1](halve[0](X))]
    for level in range(3):
        x, labels = batch.fine[level]
        np.testing.assert_allclose(x, wanted[level][labels], rtol=0, atol=1e-6)
        if level < 2:
            x, same_labels = batch.coarse[level]
            np.testing.assert_array_equal(same_labels, labels)
            np.testing.assert_allclose(x, wanted[level + 1][labels], rtol=0, atol=1e-6)


def test_label_targets_and_scalar_weights_are_left_alone():
    one_hot, weights = np.eye(10, dtype="float32")[LABELS % 10], fields()
    (batch,) = take(dataset(X, one_hot, weights).stage(), 1)
    for x, y, weight in (batch.fine[2], batch.coarse[0], batch.coarse[1]):
        for image, label, one_weight in zip(x, y, weight, strict=True):
            (index,) = np.flatnonzero(weights == one_weight)
            np.testing.assert_array_equal(label, one_hot[index])
            wanted = halved(X[[index]], block_mean, 5 - image.shape[0].bit_length() + 1)[0]
            np.testing.assert_allclose(image, wanted, atol=1e-6)


def test_a_label_as_long_as_a_coarse_mesh_is_left_alone():
    signals, one_hot = fields(32, 1), np.eye(16, dtype="float32")[LABELS % 16]
    made = dataset(signals, one_hot, levels=keras_ms.Levels(SIZES, spatial_dims=1))
    assert [made.pair_spec(level)[1].shape for level in range(3)] == [(2, 16), (3, 16), (5, 16)]


@pytest.mark.parametrize("restriction", ["average", "stride"])
@pytest.mark.parametrize("channels", [True, False])
def test_class_maps_keep_their_type_and_the_most_frequent_class(restriction, channels):
    masks = np.random.default_rng(2).integers(0, 3, (COUNT, 32, 32, 1), dtype=np.uint8)
    by_hand = {"average": most_frequent, "stride": every_second}[restriction]
    shown = masks if channels else masks[..., 0]
    made = dataset({"image": X, "id": LABELS}, shown, restriction=restriction)
    (batch,) = take(made.stage(), 1)
    for side, further in ((batch.fine, 0), (batch.coarse, 1)):
        for level in range(3 - further):
            x, mask = side[level]
            assert mask.dtype == np.uint8
            wanted = halved(masks, by_hand, level + further)[x["id"]]
            np.testing.assert_array_equal(mask if channels else mask[..., None], wanted)


def test_weights_per_pixel_without_a_channel_axis_are_restricted():
    weights = fields(32, 32, seed=3)
    (batch,) = take(dataset({"image": X, "id": LABELS}, Y, weights).stage(), 1)
    for level in range(3):
        x, y, weight = batch.fine[level]
        assert weight.shape == y.shape[:-1]
        wanted = halved(weights[..., None], block_mean, level)[..., 0]
        np.testing.assert_allclose(weight, wanted[x["id"]], atol=1e-6)


def test_dictionaries_and_metadata_keep_their_structure():
    made = dataset({"image": X, "age": fields(1)}, {"clean": Y, "kind": LABELS})
    x, y = made.stage().element_spec.coarse[1]
    assert {name: tuple(part.shape) for name, part in {**x, **y}.items()} == {
        "image": (3, 8, 8, 3),
        "age": (3, 1),
        "clean": (3, 8, 8, 1),
        "kind": (3,),
    }
    assert made.pair_spec(2)[0]["image"] == tf.TensorSpec((5, 8, 8, 3), tf.float32)


def test_super_resolution_pairs_keep_their_ratio():
    made = dataset(fields(16, 16, 3), Y, levels=(2, 3))
    assert made.image_size == (32, 32)
    x, y = made.stage().element_spec.coarse[0]
    assert (x.shape, y.shape) == ((2, 8, 8, 3), (2, 16, 16, 1))


def test_a_weight_of_none_is_no_weight():
    pairs = tf.data.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x, y, None))
    made = keras_ms.MultiscaleDataset(pairs, levels=SIZES)
    assert made.pair_spec(1)[0].shape == (3, 16, 16, 3)


def test_same_seed_same_batches_and_a_stage_starts_anywhere():
    made, same, other = (dataset(X, LABELS, seed=seed) for seed in (1, 1, 2))
    for finest in (0, 1):
        labels, again, later, others = (
            np.array([np.concatenate([t[1] for t in b.fine if t]) for b in take(stream, 4)][-2:])
            for stream in (
                made.stage(finest),
                same.stage(finest),
                same.stage(finest, start=2).take(2),
                other.stage(finest),
            )
        )
        np.testing.assert_array_equal(labels, again)
        np.testing.assert_array_equal(labels, later)
        assert np.any(labels != others)


def test_fewer_examples_than_a_step_takes_are_repeated():
    made = dataset(X[:4], LABELS[:4])
    (batch,) = take(made.stage(), 1)
    labels = np.concatenate([batch.fine[level][1] for level in range(3)])
    assert sorted(np.bincount(labels)) == [2, 2, 3, 3]


def test_without_telescoping_a_step_is_a_plain_batch_of_its_level():
    (batch,) = take(dataset(X, LABELS, telescoping=False).stage(1), 1)
    assert batch.fine[1][0].shape == (3, 16, 16, 3)
    assert batch.active_levels == (1,)
    assert batch.coarse == ((), (), ())


def test_a_late_start_reads_one_pass_at_most_and_sees_the_same_batches():
    reads = []

    def read(index):
        reads.append(int(index))
        return np.full((16, 16, 1), float(index), np.float32)

    def example(index):
        x = tf.ensure_shape(tf.py_function(read, [index], tf.float32), (16, 16, 1))
        return x, x

    pairs = tf.data.Dataset.range(10).map(example)
    dataset = keras_ms.MultiscaleDataset(pairs, levels=(1, 2), prefetch=0)
    whole = [b.fine[0][0] for b in dataset.stage().take(42).as_numpy_iterator()]
    reads.clear()
    (late,) = dataset.stage(start=41).take(1).as_numpy_iterator()
    np.testing.assert_array_equal(late.fine[0][0], whole[41])
    assert len(reads) < 10 + 12  # a pass, and what the pipeline reads ahead
