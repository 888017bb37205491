"""Maps of other sides than the network's output are refused by name, before a step is traced."""

import keras
import numpy as np
import pytest
from conftest import small_images

import keras_ms
from keras_ms.gradients.model_fits import built_for, check_model_fits

X = small_images(6)
MASKS = (X[..., 0] > 0.5).astype("uint8")
SMALL, LARGE = MASKS[:, ::2, ::2], MASKS.repeat(2, 1).repeat(2, 2)
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def net(loss, *strides, outputs=3, cls=keras_ms.MultiscaleModel):
    inputs = keras.Input((None, None, 3))
    made = [
        keras.layers.Conv2D(outputs, 1, stride, name=f"by_{stride}")(inputs) for stride in strides
    ]
    model = cls(inputs, made[0] if len(made) == 1 else made)
    model.compile("sgd", loss)
    return model


def data(y, x=X):
    return keras_ms.MultiscaleDataset((x, y), levels=(1, 2))


def own(y, p):
    return keras.losses.sparse_categorical_crossentropy(y, p, from_logits=True)


def of_any_size(y, p):
    y = keras.ops.image.resize(keras.ops.cast(y, "float32")[..., None], p.shape[1:3])
    return keras.ops.mean((y - p) ** 2)


@pytest.mark.parametrize(
    ("loss", "stride", "y", "outputs", "ratio"),
    [
        (SPARSE, 1, SMALL, 3, "1/2"),
        (SPARSE, 1, SMALL[..., None], 3, "1/2"),
        (SPARSE, 1, LARGE, 3, "2"),
        (SPARSE, 2, MASKS, 3, "2"),
        ("sparse_categorical_crossentropy", 1, SMALL.astype("float32"), 3, "1/2"),
        (own, 1, SMALL, 3, "1/2"),
        ("mse", 1, SMALL.astype("float32"), 1, "1/2"),
        ("binary_crossentropy", 1, SMALL, 1, "1/2"),
        (keras.losses.Dice(), 1, SMALL[..., None], 1, "1/2"),
        ("mse", 1, np.repeat(SMALL[..., None], 3, -1), 3, "1/2"),
    ],
)
def test_maps_of_other_sides_are_refused_and_the_mend_is_told(loss, stride, y, outputs, ratio):
    message = rf"incompatible sizes on level 0.*; y has {ratio} times the output's sides\. Resize y"
    with pytest.raises(ValueError, match=message):
        check_model_fits(net(loss, stride, outputs=outputs), data(y))


def test_fit_says_so_for_networks_that_are_built_late_as_well():
    class Late(keras_ms.MultiscaleModel):
        def __init__(self):
            super().__init__()
            self.layer = keras.layers.Conv2D(3, 1)

        def call(self, x):
            return self.layer(x)

    model = Late()
    model.compile("sgd", SPARSE)
    with pytest.raises(ValueError, match="y has 1/2 times the output's sides"):
        built_for(model, data(SMALL))


@pytest.mark.parametrize(
    ("loss", "strides", "y"),
    [
        (SPARSE, [1], MASKS),
        (SPARSE, [2], SMALL),
        (of_any_size, [1], SMALL),
        ([SPARSE, SPARSE], [1, 2], (MASKS, SMALL)),
        ({"by_1": SPARSE, "by_2": SPARSE}, [2, 1], {"by_1": MASKS, "by_2": SMALL}),
    ],
)
def test_maps_of_the_outputs_sides_are_taken(loss, strides, y):
    check_model_fits(net(loss, *strides), data(y))


def test_a_loss_of_ones_own_may_take_maps_of_any_size():
    class Own(keras_ms.MultiscaleModel):
        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, **kwargs):
            return of_any_size(y, y_pred)

    check_model_fits(net(None, 1, cls=Own), data(SMALL))


def test_the_wrong_one_of_several_is_named():
    with pytest.raises(ValueError, match="y/1 has 2 times the output's sides"):
        check_model_fits(net([SPARSE, SPARSE], 1, 2), data((MASKS, MASKS)))
    named = {"by_1": SPARSE, "by_2": SPARSE}
    with pytest.raises(ValueError, match="y/by_1 has 1/2 times the output's sides"):
        check_model_fits(net(named, 2, 1), data({"by_1": SMALL, "by_2": SMALL}))
