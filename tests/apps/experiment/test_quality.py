import numpy as np
import pytest
import skimage.metrics
import tensorflow as tf
from conftest import Blur

import keras_ms
from apps.experiment import baselines, quality
from apps.experiment.settings import Settings

TASKS = tuple(baselines.NAMES)  # a task of one's own need not have one


def photos(count=2, side=96):
    cat = keras_ms.data.photos("validation")[0]
    corners = [(40 * k, 60 * k) for k in range(count)]
    crops = np.stack([cat[i : i + side, j : j + side] for i, j in corners])
    return (crops / np.float32(255.0) - 0.5) / 0.5


def test_psnr_and_ssim_are_scikit_images():
    clean = 0.5 * photos() + 0.5
    noisy = np.clip(clean + 0.1 * np.random.default_rng(0).normal(size=clean.shape), 0, 1)
    got = quality.measure(clean, noisy.astype("float32"))
    pairs = list(zip(clean, noisy, strict=True))
    psnr = [skimage.metrics.peak_signal_noise_ratio(*pair, data_range=1.0) for pair in pairs]
    ssim = [
        skimage.metrics.structural_similarity(
            *pair,
            data_range=1.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for pair in pairs
    ]
    assert got.psnr == pytest.approx(np.mean(psnr), abs=1e-3)
    assert got.ssim == pytest.approx(np.mean(ssim), abs=1e-4)


@pytest.mark.parametrize("task", TASKS)
def test_every_classical_method_improves_on_the_degraded_picture(task):
    # Unsupervised Wiener deconvolution amplifies noise: it helps where there is next to none.
    t = {"denoising": 0.75, "deblurring": 0.0001}.get(task, 0.05)
    settings = Settings(task=task, t_low=t, t_high=t)
    made = quality.make_pictures(settings, tf.constant(photos()), classical=True)
    assert made.clean.shape == made.degraded.shape == made.classical.shape
    degraded, restored = (
        quality.measure(made.clean, pictures) for pictures in (made.degraded, made.classical)
    )
    assert restored.psnr > degraded.psnr


@pytest.mark.parametrize("keep_contrast", [False, True])
def test_degraded_pictures_have_full_contrast(keep_contrast):
    settings = Settings(t_low=0.5, t_high=0.5, keep_contrast=keep_contrast)
    clean = np.zeros((40, 24, 24, 3), "float32") + np.float32(0.2)
    made = quality.make_pictures(settings, clean, classical=False)
    np.testing.assert_allclose(made.clean, 0.6, atol=1e-6)
    # Noise of standard deviation 1/2 (in [0, 1]) about 0.6, clipped: its median stays.
    assert np.median(made.degraded) == pytest.approx(0.6, abs=0.01)


def test_table_measures_models_on_the_targets_of_the_validation_pairs():
    settings = Settings(t_low=1.0, t_high=1.0, validation_samples=3)
    clean = photos(3, 32)
    validation = tf.data.Dataset.from_tensor_slices((clean, clean)).batch(2)

    class Halving:
        def predict(self, inputs, **options):
            return np.asarray(inputs) / 2.0

    pictures = quality.pictures_of(settings, validation)
    rows = quality.table_of(settings, {"single_scale": Halving()}, pictures)
    assert list(rows) == ["degraded", "single_scale"]
    assert rows["degraded"].psnr > 100.0  # t = 1 leaves the picture clean
    error = (clean / 4.0) ** 2
    wanted = np.mean([-10.0 * np.log10(one.mean()) for one in error])
    assert rows["single_scale"].psnr == pytest.approx(wanted, abs=1e-3)


def test_a_task_gets_tensors_as_in_training(monkeypatch):
    class Shifting(Blur):
        def draw(self, images, seed):
            assert tf.is_tensor(images)
            shift = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed + 17)
            return {"clean": images + shift}

    monkeypatch.setattr(quality, "make_task", lambda settings: Shifting())
    made = quality.make_pictures(Settings(), photos(1, 32), classical=False)
    assert made.clean.shape == (1, 32, 32, 3)


def test_a_task_that_cannot_degrade_pictures_of_another_size_is_told_in_one_line(monkeypatch):
    class Fixed(Blur):
        def pair(self, example):
            return example["clean"] * tf.ones((1, 16, 16, 1)), example["clean"]

    monkeypatch.setattr(quality, "make_task", lambda settings: Fixed())
    with pytest.raises(ValueError, match=r"^The task Fixed cannot `pair`. Invalid[^\n]*$"):
        quality.make_pictures(Settings(), photos(1, 24), classical=False)


def test_a_task_without_noise_is_shown_as_it_is(monkeypatch):
    monkeypatch.setattr(quality, "make_task", lambda settings: Blur())
    clean = photos(1, 32)
    made = quality.make_pictures(Settings(), clean, classical=False)
    blurred = Blur().pair(Blur().draw(tf.constant(clean), None))[0]
    np.testing.assert_allclose(made.degraded, np.clip(0.5 * blurred + 0.5, 0.0, 1.0), atol=1e-6)
