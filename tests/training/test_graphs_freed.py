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
