import numpy as np
import pytest
import skimage.metrics
import tensorflow as tf
from conftest import Blur

import keras_ms
from apps.experiment import classics, quality
from apps.experiment.settings import Settings

TASKS = tuple(classics.METHODS)  # a task of one's own need not have one


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
    t = {"denoising": 0.75, "deblurring": 0.01}.get(task, 0.05)
    settings = Settings(task=task, t_low=t, t_high=t, baseline=True)
    made = quality.with_classics(settings, quality.make_pictures(settings, tf.constant(photos())))
    assert made.clean.shape == made.degraded.shape
    degraded = quality.measure(made.clean, made.degraded)
    assert list(made.classical) == [method.name for method in classics.METHODS[task]]
    for name, pictures in made.classical.items():
        assert quality.measure(made.clean, pictures).psnr > degraded.psnr, name


@pytest.mark.parametrize("keep_contrast", [False, True])
def test_degraded_pictures_have_full_contrast(keep_contrast):
    settings = Settings(t_low=0.5, t_high=0.5, keep_contrast=keep_contrast)
    clean = np.zeros((40, 24, 24, 3), "float32") + np.float32(0.2)
    made = quality.make_pictures(settings, clean)
    np.testing.assert_allclose(made.clean, 0.6, atol=1e-6)
    # Noise of standard deviation 1/2 (in [0, 1]) about 0.6, clipped: its median stays.
    assert np.median(made.degraded) == pytest.approx(0.6, abs=0.01)


def test_table_measures_models_on_the_targets_of_the_validation_pairs():
    # Holes grow with the image, so that what is judged is as large as what is trained on.
    options = {"t_low": 0.0, "t_high": 0.0, "keep_contrast": True, "max_rectangles": 1}
    settings = Settings(task="inpainting", **options)
    clean = photos(3, 32)
    validation = tf.data.Dataset.from_tensor_slices((clean, clean)).batch(2)

    class Halving:
        def predict(self, inputs, **options):
            return np.asarray(inputs) / 2.0

    judged = quality.pictures_of(settings, validation, [])
    rows = quality.table_of(settings, {"single_scale": Halving()}, judged)
    assert list(rows) == ["degraded", "single_scale"]
    made = np.asarray(judged[0].inputs) / 4.0 + 0.5
    wanted = np.mean([-10.0 * np.log10(np.mean(one)) for one in (made - judged[0].clean) ** 2])
    assert rows["single_scale"].psnr == pytest.approx(wanted, abs=1e-3)
    assert [len(pictures.clean) for pictures in judged] == [3]


def test_whole_middles_of_photographs_are_judged_at_the_middle_of_the_noise():
    settings = Settings(t_low=0.7, t_high=0.9, keep_contrast=True)
    held_out = [np.full((402, 331, 3), 128, np.uint8), np.full((50, 90, 3), 100, np.uint8)]
    large, small = quality.pictures_of(settings, None, held_out)
    assert (large.clean.shape, small.clean.shape) == ((1, 312, 312, 3), (1, 48, 84, 3))
    assert np.std(large.inputs) == pytest.approx(0.2 / 0.8, rel=0.01)  # (1 - t) / t, t = 0.8


def test_a_colour_cast_is_measured_in_the_worst_channel():
    clean = np.full((2, 16, 16, 3), 0.5, "float32")
    cast = clean + np.float32([0.0, -10.0, 2.0]) / 255.0
    assert quality.measure(clean, cast).colour == pytest.approx(10.0, rel=1e-4)
    assert quality.measure(clean, clean[:, ::-1]).colour == 0.0


def test_a_task_gets_tensors_as_in_training(monkeypatch):
    class Shifting(Blur):
        def draw(self, images, seed):
            assert tf.is_tensor(images)
            shift = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), seed + 17)
            return {"clean": images + shift}

    monkeypatch.setattr(quality, "make_task", lambda *_: Shifting())
    made = quality.make_pictures(Settings(), photos(1, 32))
    assert made.clean.shape == (1, 32, 32, 3)


def test_a_task_that_cannot_degrade_pictures_of_another_size_is_told_in_one_line(monkeypatch):
    class Fixed(Blur):
        def pair(self, example):
            return example["clean"] * tf.ones((1, 16, 16, 1)), example["clean"]

    monkeypatch.setattr(quality, "make_task", lambda *_: Fixed())
    with pytest.raises(ValueError, match=r"^The task Fixed cannot `pair`. Invalid[^\n]*$"):
        quality.make_pictures(Settings(), photos(1, 24))


def test_a_task_without_noise_is_shown_as_it_is(monkeypatch):
    monkeypatch.setattr(quality, "make_task", lambda *_: Blur())
    clean = photos(1, 32)
    made = quality.make_pictures(Settings(), clean)
    blurred = Blur().pair(Blur().draw(tf.constant(clean), None))[0]
    np.testing.assert_allclose(made.degraded, np.clip(0.5 * blurred + 0.5, 0.0, 1.0), atol=1e-6)
