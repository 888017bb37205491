"""Random crops, flips, turns and augmentation of a user's own pairs: alike for all tensors."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import block_mean, chi_square

import keras_ms

RNG = np.random.default_rng(0)
SIDE = 32


def images(count, height=48, width=40):
    return RNG.random((count, height, width, 3)).astype("float32")


def dataset(x, *others, levels=(2, 3, 4), **options):
    return keras_ms.MultiscaleDataset((x, *others), levels=levels, **options)


def take(made, steps, finest=0):
    return list(made.stage(finest).take(steps).as_numpy_iterator())


def pairs_of(batches):
    return [pair for batch in batches for pair in (*batch.fine, *batch.coarse) if pair]


def test_crops_flips_and_turns_are_alike_for_images_maps_and_weights():
    x = images(6)
    maps = np.round(x[..., 0] * 100).astype("int32")
    made = dataset(
        x, (maps, x[..., :1]), x[..., 1], image_size=SIDE, flip=True, rotate=True, levels=(4, 8)
    )
    for batch in take(made, 4):
        image, (classes, shade), weight = batch.fine[0]
        np.testing.assert_array_equal(classes, np.round(image[..., 0] * 100))
        for image, (_, shade), weight in (batch.fine[0], batch.fine[1], batch.coarse[0]):
            np.testing.assert_allclose(shade[..., 0], image[..., 0], atol=1e-6)
            np.testing.assert_allclose(weight, image[..., 1], atol=1e-6)


def test_the_coarse_side_is_the_fine_side_restricted():
    x = images(6)
    made = dataset(x, x, image_size=SIDE, flip=True, rotate=True)
    for batch in take(made, 3):
        for level in (0, 1):
            np.testing.assert_allclose(
                block_mean(batch.fine[level][0]), batch.coarse[level][0], atol=1e-6
            )


def test_all_windows_flips_and_turns_are_equally_likely_on_both_sides_of_a_level():
    x = images(1, SIDE + 4, SIDE + 2)
    made = dataset(x, x, image_size=SIDE, flip=True, rotate=True, levels=(60, 61))
    corners = [(i, j) for i in (0, 2, 4) for j in (0, 2)]
    crops = np.stack([x[0, i : i + SIDE, j : j + SIDE] for i, j in corners])
    crops = np.concatenate([crops, crops[:, :, ::-1]])
    crops = np.concatenate([np.rot90(crops, k, (1, 2)) for k in range(4)])
    batches = take(made, 12)
    occurrences = [
        ([b.fine[0][0] for b in batches], crops),
        ([b.fine[1][0] for b in batches], block_mean(crops)),
        ([b.coarse[0][0] for b in batches], block_mean(crops)),
    ]
    for samples, windows in occurrences:
        flat = windows.reshape(len(windows), -1)
        samples = np.concatenate(samples).reshape(-1, flat.shape[1])
        distance = np.stack([np.abs(flat - sample).max(axis=1) for sample in samples])
        assert distance.min(axis=1).max() < 1e-5
        counts = np.bincount(distance.argmin(axis=1), minlength=len(windows))
        assert chi_square(counts) < 84.0  # 47 degrees of freedom, p = .001


@pytest.mark.filterwarnings("ignore:One of the examples is passed over")
@pytest.mark.parametrize("first", [0, 3])
@pytest.mark.parametrize("small", [False, True])
def test_examples_of_many_sizes_are_cropped_to_one(first, small):
    some = [images(1, SIDE + k, SIDE + 2 * k)[0] for k in range(8)]
    some = some[first:] + some[:first]
    if small:
        some = [images(1, 16, 16)[0], *some]
    made = keras_ms.MultiscaleDataset(
        lambda: iter([(image, image[..., :1]) for image in some]), levels=(2, 4), image_size=SIDE
    )
    for x, y in pairs_of(take(made, 3)):
        np.testing.assert_allclose(y[..., 0], x[..., 0])
    assert made.pairs.reading.count == 8


def test_images_of_unknown_rank_are_cropped_whatever_the_size_of_the_first():
    some = [images(1, SIDE + k, SIDE)[0] for k in range(4)]
    files = tf.data.Dataset.range(4).map(
        lambda k: tf.numpy_function(lambda n: some[n], [k], tf.float32)
    )
    made = keras_ms.MultiscaleDataset((files, files), levels=(2, 4), image_size=SIDE)
    assert made.pairs.reading.count == 4


@pytest.mark.parametrize("ratio", [2, 4])
def test_crops_of_super_resolution_pairs_lie_over_each_other(ratio):
    y = images(4, 64, 64)
    x = y
    for _ in range(ratio.bit_length() - 1):
        x = block_mean(x)
    made = dataset(x, y, image_size=48, levels=(2, 3))
    assert made.pair_spec(1)[0].shape == (3, 24 // ratio, 24 // ratio, 3)
    for x, y in pairs_of(take(made, 3)):
        for _ in range(ratio.bit_length() - 1):
            y = block_mean(y)
        np.testing.assert_allclose(x, y, atol=1e-6)


def test_small_examples_are_passed_over_by_name_and_too_many_refused():
    some = [images(1, SIDE, SIDE)[0] for _ in range(9)]
    small = images(1, 16, 16)[0]
    with pytest.warns(UserWarning, match=r"Skipped 1 of 10 examples.*of size \(16, 16\), smaller"):
        keras_ms.MultiscaleDataset([(x, x) for x in [small, *some]], levels=(2, 4), image_size=SIDE)
    with pytest.raises(ValueError, match=r"9 of 10 examples.*max_bad_fraction"):
        keras_ms.MultiscaleDataset([(x, x) for x in [some[0], *[small] * 9]], None, (2, 4), SIDE)


def test_examples_that_are_not_finite_are_passed_over():
    x = images(8, SIDE, SIDE)
    x[3, 4, 5] = np.nan
    with pytest.warns(UserWarning, match=r"Skipped 1 of 8.*not finite"):
        made = dataset(x, x, levels=(1, 2))
    assert all(np.isfinite(part).all() for pair in pairs_of(take(made, 6)) for part in pair)


def test_turns_need_squares():
    with pytest.raises(ValueError, match=r"Only squares.*\(48, 40\)"):
        dataset(images(3), images(3), rotate=True, levels=(1, 2, 3))


def shifted(pair, seed):
    x, y = pair
    count = tf.shape(x)[:1]
    return x + tf.random.stateless_uniform(count, seed)[:, None, None, None], y


def test_augmentation_is_drawn_alike_on_both_sides_of_a_term_and_anew_in_every_step():
    x = images(6, SIDE, SIDE)
    made = dataset(x, x, augment=shifted)
    amounts = []
    for batch in take(made, 3):
        for level in (0, 1):
            fine, coarse = batch.fine[level], batch.coarse[level]
            added = (fine[0] - fine[1]).mean((1, 2, 3))
            np.testing.assert_allclose(added, (coarse[0] - coarse[1]).mean((1, 2, 3)), atol=1e-5)
            amounts += list(added)
    assert len(np.unique(np.round(amounts, 4))) == len(amounts)
    again = take(dataset(x, x, augment=shifted), 1)[0]
    np.testing.assert_array_equal(again.fine[0][0], take(made, 1)[0].fine[0][0])


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.RandomBrightness(0.4, value_range=(0, 1)),
        keras.layers.RandomContrast(0.4, value_range=(0, 1)),
    ],
    ids=["brightness", "contrast"],
)
def test_a_keras_layer_that_changes_colours_augments_inputs_alike(layer):
    # Of an even shade, brightness and contrast are seen in the mean.
    x = np.broadcast_to(RNG.random((6, 1, 1, 3)), (6, SIDE, SIDE, 3)).astype("float32")
    made = dataset(x, x, augment=layer)
    changes = 0.0
    for batch in take(made, 3):
        for level in (0, 1):
            fine, coarse = batch.fine[level], batch.coarse[level]
            np.testing.assert_allclose(fine[0][:, 0, 0], coarse[0][:, 0, 0], atol=1e-5)
            np.testing.assert_array_equal(fine[1][:, 0, 0], coarse[1][:, 0, 0])
            changes += np.abs(fine[0] - fine[1]).max()
    assert changes > 0.01 or isinstance(layer, keras.layers.RandomContrast)


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (3, "Received: augment=3"),
        (lambda pair: pair, "returns the pair. Received: one that fails"),
        (lambda pair, seed: pair[0], "must return what it got"),
        (lambda pair, seed: (pair[0][:, ::2], pair[1]), "must return what it got"),
        (lambda pair, seed: (tf.cast(pair[0], tf.float64), pair[1]), "must return what it got"),
        (keras.layers.Rescaling(2.0), "draws a change of colours"),
        (keras.layers.RandomFlip("horizontal"), "pixels are moved by flip="),
        (keras.layers.RandomRotation(0.1), "pixels are moved by flip="),
    ],
)
def test_augmentation_that_does_not_fit_is_refused(augment, message):
    with pytest.raises(ValueError, match=message):
        dataset(images(2, SIDE, SIDE), images(2, SIDE, SIDE), augment=augment)


@pytest.mark.parametrize(
    "options",
    [{"roles": {"x": "image"}}, {"x": "image"}, {"rotate": True}, {"augment": shifted}],
)
def test_options_of_own_examples_are_refused_with_a_task(options):
    with pytest.raises(ValueError, match=f"without a task alone. Received: {next(iter(options))}="):
        keras_ms.MultiscaleDataset(images(2), keras_ms.tasks.Denoising(), (1, 2), SIDE, **options)


@pytest.mark.parametrize("options", [{"mean": 0.0}, {"std": (1.0, 1.0, 1.0)}])
def test_normalization_of_own_examples_is_refused(options):
    with pytest.raises(ValueError, match=r"with a task alone\. Received: "):
        dataset(images(2, SIDE, SIDE), images(2, SIDE, SIDE), levels=(1, 2), **options)


def test_a_description_shows_examples_on_every_level(tmp_path):
    x = images(6)
    made = dataset(x, np.zeros((6, 48, 40), "uint8"), np.ones(6), image_size=SIDE, flip=True)
    found = made.describe()
    assert found.roles == {"x": "image", "y": "class_map", "sample_weight": "weight"}
    assert found.lines[0] == (
        "x: image 48x40x3 of float32 (an input), crops of 32x32, averaged to 16x16, 8x8"
    )
    assert found.lines[1].startswith("y: class map 48x40 of uint8 (a target of integers)")
    assert found.lines[3] == (
        "examples: 6, read once and kept, visited in shuffled order; random crops, flips drawn at "
        "random"
    )
    assert found.lines[4] == "levels: 32x32, 16x16, 8x8 in batches of 2, 3, 4"
    assert found.picture.ndim == 3
    assert found.picture.dtype == np.uint8
    found.save(tmp_path / "shown.png")
    assert (tmp_path / "shown.png").stat().st_size > 1000


def test_a_task_is_described_too():
    made = keras_ms.MultiscaleDataset(images(2), keras_ms.tasks.Denoising(), (1, 2), SIDE)
    found = made.describe()
    assert found.lines == ("levels: 32x32, 16x16 in batches of 1, 2",)
    assert found.picture.shape[0] > 2 * 128
