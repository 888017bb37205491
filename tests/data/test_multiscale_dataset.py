import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, central_half, every_second

import keras_ms
from keras_ms.tasks import Deblurring, Denoising

EVERY_COARSENING = pytest.mark.parametrize(
    "coarsening", ["task", "degrade_first", "crop", "coarsen_and_crop"]
)
SIZES = (2, 3, 5)


def photographs(count=10, shape=(37, 41, 3)):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


def dataset(coarsening="task", task=None, levels=SIZES, image_size=32, **options):
    task = task or Denoising()
    return keras_ms.MultiscaleDataset(
        photographs(), task, levels, image_size, 4, coarsening, **options
    )


@functools.cache
def plain(coarsening="task"):
    """A dataset that nobody changes."""
    return dataset(coarsening)


def take(stream, count):
    return [tf.nest.map_structure(lambda t: t.numpy(), batch) for batch in stream.take(count)]


def assert_equal(first, second):
    tf.nest.assert_same_structure(first, second)
    for a, b in zip(tf.nest.flatten(first), tf.nest.flatten(second), strict=True):
        np.testing.assert_array_equal(a, b)


def shapes(pair):
    return tuple(tuple(part.shape) for part in pair)


@EVERY_COARSENING
@pytest.mark.parametrize("finest", [0, 1, 2])
def test_a_stage_holds_its_active_levels_and_nothing_else(coarsening, finest):
    spec = plain(coarsening).stage(finest).element_spec  # static shapes
    assert type(spec) is keras_ms.MultiscaleBatch
    assert spec.finest == finest
    assert spec.active_levels == tuple(range(finest, 3))
    for level, (size, side) in enumerate(zip(SIZES, (32, 16, 8), strict=True)):
        fine, coarse = (size, side, side, 3), (size, side // 2, side // 2, 3)
        assert shapes(spec.fine[level]) == ((fine, fine) if level >= finest else ())
        assert shapes(spec.coarse[level]) == ((coarse, coarse) if finest <= level < 2 else ())


def test_without_telescoping_a_step_is_a_plain_batch():
    made = dataset(telescoping=False)
    for level, (size, side) in enumerate(zip(SIZES, (32, 16, 8), strict=True)):
        batch = made.stage(level).element_spec
        assert batch.coarse == ((), (), ())
        assert batch.active_levels == made.active_levels(level) == (level,)
        assert shapes(batch.fine[level]) == ((size, side, side, 3),) * 2


def test_work_units_of_a_step():
    # 2 (1 + 1/4) + 3 (1/4 + 1/16) + 5/16 and so on.
    assert [plain().work_units(s) for s in range(3)] == [3.75, 1.25, 0.3125]
    made = dataset(telescoping=False)
    assert [made.work_units(s) for s in range(3)] == [2.0, 0.75, 0.3125]


@pytest.mark.parametrize(("dims", "sides"), [(1, (32,)), (2, (32, 64)), (3, (16, 32, 16))])
def test_every_dimension_and_its_own_side_per_axis(dims, sides):
    images = np.random.default_rng(0).random((3, *(side + 3 for side in sides), 1))
    levels = keras_ms.Levels((2, 3), dims)
    made = keras_ms.MultiscaleDataset(images, Denoising(conditional=True), levels, sides, 4)
    half = tuple(side // 2 for side in sides)
    assert made.mesh_sizes == (sides, half)
    batch = made.stage().element_spec
    assert batch.fine[0][0]["image"].shape == batch.fine[0][1].shape == (2, *sides, 1)
    assert batch.coarse[0][0]["image"].shape == batch.coarse[0][1].shape == (2, *half, 1)
    assert batch.fine[1][0]["noise_level"].shape == (3, 1)


@EVERY_COARSENING
def test_batches_depend_on_the_seed_alone_and_a_stage_starts_anywhere(coarsening):
    batches = take(plain(coarsening).stage(), 4)
    assert_equal(take(dataset(coarsening, seed=0).stage(start=2), 2), batches[2:])
    for before, after in itertools.pairwise(batches):
        assert np.all(before.fine[0][0] != after.fine[0][0])
    (other,) = take(dataset(coarsening, seed=2).stage(), 1)
    assert np.all(batches[0].fine[0][0] != other.fine[0][0])


def test_later_stages_start_anywhere_too():
    made = dataset(seed=1)
    assert_equal(take(made.stage(1, start=3), 2), take(made.stage(1), 5)[3:])


class Named(Denoising):
    """Tells images by the value of their pixels."""

    def pair(self, example):
        return example["clean"], example["clean"]


@EVERY_COARSENING
def test_terms_of_a_step_hold_different_images(coarsening):
    named = [np.full((32, 32, 1), k, np.uint8) for k in range(20)]
    made = keras_ms.MultiscaleDataset(
        named, Named(), SIZES, 32, 4, coarsening, mean=0.0, std=1.0 / 255.0
    )
    seen = []
    for batch in take(made.stage(), 4):
        fine = [np.unique(batch.fine[level][0].round()) for level in range(3)]
        assert [len(values) for values in fine] == list(SIZES)
        seen.append(np.concatenate(fine))
        for level in range(2):
            np.testing.assert_array_equal(np.unique(batch.coarse[level][0].round()), fine[level])
    for one_pass in (seen[:2], seen[2:]):  # 20 images, 10 a step
        assert sorted(np.concatenate(one_pass)) == list(range(20))


def noise_of(pair, t):
    x, u = (part.astype(np.float64) for part in pair)
    return (x - t * u) / (1.0 - t)


def normal_noise(restrict, factor):
    def coupled(fine, coarse, t):
        np.testing.assert_allclose(coarse[1], restrict(fine[1]), atol=1e-5)
        wanted = factor * restrict(noise_of(fine, t))
        np.testing.assert_allclose(noise_of(coarse, t), wanted, atol=1e-5)

    return coupled


COARSEN, CROP = normal_noise(block_mean, 2.0), normal_noise(central_half, 1.0)


@pytest.mark.parametrize(
    ("coarsening", "coupled"),
    [("task", (COARSEN, COARSEN)), ("crop", (CROP, CROP)), ("coarsen_and_crop", (COARSEN, CROP))],
)
def test_fine_and_coarse_of_a_term_are_the_same_samples(coarsening, coupled):
    (batch,) = take(dataset(coarsening, Denoising(t_range=(0.25, 0.25))).stage(), 1)
    for level in range(2):
        coupled[level](batch.fine[level], batch.coarse[level], 0.25)


@pytest.mark.parametrize(
    ("restriction", "by_hand"), [("average", block_mean), ("stride", every_second)]
)
def test_degrade_first_restricts_the_finished_pair(restriction, by_hand):
    made = dataset("degrade_first", Denoising(conditional=True), restriction=restriction)
    (batch,) = take(made.stage(), 1)
    for level in range(2):
        fine, coarse = batch.fine[level], batch.coarse[level]
        np.testing.assert_allclose(coarse[0]["image"], by_hand(fine[0]["image"]), atol=1e-6)
        np.testing.assert_allclose(coarse[1], by_hand(fine[1]), atol=1e-6)


@EVERY_COARSENING
def test_noise_level_is_the_same_on_both_sides_of_a_term(coarsening):
    (batch,) = take(dataset(coarsening, Denoising(conditional=True)).stage(), 1)
    for level in range(2):
        fine, coarse = (side[level][0]["noise_level"] for side in (batch.fine, batch.coarse))
        np.testing.assert_array_equal(fine, coarse)
        assert len(np.unique(fine)) == SIZES[level]


def test_without_flip_no_image_is_mirrored():
    ramp = np.tile(np.linspace(0.0, 1.0, 40)[None, :, None], (40, 1, 1))
    for flip, signs in ((False, {1.0}), (True, {1.0, -1.0})):
        made = keras_ms.MultiscaleDataset([ramp], Named(), (20,), 32, 4, flip=flip)
        (batch,) = take(made.stage(), 1)
        assert set(np.unique(np.sign(np.diff(batch.fine[0][0], axis=2)))) == signs


def test_normalisation_is_per_channel():
    image = np.tile(np.array([0.2, 0.4, 0.6]), (32, 32, 1))
    made = keras_ms.MultiscaleDataset(
        [image], Named(), (2, 3), 32, 4, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.1)
    )
    (batch,) = take(made.stage(), 1)
    for pair in (batch.fine[0], batch.coarse[0], batch.fine[1]):
        np.testing.assert_allclose(pair[0][..., :], np.full_like(pair[0], [0.2, 0.8, 3.0]), 1e-5)


def test_iterators_are_not_tuned_so_that_they_end_at_once():
    # The thread that tunes one may sleep on for up to a minute while its iterator is dropped.
    pairs = tf.data.Dataset.from_tensors((tf.ones((32, 32, 3)),) * 2)
    own = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=1).stage(1)
    validation = keras_ms.data.evaluation_pairs(photographs(), Denoising(), 16, samples=2)
    for made in (own, validation, plain().stage(0)):
        assert made.options().autotune.enabled is False


@pytest.mark.parametrize("task", [Denoising((1.0, 1.0)), Deblurring(0.0, (0.0, 0.0))])
def test_degrade_first_by_stride_keeps_every_second_pixel_on_every_level(task):
    places = np.moveaxis(np.indices((48, 60), np.uint8), 0, -1)  # rows and columns as colours
    options = {"restriction": "stride", "mean": 0.0, "std": 1.0 / 255.0}
    made = keras_ms.MultiscaleDataset([places], task, SIZES, 32, 4, "degrade_first", **options)
    (batch,) = take(made.stage(), 1)
    for level, pair in enumerate(batch.fine):
        for rows_and_columns in pair:
            steps = [np.diff(rows_and_columns[..., axis], axis=1 + axis) for axis in (0, 1)]
            np.testing.assert_allclose(steps[0], 2**level, atol=1e-4)
            np.testing.assert_allclose(np.abs(steps[1]), 2**level, atol=1e-4)  # mirrored or not
