"""`apps.experiment.prediction`: what it says is drawn and timed really is."""

import keras
import numpy as np
import pytest
from conftest import small_images, small_net

import keras_ms
from apps.experiment import prediction
from keras_ms.diagnostics.rule import Allocation


@pytest.mark.parametrize(("sizes", "weights"), [((2, 4), (0.5,)), ((3,), ())])
def test_the_variance_is_that_of_the_gradients_of_training_steps(sizes, weights, monkeypatch):
    images = small_images(20)
    data = keras_ms.MultiscaleDataset(images, keras_ms.tasks.Denoising(), (2, 4), 32, 1)
    model = keras_ms.MultiscaleModel(*small_net())
    model.compile(keras.optimizers.SGD(1.0), "mse")
    report = keras_ms.diagnose(model, data, samples=8)
    advice = Allocation(sizes, weights, 1.0, "for the test")
    monkeypatch.setattr(keras_ms.LevelReport, "allocation", advice)
    before = model.get_weights()
    found = prediction.check(report, model, data, steps=12)
    after = model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    gradients = []
    # A step of SGD with rate 1 is a gradient.
    for batch in data.stage(0, 12, sizes, weights).take(12):
        model.set_weights(before)
        model.train_step(batch)
        steps = zip(before, model.get_weights(), strict=True)
        gradients.append(np.concatenate([np.ravel(a - b) for a, b in steps]).astype("float64"))
    expected = np.var(gradients, axis=0, ddof=1).sum()
    assert found.variance == pytest.approx(expected, rel=1e-3)
    assert found.predicted_variance == report.sampling_variance(sizes, weights)
    assert found.predicted_seconds == report.seconds(sizes)
    assert found.seconds > 0.0
    assert found.batch_sizes == sizes


def test_a_prediction_says_how_far_off_it_is():
    text = str(prediction.Prediction((4, 8), 2.0, 2.2, 0.010, 0.008))
    assert "batches of 4, 8" in text
    assert "+10 %" in text
    assert "-20 %" in text
