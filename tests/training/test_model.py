import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import (
    Blur,
    GradientRecorder,
    multiscale_batch,
    relative_error,
    small_images,
    small_net,
)

import keras_ms


def hand_computed(model, batch, loss=keras.losses.MeanSquaredError()):  # noqa: B008
    """The telescoping sum term by term, one forward and backward pass for each of its sides."""

    def gradient(pair):
        with tf.GradientTape() as tape:
            value = loss(pair[1], model(pair[0], training=True), *pair[2:])
        return tape.gradient(value, [v.value for v in model.trainable_variables])

    total = [np.zeros(v.shape) for v in model.trainable_variables]
    for fine, coarse in zip(batch.fine, batch.coarse, strict=True):
        for sign, side in ((1, fine), (-1, coarse)):
            if side:
                total = [t + sign * g.numpy() for t, g in zip(total, gradient(side), strict=True)]
    return total


def as_float64(batch):
    return keras.tree.map_structure(lambda t: tf.cast(t, "float64"), batch)


@pytest.mark.smoke
@pytest.mark.parametrize(
    ("num_levels", "finest"), [(1, 0), (2, 0), (3, 0), (4, 0), (2, 1), (3, 1), (4, 1), (4, 2)]
)
def test_train_step_gradient_is_the_telescoping_sum(num_levels, finest):
    batch = multiscale_batch((2, 3, 5, 7)[:num_levels], side=64, finest=finest)
    model = keras_ms.MultiscaleModel(*small_net())
    exact = keras.Model(*small_net(dtype="float64"))
    exact.set_weights(model.get_weights())
    model.compile(GradientRecorder(), "mse", run_eagerly=True)

    model.train_step(batch)

    wanted = hand_computed(exact, as_float64(batch))
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5


def test_sample_weights_weight_every_side_of_every_term():
    batch = multiscale_batch((2, 3))
    rng = np.random.default_rng(1)

    def weighted(side):
        return side and (*side, tf.constant(rng.random((len(side[0]), 1, 1)), "float32"))

    batch = keras_ms.MultiscaleBatch(
        tuple(map(weighted, batch.fine)), tuple(map(weighted, batch.coarse))
    )
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(GradientRecorder(), "mse", run_eagerly=True)
    model.train_step(batch)
    assert relative_error(model.optimizer.recorded, hand_computed(model, batch)) < 1e-5


@pytest.mark.smoke
def test_one_level_equals_stock_keras():
    dataset = keras_ms.MultiscaleDataset(
        small_images(), Blur(), (4,), image_size=16, steps_per_epoch=10
    )
    ours = keras_ms.MultiscaleModel(*small_net())
    stock = keras.Model(*small_net())
    stock.set_weights(ours.get_weights())
    for model in (ours, stock):
        model.compile(keras.optimizers.Adam(1e-2), "mse")
    ours.fit(dataset, verbose=0)
    stock.fit(dataset.stage(0).map(lambda b: b.fine[0]).take(10), verbose=0)
    for mine, theirs in zip(ours.get_weights(), stock.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_ordinary_data_trains_as_in_keras():
    x = small_images(8, 16)
    ours, stock = keras_ms.MultiscaleModel(*small_net()), keras.Model(*small_net())
    stock.set_weights(ours.get_weights())
    for model in (ours, stock):
        model.compile("sgd", "mse")
        model.fit(x, x, batch_size=4, epochs=2, steps_per_epoch=2, shuffle=False, verbose=0)
    np.testing.assert_array_equal(ours.get_weights()[0], stock.get_weights()[0])


def test_regularization_counts_once():
    batch = multiscale_batch((2, 3, 5))
    net = small_net(kernel_regularizer=keras.regularizers.L2(0.1))
    model = keras_ms.MultiscaleModel(*net)
    model.compile(GradientRecorder(), "mse", run_eagerly=True)
    logs = model.train_step(batch)
    wanted = hand_computed(model, batch)
    kernel = model.trainable_variables[0].numpy()
    wanted[0] = wanted[0] + 0.2 * kernel
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5
    x, y = batch.fine[0]
    fine_loss = np.mean((model(x) - y) ** 2) + 0.1 * np.sum(kernel**2)
    np.testing.assert_allclose(logs["loss"], fine_loss, rtol=1e-5)


def test_losses_added_by_layers_come_from_the_finest_level_alone():
    inputs, outputs = small_net(activity_regularizer=keras.regularizers.L2(1e-3))
    model = keras_ms.MultiscaleModel(inputs, outputs)
    hidden = keras.Model(inputs, model.layers[1].output)
    model.compile(GradientRecorder(), "mse", run_eagerly=True)
    batch = multiscale_batch((2, 3, 5))
    logs = model.train_step(batch)
    x, y = batch.fine[0]
    activity = np.sum(hidden(x).numpy() ** 2) * 1e-3 / len(x)  # Keras takes the mean of a batch
    np.testing.assert_allclose(logs["loss"], np.mean((model(x) - y) ** 2) + activity, rtol=1e-5)
    with tf.GradientTape() as tape:
        added = 1e-3 * tf.reduce_sum(hidden(x) ** 2) / len(x)
    kernel = model.trainable_variables[0]
    wanted = hand_computed(model, batch)[0] + tape.gradient(added, kernel.value).numpy()
    assert relative_error(model.optimizer.recorded[:1], [wanted]) < 1e-4


@pytest.mark.smoke
def test_batch_statistics_move_once_by_the_finest_level():
    inputs = keras.Input((None, None, 3))
    outputs = keras.layers.BatchNormalization(momentum=0.5)(inputs)
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(outputs))
    model.compile("sgd", "mse")
    batch = multiscale_batch((4, 8, 16))
    dataset = tf.data.Dataset.from_tensors(batch)
    model.train_function = None
    model.make_train_function()
    model.train_function(iter(dataset))
    wanted = 0.5 * np.mean(batch.fine[0][0], axis=(0, 1, 2))
    np.testing.assert_allclose(model.layers[1].moving_mean, wanted, rtol=1e-4, atol=1e-6)


