"""MultiscaleModel subclassed, saved and pickled in the ways that keras.Model is."""

import copy
import pickle

import keras
import numpy as np
import pytest
from conftest import pair_dataset, small_net

import keras_ms


def dataset(levels=(2, 4)):
    return pair_dataset(levels)


class FunctionalInside(keras_ms.MultiscaleModel):
    def __init__(self, width):
        inputs = keras.Input((None, None, 3))
        hidden = keras.layers.Conv2D(width, 3, padding="same")(inputs)
        super().__init__(inputs, keras.layers.Conv2D(3, 3, padding="same")(hidden))


class TwoArguments(keras_ms.MultiscaleModel):
    def __init__(self, width, depth):
        super().__init__()
        self.convs = [keras.layers.Conv2D(width, 3, padding="same") for _ in range(depth)]
        self.tail = keras.layers.Conv2D(3, 3, padding="same")

    def call(self, x):
        for conv in self.convs:
            x = conv(x)
        return self.tail(x)


class Doubling(keras_ms.MultiscaleModel):
    def call(self, x):
        return 2 * x


def trains(model, **options):
    model.compile("sgd", "mse", **options)
    before = [weight.numpy() for weight in model.trainable_variables]
    assert np.isfinite(model.fit(dataset(), verbose=0).history["loss"][0])
    after = [weight.numpy() for weight in model.trainable_variables]
    return any(np.any(a != b) for a, b in zip(after, before, strict=False))


def test_functional_and_subclassed_models_live_side_by_side():
    functional = keras_ms.MultiscaleModel(*small_net())
    inside = FunctionalInside(4)
    assert isinstance(functional, keras_ms.MultiscaleModel)
    assert len(functional.layers) == len(inside.layers) == 3
    assert keras_ms.MultiscaleModel.__bases__ == (keras.Model,)
    np.testing.assert_array_equal(Doubling()(np.ones((1, 2, 2, 3))), 2 * np.ones((1, 2, 2, 3)))
    assert trains(inside)
    assert trains(FunctionalInside(width=2))


def test_positional_arguments_of_a_subclass_are_its_own():
    model = TwoArguments(4, 2)
    model(np.zeros((1, 8, 8, 3), "float32"))
    assert len(model.convs) == 2
    assert trains(model)


@pytest.mark.smoke
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_models_are_copied_and_pickled(copied):
    model = keras_ms.MultiscaleModel(*small_net())
    other = copied(model)
    assert isinstance(other, keras_ms.MultiscaleModel)
    x = np.random.default_rng(0).normal(size=(1, 9, 9, 3)).astype("float32")
    np.testing.assert_array_equal(other(x), model(x))


def test_compute_loss_with_keyword_arguments_alone():
    class Mine(TwoArguments):
        def compute_loss(self, *, x=None, y=None, y_pred=None, sample_weight=None):
            return keras.ops.mean((y - y_pred) ** 4)

    model = Mine(4, 1)
    model(np.zeros((1, 8, 8, 3), "float32"))
    assert trains(model)


def test_a_model_without_trainable_weights_warns_as_in_keras():
    model = keras_ms.MultiscaleModel(*small_net())
    model.trainable = False
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        assert not trains(model, run_eagerly=True)


def test_a_callback_list_may_be_used_again():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    callbacks = keras.callbacks.CallbackList([], add_history=True, model=model)
    for levels in ((2, 4, 8), (2, 4)):
        history = model.fit(dataset(levels), callbacks=callbacks, verbose=0).history
        wanted = 2.0 * keras_ms.Levels(levels).work_units()
        assert history["work_units"][-1] == wanted
    assert not any("CostLog" in type(c).__name__ for c in callbacks.callbacks)
