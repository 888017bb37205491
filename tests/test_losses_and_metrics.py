import keras
import numpy as np
import pytest
import scipy.ndimage
import skimage.metrics
import tensorflow as tf

import keras_ms
from keras_ms.losses import NegativeSSIM
from keras_ms.metrics import PSNR, SSIM

RANGES = [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0), (-1.8, 2.4)]


def images(value_range=(0.0, 1.0), count=3, sides=(19, 26), noise=0.2, seed=0):
    """Smooth pictures and noisy ones, both in the range."""
    rng = np.random.default_rng(seed)
    low, high = value_range
    smooth = tf.image.resize(rng.random((count, 5, 6, 3)), sides, "bilinear").numpy()
    noisy = np.clip(smooth + noise * rng.normal(size=smooth.shape), 0.0, 1.0)
    return tuple((low + (high - low) * part).astype("float32") for part in (smooth, noisy))


def skimage_ssim(clean, noisy, value_range, window=11):
    # skimage's window is given by truncate: radius = int(truncate * sigma + 0.5).
    return skimage.metrics.structural_similarity(
        clean - value_range[0],
        noisy - value_range[0],
        data_range=value_range[1] - value_range[0],
        channel_axis=-1,
        gaussian_weights=True,
        sigma=1.5,
        truncate=(window // 2) / 1.5,
        use_sample_covariance=False,
    )


def value_of(metric, *arguments, **options):
    metric.update_state(*arguments, **options)
    return float(metric.result())


@pytest.mark.parametrize("value_range", RANGES)
@pytest.mark.parametrize("sides", [(11, 11), (19, 26), (64, 40)])
def test_ssim_is_scikit_images(value_range, sides):
    clean, noisy = images(value_range, sides=sides)
    wanted = [skimage_ssim(c, n, value_range) for c, n in zip(clean, noisy, strict=True)]
    assert value_of(SSIM(value_range), clean, noisy) == pytest.approx(np.mean(wanted), abs=1e-4)
    got = NegativeSSIM(value_range, reduction="none")(clean, noisy)
    np.testing.assert_allclose(got, -np.array(wanted), atol=1e-4)


@pytest.mark.parametrize("value_range", RANGES)
def test_psnr_is_scikit_images(value_range):
    clean, noisy = images(value_range)
    width = value_range[1] - value_range[0]
    wanted = [
        skimage.metrics.peak_signal_noise_ratio(c, n, data_range=width)
        for c, n in zip(clean, noisy, strict=True)
    ]
    assert value_of(PSNR(value_range), clean, noisy) == pytest.approx(np.mean(wanted), abs=1e-4)


@pytest.mark.parametrize("make", [PSNR, SSIM, NegativeSSIM])
def test_the_range_of_values_does_not_matter_if_it_is_told(make):
    values = []
    for value_range in RANGES:
        clean, noisy = images(value_range)
        thing = make(value_range)
        is_loss = isinstance(thing, keras.losses.Loss)
        values.append(float(thing(clean, noisy)) if is_loss else value_of(thing, clean, noisy))
    np.testing.assert_allclose(values, values[0], rtol=1e-4)


@pytest.mark.parametrize("side", [1, 2, 7, 8])
def test_the_window_shrinks_with_small_images(side):
    clean, noisy = images(sides=(side, 30))
    wide = tf.reduce_mean(tf.image.ssim(clean, noisy, 1.0, filter_size=side))
    assert value_of(SSIM((0.0, 1.0)), clean, noisy) == pytest.approx(float(wide), abs=1e-6)


def test_equal_images_are_perfect():
    clean, _ = images()
    assert value_of(PSNR((0.0, 1.0)), clean, clean) == np.inf
    assert value_of(SSIM((0.0, 1.0)), clean, clean) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_window_shrinks_where_sides_are_unknown_while_tracing(jit_compile):
    loss = NegativeSSIM((0.0, 1.0), reduction="none")

    @tf.function(input_signature=2 * [tf.TensorSpec((None,) * 4)], jit_compile=jit_compile)
    def unknown(clean, noisy):
        values = loss(clean, noisy)
        return values, tf.gradients(tf.reduce_sum(values), noisy)[0]

    for sides in ((7, 20), (1, 5), (19, 26)):
        clean, noisy = (tf.constant(part) for part in images(sides=sides))
        with tf.GradientTape() as tape:
            tape.watch(noisy)
            wanted = loss(clean, noisy)
        values, gradient = unknown(clean, noisy)
        np.testing.assert_allclose(values, wanted, atol=2e-6)
        np.testing.assert_allclose(gradient, tape.gradient(wanted, noisy), atol=1e-4)


def test_ssim_in_a_model_of_unknown_sides():
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(3, 1, kernel_initializer="zeros")(inputs))
    model.compile(loss=NegativeSSIM(), metrics=[SSIM()])
    clean, noisy = images((-1.0, 1.0), sides=(8, 8))
    loss, metric = model.evaluate(noisy, clean, verbose=0)
    wanted = tf.image.ssim(clean + 1.0, np.ones_like(clean), 2.0, filter_size=8)
    assert metric == pytest.approx(-loss) == pytest.approx(np.mean(wanted), abs=1e-5)