def test_both_occurrences_of_a_level_share_their_batch_statistics():
    # Were they normalised apart, batches of 2 and of 8 would have different expected gradients.
    inputs = keras.Input((None, None, 3))
    normal = keras.layers.BatchNormalization()(inputs)
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(normal))
    model.compile(GradientRecorder(), "mse", run_eagerly=True)
    batch = multiscale_batch((2, 8))
    both = tf.concat([batch.coarse[0][0], batch.fine[1][0]], axis=0)
    weights = [v.value for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        x, y = batch.fine[0]
        loss = tf.reduce_mean((model(x, training=True) - y) ** 2)
        merged = model(both, training=True)
        loss += tf.reduce_mean((merged[2:] - batch.fine[1][1]) ** 2)
        loss -= tf.reduce_mean((merged[:2] - batch.coarse[0][1]) ** 2)
    wanted = [g.numpy() for g in tape.gradient(loss, weights)]
    model.train_step(batch)
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5


@pytest.mark.smoke
def test_metrics_and_loss_are_of_the_finest_active_level():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(GradientRecorder(), "mse", metrics=["mae"], run_eagerly=True)
    batch = multiscale_batch((2, 3, 5), finest=1)
    logs = model.train_step(batch)
    x, y = batch.fine[1]
    difference = model(x).numpy() - y.numpy()
    np.testing.assert_allclose(logs["loss"], np.mean(difference**2), rtol=1e-5)
    np.testing.assert_allclose(logs["mae"], np.mean(np.abs(difference)), rtol=1e-5)


def test_dropout_seed_advances_once_a_step():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.SpatialDropout2D(0.5, seed=3)(inputs)
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(hidden))
    model.compile("sgd", "mse", run_eagerly=True)
    seed = model.layers[1].seed_generator.state
    before = seed.numpy()
    model.train_step(multiscale_batch((2, 3, 5)))
    np.testing.assert_array_equal(seed.numpy() - before, [0, 1])


def test_a_subclass_with_its_own_loss_trains_by_the_estimator():
    class Mine(keras_ms.MultiscaleModel):
        def __init__(self):
            super().__init__()
            self.conv = keras.layers.Conv2D(3, 3, padding="same")

        def call(self, x):
            return self.conv(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return keras.ops.mean((y_pred - y) ** 4)

    model = Mine()
    model.compile(GradientRecorder(), run_eagerly=True)
    batch = multiscale_batch((2, 3))
    model(batch.fine[0][0])
    model.train_step(batch)
    wanted = hand_computed(model, batch, lambda y, p: keras.ops.mean((p - y) ** 4))
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5


def test_an_unbuilt_subclass_trains_in_fit():
    class Mine(keras_ms.MultiscaleModel):
        def __init__(self):
            super().__init__()
            self.conv = keras.layers.Conv2D(3, 3, padding="same")
            self.normal = keras.layers.BatchNormalization()

        def call(self, x, training=None):
            return self.normal(self.conv(x), training=training)

    model = Mine()
    model.compile(keras.optimizers.Adam(1e-2), "mse")
    dataset = keras_ms.MultiscaleDataset(small_images(), Blur(), (2, 4, 8), 32, steps_per_epoch=10)
    schedule = keras_ms.FullMultiscaleSchedule((30, 10, 10))
    history = model.fit(dataset, epochs=5, callbacks=[schedule], verbose=0).history
    finest = history["loss"][2:]
    assert finest[2] < finest[1] < finest[0]


def test_evaluating_a_multiscale_batch_uses_its_finest_level():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse")
    batch = multiscale_batch((2, 3))
    got = model.evaluate(tf.data.Dataset.from_tensors(batch), verbose=0)
    x, y = batch.fine[0]
    np.testing.assert_allclose(got, np.mean((model(x).numpy() - y) ** 2), rtol=1e-5)


@keras.saving.register_keras_serializable(package="tests")
class Diary(keras.layers.Layer):
    """Notes when the batches of a level go forward and backward through it."""

    entries = []  # noqa: RUF012

    def call(self, inputs):
        def note(direction, side):
            self.entries.append((direction, int(side)))
            return np.float32(0.0)

        @tf.custom_gradient
        def noted(x):
            zero = tf.numpy_function(note, ["forward", tf.shape(x)[1]], tf.float32)

            def gradient(upstream):
                return upstream + tf.numpy_function(note, ["backward", tf.shape(x)[1]], tf.float32)

            return x + zero, gradient

        return tf.ensure_shape(noted(inputs), inputs.shape)


def test_levels_are_done_one_after_the_other():
    # So that the activations of one level are gone before those of the next are made.
    inputs = keras.Input((None, None, 3))
    outputs = Diary()(keras.layers.Conv2D(3, 3, padding="same")(inputs))
    model = keras_ms.MultiscaleModel(inputs, outputs)
    model.compile(keras.optimizers.SGD(1e-2), "mse", jit_compile=False)
    data = keras_ms.MultiscaleDataset(small_images(), Blur(), (2, 4, 8), 32, steps_per_epoch=1)
    model.fit(data, epochs=1, verbose=0)
    order = [(way, side) for side in (32, 16, 8) for way in (b"forward", b"backward")]
    # Before them, the layer is tried forwards: it is neither Keras's nor ours.
    assert Diary.entries[-len(order) :] == order
    assert b"backward" not in dict(Diary.entries[: -len(order)])
