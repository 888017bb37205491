"""All that `compile` and Keras offer keeps working under the estimator."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import (
    GradientRecorder,
    multiscale_batch,
    pair_dataset,
    relative_error,
    small_images,
    small_net,
)

import keras_ms


def dataset(steps=4, levels=(2, 4, 8)):
    return pair_dataset(levels, steps)


def trained(optimizer="sgd", net=None, loss="mse", epochs=1, **options):
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*(net or small_net()))
    model.compile(optimizer, loss, **options)
    model.fit(dataset(), epochs=epochs, verbose=0)
    return model


def assert_same_weights(first, second, rtol=1e-5):
    for mine, theirs in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=rtol, atol=1e-6)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "lion", "adafactor", "muon"])
def test_any_optimizer_lowers_the_loss(name):
    optimizer = keras.optimizers.get(name)
    optimizer.learning_rate = 3e-3 if name not in ("sgd", "muon") else 1e-2
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(optimizer, "mse")
    history = model.fit(dataset(15, (2, 4)), epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]


@pytest.fixture(scope="module")
def plainly_trained():
    return trained()


@pytest.mark.smoke
@pytest.mark.parametrize(
    "options", [{"jit_compile": True}, {"steps_per_execution": 2}, {"run_eagerly": True}]
)
def test_execution_options_do_not_change_the_result(options, plainly_trained):
    assert_same_weights(trained(**options), plainly_trained, rtol=1e-4)


def test_gradient_accumulation_averages_steps():
    accumulated = trained(keras.optimizers.SGD(0.1, gradient_accumulation_steps=4))
    keras.utils.set_random_seed(3)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(GradientRecorder(), "mse", run_eagerly=True)
    wanted = model.get_weights()
    for batch in dataset().stage(0).take(4):
        model.train_step(batch)
        steps = zip(wanted, model.optimizer.recorded, strict=True)
        wanted = [w - 0.1 / 4 * g.numpy() for w, g in steps]
    assert relative_error(accumulated.get_weights(), wanted) < 1e-5


def test_clipnorm_clips_the_telescoped_gradient():
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(1.0, global_clipnorm=1e-3), "mse", run_eagerly=True)
    before = model.get_weights()
    model.train_step(multiscale_batch((2, 3, 5)))
    moved = np.concatenate(
        [np.ravel(a - b) for a, b in zip(model.get_weights(), before, strict=True)]
    )
    np.testing.assert_allclose(np.linalg.norm(moved), 1e-3, rtol=1e-3)


def test_moving_averages_of_weights_replace_them_at_the_end():
    averaged, plain = (
        trained(keras.optimizers.SGD(0.1, **options), run_eagerly=True)
        for options in ({"use_ema": True, "ema_momentum": 0.9}, {})
    )
    assert relative_error(averaged.get_weights(), plain.get_weights()) > 1e-3


def test_mixed_float16_scales_the_loss_and_trains():
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        model = trained(keras.optimizers.SGD(0.05), epochs=2)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert int(model.optimizer.inner_optimizer.iterations) == 8
    reference = trained(keras.optimizers.SGD(0.05), epochs=2)
    assert relative_error(model.get_weights(), reference.get_weights()) < 0.01


def two_outputs():
    inputs, outputs = small_net()
    label = keras.layers.Dense(2, name="label")(keras.layers.GlobalAveragePooling2D()(outputs))
    restored = keras.layers.Identity(name="image")(outputs)
    return inputs, {"image": restored, "label": label}


@pytest.mark.smoke
def test_multi_output_dictionary_losses_metrics_and_sample_weights():
    images = small_images(16, 32)
    targets = {"image": images, "label": np.arange(16) % 2}
    weights = {"image": np.ones((16, 1, 1), "float32"), "label": np.ones((16,), "float32")}
    pairs = tf.data.Dataset.from_tensor_slices((images, targets, weights))
    data = keras_ms.MultiscaleDataset(pairs, levels=(2, 4), steps_per_epoch=3)
    model = keras_ms.MultiscaleModel(*two_outputs())
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        GradientRecorder(),
        {"image": "mse", "label": cross_entropy},
        loss_weights={"image": 1.0, "label": 0.5},
        metrics={"label": ["accuracy"]},
        weighted_metrics={"image": ["mae"]},
        run_eagerly=True,
    )
    batch = next(iter(data.stage(0)))
    logs = model.train_step(batch)

    def gradient(x, y, _):
        with tf.GradientTape() as tape:
            made = model(x)
            loss = tf.reduce_mean((made["image"] - y["image"]) ** 2)
            loss += 0.5 * cross_entropy(y["label"], made["label"])
        return tape.gradient(loss, [v.value for v in model.trainable_variables])

    terms = [gradient(*batch.fine[0]), gradient(*batch.coarse[0]), gradient(*batch.fine[1])]
    wanted = [(f - c + g).numpy() for f, c, g in zip(*terms, strict=True)]
    assert relative_error(model.optimizer.recorded, wanted) < 1e-5
    assert {"loss", "label_accuracy", "image_mae", "image_loss", "label_loss"} <= set(logs)
    x, y, _ = batch.fine[0]
    np.testing.assert_allclose(
        logs["image_loss"], np.mean((model(x)["image"] - y["image"]) ** 2), rtol=1e-5
    )


@pytest.mark.smoke
def test_keras_file_round_trip_keeps_class_weights_and_optimizer(tmp_path):
    model = trained("adam")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, keras_ms.MultiscaleModel)
    assert_same_weights(loaded, model, rtol=0)
    for mine, theirs in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for again in (model, loaded):
        again.fit(dataset(), verbose=0)
    assert_same_weights(loaded, model, rtol=1e-6)


@pytest.mark.smoke
def test_conditional_network_round_trips_and_trains(tmp_path):
    net = keras_ms.networks.ResNet(width=4, depth=1, conditional=True)
    model = keras_ms.MultiscaleModel(net.input, net.output)
    model.compile("adam", "mse")
    task = keras_ms.tasks.Denoising(conditional=True)
    data = keras_ms.MultiscaleDataset(small_images(), task, (2, 4), 16, steps_per_epoch=2)
    model.fit(data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = {"image": np.ones((1, 9, 7, 3)), "noise_level": np.ones((1, 1))}
    np.testing.assert_allclose(loaded(x), model(x), rtol=1e-6)
