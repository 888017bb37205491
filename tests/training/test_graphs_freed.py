"""What nobody holds any more leaves no graph behind, however it was trained or used."""

import gc
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset
from tensorflow.python.framework.func_graph import FuncGraph

import keras_ms
from keras_ms.data.skipped import first_level_outside
from keras_ms.keras_internals import kernels
from keras_ms.keras_internals.custom_gradients import call_ending_with_graphs, ending_with_graphs

PICTURES = np.linspace(-1, 1, 4 * 8 * 8 * 3, dtype="float32").reshape(4, 8, 8, 3)


class OwnStep(keras_ms.MultiscaleModel):
    """Steps as those of Keras's guides."""

    def train_step(self, data):
        return super().train_step(data)


def graphs():
    gc.collect()
    return sum(isinstance(one, FuncGraph) for one in gc.get_objects())


def small(cls=keras_ms.MultiscaleModel, scales=False):
    """A model whose activation has a custom gradient."""
    image = keras.Input((None, None, 3))
    hidden = keras.layers.Conv2D(2, 3, padding="same", activation="silu")(image)
    model = cls(image, keras.layers.Conv2D(3, 3, padding="same", dtype="float32")(hidden))
    optimizer = keras.optimizers.SGD(1e-3)
    scaled = keras.mixed_precision.LossScaleOptimizer(optimizer) if scales else optimizer
    model.compile(scaled, "mse")
    return model


def trained(telescoping=True, **options):
    schedule = keras_ms.FullMultiscaleSchedule((2, 2, 4), steps_per_epoch=2)
    dataset = pair_dataset(telescoping=telescoping)
    small(**options).fit(dataset, epochs=schedule.epochs, callbacks=[schedule], verbose=0)


WAYS = {
    "sums": trained,
    "scaled": lambda: trained(scales=True),
    "own step": lambda: trained(telescoping=False, cls=OwnStep),
    "arrays": lambda: small().fit(PICTURES, PICTURES, validation_split=0.5, verbose=0),
    "a batch": lambda: small().train_on_batch(PICTURES, PICTURES),
    "evaluate": lambda: small().evaluate(PICTURES, PICTURES, verbose=0),
    "predict": lambda: small().predict(PICTURES, verbose=0),
    "diagnose": lambda: keras_ms.diagnose(small(), pair_dataset(), samples=8),
    "export": lambda: keras_ms.inference.export(small(), "model"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_graph_stays(way, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if way == "diagnose":  # by a function of all diagnoses
        WAYS[way]()
    before = graphs()
    WAYS[way]()
    assert graphs() == before


def test_gradients_of_what_was_traced_live_as_long_as_it():
    @tf.function
    def within(x):
        return tf.nn.silu(2.0 * x)

    @tf.function
    def around(x):
        return within(x)

    x = tf.constant([0.5, 1.0])
    with ending_with_graphs():
        around.get_concrete_function(x)
    del around
    gc.collect()
    with tf.GradientTape(persistent=True) as outer:
        outer.watch(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = within(x)
        slope = tape.gradient(y, x)
    at, sigmoid = 2.0 * x, tf.sigmoid(2.0 * x)
    expected = 2.0 * (sigmoid + at * sigmoid * (1.0 - sigmoid))
    np.testing.assert_allclose(slope, expected, rtol=1e-6)
    assert np.all(np.isfinite(outer.gradient(slope, x)))


def test_warnings_name_the_line_that_called_what_traces_so():
    module = {"__name__": "keras_ms.made_up", "warnings": warnings, "level": first_level_outside}
    exec("def warn():\n    warnings.warn('here', stacklevel=level())", module)
    with pytest.warns(UserWarning, match="here") as found:
        call_ending_with_graphs(module["warn"])()
    assert [warning.filename for warning in found] == [__file__]


@pytest.fixture
def none_counting(monkeypatch):
    monkeypatch.setattr(kernels, "_counting", set())  # other tests draw of what they like


def test_kernels_go_with_the_models_they_were_made_for(monkeypatch, none_counting):
    emptied = []
    inner = kernels.context.context().clear_kernel_cache
    monkeypatch.setattr(
        kernels.context.context(), "clear_kernel_cache", lambda: emptied.append(inner())
    )
    model = small()
    model.predict(PICTURES, verbose=0)
    emptied.clear()  # models of other tests were gone
    model.fit(PICTURES, PICTURES, verbose=0, validation_data=(PICTURES, PICTURES))
    expected = model.predict(PICTURES, verbose=0)
    assert not emptied  # a model in use makes its kernels once
    other = small()
    other.predict(PICTURES, verbose=0)
    del other
    gc.collect()
    np.testing.assert_array_equal(model.predict(PICTURES, verbose=0), expected)
    assert len(emptied) == 1
    model.predict(PICTURES, verbose=0)
    assert len(emptied) == 1


class Noisy(keras.layers.Layer):
    def call(self, x):
        return x + tf.random.normal(tf.shape(x), seed=3)


def draws_with_models_that_go(draw):
    for _ in range(3):
        yield draw()
        kernels.let_go_of_gone(small())  # which is gone at once
        gc.collect()
        kernels.let_go_of_gone(small())


@pytest.mark.parametrize("kind", ["eager", "in a layer"])
def test_seeded_draws_never_come_twice(kind, none_counting):
    layer = tf.function(Noisy())
    draws = {
        "eager": lambda: tf.random.normal((4,), seed=3),
        "in a layer": lambda: layer(tf.zeros(4)),
    }
    found = {float(draw[0]) for draw in draws_with_models_that_go(draws[kind])}
    assert len(found) == 3


def test_what_datasets_draw_of_keeps_no_kernel(none_counting):
    shuffled = tf.data.Dataset.range(4).shuffle(4, seed=2)
    shuffled = shuffled.map(lambda x: x + tf.random.uniform((), 0, 3, tf.int64, seed=1))
    assert len(list(shuffled)) == 4
    assert not kernels._counting
