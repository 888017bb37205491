"""Pictures of validation examples in files for TensorBoard, and the stock callback beside them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import pair_dataset, small_images, small_net

import keras_ms
from keras_ms.callbacks import ValidationImages

STEPS = 2


def events_of(folder):
    """What was written, as `(tag, step)` to a number or the sides of a picture."""
    found = {}
    for path in sorted(folder.rglob("events.*")):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                found[value.tag, event.step] = (
                    tf.io.decode_png(array[2]).shape if array.dtype == object else float(array)
                )
    return found


@pytest.fixture(scope="module")
def model():
    pytest.importorskip("tensorboard")
    made = keras_ms.MultiscaleModel(*small_net())
    made.compile("sgd", "mse", run_eagerly=True)
    return made


def fit(model, *callbacks, **options):
    schedule = keras_ms.FullMultiscaleSchedule((STEPS, STEPS), STEPS)
    data = pair_dataset((1, 2), STEPS)
    options = {"epochs": 2, "verbose": 0, "rehearse": False} | options
    return model.fit(data, callbacks=[*callbacks, schedule], **options).history


@pytest.mark.smoke
def test_pictures_and_their_psnr_are_written_with_every_validation(model, tmp_path):
    y = small_images(4, 20)
    x = np.clip(y + 0.1, 0.0, 1.0)
    images = ValidationImages(tmp_path, tf.data.Dataset.from_tensor_slices((x, y)).batch(4), 2)
    fit(model, images, validation_data=(x, y))
    events = events_of(tmp_path)
    assert {tag for tag, _ in events} == {
        *("validation/0", "validation/psnr_0", "validation/1", "validation/psnr_1")
    }
    assert {step for _, step in events} == {0, 1}
    assert events["validation/0", 1] == (20, 3 * 20 + 4, 3)
    made = np.clip(model(x[:1]).numpy(), 0.0, 1.0)
    before = images.quality[-1][0]
    assert events["validation/psnr_0", 1] == pytest.approx(before, rel=1e-5)
    wanted = -10.0 * np.log10(np.mean((made - y[:1]) ** 2))  # of the last weights
    assert before == pytest.approx(wanted, rel=1e-3)


@pytest.mark.smoke
def test_the_stock_callback_has_losses_by_level_stage_and_cost(model, tmp_path):
    x = small_images(1)
    history = fit(model, keras.callbacks.TensorBoard(tmp_path), validation_data=(x, x))
    events = events_of(tmp_path / "train")
    for name in ("stage", "resolution", "work_units", "loss", "loss_level_1"):
        got = [events[f"epoch_{name}", epoch] for epoch in (0, 1)]
        np.testing.assert_allclose(got, history[name], rtol=1e-6)
    assert events["epoch_loss_level_0", 1] == pytest.approx(history["loss_level_0"][0])
    assert ("epoch_loss_level_0", 0) not in events


def test_small_inputs_noise_levels_and_grey_pictures_are_shown(tmp_path):
    pytest.importorskip("tensorboard")
    image = keras.Input((None, None, 1), name="image")
    level = keras.Input((1,), name="noise_level")
    large = keras.layers.UpSampling2D()(image)
    model = keras.Model({"image": image, "noise_level": level}, large)
    model.compile("sgd", "mse", run_eagerly=True)
    x = {"image": np.zeros((1, 4, 4, 1), np.float32), "noise_level": np.ones((1, 1), np.float32)}
    y = np.full((1, 8, 8, 1), 0.5, np.float32)
    images = ValidationImages(tmp_path, (x, y), mean=0.25, std=0.5, every=1)
    images.set_model(model)
    images.on_train_begin()
    images.on_epoch_end(0, {})
    images.on_train_end()
    # Black became .25 and the target .5, as they were before they were normalised.
    np.testing.assert_allclose(images.quality, [[-10.0 * np.log10(0.25**2)]], rtol=1e-5)
    assert events_of(tmp_path)["validation/0", 0] == (8, 28, 3)


def test_of_class_maps_it_is_the_share_that_is_right(tmp_path):
    pytest.importorskip("tensorboard")
    inputs = keras.Input((None, None, 2))
    model = keras.Model(inputs, keras.layers.Identity()(inputs))
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.zeros((1, 4, 4, 2), np.float32)
    x[:, :, 2:, 1] = 1.0  # the right half is class 1
    y = np.ones((1, 4, 4), np.uint8)
    y[:, 0] = 255  # nobody knows
    images = ValidationImages(tmp_path, (x, y), every=1)
    images.set_model(model)
    images.on_train_begin()
    images.on_epoch_end(0, {})
    images.on_train_end()
    assert images.quality == [[0.5]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((2, 8, 8, 3)), "pairs"),
        ((np.zeros((2, 8)), np.zeros((2, 8))), r"inputs \(2, 8\)"),
        ((np.zeros((2, 8, 8, 3)), np.zeros(2)), r"targets \(2,\)"),
    ],
)
def test_what_cannot_be_shown_is_refused(data, message, tmp_path, monkeypatch):
    monkeypatch.setattr("keras_ms.callbacks.validation_images.check_tensorboard", lambda _: None)
    with pytest.raises(ValueError, match=message):
        ValidationImages(tmp_path, data)


def test_without_the_package_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'pip install "keras-ms\[tensorboard\]"'):
        ValidationImages(tmp_path, (np.zeros((1, 4, 4, 3)), np.zeros((1, 4, 4, 3))))