@pytest.mark.parametrize("make", [PSNR, SSIM])
def test_sample_weights_weigh_images_and_batches_accumulate(make):
    clean, noisy = images()
    each = [value_of(make((0.0, 1.0)), clean[i : i + 1], noisy[i : i + 1]) for i in range(3)]
    weighted = value_of(make((0.0, 1.0)), clean, noisy, sample_weight=np.array([1.0, 0.0, 3.0]))
    assert weighted == pytest.approx((each[0] + 3.0 * each[2]) / 4.0, rel=1e-5)
    metric = make((0.0, 1.0))
    metric.update_state(clean[:1], noisy[:1])
    assert value_of(metric, clean[1:], noisy[1:]) == pytest.approx(np.mean(each), rel=1e-5)
    metric.reset_state()
    assert float(metric.result()) == 0.0


def test_loss_takes_sample_weights():
    clean, noisy = images()
    each = NegativeSSIM((0.0, 1.0), reduction="none")(clean, noisy).numpy()
    weighted = NegativeSSIM((0.0, 1.0))(clean, noisy, sample_weight=np.array([2.0, 0.0, 1.0]))
    assert float(weighted) == pytest.approx((2.0 * each[0] + each[2]) / 3.0, rel=1e-5)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_gradients_are_finite_also_of_constant_images(jit_compile):
    loss = NegativeSSIM()

    @tf.function(jit_compile=jit_compile)
    def gradient(clean, made):
        with tf.GradientTape() as tape:
            tape.watch(made)
            value = loss(clean, made)
        return tape.gradient(value, made)

    for clean, made in (images((-1.0, 1.0)), (np.zeros((1, 16, 16, 1), "float32"),) * 2):
        got = gradient(tf.constant(clean), tf.constant(made)).numpy()
        assert np.isfinite(got).all()
    assert np.any(gradient(*map(tf.constant, images((-1.0, 1.0)))).numpy() != 0.0)


def test_half_precision_is_compared_in_float32():
    clean, noisy = (tf.cast(part, tf.bfloat16) for part in images())
    exact = value_of(SSIM((0.0, 1.0)), *(tf.cast(part, tf.float32) for part in (clean, noisy)))
    assert value_of(SSIM((0.0, 1.0)), clean, noisy) == pytest.approx(exact, abs=1e-6)


def test_compiled_models_are_saved_and_trained_with_them(tmp_path):
    photos = np.random.default_rng(0).random((3, 32, 32, 3)).astype("float32")
    task = keras_ms.tasks.Denoising(t_range=(0.6, 1.0))
    dataset = keras_ms.MultiscaleDataset(photos, task, (2, 4), 32, 15)  # down to 16 px
    network = keras_ms.networks.ResNet(width=4)
    model = keras_ms.MultiscaleModel(network.input, network.output)
    loss = NegativeSSIM((-1.0, 1.0))
    model.compile(keras.optimizers.Adam(1e-2), loss, metrics=[PSNR(), SSIM((-1.0, 1.0))])
    history = model.fit(dataset, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]
    assert history["ssim"][1] == pytest.approx(-history["loss"][1], abs=0.05)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.loss.value_range == (-1.0, 1.0)
    x = np.random.default_rng(1).normal(size=(2, 16, 16, 3)).astype("float32")
    got, wanted = (m.evaluate(x, x, verbose=0, return_dict=True) for m in (loaded, model))
    assert got == pytest.approx(wanted)


