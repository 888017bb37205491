"""Senseless input is refused before the first step, with what was received and how to mend it."""

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import Blur, multiscale_batch, pair_dataset, small_images, small_net

import keras_ms


@pytest.fixture(scope="module")
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


@pytest.mark.parametrize("iterations", [(), (0, 0), (-1, 3), (2.5, 5), None, 5])
def test_senseless_iterations(iterations):
    with pytest.raises(ValueError, match="Received: iterations="):
        keras_ms.FullMultiscaleSchedule(iterations)


@pytest.mark.parametrize("steps", [0, -2, 2.5])
def test_senseless_steps_per_epoch_of_the_schedule(steps):
    with pytest.raises(ValueError, match=f"Received: steps_per_epoch={steps}"):
        keras_ms.FullMultiscaleSchedule((10, 20), steps_per_epoch=steps)


def test_losses_that_are_sums_do_not_telescope(model, dataset):
    model.compile("sgd", keras.losses.MeanSquaredError(reduction="sum"))
    refused(model, "do not telescope.*Received: mean_squared_error with reduction='sum'", dataset)


def test_an_endless_dataset_is_not_for_evaluation(model, dataset):
    images = small_images(2)
    wanted = r"Received: fit\(validation_data=\.\.\.\) with .*evaluation_pairs"
    refused(model, wanted, dataset, validation_data=dataset)
    refused(model, wanted, images, images, validation_data=dataset)
    refused(model, wanted, dataset, validation_data=(dataset, images))
    with pytest.raises(ValueError, match=r"evaluate\(x=\.\.\.\) with .*evaluation_pairs"):
        model.evaluate(dataset)
    with pytest.raises(ValueError, match=r"predict\(x=\.\.\.\) with .*Use images of any size"):
        model.predict(dataset)


@pytest.mark.parametrize(
    "call",
    ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch"],
)
def test_a_step_of_the_sum_is_no_array(call):
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match=rf"`{call}` takes arrays\. Received: a MultiscaleBatch"):
        getattr(made, call)(multiscale_batch())
    if call.endswith("on_batch"):
        with pytest.raises(ValueError, match=rf"`{call}` .*MultiscaleDataset.*fit\(dataset\)"):
            getattr(made, call)(pair_dataset((2, 4)))


def test_batches_of_arrays_are_taken_as_ever():
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    x, y = multiscale_batch().fine[1]
    assert np.isfinite(made.train_on_batch(x, y))
    assert np.isfinite(made.test_on_batch(x, y=y))
    assert made.predict_on_batch(x).shape == y.shape


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
def test_a_stock_model_says_what_takes_a_stage(call, dataset):
    made = keras.Model(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    steps = "steps_per_epoch" if call == "fit" else "steps"
    wanted = r"MultiscaleBatch of levels \(1, 2\).*MultiscaleModel\.from_model\(model\)"
    with pytest.raises(ValueError, match=wanted):
        getattr(made, call)(dataset.stage(1), **{steps: 1}, verbose=0)


def halving_net():
    """Three strides of 2 down and up: sides of 12 px come back as 16."""
    hidden = inputs = keras.Input((None, None, 3))
    for _ in range(3):
        hidden = keras.layers.Conv2D(4, 3, strides=2, padding="same")(hidden)
    for _ in range(3):
        hidden = keras.layers.UpSampling2D()(hidden)
    return inputs, keras.layers.Conv2D(3, 3, padding="same")(hidden)


def test_output_that_misses_the_target_on_a_coarse_level_only():
    made = keras_ms.MultiscaleModel(*halving_net())
    made.compile("sgd", "mse")
    data = keras_ms.MultiscaleDataset(small_images(side=48), Blur(), (2, 4, 8), 48, 4)
    refused(made, "incompatible sizes on level 2.*Received: output .*16, 16", data)


def test_one_of_many_outputs_misses_its_target():
    inputs, outputs = small_net()
    small = keras.layers.Conv2D(3, 3)(inputs)
    made = keras_ms.MultiscaleModel(inputs, {"a": outputs, "b": small})
    made.compile("sgd", "mse")
    x = small_images()
    pairs = tf.data.Dataset.from_tensor_slices((x, {"a": x, "b": x}))
    data = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=4)
    refused(made, r"Received: output \(2, 30, 30, 3\), target \(2, 32, 32, 3\)", data)


def test_built_subclass_of_fixed_size(dataset):
    class Mine(keras_ms.MultiscaleModel):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3 * 32 * 32)

        def call(self, x):
            flat = keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))
            return keras.ops.reshape(self.dense(flat), (-1, 32, 32, 3))

    made = Mine()
    made(np.zeros((1, 32, 32, 3), "float32"))
    made.compile("sgd", "mse")
    refused(made, "does not take the images of level 1", dataset)


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
    refused(
        model, r"1 channels, the examples have 3.*\(2, 32, 32, 3\). Use a network of 3", dataset
    )


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


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), -1e-3, lambda: float("nan")])
def test_optimizers_begin_with_a_rate(dataset, rate):
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(rate), "mse")
    refused(model, r"finite `learning_rate`, 0 or more. Received: learning_rate=.* of SGD", dataset)


@pytest.mark.parametrize("given", [float("nan"), float("inf"), -1.0, None, "fast", [1.0, 2.0]])
def test_rates_of_an_adaptive_run_are_tried_beforehand(model, dataset, given):
    def rate(share):
        return given if share > 0.3 else 1e-3

    schedule = keras_ms.AdaptiveSchedule(work_units=100.0, learning_rate=rate)
    refused(model, "gives .* where 50% of the budget is spent", dataset, callbacks=[schedule])


@pytest.mark.parametrize("name", ["loss", "val_loss"])
def test_an_adaptive_run_decides_nothing_by_losses_that_are_not_finite(model, dataset, name):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs[name] = float("nan")

    schedule = keras_ms.AdaptiveSchedule(work_units=100.0)
    with pytest.raises(ValueError, match=f"Received: {name}=nan on stage 1 of 3 .*, in epoch 1"):
        model.fit(dataset, epochs=9, callbacks=[Spoil(), schedule], verbose=0)
