"""Whatever a model was trained in, it leaves computing in float32, with the same weights."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_ms
from keras_ms import inference


@pytest.fixture(autouse=True)
def _mixed():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy(before)


class Doubled(layers.Layer):
    """A layer of the user's own, not registered, which makes another one."""

    def __init__(self, filters, **options):
        super().__init__(**options)
        self.filters = filters
        self.inner = layers.Conv2D(filters, 3, padding="same")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, image):
        return 2.0 * self.inner(image)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def multiscale():
    network = keras_ms.networks.UNet(width=4, multipliers=(1, 2), normalization="channel")
    return keras_ms.MultiscaleModel(network.input, network.output)


def nested_and_shared():
    image = keras.Input((None, None, 3))
    inner = keras.Sequential([keras.Input((None, None, 3)), Doubled(3)])
    return keras.Model(image, inner(inner(image)) + keras.ops.cast(image, "bfloat16"))


def wrapped():
    image = keras.Input((None, None, 3))
    inner = layers.SpectralNormalization(layers.Conv2D(3, 3, padding="same", dtype="float16"))
    return keras.Model(image, layers.Lambda(lambda x: x * 3)(inner(image)))


MODELS = [multiscale, nested_and_shared, wrapped]


def with_random_weights(model):
    rng = np.random.default_rng(0)
    model.set_weights([0.2 * rng.normal(size=w.shape) for w in model.get_weights()])
    return model


@pytest.mark.parametrize("make", MODELS)
def test_exports_compute_in_float32(make):
    model = with_random_weights(make())
    picture = np.random.default_rng(1).random((24, 20, 3)).astype("float32")
    got = inference.restore(inference.prepare(model, 0.0, 1.0, "raw"), picture)
    rounded = np.asarray(model(picture[np.newaxis]), "float32")[0]
    assert keras.config.dtype_policy().name == "mixed_bfloat16"
    np.testing.assert_allclose(got, rounded, atol=0.05 * np.abs(rounded).max())
    keras.config.set_dtype_policy("float32")
    if make is not wrapped:  # whose layer says for itself in what it computes
        exact = with_random_weights(make())(picture[np.newaxis])[0]
        np.testing.assert_allclose(got, exact, atol=1e-5 * np.abs(rounded).max())


def test_weights_of_a_model_in_float32_are_shared():
    keras.config.set_dtype_policy("float32")
    model = keras.Sequential([keras.Input((None, None, 1)), layers.Conv2D(1, 1)])
    restorer = inference.prepare(model, 0.0, 1.0)
    model.set_weights([np.full((1, 1, 1, 1), 0.5), np.full(1, 0.25)])
    got = inference.restore(restorer, np.full((2, 3, 1), 0.5, "float32"))
    np.testing.assert_allclose(got, 0.5)


class Closed(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.convolution = layers.Conv2D(3, 3, padding="same")

    def call(self, image):
        return self.convolution(image)


def test_what_cannot_be_rebuilt_is_refused_with_what_to_do():
    image = keras.Input((None, None, 3))
    with pytest.raises(ValueError, match=r"cannot be rebuilt.*set_dtype_policy\('float32'\)"):
        inference.prepare(keras.Model(image, Closed()(image)))


def test_quantised_models_are_refused():
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Dense(3)])
    model.layers[0].quantize("int8")
    with pytest.raises(ValueError, match="QuantizedDTypePolicy"):
        inference.prepare(model)
