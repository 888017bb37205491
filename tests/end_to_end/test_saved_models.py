"""The models that come with the repository restore photographs that they never saw."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_ms
from apps.experiment import building, quality
from apps.experiment.settings import Settings
from keras_ms import inference

ROOT = pathlib.Path(__file__).parents[2] / "saved_models"
T_LOW = {"denoising": 0.7}
TASKS = ("deblurring", "denoising", "inpainting", "super_resolution")


@pytest.fixture(params=TASKS)
def task(request):
    return request.param


def folder(task):
    return ROOT / task


def test_they_are_small(task):
    files = [path for path in folder(task).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 2_500_000


def test_they_restore_held_out_photographs(task):
    settings = Settings(task=task, t_low=T_LOW.get(task), keep_contrast=True, validation_samples=8)
    images = building.load_images(settings, "validation")
    clean = tf.concat([y for _, y in building.make_validation(settings, images)], axis=0)
    made = quality.make_pictures(settings, clean)
    restored = np.asarray(inference.load(task)(0.5 * made.inputs + 0.5))
    before = quality.measure(made.clean, made.degraded)
    after = quality.measure(made.clean, restored)
    assert after.psnr > before.psnr + 1.0
    assert after.ssim > before.ssim


def test_tiles_leave_no_seam(task):
    model = inference.load(folder(task))
    assert model.receptive_field is not None
    picture = keras_ms.data.photos("validation")[0][:, :400] / np.float32(255.0)
    whole, tiled = (inference.restore(model, picture, tile) for tile in (1000, 200))
    np.testing.assert_allclose(tiled, whole, atol=1e-3)


def test_they_come_without_keras(task):
    # A plain TensorFlow module: nothing in it needs Keras to be loaded.
    loaded = tf.saved_model.load(str(folder(task)))
    assert not isinstance(loaded, keras.Model)
    assert {"serving_default", "serving_uint8"} <= set(loaded.signatures)
    picture = np.zeros((1, 5, 7, 3), np.uint8)
    assert loaded(picture).dtype == tf.uint8
