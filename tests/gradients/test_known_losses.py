"""The table of losses knows all of Keras's, and the targets that each takes."""

import inspect

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.gradients.known_losses import KNOWN
from keras_ms.gradients.losses_of_targets import kind_of
from keras_ms.gradients.model_fits import check_model_fits
from keras_ms.gradients.target_roles import suited

NO_FIELDS = {"circle", "ctc"}
RNG = np.random.default_rng(0)
X = RNG.random((4, 16, 16, 3)).astype("float32")
MAPS = RNG.integers(0, 3, (4, 16, 16)).astype("uint8")


def every_loss():
    classes = [c for c in vars(keras.losses).values() if inspect.isclass(c)]
    return [c for c in classes if issubclass(c, keras.losses.Loss) and c is not keras.losses.Loss]


@pytest.mark.smoke
def test_every_loss_of_keras_is_known_as_a_class_an_object_and_a_function():
    found = every_loss()
    assert len(found) > 15
    for cls in found:
        kinds = {kind_of(cls), kind_of(cls()), kind_of(cls().fn)}
        assert len(kinds) == 1, kinds
        assert kinds <= set(KNOWN) | NO_FIELDS, kinds
    assert set(KNOWN) - {kind_of(cls) for cls in found} == {"negative_ssim"}


def model(loss, outputs=3):
    inputs = keras.Input((None, None, 3))
    made = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(outputs, 1)(inputs))
    made.compile("sgd", loss)
    return made


def data(y):
    return keras_ms.MultiscaleDataset((X, y), levels=(1, 2))


GENERALIZED = keras.losses.CategoricalGeneralizedCrossEntropy()


def test_generalized_crossentropy_takes_numbers_of_classes():
    """Keras makes them one-hot itself, whatever the name says."""
    judged = suited(model(GENERALIZED), data(MAPS))
    assert judged.describe().roles["y"] == "class_map"
    check_model_fits(model(GENERALIZED), data(MAPS))
    with pytest.raises(ValueError, match=r"Classes are numbers from 0 .* example \d"):
        suited(model(GENERALIZED), data(MAPS + 1))


def test_a_last_axis_of_one_is_refused_where_keras_would_compare_all_with_all():
    check_model_fits(model("sparse_categorical_crossentropy"), data(MAPS[..., np.newaxis]))
    with pytest.raises(ValueError, match=r"no last axis of one entry.*Use y\[\.\.\., 0\]"):
        check_model_fits(model(GENERALIZED), data(MAPS[..., np.newaxis]))


@pytest.mark.parametrize("loss", ["kl_divergence", "categorical_hinge", keras.losses.KLDivergence])
def test_a_number_an_example_is_refused_under_every_loss_that_compares(loss):
    with pytest.raises(ValueError, match="does not have the axes"):
        check_model_fits(model(loss), data(np.arange(4) % 2))
