"""Senseless input is refused before the first step, with what was received and how to mend it."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from conftest import Blur, small_images, small_net

import keras_ms


@pytest.fixture
def dataset():
    return keras_ms.MultiscaleDataset(small_images(), Blur(), (2, 4, 8), 32, steps_per_epoch=4)


@pytest.fixture
def model():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse")
    return made


def refused(model, match, *args, **kwargs):
    """Asserts that `fit` raises and has not touched the weights."""
    before = model.get_weights()
    with pytest.raises(ValueError, match=match):
        model.fit(*args, verbose=0, **kwargs)
    for mine, theirs in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("steps_per_epoch", 10),
        ("batch_size", 16),
        ("y", np.zeros(3)),
        ("sample_weight", np.zeros(3)),
        ("class_weight", {0: 1.0}),
        ("validation_split", 0.1),
    ],
)
def test_arguments_that_belong_to_the_dataset(model, dataset, argument, value):
    refused(
        model,
        rf"`{argument}` cannot be passed.*Received: {argument}=",
        dataset,
        **{argument: value},
    )


def test_steps_per_execution_must_divide_the_epoch(dataset):
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile("sgd", "mse", steps_per_execution=3)
    refused(model, "steps_per_execution=3, steps_per_epoch=4", dataset)


def test_schedule_of_another_length(model, dataset):
    schedule = keras_ms.FullMultiscaleSchedule((4, 4, 4, 4))
    refused(model, r"iterations=\(4, 4, 4, 4\) for 3 levels", dataset, callbacks=[schedule])


def test_schedule_of_other_epochs(model, dataset):
    schedule = keras_ms.FullMultiscaleSchedule((8, 8, 8))
    refused(model, "8 in the schedule, 4 in the dataset", dataset, callbacks=[schedule])


def test_schedule_on_ordinary_data(model):
    x = small_images()
    schedule = keras_ms.FullMultiscaleSchedule((4, 4, 4))
    refused(model, "fitted on other data", x, x, callbacks=[schedule])


def test_fit_shorter_than_the_schedule_warns(model, dataset):
    schedule = keras_ms.FullMultiscaleSchedule((4, 4, 4))
    with pytest.warns(UserWarning, match=r"epochs=1, schedule\.epochs=3"):
        model.fit(dataset, epochs=1, callbacks=[schedule], verbose=0)


@pytest.mark.parametrize("iterations", [(), (0, 0), (-1, 3)])
def test_senseless_iterations(iterations):
    with pytest.raises(ValueError, match="Received: iterations="):
        keras_ms.FullMultiscaleSchedule(iterations)


def test_epochs_that_do_not_divide_the_stages():
    with pytest.raises(ValueError, match=r"steps_per_epoch=4\. Use 2, for example"):
        keras_ms.FullMultiscaleSchedule((2, 4, 8), steps_per_epoch=4)


def test_network_of_fixed_size(dataset):
    inputs = keras.Input((32, 32, 3))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 3, padding="same")(inputs))
    model.compile("sgd", "mse")
    refused(model, r"fixed input size.*\(None, 32, 32, 3\).*None, None, 3", dataset)


def test_network_of_fixed_size_is_fine_on_one_level():
    dataset = keras_ms.MultiscaleDataset(small_images(), Blur(), (2,), 32, steps_per_epoch=1)
    inputs = keras.Input((32, 32, 3))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 3, padding="same")(inputs))
    model.compile("sgd", "mse")
    model.fit(dataset, verbose=0)


def test_output_smaller_than_the_target(dataset):
    inputs = keras.Input((None, None, 3))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 3)(inputs))
    model.compile("sgd", "mse")
    refused(model, r"output \(2, 30, 30, 3\), target \(2, 32, 32, 3\)", dataset)


def test_network_for_other_channels(dataset):
    inputs = keras.Input((None, None, 1))
    model = keras_ms.MultiscaleModel(inputs, keras.layers.Conv2D(3, 1)(inputs))
    model.compile("sgd", "mse")
    refused(model, r"expected axis -1.*value 1.*\(2, 32, 32, 3\)", dataset)


def test_a_task_whose_coarse_pair_has_another_size():
    class Forgetful(Blur):
        def restrict(self, example):
            return example

    with pytest.raises(ValueError, match=r"restrict.*\(None, 32, 32, 3\).*\(None, 16, 16, 3\)"):
        keras_ms.MultiscaleDataset(small_images(), Forgetful(), (2, 4), 32, steps_per_epoch=1)


def test_a_dataset_for_a_stock_model(dataset):
    model = keras.Model(*small_net())
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="MultiscaleDataset"):
        model.fit(dataset, verbose=0)


def test_uncompiled_model(dataset):
    with pytest.raises(ValueError, match="compile"):
        keras_ms.MultiscaleModel(*small_net()).fit(dataset)


def test_tf_data_of_multiscale_batches_trains_without_a_schedule(model, dataset):
    history = model.fit(dataset.stage(1).take(3), verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_backend_other_than_tensorflow_is_refused():
    code = "import keras; keras.backend.backend = lambda: 'jax'; import keras_ms"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert got.returncode == 1
    assert "ValueError" in got.stderr
    assert "Received: KERAS_BACKEND=jax" in got.stderr
