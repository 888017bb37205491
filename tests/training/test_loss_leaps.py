"""Losses that leap up are told, once; others are not."""

import warnings

import keras
import numpy as np
import pytest

import keras_ms


def fit(scales, steps_per_epoch=2, loss="mse", **options):
    """Trains with the weights set before every epoch, so that the loss is what is wanted."""
    image = keras.Input((None, None, 1))
    model = keras_ms.MultiscaleModel(
        image, keras.layers.Conv2D(1, 1, use_bias=False, kernel_initializer="zeros")(image)
    )
    model.compile(keras.optimizers.SGD(0.0), loss)
    x = np.ones((8, 8, 8, 1), "float32")
    dataset = keras_ms.MultiscaleDataset((x, 0.0 * x), levels=(2,), steps_per_epoch=steps_per_epoch)
    set_scale = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: model.set_weights([np.full((1, 1, 1, 1), scales[epoch])])
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(dataset, epochs=len(scales), callbacks=[set_scale], verbose=0, **options)
    return [str(one.message) for one in caught if "leapt" in str(one.message)]


def test_a_leap_is_told_once_with_its_place():
    (said,) = fit([1.0, 0.5, 40.0, 0.5, 40.0])
    assert "from 0.25 to 1.6e+03" in said
    assert "epoch 3, stage 1 of 1" in said
    assert "Use a smaller learning rate" in said


@pytest.mark.parametrize(
    "scales",
    [
        [1.0, 0.5, 0.2],
        [1.0, 0.5, 1.5],  # 9-fold
        [10.0, 0.1, 2.0],  # back up, but below where it began
        [100.0, 1.0],
        [0.0, 0.0, 0.0],
    ],
)
def test_other_losses_are_not(scales):
    assert fit(scales) == []


def test_losses_that_are_not_positive_have_no_scale():
    assert fit([1.0, 2.0, 40.0], loss=lambda y, x: -keras.ops.mean(x**2, axis=(1, 2, 3))) == []
