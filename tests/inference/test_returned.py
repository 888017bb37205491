"""Models whose outputs are no images: refused wherever they would be taken for pictures."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ms import inference
from keras_ms.inference.returned import check_no_classes, check_returns_images

PHOTO = np.zeros((8, 6, 3), "uint8")


def network(channels=3, activation=None, taken=3):
    image = keras.Input((None, None, taken))
    return keras.Model(image, layers.Conv2D(channels, 1, activation=activation)(image))


SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
LOSSES = [
    *(SPARSE, "sparse_categorical_crossentropy", keras.losses.CategoricalCrossentropy()),
    *(keras.losses.Dice(), keras.losses.CategoricalFocalCrossentropy(), [SPARSE]),
]


@pytest.mark.parametrize("loss", LOSSES)
def test_three_classes_are_no_colours(loss):
    model = network()
    model.compile("adam", loss)
    with pytest.raises(ValueError, match="returns scores of classes"):
        check_no_classes(model)


@pytest.mark.parametrize("last", ["layer", "activation"])
def test_a_softmax_tells_without_a_loss(last):
    model = network(activation="softmax" if last == "activation" else None)
    if last == "layer":
        model = keras.Sequential([keras.Input((None, None, 3)), layers.Softmax()])
    with pytest.raises(ValueError, match="a softmax at its end"):
        check_returns_images(model)


def test_it_is_refused_by_restore_prepare_and_export_and_the_mend_works(tmp_path):
    model = network()
    model.compile("adam", SPARSE)
    for ask in (
        lambda: inference.restore(model, PHOTO),
        lambda: inference.prepare(model),
        lambda: inference.export(model, tmp_path / "model"),
    ):
        with pytest.raises(ValueError, match=r"output='raw'.*argmax"):
            ask()
    restorer = inference.prepare(model, mean=0.0, std=1.0, output="raw")
    scores = inference.restore(restorer, PHOTO + np.uint8(51))
    wanted = model(np.full((1, 8, 6, 3), 0.2, "float32"))[0]
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_channels_than_those_of_the_input_are_refused_unless_said(channels):
    model = network(channels)
    with pytest.raises(ValueError, match=f"from 3 channels to {channels}"):
        inference.restore(model, PHOTO)
    assert inference.restore(inference.prepare(model), PHOTO).shape == (8, 6, channels)


@pytest.mark.parametrize("loss", ["mse", "mae", "binary_crossentropy", None])
def test_images_are_restored_as_before(loss):
    model = network()
    if loss:
        model.compile("adam", loss)
    assert inference.restore(model, PHOTO).dtype == np.uint8
