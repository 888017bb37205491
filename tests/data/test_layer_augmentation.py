"""Layers as augmentation: which are refused, and that others act alike on both sides of a term."""

import random

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from keras_ms.data import photometric

RNG = np.random.default_rng(0)
SIDE = 16
UNIT = (0.0, 1.0)
LAYERS = keras.layers
KNOWN = {
    "RandomBrightness": {"factor": 0.3},
    "RandomColorDegeneration": {"factor": (0.3, 0.9)},
    "RandomColorJitter": {
        "brightness_factor": 0.3,
        "contrast_factor": 0.3,
        "saturation_factor": 0.3,
        "hue_factor": 0.2,
    },
    "RandomContrast": {"factor": 0.4},
    "RandomGaussianBlur": {"factor": (1.0, 1.0), "sigma": (0.6, 1.0)},
    "RandomGrayscale": {"factor": 0.7},
    "RandomHue": {"factor": 0.3},
    "RandomInvert": {"factor": 1.0},
    "RandomPosterization": {"factor": (2, 4)},
    "RandomSaturation": {"factor": (0.1, 0.9)},
    "RandomSharpness": {"factor": 0.9},
    "Solarization": {"addition_factor": 0.5, "threshold_factor": 0.5},
}
MOVING = {
    "RandomCrop": {"height": 40, "width": 40},
    "RandomElasticTransform": {"factor": 1.0},
    "RandomErasing": {"factor": 1.0},
    "RandomFlip": {"mode": "horizontal"},
    "RandomPerspective": {"factor": 1.0},
    "RandomRotation": {"factor": 0.003},
    "RandomShear": {"x_factor": 0.1},
    "RandomTranslation": {"height_factor": 0.005, "width_factor": 0.0},
    "RandomZoom": {"height_factor": 0.01},
    "RandAugment": {"factor": 0.8},
    "AugMix": {},
    "MixUp": {},
    "CutMix": {},
}
WITH_RANGE = (
    *KNOWN.keys() - {"RandomGrayscale"},
    *("RandomElasticTransform", "RandomErasing", "RandAugment", "AugMix"),
)


def there_are(names):
    return sorted(name for name in names if hasattr(LAYERS, name))


def layer_of(name):
    options = dict(KNOWN | MOVING)[name]
    return getattr(LAYERS, name)(**options, **({"value_range": UNIT} if name in WITH_RANGE else {}))


class Own(keras.layers.Layer):
    """Does what it is told to, with a generator of its own."""

    def __init__(self, change):
        super().__init__()
        self.change, self.generator = change, keras.random.SeedGenerator(1)

    def call(self, images):
        return self.change(images, self.generator)


def by_image(images, generator):
    amount = keras.random.uniform((images.shape[0], 1, 1, 1), 0.5, 1.0, seed=generator)
    return images * amount


def quarters(count):
    """Images of four even colours, and the same on the next coarser mesh."""
    shades = RNG.uniform(0.2, 0.8, (count, 2, 2, 3)).astype("float32")
    return (np.kron(shades, np.ones((1, n, n, 1), "float32")) for n in (24, 12))


