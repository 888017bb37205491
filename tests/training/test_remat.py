"""Rematerialization: the same gradients and states, from less that is kept."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import multiscale_batch, pair_dataset, small_net

import keras_ms
from keras_ms.training.remat import rematerialized
from keras_ms.training.remat_plan import pieces

layers = keras.layers


@keras.saving.register_keras_serializable(package="tests")
class Block(layers.Layer):
    """Hands `training` on to its dropout only by Keras's context."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.conv = layers.Conv2D(4, 3, padding="same")
        self.dropout = layers.SpatialDropout2D(0.5, seed=1)

    def call(self, x):
        return self.dropout(self.conv(x))


def with_states(activity_regularizer="l2"):
    """Statistics, dropout, losses that layers add, a shared layer, a skip and a nested model."""
    inputs = keras.Input((None, None, 3))
    hidden = layers.Conv2D(4, 3, padding="same", kernel_regularizer="l2")(inputs)
    skip = hidden = layers.BatchNormalization(momentum=0.5)(hidden)
    shared = layers.Conv2D(4, 3, padding="same", activity_regularizer=activity_regularizer)
    hidden = layers.Dropout(0.3, seed=2)(shared(shared(hidden)))
    hidden = Block()(layers.Activation("silu")(hidden))
    part = keras.Input((None, None, 4))
    inside = layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(part))
    inside = layers.Dropout(0.3, seed=3)(layers.Conv2D(4, 3, padding="same")(inside))
    nested = keras.Model(part, layers.Add()([inside, part]))
    hidden = layers.ReLU()(layers.Add()([nested(hidden), skip]))
    return inputs, layers.Conv2D(3, 3, padding="same")(hidden)


def deep(depth=8):
    inputs = hidden = keras.Input((None, None, 3))
    for _ in range(depth):
        hidden = layers.Activation("tanh")(layers.Conv2D(3, 3, padding="same")(hidden))
    return inputs, hidden


def trained(remat, data=None, net=with_states, **options):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*net())
    model.compile(keras.optimizers.SGD(1e-3), "mse", **options)
    history = model.fit(data or pair_dataset((2, 4)), remat=remat, verbose=0).history
    return model, history["loss"], [np.array(v.numpy()) for v in model.variables]


def assert_same(one, two, tolerance=1e-5):
    np.testing.assert_allclose(one[1], two[1], rtol=tolerance)
    for mine, theirs in zip(one[2], two[2], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=tolerance, atol=1e-6)


@pytest.mark.smoke
@pytest.mark.parametrize(("eagerly", "levels"), [(False, (2,)), (True, (2, 4))])
def test_a_fit_ends_with_the_same_weights_statistics_and_seeds(eagerly, levels):
    data = pair_dataset(levels)
    one, two = (trained(remat, data=data, run_eagerly=eagerly) for remat in (True, False))
    assert_same(one, two)


def test_it_works_under_mixed_precision():
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        # Keras itself cannot add up losses of layers under it.
        net = functools.partial(with_states, activity_regularizer=None)
        one, two = (trained(remat, net=net, run_eagerly=True) for remat in (True, False))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert_same(one, two, tolerance=1e-2)


def operations(model, remat):
    """How often every kind of operation is in the gradient of a step."""
    batch = multiscale_batch((2,)).fine[0]

    @tf.function
    def gradient(x, y):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        return tape.gradient(loss, [v.value for v in model.trainable_variables])

    if not remat:
        return gradient.get_concrete_function(*batch).graph
    with rematerialized(model):
        return gradient.get_concrete_function(*batch).graph


def test_convolutions_are_computed_again_but_for_the_last_piece():
    model = keras_ms.MultiscaleModel(*deep())
    counts = [
        sum(op.type == "Conv2D" for op in operations(model, remat).get_operations())
        for remat in (False, True)
    ]
    assert counts[0] == 8
    again = sum(len(piece.nodes) // 2 for piece in pieces(model) if piece.again)
    assert counts[1] == 8 + again
    assert again >= 4


def test_few_tensors_are_kept_between_pieces():
    model = keras_ms.MultiscaleModel(*deep(32))
    plan = pieces(model)
    kept = sum(len(piece.outputs) for piece in plan)
    inside = max(len(piece.nodes) for piece in plan)
    assert kept + inside <= 20  # of 64: near the best, 2 * sqrt(64)
    assert [node for piece in plan for node in piece.nodes]
    assert sum(len(piece.nodes) for piece in plan) == 64


def test_the_model_is_plain_again_afterwards(tmp_path):
    model = trained(True, run_eagerly=True)[0]
    assert "call" not in model.__dict__
    assert model.train_function is None
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = np.ones((1, 8, 8, 3), "float32")
    np.testing.assert_array_equal(loaded(x), model(x))


def test_ordinary_data_and_a_fit_of_ones_own_too():
    class Mine(keras_ms.MultiscaleModel):
        def fit(self, *args, **kwargs):
            return super().fit(*args, remat=self.again, **kwargs)

    x = np.random.default_rng(0).random((4, 8, 8, 3)).astype("float32")
    losses = []
    for remat in (True, False):
        keras.utils.set_random_seed(3)
        model = Mine(*deep(3))
        model.again = remat
        model.compile("sgd", "mse", run_eagerly=True)
        losses.append(model.fit(x, x, batch_size=2, verbose=0).history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_a_call_of_ones_own_cannot_be_cut():
    class Mine(keras_ms.MultiscaleModel):
        def call(self, x):
            return x

    for model in (Mine(), Mine(*small_net())):
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match=r"Received: Mine, which has a `call` of its own"):
            model.fit(pair_dataset((2, 4)), remat=True, verbose=0)


def test_layers_that_leave_sides_open_can_be_cut():
    def net():
        inputs, hidden = small_net()
        dense = keras.layers.EinsumDense("bhwc,cd->bhwd", (None, None, 4))
        hidden = keras.layers.Conv2D(4, 3, padding="same")(dense(hidden))
        return inputs, keras.layers.Conv2D(3, 1)(hidden)

    assert_same(trained(False, net=net), trained(True, net=net))
