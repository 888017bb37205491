import numpy as np
import pytest
import tensorflow as tf
from by_hand import assert_standard_normal, block_mean

from keras_ms import tasks
from keras_ms.tasks import Denoising

SHAPES = {1: (5, 16, 2), 2: (5, 8, 12, 3), 3: (5, 4, 8, 4, 1)}
EVERY_DIMENSION = pytest.mark.parametrize("spatial_dims", [1, 2, 3])


def images(spatial_dims=2, dtype="float32"):
    rng = np.random.default_rng(0)
    return tf.constant(rng.uniform(-1.0, 1.0, SHAPES[spatial_dims]), dtype)


def broadcast(t, spatial_dims):
    return np.reshape(t, (-1, *(1,) * (spatial_dims + 1)))


@EVERY_DIMENSION
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shapes_and_types(spatial_dims, dtype):
    shape = SHAPES[spatial_dims]
    example = Denoising().draw(images(spatial_dims, dtype), tf.constant((0, 1)))
    assert {name: tuple(part.shape) for name, part in example.items()} == {
        "clean": shape,
        "noise": shape,
        "t": (5, 1),
    }
    x, y = Denoising().pair(example)
    assert x.shape == y.shape == shape
    assert {part.dtype.name for part in (x, y, *example.values())} == {dtype}


@EVERY_DIMENSION
def test_input_is_the_convex_sum_of_image_and_noise(spatial_dims):
    example = Denoising().draw(images(spatial_dims), tf.constant((1, 2)))
    x, y = Denoising().pair(example)
    t = broadcast(example["t"].numpy(), spatial_dims)
    u, z = images(spatial_dims).numpy(), example["noise"].numpy()
    np.testing.assert_array_equal(x, t * u + (np.float32(1.0) - t) * z)
    np.testing.assert_array_equal(y, u)


def test_noise_is_standard_normal_and_every_image_has_its_own():
    example = Denoising().draw(tf.zeros((64, 32, 32, 1)), tf.constant((1, 2)))
    assert_standard_normal(example["noise"].numpy())
    assert len(np.unique(example["t"])) == 64
    assert len(np.unique(example["noise"].numpy()[:, 0, 0, 0])) == 64


@EVERY_DIMENSION
def test_restrict_averages_the_image_couples_the_noise_and_keeps_t(spatial_dims):
    example = Denoising().draw(images(spatial_dims), tf.constant((1, 2)))
    coarse = Denoising().restrict(example)
    np.testing.assert_array_equal(coarse["t"], example["t"])
    np.testing.assert_allclose(coarse["clean"], block_mean(example["clean"]), atol=1e-6)
    wanted = 2.0 ** (spatial_dims / 2) * block_mean(example["noise"])
    np.testing.assert_allclose(coarse["noise"], wanted, atol=2e-6)


def test_restricted_pair_has_the_average_as_target_and_the_same_noise_level():
    task = Denoising(t_range=(0.25, 0.25))
    example = task.draw(images(), tf.constant((1, 2)))
    x, y = task.pair(task.restrict(example))
    np.testing.assert_allclose(y, block_mean(images()), atol=1e-6)
    z = 2.0 * block_mean(example["noise"])
    np.testing.assert_allclose(x, 0.25 * block_mean(images()) + 0.75 * z, atol=2e-6)


def test_blind_input_is_the_noisy_image_alone():
    x, _ = Denoising().pair(Denoising().draw(images(), tf.constant((0, 1))))
    assert tuple(x.shape) == SHAPES[2]


def test_conditional_input_names_the_noise_level_on_every_level():
    task, blind = Denoising(conditional=True), Denoising()
    example = task.draw(images(), tf.constant((0, 1)))
    for case in (example, task.restrict(example)):
        x, y = task.pair(case)
        assert set(x) == {"image", "noise_level"}
        np.testing.assert_array_equal(x["noise_level"], example["t"])
        np.testing.assert_array_equal(x["image"], blind.pair(case)[0])
        np.testing.assert_array_equal(y, case["clean"])


def test_t_is_uniform_over_its_range():
    t = (
        Denoising(t_range=(0.2, 0.6))
        .draw(tf.zeros((4000, 2, 2, 1)), tf.constant((0, 1)))["t"]
        .numpy()
    )
    assert t.min() >= 0.2
    assert t.max() <= 0.6
    deviation = 0.4 / np.sqrt(12.0)
    assert abs(t.mean() - 0.4) < 5.0 * deviation / np.sqrt(t.size)
    # The variance of a uniform variable's square is (1 / 80 - 1 / 144) of its width^4.
    error = 0.4**2 * np.sqrt((1.0 / 80.0 - 1.0 / 144.0) / t.size)
    assert abs(t.var() - deviation**2) < 5.0 * error


def test_t_is_independent_of_the_noise():
    example = Denoising().draw(tf.zeros((4000, 1, 1, 1)), tf.constant((0, 1)))
    t, z = example["t"].numpy()[:, 0], example["noise"].numpy()[:, 0, 0, 0]
    for draws in (z, z**2, np.roll(z, 1) ** 2, np.roll(z, -1) ** 2):
        assert abs(np.corrcoef(t, draws)[0, 1]) < 5.0 / np.sqrt(t.size)


def test_ends_of_t_are_pure_noise_and_clean():
    for end in (0.0, 1.0):
        task = Denoising(t_range=(end, end))
        example = task.draw(images(), tf.constant((0, 1)))
        wanted = example["clean" if end else "noise"]
        np.testing.assert_array_equal(task.pair(example)[0], wanted)


@pytest.mark.parametrize("t_range", [(0.5, 0.2), (-0.1, 1.0), (0.0, 1.1), (float("nan"), 1.0)])
def test_senseless_t_range_is_refused(t_range):
    with pytest.raises(ValueError, match="two ordered numbers") as error:
        Denoising(t_range=t_range)
    assert f"Received: t_range={t_range}" in str(error.value)


@pytest.mark.parametrize("t_range", [(0.5,), (0.0, 0.5, 1.0), 0.5])
def test_t_range_that_is_not_two_numbers_is_refused(t_range):
    with pytest.raises(ValueError, match="two ordered numbers"):
        Denoising(t_range=t_range)


def test_registry_makes_tasks_by_name_with_options():
    assert "denoising" in tasks.names()
    made = tasks.get("denoising", t_range=(0.1, 0.2), conditional=True)
    assert isinstance(made, Denoising)
    assert made.t_range == (0.1, 0.2)
    assert made.conditional


def test_unknown_task_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"Received: task='dehazing'.*denoising"):
        tasks.get("dehazing")
