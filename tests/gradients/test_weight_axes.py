"""A weight an example weighs the example, whatever axes the values of its loss have."""

import keras
import numpy as np
import pytest

import keras_ms
from keras_ms.gradients.target_roles import suited

COUNT, SIDE = 6, 16
X = np.random.default_rng(0).random((COUNT, SIDE, SIDE, 3)).astype("float32")
WEIGHTS = np.linspace(0.0, 2.5, COUNT).astype("float32")
LABELS = np.arange(COUNT, dtype="float32")


def network(two=False):
    inputs = keras.Input((None, None, 3))
    image = keras.layers.Conv2D(3, 1, name="image")(inputs)
    number = keras.layers.Dense(1, name="number")(keras.layers.GlobalAveragePooling2D()(image))
    return keras_ms.MultiscaleModel(inputs, [image, number] if two else image)


def compiled(loss, **options):
    model = network(**options)
    model.compile(keras.optimizers.SGD(0.0), loss, run_eagerly=True)
    return model


def data(*examples, levels=(COUNT,)):
    return keras_ms.MultiscaleDataset(examples, levels=levels, steps_per_epoch=1)


def squares(y, y_pred):
    return keras.ops.sum((y - y_pred) ** 2, axis=(1, 2, 3))


@pytest.mark.parametrize("shape", [(COUNT,), (COUNT, 1)])
@pytest.mark.parametrize(
    ("loss", "axes"), [("mse", 3), (keras_ms.losses.NegativeSSIM(), 1), (squares, 1)]
)
def test_the_loss_is_the_weighted_mean_over_examples(loss, axes, shape):
    model, made = compiled(loss), data(X, X[::-1].copy(), WEIGHTS.reshape(shape))
    spec = suited(model, made).pair_spec(0)[2]
    assert spec.shape == (COUNT, *(1,) * max(axes - 1, len(shape) - 1))
    logged = model.fit(made, verbose=0).history["loss"][0]
    of_one = keras.losses.get(loss)
    call = getattr(of_one, "call", of_one)
    values = np.asarray(call(X[::-1], model(X)), np.float64).reshape(COUNT, -1).mean(1)
    np.testing.assert_allclose(logged, np.mean(WEIGHTS * values), rtol=1e-4)


def test_the_telescoping_sum_takes_them_too():
    model = compiled("mse")
    history = model.fit(data(X, X, WEIGHTS, levels=(1, 2)), verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_a_batch_as_long_as_an_image_is_wide_weighs_no_columns():
    x = X[:, :8, :6]
    model, made = compiled("mse"), data(x, x[::-1].copy(), WEIGHTS)
    logged = model.fit(made, verbose=0).history["loss"][0]
    values = np.mean((x[::-1] - np.asarray(model(x))) ** 2, axis=(1, 2, 3))
    np.testing.assert_allclose(logged, np.mean(WEIGHTS * values), rtol=1e-4)


def test_weights_of_labels_and_of_pixels_stay_as_they_are():
    inputs = keras.Input((None, None, 3))
    hidden = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(3, 1)(inputs))
    pooled = keras_ms.MultiscaleModel(inputs, keras.layers.Dense(1)(hidden))
    pooled.compile("sgd", "mse")
    assert suited(pooled, data(X, LABELS, WEIGHTS)).pair_spec(0)[2].shape == (COUNT,)
    of_pixels = np.ones((COUNT, SIDE, SIDE), "float32")
    found = suited(compiled("mse"), data(X, X, of_pixels)).pair_spec(0)[2]
    assert found.shape == (COUNT, SIDE, SIDE)


def test_targets_of_several_axes_need_a_weight_each():
    model = compiled(["mse", "mse"], two=True)
    with pytest.raises(ValueError, match=r"sample_weight for y/0: 3, y/1: 1 axes.*\(w1, w2\)"):
        suited(model, data(X, (X, LABELS), WEIGHTS))
    made = suited(model, data(X, (X, LABELS), (WEIGHTS, WEIGHTS)))
    assert [spec.shape for spec in made.pair_spec(0)[2]] == [(COUNT, 1, 1), (COUNT,)]
    assert np.isfinite(model.fit(made, verbose=0).history["loss"][0])


class OwnStep(keras_ms.MultiscaleModel):
    def train_step(self, data):
        self.seen = data.fine[0][2].shape
        return {"loss": 0.0}


def test_a_step_of_ones_own_gets_weights_as_they_are():
    inputs = keras.Input((None, None, 3))
    model = OwnStep(inputs, keras.layers.Conv2D(3, 1)(inputs))
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(data(X, X, WEIGHTS), verbose=0)
    assert model.seen == (COUNT,)


@pytest.mark.parametrize(
    "shape", [(SIDE // 2, SIDE // 2), (SIDE, SIDE, 3), (3,), (SIDE // 2, SIDE // 2, 1)]
)
def test_weights_that_do_not_lie_over_the_values_are_refused(shape):
    weights = np.ones((COUNT, *shape), "float32")
    with pytest.raises(ValueError, match=r"Weights are as many .*sample_weight of shape .*for y,"):
        suited(compiled("mse"), data(X, X, weights))


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (SIDE, SIDE, 1), (), (1,), (1, 1, 1)])
def test_weights_that_lie_over_the_values_are_taken(shape):
    weights = np.ones((COUNT, *shape), "float32")
    assert suited(compiled("mse"), data(X, X, weights)) is not None


def test_a_map_of_weights_does_not_weigh_a_loss_of_whole_images():
    weights = np.ones((COUNT, SIDE, SIDE), "float32")
    with pytest.raises(ValueError, match=r"values of shape \(\) an example"):
        suited(compiled(keras_ms.losses.NegativeSSIM()), data(X, X, weights))


@pytest.mark.parametrize("loss", ["dice", "tversky", lambda y, p: keras.ops.mean((y - p) ** 2)])
def test_a_loss_of_the_whole_batch_takes_one_number_an_example(loss):
    assert suited(compiled(loss), data(X, X, WEIGHTS)) is not None


def test_a_loss_that_divides_by_the_weights_needs_one_for_every_value():
    loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
    with pytest.raises(ValueError, match=r"divides by the sum of the weights.*\(16, 16\)"):
        suited(compiled(loss), data(X, X, WEIGHTS))
    maps = np.tile(WEIGHTS[:, None, None], (1, SIDE, SIDE))
    made = data(X, X[::-1].copy(), maps)
    model = compiled(loss)
    assert suited(model, made) is not None
    values = np.mean((X[::-1] - np.asarray(model(X))) ** 2, axis=-1)
    logged = model.fit(made, verbose=0).history["loss"][0]
    np.testing.assert_allclose(logged, np.sum(maps * values) / np.sum(maps), rtol=1e-4)
    assert logged < 2.0  # a mean over pixels
