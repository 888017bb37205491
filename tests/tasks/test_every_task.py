"""What every task must do, whatever it degrades: one suite over the registry.

CONTRIBUTING.md lists it for those who add a task. What only the tasks of the library must do is
tested with `OWN_CASES`.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import assert_standard_normal, block_mean

import keras_ms
from keras_ms import restriction, tasks

OPTIONS = {
    "deblurring": [{"sigma": 1.5}, {"border": "circular"}],
    "denoising": [{}, {"t_range": (0.3, 0.9), "keep_contrast": True}],
    "inpainting": [{}, {"max_rectangles": 1}, {"masks": np.eye(24)[np.newaxis]}],
    "super_resolution": [{}, {"scale": 3, "interpolation": "bilinear"}],
}
# A new task is tested with its defaults; more options of it may be added above.
CASES = [(name, options) for name in tasks.names() for options in OPTIONS.get(name, [{}])]
EVERY_TASK = pytest.mark.parametrize(("name", "options"), CASES)
NOISY = [case for case in CASES if isinstance(tasks.get(case[0], **case[1]), tasks.NoisyTask)]
EVERY_NOISY_TASK = pytest.mark.parametrize(("name", "options"), NOISY)
# A task of one's own need not let its users choose these.
CHOSEN = [c for c in NOISY if {"t_range", "conditional", "keep_contrast"} <= {*tasks.options(c[0])}]
EVERY_TASK_OF_CHOSEN_NOISE = pytest.mark.parametrize(("name", "options"), CHOSEN)
EVERY_NAME_OF_CHOSEN_NOISE = pytest.mark.parametrize("name", sorted({name for name, _ in CHOSEN}))
OWN_CASES = [case for case in CASES if case[0] in OPTIONS]
EVERY_OWN_TASK = pytest.mark.parametrize(("name", "options"), OWN_CASES)
SIDES = (24, 24)


def images(count=5, seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    return tf.constant(rng.uniform(-1.0, 1.0, (count, *SIDES, 3)), dtype)


def image_of(x):
    """The image of an input, which is beside the noise level if the network is told that."""
    return x["image"] if isinstance(x, dict) else x


def flat(structure):
    return [np.asarray(leaf) for leaf in keras.tree.flatten(structure)]


def assert_same(first, second, **tolerance):
    for one, other in zip(flat(first), flat(second), strict=True):
        np.testing.assert_allclose(one, other, **tolerance)


def test_the_tasks_of_the_paper_are_in_the_registry():
    assert set(OPTIONS) <= set(tasks.names())


@EVERY_TASK
def test_same_seed_same_example(name, options):
    task = tasks.get(name, **options)
    assert_same(
        task.draw(images(), tf.constant((3, 4))), task.draw(images(), tf.constant((3, 4))), rtol=0
    )


@EVERY_NOISY_TASK
def test_another_seed_another_example(name, options):
    task = tasks.get(name, **options)
    first, other = (task.draw(images(), tf.constant((3, seed))) for seed in (4, 5))
    assert not np.any(first["noise"] == other["noise"])
    if task.t_range[0] < task.t_range[1]:
        assert not np.any(first["t"] == other["t"])


@EVERY_OWN_TASK
def test_double_precision_stays(name, options):
    task = tasks.get(name, **options)
    x, y = task.pair(task.restrict(task.draw(images(dtype="float64"), tf.constant((0, 1)))))
    assert x.dtype == y.dtype == "float64"


@EVERY_TASK
def test_shapes_and_types_on_two_levels(name, options):
    task = tasks.get(name, **options)
    example = task.draw(images(), tf.constant((0, 1)))
    scale = getattr(task, "scale", 1)
    for case, sides in ((example, SIDES), (task.restrict(example), (12, 12))):
        x, y = task.pair(case)
        x = image_of(x)
        assert x.dtype == y.dtype == "float32"
        assert y.shape == (5, *sides, 3)
        assert x.shape == (5, *(side // scale for side in sides), 3)


@EVERY_TASK
def test_samples_of_a_batch_do_not_see_each_other(name, options):
    task = tasks.get(name, **options)
    example = task.draw(images(), tf.constant((0, 1)))
    alone = keras.tree.map_structure(lambda leaf: leaf[1:3], example)
    for step in (task.pair, task.restrict, lambda e: task.pair(task.restrict(e))):
        part = keras.tree.map_structure(lambda leaf: leaf[1:3], step(example))
        assert_same(step(alone), part, rtol=1e-5, atol=1e-5)


@EVERY_NOISY_TASK
def test_restriction_couples_the_levels(name, options):
    task = tasks.get(name, **options)
    example = task.draw(images(), tf.constant((0, 1)))
    coarse = task.restrict(example)
    if "coarsen" in task.invariant_under:
        np.testing.assert_allclose(coarse["clean"], block_mean(example["clean"]), atol=1e-6)
        np.testing.assert_allclose(coarse["noise"], 2.0 * block_mean(example["noise"]), atol=1e-5)
    np.testing.assert_array_equal(coarse["t"], example["t"])
    if name == "inpainting":
        np.testing.assert_array_equal(coarse["mask"], block_mean(example["mask"]) > 0.5)


def clear_of_noise(task):
    """The `t` without noise."""
    return 1.0 if task.share(0.0) == 1.0 else 0.0


@EVERY_TASK_OF_CHOSEN_NOISE
def test_without_noise_the_input_is_what_degrade_returns(name, options):
    clear = clear_of_noise(tasks.get(name))
    task = tasks.get(name, **{**options, "t_range": (clear, clear)})
    example = task.draw(images(), tf.constant((0, 1)))
    x, y = task.pair(example)
    np.testing.assert_array_equal(y, images())
    np.testing.assert_allclose(x, task.degrade(example), atol=1e-6)


@EVERY_OWN_TASK
def test_a_constant_image_without_noise_stays_in_range(name, options):
    clear = clear_of_noise(tasks.get(name))
    task = tasks.get(name, **{**options, "t_range": (clear, clear)})
    x, _ = task.pair(task.draw(0.5 * tf.ones_like(images()), tf.constant((0, 1))))
    known = x.numpy()[x.numpy() != 0.0] if name == "inpainting" else x.numpy()
    np.testing.assert_allclose(known, 0.5, atol=1e-5)


@EVERY_TASK_OF_CHOSEN_NOISE
def test_noise_is_white_and_has_its_share(name, options):
    task = tasks.get(name, **{**options, "t_range": (0.5, 0.5), "keep_contrast": False})
    example = task.draw(tf.repeat(images(1), 64, axis=0), tf.constant((0, 1)))
    share = task.share(0.5)
    for case in (example, task.restrict(example)):
        rest = task.pair(case)[0] - (1.0 - share) * task.degrade(case)
        assert_standard_normal(rest.numpy() / share)
    full = tasks.get(name, **{**options, "t_range": (0.5, 0.5), "keep_contrast": True})
    bright = task.pair(example)[0] / (1.0 - share)
    np.testing.assert_allclose(full.pair(example)[0], bright, rtol=1e-5, atol=1e-6)


@EVERY_TASK_OF_CHOSEN_NOISE
def test_conditional_input_names_the_level(name, options):
    blind = tasks.get(name, **{**options, "conditional": False})
    told = tasks.get(name, **{**options, "conditional": True})
    example = told.draw(images(), tf.constant((0, 1)))
    x, y = told.pair(example)
    assert_same((x["image"], y), blind.pair(example), rtol=0)
    np.testing.assert_array_equal(x["noise_level"], example["t"])


@EVERY_TASK
def test_works_in_a_graph_with_unknown_batch_size(name, options):
    task = tasks.get(name, **options)

    @tf.function(input_signature=[tf.TensorSpec((None, *SIDES, 3)), tf.TensorSpec((2,), tf.int32)])
    def make(clean, seed):
        x, y = task.pair(task.restrict(task.draw(clean, seed)))
        assert y.shape[1:] == (12, 12, 3)  # while tracing: sides stay static
        assert None not in image_of(x).shape[1:]
        return x, y

    eager = task.pair(task.restrict(task.draw(images(), tf.constant((6, 7)))))
    assert_same(make(images(), tf.constant((6, 7))), eager, atol=1e-5)


@EVERY_OWN_TASK
def test_the_graph_compiler_reads_all_of_it(name, options, caplog, capfd):
    task = tasks.get(name, **options)
    pictures = np.random.default_rng(0).random((3, 48, 48, 3)).astype("float32")
    if "masks" in options:
        task = tasks.get(name, masks=np.eye(48)[np.newaxis])
    keras_ms.MultiscaleDataset(pictures, task, (1, 2), 48, 2)
    assert "AutoGraph" not in caplog.text + capfd.readouterr().err


def features(task, images, seed, restrict):
    """What a law is told apart by: moments of input, target and their products by pixel."""
    example = task.draw(images, seed)
    x, _ = task.pair(task.restrict(example) if restrict else example)
    x = image_of(x).numpy().astype("float64")
    return np.concatenate(
        [(f(x)).reshape(len(x), -1) for f in (np.copy, np.square, lambda v: v * np.roll(v, 1, 1))],
        axis=1,
    )


@EVERY_TASK
def test_restricting_a_draw_has_the_distribution_of_drawing_from_the_restricted(name, options):
    task = tasks.get(name, **options)
    if "coarsen" not in task.invariant_under:
        assert name not in OPTIONS
        pytest.skip("The task does not claim the law: its coarse examples are drawn fine.")
    many = tf.repeat(images(1), 2000, axis=0)
    restricted = features(task, many, tf.constant((1, 2)), restrict=True)
    drawn = features(task, restriction.average(many), tf.constant((3, 4)), restrict=False)
    difference = restricted.mean(0) - drawn.mean(0)
    error = np.sqrt((restricted.var(0) + drawn.var(0)) / len(drawn)) + 1e-6
    assert np.max(np.abs(difference) / error) < 5.5


@pytest.mark.parametrize("t_range", [(0.5, 0.2), (-0.1, 1.0), (0.0, 1.1), 0.5])
@EVERY_NAME_OF_CHOSEN_NOISE
def test_senseless_noise_is_refused(name, t_range):
    with pytest.raises(ValueError, match=r"two ordered numbers.*Received: t_range="):
        tasks.get(name, t_range=t_range)


@EVERY_NAME_OF_CHOSEN_NOISE
def test_contrast_of_pure_noise_cannot_be_kept(name):
    with pytest.raises(ValueError, match="share of the image"):
        tasks.get(name, t_range=(0.0, 1.0), keep_contrast=True)


def pairs_to_train():
    """Every task with every coarsening; its further options with the one that does all.

    "coarsen_and_crop" has both kinds of steps between levels, so it calls all that the others do:
    options change what a draw holds (masks, smaller inputs), and all of it must be restricted,
    cropped and paired on three meshes.
    """
    chosen = []
    for name in tasks.names():
        first, *further = OPTIONS.get(name, [{}])
        every = ("task", "degrade_first", "crop", "coarsen_and_crop")
        chosen += [(name, first, coarsening) for coarsening in every]
        chosen += [(name, options, "coarsen_and_crop") for options in further]
    return chosen


@pytest.mark.parametrize(("name", "options", "coarsening"), pairs_to_train())
def test_trains_by_every_coarsening(name, options, coarsening):
    side = 96 if options.get("scale") == 3 else 64
    if "masks" in options:
        options = {"masks": np.eye(side)[np.newaxis]}
    task = tasks.get(name, **options)
    pictures = np.random.default_rng(0).random((3, side, side, 3)).astype("float32")
    dataset = keras_ms.MultiscaleDataset(pictures, task, (1, 2, 3), side, 1, coarsening)
    network = keras_ms.networks.ResNet(
        width=4,
        depth=1,
        scale=getattr(task, "scale", 1),
        conditional=getattr(task, "conditional", False),
    )
    model = keras_ms.MultiscaleModel(network.input, network.output)
    model.compile("sgd", "mse", run_eagerly=True)  # this is about data; networks are compiled
    assert np.isfinite(model.fit(dataset, verbose=0).history["loss"][0])