def middles(images):
    half = images.shape[1] // 2
    return images[:, half // 2 :: half, half // 2 :: half]


def check_acts_alike(layer, count=4):
    """Acts, alike on both sides, the same for a seed, other for others; the mask stays."""
    augment = photometric(layer)
    fine, coarse = quarters(count)
    mask = RNG.integers(0, 3, fine.shape[:-1])
    for seed in range(8):
        draw = tf.constant((7, seed))
        x, y = tf.function(augment)((tf.constant(fine), tf.constant(mask)), draw)
        other, _ = tf.function(augment)((tf.constant(coarse), tf.constant(mask)), draw)
        np.testing.assert_array_equal(y, mask)
        np.testing.assert_allclose(middles(x.numpy()), middles(other.numpy()), atol=0.01)
        if np.abs(x.numpy() - fine).max() > 0.01:
            break
    else:
        pytest.fail("It does nothing.")
    return augment, fine


def test_every_layer_of_random_colours_that_keras_has_is_known_here():
    random_ones = {name for name in dir(LAYERS) if name.startswith("Random")}
    assert random_ones <= {*KNOWN, *MOVING}, "say whether it moves pixels"


@pytest.mark.parametrize("name", there_are(KNOWN))
def test_layers_of_colours_act_alike_on_both_sides(name):
    augment, fine = check_acts_alike(layer_of(name))
    made = [
        augment((fine, 0), tf.constant((1, seed)))[0].numpy() for seed in (*range(6), *range(6))
    ]
    np.testing.assert_array_equal(made[:6], made[6:])
    assert not all(np.array_equal(made[0], other) for other in made[1:6])


@pytest.mark.parametrize("name", there_are(MOVING))
def test_layers_that_move_pixels_are_refused_by_what_they_do(name):
    with pytest.raises(ValueError, match=r"pixels (do not stay|are moved by flip=)"):
        photometric(layer_of(name))


@pytest.mark.parametrize(
    "change",
    [
        lambda x, seed: x[:, ::-1, ::-1],
        lambda x, seed: tf.transpose(x, (0, 2, 1, 3)),
        lambda x, seed: tf.roll(x, 1, 1),
        lambda x, seed: x[::-1],
        lambda x, seed: 0.9 * x + 0.1 * tf.roll(x, 1, 0),
        lambda x, seed: tf.concat((tf.zeros_like(x[:, :12]), x[:, 12:]), 1),
        lambda x, seed: x[:, ::-1] / tf.math.reduce_std(x, (1, 2), True),
    ],
    ids=["half turn", "transposed", "shifted", "other image", "mixed", "erased", "divided"],
)
def test_ones_own_layers_that_move_pixels_are_refused(change):
    with pytest.raises(ValueError, match="pixels do not stay where they are: in 8 of 8"):
        photometric(Own(change))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (LAYERS.GaussianNoise(0.01), "not do the same on two levels.*draw of its own"),
        (Own(lambda x, seed: x * random.random()), "draws follow no seed"),
        (Own(lambda x, seed: x * np.random.default_rng().random()), "draws follow no seed"),
        (LAYERS.Rescaling(2.0), "draws a change of colours.*draws nothing"),
        (LAYERS.RandomBrightness(0.2), "to 50.*give it the value_range"),
        (LAYERS.Conv2D(2, 1), r"makes \(8, 48, 48, 2\) of images"),
        (Own(lambda x, seed: tf.math.log(x - 0.5)), "values that are not finite"),
        (Own(lambda x, seed: x / "a"), "fails on images of shape.*TypeError"),
    ],
    ids=["noise", "python", "numpy", "rescaling", "range", "channels", "finite", "fails"],
)
def test_layers_that_cannot_be_drawn_alike_are_refused(layer, message):
    x = RNG.random((2, SIDE, SIDE, 3)).astype("float32")
    with pytest.raises(ValueError, match=message):
        keras_ms.MultiscaleDataset((x, x), levels=(1, 2), augment=layer)


def nested():
    inner = LAYERS.Pipeline(
        [LAYERS.RandomContrast(0.3, value_range=UNIT), LAYERS.RandomInvert(1.0, value_range=UNIT)]
    )
    return Own(lambda images, seed: inner(images, training=True))


@pytest.mark.parametrize(
    "layer",
    [
        nested(),
        keras.Sequential([LAYERS.RandomBrightness(0.3, value_range=UNIT), Own(by_image)]),
        Own(lambda x, seed: by_image(x, None)),
        Own(lambda x, seed: x * tf.random.uniform((x.shape[0], 1, 1, 1), 0.5)),
        Own(lambda x, seed: tf.image.random_brightness(x, 0.2)),
        LAYERS.SpatialDropout2D(0.4),
    ],
    ids=["nested", "sequential", "global", "tensorflow", "tf.image", "dropout of bands"],
)
def test_draws_within_other_layers_and_of_tensorflow_follow_the_seed(layer):
    check_acts_alike(layer)


def test_a_layer_that_loops_over_images_draws_anew_for_each():
    def looped(images, seed):
        return tf.map_fn(lambda one: one * keras.random.uniform((), 0.5, 1.0, seed=seed), images)

    augment, _ = check_acts_alike(Own(looped))
    shades = augment((tf.fill((6, 8, 8, 3), 0.5), 0), tf.constant((1, 2)))[0].numpy()
    assert len(np.unique(shades.mean((1, 2, 3)).round(5))) == 6


@pytest.mark.parametrize("name", ["RandomBrightness", "RandomHue"])
def test_layers_of_keras_cv_act_alike(name):
    layers = pytest.importorskip("keras_cv").layers
    check_acts_alike(getattr(layers, name)(factor=0.3, value_range=UNIT))


def test_layers_of_keras_cv_that_move_pixels_are_refused():
    layers = pytest.importorskip("keras_cv").layers
    for layer in (layers.RandomFlip(), layers.RandomCutout(0.3, 0.3)):
        with pytest.raises(ValueError, match="pixels do not stay where they are"):
            photometric(layer)
