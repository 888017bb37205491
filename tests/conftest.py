import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_ms


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(7)


class GradientRecorder(keras.optimizers.SGD):
    """Keeps the gradients it is given instead of descending along them."""

    def apply_gradients(self, grads_and_vars):
        self.recorded = [grad for grad, _ in grads_and_vars]


class GradientMoments(keras.optimizers.SGD):
    """Sums gradients and their squares instead of descending, in graphs too."""

    def build(self, variables):
        super().build(variables)
        self.sums = [self.add_variable_from_reference(v, "sum") for v in variables]
        self.squares = [self.add_variable_from_reference(v, "square") for v in variables]

    def apply_gradients(self, grads_and_vars):
        for total, square, (grad, _) in zip(self.sums, self.squares, grads_and_vars, strict=True):
            total.assign_add(grad)
            square.assign_add(grad**2)

    def mean_and_error(self, draws):
        """Mean of so many gradients, and its standard error, by variable."""
        means = [total.numpy() / draws for total in self.sums]
        variances = [
            square.numpy() / draws - mean**2
            for square, mean in zip(self.squares, means, strict=True)
        ]
        return means, [np.sqrt(np.maximum(v, 0.0) / (draws - 1)) for v in variances]


class Blur(keras_ms.tasks.Task):
    """A task without randomness: a mean over 3 pixels, in pixels of whatever mesh it is on."""

    def draw(self, images, seed):
        return {"clean": tf.convert_to_tensor(images)}

    def restrict(self, example):
        return {"clean": keras_ms.restriction.average(example["clean"])}

    def pair(self, example):
        clean = example["clean"]
        return (clean + tf.roll(clean, 1, axis=1) + tf.roll(clean, 1, axis=2)) / 3.0, clean


def small_images(count=6, side=32, seed=0):
    """Smooth random photographs, so that levels are correlated as they are in real ones."""
    rng = np.random.default_rng(seed)
    coarse = rng.random((count, 5, 5, 3)).astype("float32")
    return np.clip(tf.image.resize(coarse, (side, side), method="bicubic").numpy(), 0.0, 1.0)


def pixels(height, width, seed=0):
    """A picture file's worth of random bytes."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def pair_dataset(levels=(2, 4, 8), steps=2, **options):
    """Blurred images and the images, as pairs: cheap to trace, where a test is not about data."""
    count = 14 if levels == "auto" else max(14, sum(levels))
    blurred, images = Blur().pair({"clean": tf.constant(small_images(count))})
    pairs = tf.data.Dataset.from_tensor_slices((blurred, images))
    return keras_ms.MultiscaleDataset(pairs, levels=levels, steps_per_epoch=steps, **options)


SQUARES_VOID = 7


def square_pairs(folder, count, seed):
    """Files: bright squares on dark ground, and masks of them; the first two rows are void."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        mask = np.zeros((32, 64), "uint8")
        row, column = rng.integers(2, 16, 2)
        mask[row : row + 16, column : column + 32] = 1
        picture = 40 + 160 * mask[..., np.newaxis] + rng.integers(0, 20, (32, 64, 3))
        mask[:2] = SQUARES_VOID
        for part, array in (("x", picture.astype("uint8")), ("y", mask)):
            (folder / part).mkdir(exist_ok=True, parents=True)
            Image.fromarray(array).save(folder / part / f"{number}.png")
    return str(folder / "x"), str(folder / "y")


def small_net(activation="tanh", dtype=None, **layer_options):
    inputs = keras.Input((None, None, 3), dtype=dtype)
    hidden = keras.layers.Conv2D(
        4, 3, padding="same", activation=activation, dtype=dtype, **layer_options
    )(inputs)
    outputs = keras.layers.Conv2D(3, 3, padding="same", dtype=dtype)(hidden)
    return inputs, outputs


def multiscale_batch(sizes=(2, 3, 5), side=32, finest=0, seed=0, dtype="float32"):
    """A MultiscaleBatch of unrelated random numbers: the algebra must hold for any data."""
    rng = np.random.default_rng(seed)

    def pair(size, level):
        shape = (size, side >> level, side >> level, 3)
        return tuple(tf.constant(rng.normal(size=shape), dtype) for _ in range(2))

    coarsest = len(sizes) - 1
    fine = [() if lv < finest else pair(n, lv) for lv, n in enumerate(sizes)]
    coarse = [
        () if lv < finest or lv == coarsest else pair(n, lv + 1) for lv, n in enumerate(sizes)
    ]
    return keras_ms.MultiscaleBatch(tuple(fine), tuple(coarse))


def relative_error(got, wanted):
    got, wanted = (np.concatenate([np.ravel(g) for g in gs]) for gs in (got, wanted))
    return np.linalg.norm(got - wanted) / np.linalg.norm(wanted)


@pytest.fixture
def parse(monkeypatch):
    """Settings of a class from a command line, whose flags are forgotten afterwards."""
    from absl import flags as absl_flags

    from apps.experiment import flags

    # absl's DEFINE_* functions add to the global flags unless told otherwise.
    for name in ("enum", "list", "bool", "integer", "float", "string"):
        original = getattr(absl_flags, f"DEFINE_{name}")

        def define(*args, original=original):
            return original(*args, flag_values=absl_flags.FLAGS)

        monkeypatch.setattr(absl_flags, f"DEFINE_{name}", define)

    def parsed(settings, *arguments):
        monkeypatch.setattr(absl_flags, "FLAGS", absl_flags.FlagValues())
        flags.define(settings)
        absl_flags.FLAGS(["app", *arguments])
        return flags.read(settings)

    return parsed