@pytest.mark.smoke
@pytest.mark.parametrize("metric", [PSNR(), SSIM()])
def test_early_stopping_knows_that_larger_is_better(metric):
    photos = np.random.default_rng(0).random((3, 32, 32, 3)).astype("float32")
    task = keras_ms.tasks.Denoising(t_range=(0.6, 1.0))
    dataset = keras_ms.MultiscaleDataset(photos, task, (2,), 32, 8)
    network = keras_ms.networks.ResNet(width=4)
    model = keras_ms.MultiscaleModel(network.input, network.output)
    model.compile(keras.optimizers.Adam(1e-2), "mse", metrics=[metric])
    stop = keras.callbacks.EarlyStopping(metric.name, patience=1)
    assert len(model.fit(dataset, epochs=4, callbacks=[stop], verbose=0).epoch) == 4


@pytest.mark.parametrize("value_range", [(1.0, 0.0), (0.0, 0.0), (0.0, np.inf), 1.0, (1, 2, 3)])
@pytest.mark.parametrize("make", [PSNR, SSIM, NegativeSSIM])
def test_senseless_ranges_are_refused(make, value_range):
    with pytest.raises(ValueError, match="Received: value_range="):
        make(value_range)


@pytest.mark.parametrize("shapes", [((2, 8, 8, 3), (2, 8, 9, 3)), ((8, 8, 3), (8, 8, 3))])
@pytest.mark.parametrize("make", [PSNR, SSIM, NegativeSSIM])
def test_incompatible_images_are_refused(make, shapes):
    clean, made = (np.zeros(shape, "float32") for shape in shapes)
    thing = make()
    with pytest.raises(ValueError, match=r"of one shape.*Received: y_true of shape"):
        thing(clean, made)


def authors_ssim(first, second):
    """As their program has it, by SciPy: one pair of images, in float64."""
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()

    def mean(image):
        for axis in (0, 1):
            image = scipy.ndimage.correlate1d(image, window, axis, mode="constant")
        return image

    first, second = (image.astype("float64") for image in (first, second))
    a, b = mean(first), mean(second)
    variances = mean(first**2) - a**2 + mean(second**2) - b**2
    covariance = mean(first * second) - a * b
    c1, c2 = 0.01**2, 0.03**2
    similar = (2 * a * b + c1) * (2 * covariance + c2)
    return np.mean(similar / ((a**2 + b**2 + c1) * (variances + c2)))


@pytest.mark.parametrize("sides", [(24, 31), (7, 9)])
def test_the_authors_ssim_takes_normalised_images_as_they_are(sides):
    clean, noisy = images((-1.8, 2.4), sides=sides)
    wanted = [authors_ssim(c, n) for c, n in zip(clean, noisy, strict=True)]
    for value_range in ((-1.0, 1.0), (-1.8, 2.4)):  # which does not matter
        found = value_of(SSIM(value_range, kind="authors"), clean, noisy)
        assert found == pytest.approx(np.mean(wanted), abs=1e-4)
    loss = NegativeSSIM(kind="authors", reduction="none")
    np.testing.assert_allclose(loss(clean, noisy), -np.array(wanted), atol=1e-4)
    assert abs(value_of(SSIM((-1.8, 2.4)), clean, noisy) - np.mean(wanted)) > 0.005


@pytest.mark.parametrize("make", [SSIM, NegativeSSIM])
def test_kinds_of_ssim_are_kept_in_files_and_others_refused(make):
    told = make((0.0, 2.0), kind="authors").get_config()
    assert make.from_config(told).get_config() == told
    assert told["kind"] == "authors"
    with pytest.raises(ValueError, match="Received: kind='ours'"):
        make(kind="ours")
